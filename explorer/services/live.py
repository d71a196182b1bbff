"""What the bundle's own models see in a sequence that the reader gives: embed, encode, rank.

Models are loaded once per bundle, a sequence is embedded once, and codes are kept sparse, so a page may ask as often as
it likes. What "unusual" means stands in `protsae/measures/firing.py`.

Read `encode`, then `top_features`.
"""

import os
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from scipy import sparse
from torch import Tensor

from explorer.services import data
from explorer.services.cached import cached_by_bundle
from explorer.services.refs import FeatureRef
from protsae.bundle.layout import sae_folder
from protsae.errors import ArtifactError, InputError
from protsae.measures import firing
from protsae.measures.firing import ActiveFeature, Columns, Tails
from protsae.plm.base import PLM
from protsae.plm.registry import open_plm
from protsae.plm.spec import PLMSpec
from protsae.sae import SAE, load_sae

_THREADS = min(4, max(1, (os.cpu_count() or 1) // 2))
"""Half of the machine: threads that must wait for a busy core make the small model many times slower than one does."""
_ROWS_AT_ONCE = 256


class LanguageModel(NamedTuple):
    """The bundle's PLM and the place in it that the SAEs read."""

    plm: PLM
    spec: PLMSpec


class Encoded(NamedTuple):
    """What one autoencoder makes of a sequence."""

    acts: sparse.csr_array
    """Activations [n_residues, d_sae], zeros left out."""
    pi: Float[np.ndarray, "n_residues n_defined"]
    """The concept predictor's probabilities; no columns for an unguided autoencoder."""


@cached_by_bundle(1, shared=True, spinner="Loading the language model …")
def language_model() -> LanguageModel:
    """The bundle's language model, loaded once.

    Raises:
        ArtifactError: its weights are not on this machine, or damaged; the sentence says what to do.
    """
    torch.set_num_threads(min(_THREADS, torch.get_num_threads()))  # readers share the machine
    try:
        return LanguageModel(*open_plm(data.bundle().folder))
    except InputError as error:  # its weights are not here, and a page must not start a download of gigabytes
        raise ArtifactError(f"{error} All pages on stored proteins work without it.") from error


@cached_by_bundle(8, shared=True, spinner="Loading the autoencoder …")
def sae(name: str) -> SAE:
    """One of the bundle's autoencoders, loaded once.

    Raises:
        ArtifactError: its files are damaged.
    """
    return load_sae(sae_folder(data.bundle().folder, name)).eval()


@cached_by_bundle(32, shared=True, spinner="Reading the sequence …")
def embed(sequence: str) -> Float[Tensor, "n_residues d_model"]:
    """Residue activations at the bundle's layer and site.

    Raises:
        ArtifactError: the language model cannot be loaded.
        InputError: the sequence has a letter that the model does not know.
    """
    plm, spec = language_model()
    return plm.embed(sequence, layer=spec.layer, site=spec.site)


@cached_by_bundle(64, shared=True)
def encode(sequence: str, name: str) -> Encoded:
    """One autoencoder's activations and concept probabilities on every residue."""
    model = sae(name)
    acts, pi = [], []
    with torch.inference_mode():
        for x in embed(sequence).split(_ROWS_AT_ONCE):  # wide dictionaries, long chains
            acts.append(model.encode_sparse(x))
            logits = model.concept_logits(model.rescaled(x))
            pi.append(np.zeros((len(x), 0)) if logits is None else logits.sigmoid().numpy())
    return Encoded(sparse.csr_array(sparse.vstack(acts)), np.concatenate(pi))


def feature_rows(sequence: str, refs: list[FeatureRef]) -> list[Float[np.ndarray, " n_residues"]]:
    """The activations of single features on every residue, in the order asked for."""
    return [by_feature(sequence, name).dense(feature) for name, feature in refs]


def top_features(sequence: str, name: str, n: int | None = None) -> list[ActiveFeature]:
    """Features that fire, the most unusual first.

    Args:
        sequence: upper-case one-letter code.
        name: of the autoencoder.
        n: at most so many; all where None.
    """
    return firing.ranked(by_feature(sequence, name), _tails(name), n)


@cached_by_bundle(8, shared=True)
def features(name: str) -> pd.DataFrame:
    """Every feature of an autoencoder, by index: what it takes to name and scale its activations."""
    return data.bundle().reader.feature_table(name)


@cached_by_bundle(64, shared=True)
def by_feature(sequence: str, name: str) -> Columns:
    """The same codes feature by feature, for look-ups of single features."""
    return Columns.from_codes(encode(sequence, name).acts)


@cached_by_bundle(8, shared=True)
def _tails(name: str) -> Tails:
    table = features(name)
    return Tails.of(table["histogram"].tolist(), table["max_act"].to_numpy(), table["density"].to_numpy())
