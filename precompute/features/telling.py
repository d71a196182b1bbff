"""How well a label alone tells where its feature fires: in which proteins (detection), at which residues (fuzzing).

Both are balanced accuracies in closed form: Delphi draws a few examples of each tenth of the activations and a few
silent ones; here all are counted, each tenth alike, which is what many draws would come to.

Read `detection`, then `Rules` and `fuzzing`.

Source: Paulo et al. 2024 (arXiv:2410.13928) for detection, fuzzing, tenths and hard negatives.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_array

from precompute.corpus.codes import CSR
from precompute.features.sampled import Sample
from protsae.alphabet import AMINO_ACIDS

TENTHS = 10
LEAST = 10
"""Firing, and silent, proteins below which nothing is told."""
LEAST_RESIDUES = 20
N_SHUFFLES = 10
N_SHIFTS = 3
ENDS = 10
AROUND = (-2, -1, 1, 2)
"""Residues before and after, whose letter may tell, too."""
GROUPS: Mapping[str, str] = {
    "aromatic": "FWY",
    "positive": "KRH",
    "negative": "DE",
    "small": "AGS",
    "aliphatic": "ILVM",
    "polar": "STNQ",
}


class Detection(NamedTuple):
    """Of one feature; None where there are too few proteins."""

    n_firing: int
    n_silent: int
    detection: float | None = None
    null_detection: float | None = None
    null_high: float | None = None
    strongest: float | None = None
    weakest: float | None = None
    false_share: float | None = None
    neighbour: float | None = None
    relatives: float | None = None


def detection(
    peak: Float[np.ndarray, " n"],
    carries: Bool[np.ndarray, " n"],
    near: Bool[np.ndarray, " n"],
    relatives: Bool[np.ndarray, " n"],
    rng: np.random.Generator,
) -> Detection:
    """How well carrying the label tells the firing proteins.

    Args:
        peak: strongest residue of each protein, 0 where it is silent.
        carries: the label.
        near: the feature most alike fires.
        relatives: in a homology cluster in which the feature fires somewhere.
        rng: of the shuffles.
    """
    firing, silent = np.flatnonzero(peak > 0), np.flatnonzero(peak <= 0)
    if len(firing) < LEAST or len(silent) < LEAST:
        return Detection(len(firing), len(silent))
    tenths = np.array_split(firing[np.argsort(-peak[firing], kind="stable")], TENTHS)
    weight = np.zeros(len(peak))
    for part in tenths:
        weight[part] = 1 / (TENTHS * len(part))
    recall = float(weight @ carries)

    def against(negatives: np.ndarray) -> float | None:
        return None if len(negatives) < LEAST else (recall + 1 - float(carries[negatives].mean())) / 2

    contrast = weight.copy()
    contrast[silent] = -1 / len(silent)
    null = [(1 + float(contrast @ rng.permutation(carries))) / 2 for _ in range(N_SHUFFLES)]
    return Detection(
        len(firing),
        len(silent),
        against(silent),
        float(np.mean(null)),
        max(null),
        float(carries[tenths[0]].mean()),
        float(carries[tenths[-1]].mean()),
        float(carries[silent].mean()),
        against(silent[near[silent]]),
        against(silent[relatives[silent]]),
    )


class Rules(NamedTuple):
    """What residues may be told by."""

    name: list[str]
    """letter C | letter C at -2 | group aromatic | first 10 | last 10 | site Binding site"""
    holds: Float[np.ndarray, "n n_rules"]
    """float32, 0 or 1."""


def rules(sample: Sample, sites: Mapping[str, np.ndarray]) -> Rules:
    """All rules at the residues of a sample.

    Args:
        sample: whose residues.
        sites: kind of annotation -> [n] bool.
    """
    n, place = np.repeat(sample.length, sample.length), sample.place
    columns: dict[str, np.ndarray] = {}
    for number, letter in enumerate(AMINO_ACIDS):
        here = sample.letters == number
        columns[f"letter {letter}"] = here
        for by in AROUND:
            inside = (place + by >= 0) & (place + by < n)
            columns[f"letter {letter} at {by:+d}"] = np.roll(here, -by) & inside
    for group, letters in GROUPS.items():
        columns[f"group {group}"] = np.isin(sample.letters, [AMINO_ACIDS.index(letter) for letter in letters])
    columns[f"first {ENDS}"], columns[f"last {ENDS}"] = place < ENDS, n - 1 - place < ENDS
    columns |= {f"site {kind}": inside for kind, inside in sites.items()}
    return Rules(list(columns), np.column_stack([column.astype(np.float32) for column in columns.values()]))


def fuzzing(
    fires: CSR, group: Int[np.ndarray, " n"], holds: Float[np.ndarray, "n n_rules"]
) -> Float[np.ndarray, "d n_rules"]:
    """Balanced accuracy of every rule for every feature, among the residues of proteins in which it fires.

    NaN where fewer than `LEAST_RESIDUES` of them fire, or do not.

    Args:
        fires: [n, d] float32, 1 where a feature fires.
        group: protein of each residue, from 0.
        holds: the rules.
    """
    n = fires.shape[0]
    member = csr_array((np.ones(n, np.float32), (group, np.arange(n))), shape=(int(group.max(initial=-1)) + 1, n))
    inside = csr_array(member @ fires)
    inside.data = np.ones(len(inside.data), np.float32)
    hits = np.asarray(fires.T @ holds, dtype=np.float64)
    n_fires = np.asarray(fires.sum(axis=0), dtype=np.float64).ravel()[:, None]
    ruled = np.asarray(inside.T @ (member @ holds), dtype=np.float64)
    n_all = np.asarray(inside.T @ np.bincount(group).astype(np.float64))[:, None]
    n_silent = n_all - n_fires
    told = (hits / np.maximum(n_fires, 1) + 1 - (ruled - hits) / np.maximum(n_silent, 1)) / 2
    return np.where((n_fires >= LEAST_RESIDUES) & (n_silent >= LEAST_RESIDUES), told, np.nan)


def chosen_rules(
    on_train: Float[np.ndarray, "d n_rules"], own: Sequence[int | None]
) -> tuple[Int[np.ndarray, " d"], Bool[np.ndarray, " d"]]:
    """The rule of every feature (-1: none), and whether it is the label's own.

    Args:
        on_train: of `fuzzing`.
        own: rule that the label itself names, where it does.
    """
    is_own = np.array([rule is not None for rule in own], dtype=bool)
    best = np.where(np.isnan(on_train).all(axis=1), -1, np.nan_to_num(on_train, nan=-1).argmax(axis=1))
    named = np.array([-1 if rule is None else rule for rule in own], dtype=np.int64)
    return np.where(is_own, named, best), is_own
