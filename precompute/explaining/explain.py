"""`python -m precompute explain BUNDLE`: have features explained in words, and score the explanations.

Without `--send` it shows every prompt and what sending would cost, and sends nothing. With it, each feature costs three
questions (`protsae/explaining/asking.py`); the null is the explanation of another feature. Answers are written as they
come, so that a run that breaks off goes on with the same command. With `--keep` they go into the bundle.

Read `explain`. Source: Delphi, Paulo et al. 2024 (arXiv:2410.13928).
"""

import json
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from precompute.analyses.registry import CREATED_BY
from precompute.explaining.config import ExplainConfig
from protsae.bundle.building import add_analysis
from protsae.bundle.opening import open_bundle
from protsae.errors import ConfigError, InputError
from protsae.explaining.asking import cost_of, explained, explanation_of, prompts_of
from protsae.explaining.chat import KEY, Chat, HTTPChat
from protsae.explaining.prompts import Windows, windows_of
from protsae.store.analyses.explanations import EXPLANATIONS, Explanation
from protsae.store.reader import StoreReader

MILLION = 1_000_000
NULL = "explanation of another feature"


class Asked(NamedTuple):
    """A feature and what is asked about it."""

    sae: str
    feature: int
    windows: Windows

    @property
    def name(self) -> str:
        """As --features has it."""
        return f"{self.sae}:{self.feature}"


def explain(config: ExplainConfig, say: Callable[[str], None], chat: Chat | None = None) -> None:
    """Show the prompts and their cost, or send them and write what comes back.

    Args:
        config: which features, and whether anything is sent.
        say: takes lines for the user.
        chat: who answers, in the place of the endpoint.

    Raises:
        ConfigError: a feature is not in the bundle.
        InputError: a feature has nothing to be shown, or the endpoint does not answer.
    """
    with open_bundle(config.bundle) as opened:
        asked = [_asked(opened.reader, name, config.seed) for name in dict.fromkeys(config.features)]
    if not config.send:
        _show(asked, config, say)
        return
    assert config.out is not None
    done = _done(config.out)
    left = [one for one in asked if one.name not in done]
    answering = chat or HTTPChat(config.endpoint, config.model, os.environ.get(KEY, ""))
    say(f"{len(left)} of {len(asked)} features to explain; {_cost(left, config)}")
    texts = {name: str(row["explanation"]) for name, row in done.items()}

    def text_of(one: Asked) -> str:
        if one.name not in texts:
            texts[one.name] = explanation_of(answering, one.windows)
        return texts[one.name]

    for one in left:
        others = (another for another in asked if another.name != one.name)
        found = explained(
            answering,
            one.windows,
            own=partial(text_of, one),
            other=lambda others=others: next(map(text_of, others), None),
        )
        row = {
            "sae": one.sae,
            "feature": one.feature,
            **found._asdict(),
            "null_text": NULL,
            "n_asked": len(one.windows.asked),
            "model": config.model,
            "endpoint": config.endpoint,
        }
        _append(config.out, row)
        say(f"{one.name}: {row['explanation']} (score {row['score']}, null {row['null_score']})")
    if config.keep:
        kept = _keep(config, config.out)
        say(f"{kept} explanations stand in {config.bundle}, where the Feature page shows them")


def _keep(config: ExplainConfig, path: Path) -> int:
    """Put all that a file holds into the bundle; returns how many."""
    rows = {name: row for name, row in _done(path).items() if set(Explanation._fields) <= set(row)}
    table = pd.DataFrame(list(rows.values()), columns=list(Explanation._fields)).sort_values(["sae", "feature"])
    for name in ("score", "null_score"):
        table[name] = table[name].astype("float64")
    settings = {"endpoint": config.endpoint, "seed": config.seed}
    add_analysis(config.bundle, EXPLANATIONS, {"explanation": table}, created_by=CREATED_BY, settings=settings)
    return len(table)


def _asked(reader: StoreReader, name: str, seed: int) -> Asked:
    sae, _, number = name.rpartition(":")
    known = {row.name: row.d_sae for row in reader.saes()}
    if sae not in known or not number.isdecimal() or int(number) >= known[sae]:
        choose = ", ".join(f"{one}:0 to {one}:{size - 1}" for one, size in known.items())
        raise ConfigError(f"{name!r} is no feature of this bundle; it has {choose}")
    windows = windows_of(reader.examples(sae, int(number), band=None), seed=seed)
    if not windows.shown:
        raise InputError(f"{name} fires in no example protein of train or valid, so there is nothing to show")
    return Asked(sae, int(number), windows)


def _show(asked: Sequence[Asked], config: ExplainConfig, say: Callable[[str], None]) -> None:
    for one in asked:
        prompts = prompts_of(one.windows)
        say(f"--- {one.name}, to explain ---\n{prompts[0]}")
        if one.windows.asked:
            say(f"--- {one.name}, to score (asked again with another feature's explanation) ---\n{prompts[1]}")
        else:
            say(f"--- {one.name}: too few test proteins to score it ---")
    say(f"Nothing was sent. {_cost(asked, config)} Add --send to send them.")


def _cost(asked: Sequence[Asked], config: ExplainConfig) -> str:
    prompts = [prompt for one in asked for prompt in prompts_of(one.windows)]
    tokens_in, tokens_out = cost_of(prompts)
    cost = (tokens_in * config.price_in + tokens_out * config.price_out) / MILLION
    priced = f", about {cost:.4f}" if cost else "; name --price-in and --price-out for what that costs"
    return f"{len(prompts)} prompts of about {tokens_in:,} tokens, at most {tokens_out:,} tokens of answers{priced}."


def _done(path: Path) -> dict[str, dict[str, Any]]:
    """What an earlier run has written, by feature."""
    if not path.is_file():
        return {}
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            found[f"{row['sae']}:{row['feature']}"] = {**row, "explanation": str(row["explanation"])}
        except (ValueError, KeyError, TypeError):
            raise InputError(f"line {number} of {path} holds no explanation; choose another --out") from None
    return found


def _append(path: Path, row: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as handle:
        handle.write(json.dumps(row) + "\n")
