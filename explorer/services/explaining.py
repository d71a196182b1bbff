"""A language model of words, asked what makes a feature fire: only where whoever started the explorer named one.

    streamlit run explorer/app.py -- --explain-endpoint URL --explain-model NAME
    PROTSAE_LLM_ENDPOINT=URL PROTSAE_LLM_MODEL=NAME streamlit run explorer/app.py

The key, if it needs one, is in PROTSAE_LLM_KEY. Nothing is sent by looking: read `plan`, then `ask`.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from explorer.services import data
from explorer.services.cached import bundle, cached_by_bundle
from explorer.services.refs import FeatureRef
from protsae.errors import ConfigError
from protsae.explaining.asking import Explained, cost_of, explained, explanation_of, prompts_of
from protsae.explaining.chat import KEY, HTTPChat, checked_endpoint
from protsae.explaining.prompts import Windows, windows_of
from protsae.store.analyses import explanations
from protsae.store.analyses.explanations import Explanation

ENDPOINT, MODEL = "PROTSAE_LLM_ENDPOINT", "PROTSAE_LLM_MODEL"
TIMEOUT_S = 60.0
"""A reader waits for each of three answers."""
NULL = "label of another feature"
_SEED = 0


class Endpoint(NamedTuple):
    """Whoever is asked."""

    address: str
    model: str

    @property
    def host(self) -> str:
        """Where the prompts go."""
        return urlsplit(self.address).netloc


class Plan(NamedTuple):
    """What would be sent about a feature."""

    prompts: list[str]
    tokens_in: int
    tokens_out: int
    """At most."""
    windows: Windows
    null: str
    """A text about something else, which the scorer gets, too; '' where there is none."""


def endpoint() -> Endpoint | None:
    """The one that was named; None where none was.

    Raises:
        ConfigError: half of it was named, or its address is none.
    """
    return named_endpoint(sys.argv[1:], os.environ)


def named_endpoint(arguments: Sequence[str], environment: Mapping[str, str]) -> Endpoint | None:
    """See `endpoint`; arguments win over the environment.

    Args:
        arguments: what stands behind `--` on Streamlit's command line; unknown ones are left alone.
        environment: the process's environment variables.
    """
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    parser.add_argument("--explain-endpoint", default=environment.get(ENDPOINT, ""))
    parser.add_argument("--explain-model", default=environment.get(MODEL, ""))
    try:
        found = parser.parse_known_args(list(arguments))[0]
    except argparse.ArgumentError:
        raise ConfigError("--explain-endpoint and --explain-model need a value each") from None
    if not found.explain_endpoint:
        return None
    if not found.explain_model:
        raise ConfigError(f"{ENDPOINT} is set, but no model: set {MODEL}, or give --explain-model")
    return Endpoint(checked_endpoint(found.explain_endpoint), found.explain_model)


def stored(ref: FeatureRef) -> Explanation | None:
    """What the bundle holds."""
    return explanations.explanation_of(bundle().reader, *ref)


def bundle_id() -> str:
    """Of the open bundle: an answer is about no other."""
    return bundle().reader.meta()["bundle_id"]


@cached_by_bundle(16)
def plan(ref: FeatureRef) -> Plan | None:
    """What would be sent; None where no example protein of train or valid shows where it fires."""
    windows = windows_of(bundle().reader.examples(ref.sae, ref.feature, band=None), seed=_SEED)
    if not windows.shown:
        return None
    prompts = prompts_of(windows)
    return Plan(prompts, *cost_of(prompts), windows, _other_label(ref) if windows.asked else "")


def ask(ref: FeatureRef, of: Endpoint) -> Explanation:
    """Send the prompts of `plan`.

    Raises:
        InputError: no answer came; one sentence.
    """
    found = plan(ref)
    assert found is not None, "the page asks only where there is something to show"
    chat = HTTPChat(of.address, of.model, os.environ.get(KEY, ""), timeout_s=TIMEOUT_S)
    told: Explained = explained(
        chat, found.windows, own=lambda: explanation_of(chat, found.windows), other=lambda: found.null or None
    )
    null_text = f"{NULL}: {found.null}" if found.null else ""
    return Explanation(*ref, *told, null_text, len(found.windows.asked), of.model)


def _other_label(ref: FeatureRef) -> str:
    """The label of another validated feature of the autoencoder: the next in their order, from this one on."""
    own = data.feature(ref)
    labels = [(row.feature, row.term_name) for row in data.validated() if row.sae == ref.sae]
    others = [name for _, name in sorted(labels, key=lambda one: ((one[0] <= ref.feature), one[0]))]
    return next((name for name in others if own is None or name != own.label), "")
