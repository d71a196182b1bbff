"""The analysis `families`: features that fire where others do, as trees; do their names agree, and what is missing?

Trees are chosen on a sample of residues of valid proteins, and described on one of test proteins
(`precompute/features/trees.py`). Names are held against the ontology (`agreement.py` beside it), splits are counted on
residues, absorption on proteins (`precompute/align/absorbing.py`).

Read `compute`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from precompute.align import absorbing
from precompute.align.ranks import POOLINGS
from precompute.analyses.computed import Computed
from precompute.config import RunConfig
from precompute.corpus.hierarchy import Hierarchy, read_hierarchy
from precompute.corpus.labels import read_labels
from precompute.corpus.proteins import Corpus, read_corpus
from precompute.corpus.trained import TrainedSAE, read_trained
from precompute.features import trees
from precompute.features.agreement import N_DRAWS, Named, agreements
from precompute.features.coactivation import Firing, sample_firing
from precompute.features.counts import read_pooled
from precompute.pipeline.progress import Transient
from precompute.pipeline.tables import empty_table, read_table
from protsae.ontology.namespaces import WHOLE_GO, members
from protsae.shards import ShardReader
from protsae.store.analyses.families import AGREES_Q

N_RESIDUES = 300_000
"""Most residues of valid, and most of test, that are sampled."""

COVERED = 0.8
"""A feature is split where its narrower children fire on this share of its residues ..."""
ALONE = 0.5
"""... and no child alone on more than this."""


class _Run(NamedTuple):
    """What all SAEs share."""

    work: Path
    corpus: Corpus
    hierarchy: Hierarchy
    terms: pd.DataFrame
    alignments: pd.DataFrame
    labels: pd.DataFrame
    seed: int
    report: Callable[[str], None]


def compute(config: RunConfig, work: Path, report: Callable[[str], None]) -> Computed:
    """The four tables, of every SAE."""
    run = _Run(
        work,
        read_corpus(work),
        read_hierarchy(work),
        read_table(work / "proteins" / "go_term.parquet", ["go_id", "namespace"]),
        read_table(work / "associate" / "feature_go.parquet"),
        read_table(work / "associate" / "label.parquet"),
        config.seed,
        report,
    )
    saes = read_trained(work)
    absorption = _Absorption(run, saes)
    parts: dict[str, list[pd.DataFrame]] = {
        name: [] for name in ("feature_family", "family", "absorbed", "family_summary")
    }
    for sae in saes:
        for name, table in _of_sae(run, sae, absorption).items():
            parts[name].append(table.assign(sae=sae.name))
    settings = {
        "seed": run.seed,
        "residues": N_RESIDUES,
        "broader": trees.BROADER,
        "min_excess": trees.MIN_EXCESS,
        "near_best": trees.NEAR_BEST,
        "min_overlap": trees.MIN_OVERLAP,
        "max_density": trees.MAX_DENSITY,
        "min_fires": trees.MIN_FIRES,
        "min_proteins": trees.MIN_PROTEINS,
        "covered": COVERED,
        "alone": ALONE,
        "draws": N_DRAWS,
        "absorbed_rate": absorbing.MIN_RATE,
        "absorbed_q": absorbing.MAX_Q,
    }
    return Computed({name: pd.concat(tables, ignore_index=True) for name, tables in parts.items()}, settings)


def _of_sae(run: _Run, sae: TrainedSAE, absorption: "_Absorption") -> dict[str, pd.DataFrame]:
    run.report(Transient(f"families: which features of {sae.display_name} fire together"))
    sampled = sample_firing(run.corpus, run.work / "activations" / sae.name, n_residues=N_RESIDUES, seed=run.seed)
    parents = trees.choose_parents(sampled["valid"])
    grown = trees.forest(parents, sampled["valid"].count)
    related = describe(parents, grown, sampled["test"])
    families = _families(run, sae, grown, sampled["test"].density)
    run.report(Transient(f"families: what {sae.display_name}'s general features miss"))
    absorbed = absorption.of_sae(sae)
    told = {
        "n_residues": sampled["test"].n_residues,
        "n_considered": int(trees.considered(sampled["valid"]).sum()),
        "n_families": len(families),
        "n_members": len(related),
        "share_held": _held(related),
        **_nulls(sampled["valid"], run.seed),
        "n_judged": int(families["agreement"].notna().sum()),
        "n_agree": int((families["q_value"] < AGREES_Q).sum()),
        "n_pairs": len(absorbed),
        "absorption": absorbed["rate"].mean(),
        "null_absorption": absorbed["null_rate"].mean(),
    }
    run.report(
        f"families of {sae.display_name}: {told['n_members']} of {told['n_considered']} features in "
        f"{told['n_families']} ({told['null_members']} and {told['null_letter_members']} with shuffled firing); "
        f"{told['n_agree']} of {told['n_judged']} agree; {int(absorbed['is_absorbed'].sum())} of "
        f"{told['n_pairs']} pairs absorbed"
    )
    summary = pd.DataFrame([told])
    return {"feature_family": related, "family": families, "absorbed": absorbed, "family_summary": summary}


def describe(parents: trees.Parents, grown: trees.Forest, test: Firing) -> pd.DataFrame:
    """Rows of `feature_family`, without the column sae, told on a sample of test residues."""
    members = np.flatnonzero(grown.is_member)
    rows = [_member(int(feature), parents, test) for feature in members]
    kind = np.where(parents.is_twin, "twin", np.where(parents.parent == trees.NO_PARENT, "root", "narrower"))
    return pd.DataFrame(
        {
            "feature": members,
            "family": grown.family[members],
            "parent": pd.Series(parents.parent[members]).replace(trees.NO_PARENT, None).astype("Int32"),
            "relation": kind[members].astype(object),
            "depth": grown.depth[members],
            "n_children": grown.n_children[members],
            "n_fires": test.count[members].astype(np.int64),
            **{name: pd.array([row[name] for row in rows], dtype="Float64") for name in _NUMBERS},
            "is_split": np.array([row["is_split"] for row in rows], dtype=bool),
        }
    )


_NUMBERS = ("shared", "chance", "by_letter", "overlap", "covered", "covered_chance")


def _member(feature: int, parents: trees.Parents, test: Firing) -> dict[str, Any]:
    """What one feature shares with its parent, and its children with it; None where it fires on no test residue."""
    told: dict[str, Any] = dict.fromkeys(_NUMBERS) | {"is_split": False}
    count, letters = test.count[feature], test.by_letter[:, feature]
    if not count:
        return told
    share = test.letter_share()
    own, above = _rows(test, feature), int(parents.parent[feature])
    if above != trees.NO_PARENT:
        both = len(np.intersect1d(own, _rows(test, above), assume_unique=True))
        told["shared"], told["chance"] = both / count, float(test.density[above])
        told["by_letter"] = float(letters @ share[:, above] / count)
        told["overlap"] = both / (count + test.count[above] - both)
    children = np.flatnonzero(parents.parent == feature).tolist()
    if len(children):
        shares = [len(np.intersect1d(own, _rows(test, child), assume_unique=True)) / count for child in children]
        told["covered"] = float(np.isin(own, np.concatenate([_rows(test, child) for child in children])).mean())
        told["covered_chance"] = float(letters @ (1 - np.prod(1 - share[:, children], axis=1)) / count)
        narrower = [child for child in children if not parents.is_twin[child]]
        covered = float(np.isin(own, np.concatenate([_rows(test, c) for c in narrower])).mean()) if narrower else 0
        told["is_split"] = len(narrower) > 1 and covered >= COVERED and max(shares) <= ALONE
    return told


def _rows(firing: Firing, feature: int) -> np.ndarray:
    """Residues of the sample on which a feature fires."""
    columns = firing.columns
    return columns.indices[columns.indptr[feature] : columns.indptr[feature + 1]]


def _held(members: pd.DataFrame) -> float | None:
    """Share of the edges that pass their threshold on test, too."""
    edges = members.loc[members["parent"].notna() & members["shared"].notna()]
    if edges.empty:
        return None
    shared, by_letter, overlap = (edges[name].to_numpy(np.float64) for name in ("shared", "by_letter", "overlap"))
    excess = trees.excess_of(shared, by_letter)
    is_twin = (edges["relation"] == "twin").to_numpy()
    return float(((excess >= trees.MIN_EXCESS) & (~is_twin | (overlap >= trees.MIN_OVERLAP))).mean())


def _nulls(valid: Firing, seed: int) -> dict[str, int]:
    """How many features would be in families if they fired at random."""
    found = {}
    for number, (name, within) in enumerate((("null_members", False), ("null_letter_members", True))):
        shuffled = valid.shuffled(np.random.default_rng([seed, number]), within_letters=within)
        grown = trees.forest(trees.choose_parents(shuffled), shuffled.count)
        found[name] = int(grown.is_member.sum())
    return found


def _families(run: _Run, sae: TrainedSAE, grown: trees.Forest, density: np.ndarray) -> pd.DataFrame:
    """Rows of `family`, without the column sae."""
    labels = run.labels.loc[run.labels["sae"] == sae.name].set_index("feature")
    is_guided = (labels["label_origin"] == "guided").to_numpy()
    holds = (labels["label_origin"] == "go").to_numpy() & (labels["label_grade"] != "none").to_numpy()
    feature = labels.index.to_numpy()[is_guided | holds]
    term, go_id = pd.factorize(labels["label_id"].loc[feature], sort=True)
    named = Named(feature, term, density[feature], is_guided[is_guided | holds])
    judged = agreements(grown.family, named, run.hierarchy.lin(go_id.tolist()), seed=run.seed)
    p_value = np.array([one.p_value for one in judged], dtype=np.float64)
    q_value = np.full(len(judged), np.nan)
    if np.isfinite(p_value).any():
        q_value[np.isfinite(p_value)] = false_discovery_control(p_value[np.isfinite(p_value)])
    numbers = np.arange(len(judged))
    members = [np.flatnonzero(grown.family == number) for number in numbers]
    return pd.DataFrame(
        {
            "family": numbers,
            "root": np.array([grown.root[own[0]] for own in members], dtype=np.int64),
            "size": np.array([len(own) for own in members], dtype=np.int64),
            "depth": np.array([grown.depth[own].max() for own in members], dtype=np.int64),
            "n_named": np.array([one.n_named for one in judged], dtype=np.int64),
            "agreement": np.array([one.agreement for one in judged], dtype=np.float64),
            "null_agreement": np.array([one.null for one in judged], dtype=np.float64),
            "null_high": np.array([one.null_high for one in judged], dtype=np.float64),
            "p_value": p_value,
            "q_value": q_value,
        }
    )


class _Terms(NamedTuple):
    """The terms of one SAE and one sub-ontology that have a feature, and which are paired."""

    rows: pd.DataFrame
    """Of `absorbing.one_feature_a_term`; those in a pair"""

    pairs: np.ndarray
    """[n_pairs, 2] places in `rows`"""


class _Absorption:
    """What all SAEs share here: labels, and for each sub-ontology the calls of one probe of all their terms."""

    def __init__(self, run: _Run, saes: Sequence[TrainedSAE]) -> None:
        self._run = run
        self._labels = read_labels(run.work, run.corpus, run.terms).tocsc()
        self._place = pd.Series(np.arange(len(run.terms)), index=run.terms["go_id"])
        self._terms = {(sae.name, name): self._paired(sae, name) for sae in saes for name in members(WHOLE_GO)}
        self._states: np.ndarray | None = None
        self._calls: dict[str, pd.DataFrame] = {}

    def of_sae(self, sae: TrainedSAE) -> pd.DataFrame:
        """Rows of `absorbed`, without the column sae."""
        pooled = read_pooled(self._run.work / "statistics" / f"{sae.name}.pooled.npz")
        found = []
        for namespace in members(WHOLE_GO):
            terms, pairs = self._terms[sae.name, namespace]
            if not len(pairs):
                continue
            go_id, known = terms["go_id"].tolist(), self._known(namespace)
            test = known[self._run.corpus.split[known] == "test"]
            scores = {name: getattr(pooled, name).tocsr()[test].tocsc() for name in POOLINGS}
            says_yes = self._called(namespace)[go_id].to_numpy()
            carried = self._carried(go_id, test)
            found.append(absorbing.absorbed_pairs(terms, pairs, scores, carried, says_yes, seed=self._run.seed))
        return absorbing.judged(pd.concat(found, ignore_index=True) if found else empty_table(absorbing.COLUMNS))

    def _paired(self, sae: TrainedSAE, namespace: str) -> _Terms:
        alignments = self._run.alignments
        own = alignments.loc[(alignments["sae"] == sae.name) & (alignments["namespace"] == namespace)]
        terms = absorbing.one_feature_a_term(own)
        pairs = absorbing.pairs_among(terms, self._run.hierarchy)
        kept = np.unique(pairs)
        return _Terms(terms.iloc[kept].reset_index(drop=True), np.searchsorted(kept, pairs))

    def _known(self, namespace: str) -> np.ndarray:
        """Rows of `Corpus`: proteins that are annotated in a sub-ontology."""
        columns = np.flatnonzero(self._run.terms["namespace"].to_numpy(dtype=str) == namespace)
        return np.flatnonzero(np.asarray(self._labels[:, columns].sum(axis=1)) > 0)

    def _carried(self, go_id: list[str], rows: np.ndarray) -> np.ndarray:
        """[n_rows, n_terms] bool"""
        return self._labels[:, self._place.loc[go_id].to_numpy()].tocsr()[rows].toarray() > 0

    def _called(self, namespace: str) -> pd.DataFrame:
        """What a dense probe says of the sub-ontology's test proteins, a column a term."""
        if namespace not in self._calls:
            corpus, rows = self._run.corpus, self._known(namespace)
            go_id = sorted(
                {term for key, own in self._terms.items() if key[1] == namespace for term in own.rows["go_id"]}
            )
            if self._states is None:
                self._run.report(Transient("families: reading what the language model says of every protein"))
                shards = ShardReader(self._run.work / "embed")
                self._states = shards.protein_means([shards.row_of(str(name)) for name in corpus.accession])
            calls = absorbing.probe_calls(self._states[rows], self._carried(go_id, rows), corpus.split[rows])
            self._calls[namespace] = pd.DataFrame(calls, columns=go_id)
        return self._calls[namespace]
