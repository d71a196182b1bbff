"""What the bundle's own models see in a sequence that the reader gives: embed, encode, rank.

Models are loaded once per bundle, a sequence is embedded once, and codes are kept sparse, so a page may ask as often as
it likes. "Unusual" is a matter of the feature, not of the raw value: do more residues fire more strongly here than in
a random stretch of the corpus of this length?

Read `encode`, then `top_features`.
"""

import os
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from scipy import sparse
from torch import Tensor

from explorer.services import data
from explorer.services.cached import cached_by_bundle
from explorer.services.refs import FeatureRef
from protsae.bundle.layout import sae_folder
from protsae.errors import ArtifactError, InputError
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


class ActiveFeature(NamedTuple):
    """How one feature fires on one protein."""

    feature: int
    peak: float
    """Strongest activation."""
    position: int
    """Residue of the peak, 1-based."""
    n_active: int
    """Residues on which it fires."""
    one_in: float
    """One residue of the corpus in so many fires at least as strongly as the peak."""
    surprise: float
    """How far this is from a random stretch of the corpus, in nats; 0 = as expected."""


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
            found = model(x)
            acts.append(sparse.csr_array(found.acts.numpy()))
            pi.append(np.zeros((len(x), 0)) if found.extra is None else found.extra.logits.sigmoid().numpy())
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
    codes, tails = by_feature(sequence, name), _tails(name)
    surprises = surprise(codes, tails)
    active = np.flatnonzero(np.diff(codes.starts))
    order = active[np.argsort(-surprises[active], kind="stable")][:n]
    found = []
    for feature in order.tolist():
        residues, values = codes.of(feature)
        best = int(values.argmax())
        rarity = 1 / tails.share(np.array([feature]), values[best : best + 1])[0]
        found.append(
            ActiveFeature(
                feature,
                float(values[best]),
                int(residues[best]) + 1,
                len(values),
                float(rarity),
                float(surprises[feature]),
            )
        )
    return found


def surprise(codes: "Columns", tails: "Tails") -> Float[np.ndarray, " d_sae"]:
    """How unusual each feature's firing is in a protein, in nats; 0 where it is as expected or silent.

    For the j strongest of n residues let P_j be the share of the corpus' residues at least as strong as the j-th. The
    largest n KL(j/n || P_j) over all j with j/n > P_j is returned: the log-likelihood gain of "j of n residues fire
    this strongly" over the corpus' rate.

    Source:
        Berk and Jones 1979 (doi:10.1007/BF00533250). Neighbouring residues are not independent, so it ranks; it is no
        p-value.
    """
    n = codes.n_residues
    features = np.repeat(np.arange(len(codes.starts) - 1), np.diff(codes.starts))
    order = np.lexsort((-codes.acts, features))
    share = tails.share(features[order], codes.acts[order])
    rate = (np.arange(len(order)) - codes.starts[features[order]] + 1) / n
    rest, rest_share = np.maximum(1 - rate, 1e-12), np.maximum(1 - share, 1e-12)
    gain = n * (rate * np.log(rate / share) + rest * np.log(rest / rest_share))
    result = np.zeros(len(codes.starts) - 1)
    np.maximum.at(result, features[order], np.where(rate > share, gain, 0))
    return result


class Columns(NamedTuple):
    """Sparse codes of one protein, feature by feature."""

    n_residues: int
    starts: Int[np.ndarray, " d_sae_plus_1"]
    residues: Int[np.ndarray, " n_active"]
    acts: Float[np.ndarray, " n_active"]

    def of(self, feature: int) -> tuple[np.ndarray, np.ndarray]:
        """Residues (from 0) on which a feature fires, and its activations there."""
        span = slice(self.starts[feature], self.starts[feature + 1])
        return self.residues[span], self.acts[span]

    def dense(self, feature: int) -> Float[np.ndarray, " n_residues"]:
        """The feature's activation on every residue."""
        row = np.zeros(self.n_residues, dtype=np.float32)
        residues, values = self.of(feature)
        row[residues] = values
        return row


class Tails(NamedTuple):
    """How many residues of the corpus fire above each histogram edge, for all features of an autoencoder."""

    above: Float[np.ndarray, "d_sae n_edges"]
    """Residues at or above edge j * max_act / (n_edges - 1)."""
    max_act: Float[np.ndarray, " d_sae"]
    n_residues: float

    @classmethod
    def of(cls, histograms: list[np.ndarray], max_act: np.ndarray, density: np.ndarray) -> "Tails":
        """From the store's histograms (equal bins over (0, max_act], empty where the feature never fires)."""
        n_bins = max((len(h) for h in histograms), default=0) or 1
        counts = np.zeros((len(histograms), n_bins))
        for row, histogram in zip(counts, histograms, strict=True):
            row[: len(histogram)] = histogram
        above = np.concatenate([counts[:, ::-1].cumsum(axis=1)[:, ::-1], np.zeros((len(counts), 1))], axis=1)
        total = counts.sum(axis=1)
        known = (density > 0) & (total > 0)
        n_residues = float(np.median(total[known] / density[known])) if known.any() else 1.0
        return cls(above, np.asarray(max_act, float), n_residues)

    def share(self, features: Int[np.ndarray, " n"], values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Share of the corpus' residues on which a feature fires at least as strongly, linear within a bin; never 0."""
        n_bins = self.above.shape[1] - 1
        full = self.max_act[features]
        place = np.clip(values / np.where(full > 0, full, 1), 0, 1) * n_bins
        low = np.minimum(place.astype(int), n_bins - 1)
        part = place - low
        count = self.above[features, low] * (1 - part) + self.above[features, low + 1] * part
        return (count + 1) / (self.n_residues + 1)


@cached_by_bundle(8, shared=True)
def features(name: str) -> pd.DataFrame:
    """Every feature of an autoencoder, by index: what it takes to name and scale its activations."""
    return data.bundle().reader.feature_table(name)


@cached_by_bundle(64, shared=True)
def by_feature(sequence: str, name: str) -> Columns:
    """The same codes feature by feature, for look-ups of single features."""
    codes = sparse.csc_array(encode(sequence, name).acts)
    starts, residues = np.asarray(codes.indptr), np.asarray(codes.indices)
    return Columns(len(sequence), starts, residues, np.asarray(codes.data))


@cached_by_bundle(8, shared=True)
def _tails(name: str) -> Tails:
    table = features(name)
    return Tails.of(table["histogram"].tolist(), table["max_act"].to_numpy(), table["density"].to_numpy())
