"""What a feature that fires nearly everywhere carries: known signals that the residual stream has at every residue.

Dense features are those that fire on more than a tenth of the residues. Each is held against signals of the sequence
(position, termini, amino acid, hydrophobicity), of the fold (helix, strand, disorder), of the protein as a whole, and
of the model (its principal components, what reaches the amino acids), and against every other feature for a partner.
Which letter, end or element is meant is chosen on proteins of valid, and the number told on proteins of test; the null
moves the signal along the chain, which keeps everything but its place.

Read `signals`, then `told`; `partners` is about pairs.

Source: Sun et al. 2025, "Dense SAE latents are features, not bugs" (arXiv:2506.15679), for the classes and most
thresholds. The product of two cosines is as high for a copy as for an antipode, so here both must be negative for the
one and positive for the other. Hydropathy: Kyte and Doolittle 1982 (doi:10.1016/0022-2836(82)90515-0).
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import rankdata

from precompute.corpus.codes import CSR
from precompute.features.sampled import Sample
from protsae.alphabet import AMINO_ACIDS
from protsae.measures.ranking import sparse_aurocs, sparse_ranks
from protsae.store.analyses.dense import ENDS, THRESHOLDS, Tag

N_SHIFTS = 5

_KYTE_DOOLITTLE = dict(
    zip(
        "ARNDCQEGHILKMFPSTWYV",
        (
            1.8,
            -4.5,
            -3.5,
            -3.5,
            2.5,
            -3.5,
            -3.5,
            -0.4,
            -3.2,
            4.5,
            3.8,
            -3.9,
            1.9,
            2.8,
            -1.6,
            -0.8,
            -0.7,
            -0.9,
            -1.3,
            4.2,
        ),
        strict=True,
    )
)
HYDROPATHY = np.array([_KYTE_DOOLITTLE[letter] for letter in AMINO_ACIDS] + [0.0])
"""[21] by letter; any other letter is neutral."""


class Signals(NamedTuple):
    """What is known of the residues of a sample, a column a signal."""

    tag: list[Tag]
    detail: list[str]
    values: Float[np.ndarray, "n n_signals"]
    """0 and 1 where `is_class`."""
    is_class: list[bool]
    """Scored by AUROC; else by Spearman's correlation."""
    known: dict[str, np.ndarray]
    """detail -> [n] bool: residues that are scored; all where it has no entry."""


def signals(sample: Sample, elements: dict[str, np.ndarray], known: np.ndarray) -> Signals:
    """All signals of a sample.

    Args:
        sample: whose residues.
        elements: secondary structure, name -> [n] bool.
        known: [n] bool, residues of proteins whose secondary structure is annotated.
    """
    place, n = sample.place, np.repeat(sample.length, sample.length)
    columns: list[tuple[Tag, str, np.ndarray, bool]] = [
        ("position", "from the start", place, False),
        ("position", "from the end", n - 1 - place, False),
        ("position", "along the chain", place / np.maximum(n - 1, 1), False),
        ("terminus", "first", place < ENDS, True),
        ("terminus", "last", n - 1 - place < ENDS, True),
        ("hydrophobicity", "", HYDROPATHY[sample.letters], False),
    ]
    for number, letter in enumerate(AMINO_ACIDS):
        columns.append(("amino_acid", letter, sample.letters == number, True))
    for name, is_in in elements.items():
        columns.append(("structure", name, is_in, True))
    return Signals(
        [one[0] for one in columns],
        [one[1] for one in columns],
        np.column_stack([one[2].astype(np.float64) for one in columns]),
        [one[3] for one in columns],
        dict.fromkeys(elements, known),
    )


def disorder(sample: Sample, seen: Mapping[int, np.ndarray]) -> Signals:
    """The one signal that only proteins with a structure have.

    Args:
        sample: residues of such proteins.
        seen: place in the sample -> residues that its structure resolves, from 0.
    """
    missing, inside = (np.zeros(len(sample.letters), dtype=bool) for _ in range(2))
    first = np.cumsum(sample.length) - sample.length
    for number, positions in seen.items():
        start, stop = first[number] + positions.min(), first[number] + positions.max() + 1
        inside[start:stop] = missing[start:stop] = True
        missing[first[number] + positions] = False
    return Signals(["disorder"], ["unresolved"], missing[:, None].astype(np.float64), [True], {"unresolved": inside})


def scores(acts: CSR, found: Signals) -> Float[np.ndarray, "d n_signals"]:
    """How well each feature's activation goes with each signal, -1 to 1; 0 where that is undefined.

    Spearman's correlation, or 2 AUROC - 1, so that 0 is none of either.
    """
    scored = np.zeros((acts.shape[1], len(found.tag)))
    is_class = np.array(found.is_class)
    restricted = np.array([detail in found.known for detail in found.detail])
    ordered, classes = np.flatnonzero(~is_class), np.flatnonzero(is_class & ~restricted)
    scored[:, ordered] = spearman(acts, found.values[:, ordered])
    scored[:, classes] = 2 * sparse_aurocs(acts, found.values[:, classes] > 0) - 1
    if restricted.any():
        rows = np.flatnonzero(next(iter(found.known.values())))
        some = np.flatnonzero(restricted)
        scored[:, some] = 2 * sparse_aurocs(acts[rows], found.values[np.ix_(rows, some)] > 0) - 1
    return np.nan_to_num(scored)


def spearman(acts: CSR, values: Float[np.ndarray, "n m"]) -> Float[np.ndarray, "d m"]:
    """Spearman's correlation of every column of non-negative sparse activations with every column of values."""
    n = acts.shape[0]
    ranks = sparse_ranks(acts).above_zero
    centred = rankdata(values, axis=0) - (n + 1) / 2
    mean = np.asarray(ranks.sum(axis=0)).ravel() / n
    squares = np.asarray(ranks.multiply(ranks).sum(axis=0)).ravel()
    spread = np.sqrt(np.maximum(squares - n * mean**2, 0))
    both = np.asarray(ranks.T @ centred)
    scale = spread[:, None] * np.linalg.norm(centred, axis=0)
    return np.divide(both, scale, out=np.zeros_like(both), where=scale > 0)


class Told(NamedTuple):
    """One number of one feature."""

    tag: Tag
    detail: str
    value: float
    by_chance: float
    partner: int = -1

    @property
    def holds(self) -> bool:
        """It passes its threshold; a share that must be small passes from below."""
        threshold = THRESHOLDS[self.tag]
        return self.value <= threshold * self.by_chance if self.tag == "silent" else abs(self.value) >= threshold


def told(
    chosen_on: tuple[CSR, Signals], told_on: tuple[CSR, Signals], sample: Sample, rng: np.random.Generator
) -> list[list[Told]]:
    """Of every feature one number for each kind of signal.

    Args:
        chosen_on: activations [n, d] and signals of residues of valid.
        told_on: the same of test.
        sample: of test.
        rng: of the shifts.
    """
    on_valid, on_test = scores(*chosen_on), scores(*told_on)
    nulls = []
    for _ in range(N_SHIFTS):
        moved = sample.shifted(rng)
        acts, found = told_on
        nulls.append(scores(acts, found._replace(values=found.values[moved])))
    tags = chosen_on[1].tag
    rows = []
    for feature in range(len(on_test)):
        own = []
        for tag in dict.fromkeys(tags):
            columns = np.array([column for column, name in enumerate(tags) if name == tag])
            best = columns[np.abs(on_valid[feature, columns]).argmax()]
            null = float(np.mean([np.abs(one[feature, columns]).max() for one in nulls]))
            own.append(Told(tag, chosen_on[1].detail[best], float(on_test[feature, best]), null))
        rows.append(own)
    return rows


def between_proteins(acts: CSR, group: Int[np.ndarray, " n"]) -> Float[np.ndarray, " d"]:
    """Share of the variance of each column that lies between proteins, 0 to 1; luck gives (proteins - 1) / (n - 1)."""
    n = acts.shape[0]
    size = np.bincount(group).astype(np.float64)
    members = np.zeros((len(size), acts.shape[1]))
    for column in range(acts.shape[1]):
        own = acts[:, [column]].tocoo()
        members[:, column] = np.bincount(group[own.coords[0]], weights=own.data, minlength=len(size))
    mean = members.sum(axis=0) / n
    total = np.asarray(acts.multiply(acts).sum(axis=0)).ravel() - n * mean**2
    between = (members**2 / size[:, None]).sum(axis=0) - n * mean**2
    return np.divide(between, total, out=np.zeros_like(total), where=total > 0)


class Partner(NamedTuple):
    """The feature that comes nearest to being an antipode, or a copy."""

    feature: Int[np.ndarray, " n"]
    score: Float[np.ndarray, " n"]
    """Product of the cosines of both encoder and both decoder directions; 0 where no other has the right signs."""


def partners(
    encoder: Float[np.ndarray, "d_sae d"], decoder: Float[np.ndarray, "d_sae d"], of: Int[np.ndarray, " n"]
) -> dict[Tag, Partner]:
    """Antipodes (both cosines negative) and copies (both positive) of some features among all of an SAE."""
    enc, dec = _unit(encoder), _unit(decoder)
    cos_enc, cos_dec = enc[of] @ enc.T, dec[of] @ dec.T
    product = cos_enc * cos_dec
    found: dict[Tag, Partner] = {}
    signs: dict[Tag, int] = {"antipodal": -1, "duplicate": 1}
    for tag, sign in signs.items():
        score = np.where((sign * cos_enc > 0) & (sign * cos_dec > 0), product, 0.0)
        score[np.arange(len(of)), of] = 0.0
        best = score.argmax(axis=1) if score.size else np.zeros(0, dtype=np.int64)
        found[tag] = Partner(best, score[np.arange(len(of)), best])
    return found


def along(directions: Float[np.ndarray, "m d"], components: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "m k"]:
    """Absolute cosine of every direction with every component."""
    return np.abs(_unit(directions) @ _unit(components).T)


def reaching(
    directions: Float[np.ndarray, "m d"], effect: Float[np.ndarray, "d 20"]
) -> tuple[Float[np.ndarray, " m"], float]:
    """Share of each direction's squared length that lies where the amino-acid logits can read it; a random one's.

    A random direction has rank / d, with the rank of `effect` (what each axis of the stream does to the logits).
    """
    left, strength, _ = np.linalg.svd(effect, full_matrices=False)
    left = left[:, strength > strength[0] * 1e-5]
    return ((_unit(directions) @ left) ** 2).sum(axis=1), left.shape[1] / len(effect)


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
