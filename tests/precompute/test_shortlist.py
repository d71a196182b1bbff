"""Lists of candidates: what is kept, what explains a protein, and how well a list finds hidden annotations."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array

from precompute.align.shortlisting import (
    HIDDEN,
    LONGEST,
    PLAIN,
    Kin,
    Neighbourhood,
    SiteEvidence,
    chosen,
    precision_at,
    quality,
)
from precompute.align.site_terms import Named, SiteTerm
from precompute.corpus.hierarchy import Hierarchy
from protsae.bundle.opening import open_bundle
from protsae.store.analyses.shortlist import KINS, SHORTLIST


def test_half_of_the_places_go_to_what_nothing_explains() -> None:
    score = np.linspace(9, 1, 60)
    kin = ["family"] * 30 + ["far"] * 30
    kept = chosen(score, kin)

    assert kept.tolist() == [*range(PLAIN), *range(30, 30 + LONGEST - PLAIN)]
    assert chosen(score, ["wider"] * 60).tolist() == list(range(LONGEST))
    assert chosen(np.array([1.0, 3.0, 2.0]), ["far", "family", "unknown"]).tolist() == [1, 2, 0]
    assert chosen(np.array([]), []).tolist() == []


def test_precision_at_a_score_counts_test_proteins_at_or_above_it() -> None:
    precision, n_above = precision_at(
        np.array([5.0, 3.0, 2.0, 9.0]), np.array([4.0, 3.0, 1.0, 5.0]), np.array([True, False, True, True])
    )

    assert n_above.tolist() == [1, 3, 3, 0]
    assert precision[:3].tolist() == [1.0, 2 / 3, 2 / 3]
    assert np.isnan(precision[3])


def test_hidden_annotations_are_found_by_a_good_score_and_not_by_a_random_one() -> None:
    rng = np.random.default_rng(0)
    carried = np.arange(500) < 50
    good, random = carried + rng.normal(0, 0.1, 500), rng.normal(0, 1, 500)
    of_good = quality(good, 0.5, carried, random, seed=(0,))
    of_random = quality(random, -9.0, carried, good, seed=(0,))

    assert of_good is not None
    assert of_random is not None
    assert of_good.n_hidden == HIDDEN * 50
    assert of_good.recall == 1
    assert of_good.found == 1
    assert abs(of_good.composition_recall - of_good.null_recall) < 0.05
    assert abs(of_random.recall - of_random.null_recall) < 0.05
    assert of_random.null_recall == pytest.approx(LONGEST / 460)
    assert of_random.composition_recall == 1
    assert quality(good, 0.5, np.arange(500) < 4, random, seed=(0,)) is None


def test_what_is_annotated_near_the_term_says_how_surprising_a_protein_is() -> None:
    """Root > top > parent > term, sibling; root > top > other."""
    terms = ["root", "top", "parent", "term", "sibling", "other"]
    edges = pd.DataFrame(
        {
            "child": ["top", "parent", "other", "term", "sibling"],
            "parent": ["root", "top", "top", "parent", "parent"],
        }
    )
    hierarchy = Hierarchy(edges, {term: float(bits) for bits, term in enumerate(terms)})
    carried = {0: "root top parent", 1: "root top parent sibling", 2: "root top other", 3: "", 4: "root top parent"}
    labels = np.array([[term in carried[row].split() for term in terms] for row in carried])
    near = Neighbourhood("term", hierarchy, csc_array(labels.astype(np.float32)), {t: i for i, t in enumerate(terms)})
    known, family = np.array([1, 1, 1, 0, 1], bool), np.array([0, 0, 0, 0, 1], bool)

    assert near.kin(np.arange(5), known, family) == [
        Kin("wider", "parent"),
        Kin("sibling", "sibling"),
        Kin("far", "top"),
        Kin("unknown", None),
        Kin("family", "parent"),
    ]


def test_residue_annotations_speak_for_a_term() -> None:
    annotations = pd.DataFrame(
        [("P1", "Metal contact", ""), ("P1", "Metal contact", ""), ("P1", "Zinc finger", "C2H2"), ("P2", "Helix", "")],
        columns=["accession", "kind", "label"],
    )
    sites = SiteEvidence(annotations, [SiteTerm("GO:1", "zinc", (Named("Metal contact"), Named("Zinc finger", "C2")))])

    assert sites.of("GO:1") == {"P1": "Metal contact 2, Zinc finger 1"}
    assert "GO:1" in sites
    assert "GO:2" not in sites
    assert sites.of("GO:2") == {}


def test_a_run_lists_called_proteins_without_the_term(finished_run: Path) -> None:
    work = finished_run.with_name(f"{finished_run.name}.work")
    pairs = pd.read_parquet(work / "proteins" / "protein_go.parquet")
    reader = open_bundle(finished_run).reader
    candidates, lists = (reader.analysis_table(SHORTLIST, name) for name in ("candidate", "candidate_list"))
    joined = candidates.merge(lists[["sae", "feature", "go_id"]], on=["sae", "feature"], how="left")
    alignments = pd.read_parquet(work / "associate" / "feature_go.parquet")
    judged = joined.merge(alignments[["sae", "feature", "go_id", "threshold"]], on=["sae", "feature", "go_id"])
    reader.close()

    assert set(candidates["kin"]) <= set(KINS)
    assert joined["go_id"].notna().all()
    assert joined.merge(pairs, on=["accession", "go_id"]).empty
    assert len(judged) == len(candidates)
    assert (judged["score"] > judged["threshold"].astype(np.float32)).all()
    assert (candidates.groupby(["sae", "feature"]).size() <= LONGEST).all()
