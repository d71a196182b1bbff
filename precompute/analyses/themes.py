"""The analysis `themes`: what proteins are about, told by groups of features (`protsae/measures/topics.py`).

A document is a protein, its words the GO terms that it carries (ancestors included) and its residue annotations. Its
code says in which features it stands out:

    theta = log2(mean activation in the protein / mean over training proteins), where positive, the 64 largest, sum 1

so that a feature that fires everywhere says no more than one that is rare. Emissions are fitted on training proteins;
how much likelier they make the words of test proteins, and how coherent themes are there, stands beside codes dealt to
other proteins and features joined at random. A theme's words leave out terms above or below one that it has already,
or the ontology alone would make it coherent.

Read `compute`, then `_Corpus`.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csc_array, csr_array

from precompute.analyses.computed import Computed
from precompute.config import RunConfig
from precompute.corpus.hierarchy import Hierarchy, read_hierarchy
from precompute.corpus.labels import read_labels
from precompute.corpus.proteins import read_corpus
from precompute.corpus.trained import TrainedSAE, read_trained
from precompute.features.counts import read_pooled
from precompute.pipeline.tables import empty_table, read_table
from protsae.measures.topics import (
    Emissions,
    Themes,
    fit_emissions,
    fit_quality,
    join,
    joined,
    mixtures,
    normalised,
    npmi,
    word_vectors,
)
from protsae.store.analyses.themes import THEMES

NUMBERS = (8, 16, 32, 64)
"""Of themes: what the page offers."""

STRONGEST = 64
"""Features of a protein's code."""

MIN_PROTEINS, MAX_SHARE = 20, 0.1
"""A word is on at least so many training proteins, and on at most this share of them."""

N_WORDS = 12
"""Of a theme: shown, and judged."""

DIMENSIONS = 64
"""Of word vectors."""

SHUFFLES = 20
LEAST_SHARE, MOST_SHARES = 0.08, 4
"""Of a protein's mixture: smaller shares, and more of them, are not written down."""

LEAST = 3
"""Words, and training proteins with one; below it there are no themes."""

N_ORGANISMS = 3
"""That are named; the others stand together."""

_TYPES = {"VARCHAR": "str", "INTEGER": "int32", "REAL": "float32"}
_UNSAID = frozenset({"Helix", "Beta strand", "Turn"})
"""Kinds of annotation that say how a protein is known, not what it is about."""


class _Corpus(NamedTuple):
    """Documents and their words."""

    accession: np.ndarray
    split: np.ndarray
    is_shipped: np.ndarray
    organism: np.ndarray
    """'' for all but the most frequent ones."""
    counts: csr_array
    """[n_proteins, n_words] of 0 and 1."""
    word: np.ndarray
    name: np.ndarray
    n_proteins: np.ndarray
    """[n_words] training proteins with the word."""
    kin: list[frozenset[int]]
    """[n_words] words above it in the ontology."""


def compute(config: RunConfig, work: Path, report: Callable[[str], None]) -> Computed:
    """Themes of every SAE at every number."""
    corpus = _read(work)
    tables = {table.name: [empty_table({c.name: _TYPES[c.type] for c in table.columns})] for table in THEMES.tables}
    for sae in read_trained(work):
        for name, rows in _tables(sae, corpus, work, config.seed, report):
            tables[name].append(rows)
    settings = {"seed": config.seed, "numbers": NUMBERS, "strongest": STRONGEST, "words": N_WORDS, "shuffles": SHUFFLES}
    joined_up = {name: pd.concat(parts[1:] or parts, ignore_index=True) for name, parts in tables.items()}
    return Computed(joined_up, settings)


def _read(work: Path) -> _Corpus:
    corpus, terms = read_corpus(work), read_table(work / "proteins" / "go_term.parquet", ["go_id", "name"])
    labels, train = read_labels(work, corpus, terms), corpus.split == "train"
    regions = read_table(work / "proteins" / "annotation.parquet", ["accession", "kind", "label"])
    regions = regions.loc[~regions["kind"].isin(_UNSAID)]
    said = regions["kind"].where(regions["label"] == "", regions["kind"] + ": " + regions["label"])
    pairs = pd.DataFrame({"accession": regions["accession"], "word": said}).drop_duplicates()
    place, annotations = pd.factorize(pairs["word"])
    row = pd.Series(np.arange(corpus.n_proteins), index=corpus.accession).loc[pairs["accession"]].to_numpy()
    sites = csr_array((np.ones(len(row)), (row, place)), shape=(corpus.n_proteins, len(annotations)))
    both = csr_array(_side_by_side(labels, sites))
    word = np.concatenate([terms["go_id"].to_numpy(str), np.asarray(annotations, str)])
    name = np.concatenate([terms["name"].to_numpy(str), np.asarray(annotations, str)])
    n_train = np.asarray(both[np.flatnonzero(train)].sum(axis=0)).ravel()
    kept = np.flatnonzero((n_train >= MIN_PROTEINS) & (n_train <= MAX_SHARE * train.sum()))
    hierarchy = read_hierarchy(work)
    proteins = read_table(work / "proteins" / "proteins.parquet", ["organism"])["organism"].to_numpy(str)
    frequent = list(pd.Series(proteins[proteins != ""]).value_counts().index[:N_ORGANISMS])
    return _Corpus(
        corpus.accession,
        corpus.split,
        corpus.is_shipped,
        np.where(np.isin(proteins, frequent), proteins, ""),
        csr_array(both[:, kept]),
        word[kept],
        name[kept],
        n_train[kept].astype(int),
        _kin(word[kept], hierarchy),
    )


def _side_by_side(first: csr_array, second: csr_array) -> csc_array:
    columns = np.arange(second.shape[1]) + first.shape[1]
    other, width = second.tocoo(), first.shape[1] + second.shape[1]
    own = first.tocoo()
    rows = np.concatenate([own.coords[0], other.coords[0]])
    places = np.concatenate([own.coords[1], columns[other.coords[1]]])
    return csc_array((np.ones(len(rows)), (rows, places)), shape=(first.shape[0], width))


def _kin(words: np.ndarray, hierarchy: Hierarchy) -> list[frozenset[int]]:
    place = {word: number for number, word in enumerate(words.tolist())}
    return [frozenset(place[above] for above in hierarchy.above(word) if above in place) for word in words.tolist()]


def codes(mean: csc_array, train: np.ndarray) -> csr_array:
    """[n_proteins, d_sae] how much each protein stands out in its strongest features; rows sum to 1.

    Args:
        mean: mean activations.
        train: [n_proteins] bool: proteins that say what is usual.
    """
    usual = np.asarray(mean[np.flatnonzero(train)].mean(axis=0)).ravel()
    rows = csr_array(mean)
    ratio = rows.data / np.maximum(usual[rows.indices], 1e-12)
    rows.data = np.where(usual[rows.indices] > 0, np.log2(np.maximum(ratio, 1.0)), 0.0)
    for row in range(rows.shape[0]):
        here = rows.data[rows.indptr[row] : rows.indptr[row + 1]]
        if len(here) > STRONGEST:
            here[np.argsort(-here, kind="stable")[STRONGEST:]] = 0
    rows.eliminate_zeros()
    return normalised(rows)


def _tables(
    sae: TrainedSAE, corpus: _Corpus, work: Path, seed: int, report: Callable[[str], None]
) -> Iterator[tuple[str, pd.DataFrame]]:
    has_words = np.asarray(corpus.counts.sum(axis=1)).ravel() > 0
    train, test = (np.flatnonzero((corpus.split == part) & has_words) for part in ("train", "test"))
    if min(len(train), len(corpus.word)) < LEAST or not len(test):
        report(f"themes: too few words or proteins to join the features of {sae.display_name}")
        return
    theta = codes(read_pooled(work / "statistics" / f"{sae.name}.pooled.npz").mean, corpus.split == "train")
    report(f"themes: {sae.display_name}, {len(corpus.word):,} words of {len(train):,} proteins")
    own, words = csr_array(theta[train]), csr_array(corpus.counts[train])
    emissions = fit_emissions(own, words)
    held = csr_array(corpus.counts[test])
    dealt = np.random.default_rng(seed).permutation(len(test))
    gain = fit_quality(emissions, csr_array(theta[test]), held)
    null_gain = fit_quality(emissions, csr_array(theta[test[dealt]]), held)
    vectors = word_vectors(words, emissions.weight, DIMENSIONS, seed)
    mean_theta = np.asarray(own.mean(axis=0)).ravel()
    for number in NUMBERS:
        if number > min(sae.d_sae, len(train)):
            continue
        report(f"themes: {sae.display_name}, joined to {number}")
        found = join(emissions, vectors, mean_theta, number, seed)
        judged = _judged(found, emissions, mean_theta, corpus, held, seed=seed)
        shares = mixtures(theta, found.member, number)
        about = {"sae": sae.name, "number": number}
        yield "theme", _themes(found, shares, judged, mean_theta).assign(**about)
        yield "theme_word", _words(found, emissions, corpus).assign(**about)
        yield "feature_theme", _features(found, mean_theta).assign(**about)
        yield "protein_theme", _proteins(shares, corpus).assign(**about)
        yield "organism_theme", _organisms(shares, corpus).assign(**about)
        fit = {"n_words": len(corpus.word), "n_documents": len(train), "gain": gain, "null_gain": null_gain}
        means = {name: float(judged[name].mean()) for name in ("coherence", "null_coherence")}
        yield "theme_fit", pd.DataFrame([{**about, **fit, **means, "emissions": emissions.hash}])


def chosen_words(shares: np.ndarray, background: np.ndarray, kin: Sequence[frozenset[int]], n: int) -> list[int]:
    """The words that a theme is about: much of it and more of it than elsewhere, no two above each other.

    Args:
        shares: [n_words] of the theme.
        background: [n_words] of the corpus.
        kin: words above each.
        n: how many.
    """
    score = shares * np.log(np.maximum(shares, 1e-12) / np.maximum(background, 1e-12))
    chosen: list[int] = []
    for word in np.argsort(-score, kind="stable").tolist():
        if len(chosen) == n or score[word] <= 0:
            break
        if not any(word in kin[other] or other in kin[word] for other in chosen):
            chosen.append(word)
    return chosen


def _coherence(themes: Themes, emissions: Emissions, corpus: _Corpus, held: csr_array) -> np.ndarray:
    return np.array(
        [
            npmi(held, np.array(chosen_words(words, emissions.background, corpus.kin, N_WORDS), dtype=int))
            for words in themes.words
        ]
    )


def _judged(
    found: Themes, emissions: Emissions, mean_theta: np.ndarray, corpus: _Corpus, held: csr_array, *, seed: int
) -> pd.DataFrame:
    """Coherence on test proteins, and what features joined at random reach: all of their themes together."""
    rng, n = np.random.default_rng(seed), len(found.mass)
    null = np.concatenate(
        [
            _coherence(joined(emissions, rng.permutation(found.member), mean_theta, n), emissions, corpus, held)
            for _ in range(max(1, SHUFFLES * NUMBERS[0] // n))
        ]
    )
    null = null[np.isfinite(null)]
    return pd.DataFrame(
        {
            "coherence": _coherence(found, emissions, corpus, held),
            "null_coherence": null.mean() if len(null) else np.nan,
            "null_coherence_high": np.quantile(null, 0.95) if len(null) else np.nan,
        }
    )


def _themes(found: Themes, shares: np.ndarray, judged: pd.DataFrame, mean_theta: np.ndarray) -> pd.DataFrame:
    n, some = len(found.mass), shares.sum(axis=1) > 0
    largest = np.bincount(shares[some].argmax(axis=1), minlength=n)
    joined_features = np.bincount(found.member[mean_theta > 0], minlength=n)
    facts = {"theme": np.arange(n), "mass": found.mass, "n_features": joined_features, "n_proteins": largest}
    return pd.concat([pd.DataFrame(facts), judged], axis=1)


def _words(found: Themes, emissions: Emissions, corpus: _Corpus) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for theme, shares in enumerate(found.words):
        for rank, word in enumerate(chosen_words(shares, emissions.background, corpus.kin, N_WORDS), start=1):
            lift = shares[word] / emissions.background[word]
            said = {"word": corpus.word[word], "name": corpus.name[word], "n_proteins": corpus.n_proteins[word]}
            rows.append({"theme": theme, "rank": rank, "share": shares[word], "lift": lift, **said})
    names = ["theme", "rank", "share", "lift", "word", "name", "n_proteins"]
    return pd.DataFrame(rows, columns=names)


def _features(found: Themes, mean_theta: np.ndarray) -> pd.DataFrame:
    some = np.flatnonzero(mean_theta > 0)
    mass = np.bincount(found.member, weights=mean_theta, minlength=len(found.mass))
    member = found.member[some]
    return pd.DataFrame({"feature": some, "theme": member, "mass": mean_theta[some] / mass[member]})


def _proteins(shares: np.ndarray, corpus: _Corpus) -> pd.DataFrame:
    rows = np.flatnonzero(corpus.is_shipped)
    order = np.argsort(-shares[rows], axis=1, kind="stable")[:, :MOST_SHARES]
    kept = np.take_along_axis(shares[rows], order, axis=1)
    place, rank = np.nonzero(kept >= LEAST_SHARE)
    return pd.DataFrame(
        {
            "accession": corpus.accession[rows[place]],
            "theme": order[place, rank],
            "share": kept[place, rank].round(3),
        }
    )


def _organisms(shares: np.ndarray, corpus: _Corpus) -> pd.DataFrame:
    rows = []
    some = shares.sum(axis=1) > 0
    for organism in np.unique(corpus.organism):
        here = some & (corpus.organism == organism)
        if here.any():
            mean = shares[here].mean(axis=0)
            facts = {"organism": organism, "n_proteins": int(here.sum())}
            rows += [{"theme": theme, "share": share, **facts} for theme, share in enumerate(mean.tolist())]
    return pd.DataFrame(rows, columns=["theme", "share", "organism", "n_proteins"])
