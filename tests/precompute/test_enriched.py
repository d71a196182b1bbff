"""What strongest proteins share: the planted term first, uniform p-values without one, relatives with one vote."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csc_array
from scipy.stats import false_discovery_control, hypergeom, kstest

from precompute.__main__ import main
from precompute.analyses.enriched import _by_feature
from precompute.features.enriched import (
    LEAST_FIRING,
    Terms,
    by_unit,
    corrected,
    found_terms,
    frequent,
    merged,
    strongest_sets,
    upper_tail,
)
from protsae.bundle.opening import open_bundle
from protsae.store.analyses.enriched import (
    ENRICHED,
    enriched_summary,
    enriched_terms,
    features_enriched_for,
    surest_terms,
)

N_UNITS, N_TERMS, N_FEATURES, PLANTED = 2000, 60, 40, 7


def made_up(rng: np.random.Generator) -> tuple[csc_array, Terms]:
    """Features that fire at random, the first most strongly where the term `PLANTED` is carried."""
    score = (rng.random((N_UNITS, N_FEATURES)) < 0.3) * rng.random((N_UNITS, N_FEATURES))
    carried = (rng.random((N_UNITS, N_TERMS)) < rng.uniform(0.01, 0.2, N_TERMS)).astype(float)
    score[np.flatnonzero(carried[:, PLANTED])[:12], 0] = 2
    names = [f"GO:{number:07d}" for number in range(N_TERMS)]
    return csc_array(score), Terms("MFO", names, csc_array(carried), np.ones(N_UNITS, dtype=bool))


def test_a_planted_term_is_the_surest_and_others_are_luck() -> None:
    rng = np.random.default_rng(0)
    score, terms = made_up(rng)
    found = found_terms(strongest_sets(score), terms, np.ones(N_UNITS, dtype=bool))
    q = corrected(found.p, N_FEATURES * N_TERMS)

    surest = found.p.argmin()
    assert (found.feature[surest], found.term[surest]) == (0, PLANTED)
    assert q[surest] < 0.01
    assert set(zip(found.feature[q < 0.05].tolist(), found.term[q < 0.05].tolist(), strict=True)) == {(0, PLANTED)}


def test_shuffled_terms_have_uniform_p_values() -> None:
    rng = np.random.default_rng(1)
    score, terms = made_up(rng)
    sets = strongest_sets(score)
    carried = terms.carried.toarray()
    p = []
    for _ in range(20):
        dealt = carried[rng.permutation(N_UNITS)]
        hits = (sets @ dealt)[1:].ravel().astype(int)
        n_carry = np.tile(dealt.sum(axis=0), N_FEATURES - 1).astype(int)
        drawn = np.full(len(hits), 20)
        above, equal = upper_tail(hits + 1, N_UNITS, n_carry, drawn), upper_tail(hits, N_UNITS, n_carry, drawn)
        p.append(above + rng.random(len(hits)) * (equal - above))  # counts are discrete: a draw within the step
    assert kstest(np.concatenate(p), "uniform").pvalue > 0.01


def test_the_tail_is_scipys_and_q_is_too() -> None:
    rng = np.random.default_rng(2)
    carried, drawn = rng.integers(1, 200, 300), rng.integers(5, 60, 300)
    hits = rng.integers(0, 8, 300)

    p = upper_tail(hits, 900, carried, drawn)
    assert p == pytest.approx(hypergeom.sf(hits - 1, 900, carried, drawn), rel=1e-8, abs=1e-14)
    padded = np.concatenate([p, np.ones(700)])
    assert corrected(p, 1000) == pytest.approx(false_discovery_control(padded)[:300])
    assert upper_tail(np.array([0, 3]), 50, np.array([0, 0]), np.array([5, 5])).tolist() == [1, 0]


def test_copies_of_a_protein_change_nothing() -> None:
    rng = np.random.default_rng(3)
    score, _ = made_up(rng)
    copied = np.concatenate([np.arange(N_UNITS), np.full(50, 4)])
    twice = csc_array(score.tocsr()[copied])

    assert np.array_equal(by_unit(twice, copied).toarray(), score.toarray())
    left_out = np.where(np.arange(N_UNITS) < 100, -1, np.arange(N_UNITS))
    assert by_unit(score, left_out)[:100].nnz == 0


def test_a_set_is_the_strongest_hundredth_and_rare_features_have_none() -> None:
    score = np.zeros((N_UNITS, 2))
    score[:300, 0] = np.arange(300, 0, -1)
    score[: LEAST_FIRING - 1, 1] = 1
    sets = strongest_sets(csc_array(score))
    assert sorted(sets[[0]].indices.tolist()) == list(range(20))
    assert sets[[1]].nnz == 0


def test_terms_of_too_few_or_too_many_are_not_tested() -> None:
    carried = np.zeros((1000, 3))
    carried[:9, 0], carried[:10, 1], carried[:501, 2] = 1, 1, 1
    terms = Terms("MFO", ["a", "b", "c"], csc_array(carried), np.ones(1000, dtype=bool))
    assert frequent(terms, np.ones(1000, dtype=bool)).tolist() == [1]


def test_relatives_are_merged_into_the_surest() -> None:
    above = {("child", "parent"), ("other child", "parent")}
    names = ["child", "unrelated", "parent", "other child"]
    groups = merged(names, lambda one, other: (one, other) in above or (other, one) in above)
    assert groups == [[0, 2], [1], [3]]


def test_a_run_adds_them_and_they_are_read(copy_run: Callable[..., Path], tmp_path: Path) -> None:
    bundle = copy_run(tmp_path)
    with open_bundle(bundle) as opened:
        reader = opened.reader
        summary = enriched_summary(reader)
        assert [row.sae for row in summary] == sorted(row.name for row in reader.saes())
        rows = reader.analysis_table(ENRICHED, "enriched_term")
        guided = set(reader.tuples("SELECT sae, feature FROM feature WHERE kind = 'defined'"))
        assert not guided & set(rows[["sae", "feature"]].itertuples(index=False, name=None))
        assert len(surest_terms(reader)) == sum(row.n_found for row in summary) == (rows["rank"] == 1).sum()
        assert all(row.n_confirmed <= row.n_found <= row.n_features for row in summary)
        for row in surest_terms(reader)[:3]:
            assert enriched_terms(reader, row.sae, row.feature)[0] == row
            assert row.q_value < 0.05
            confirmed = features_enriched_for(reader, row.term)
            assert ((row.sae, row.feature) in {(one.sae, one.feature) for one in confirmed}) == row.is_confirmed
        assert enriched_terms(reader, "nope", 0) == []

    before = (bundle / "analyses" / "enriched" / "enriched_summary.parquet").read_bytes()
    assert main(["analyse", str(bundle), "enriched", "--quiet"]) == 0
    assert (bundle / "analyses" / "enriched" / "enriched_summary.parquet").read_bytes() == before, "not the same twice"


def test_tests_lie_by_feature_and_none_lie_nowhere() -> None:
    feature = np.array([3, 3, 7])
    assert _by_feature(feature, np.array([2, 0, 1])) == [(3, [2, 0]), (7, [1])]
    assert _by_feature(np.zeros(0, dtype=int), np.zeros(0, dtype=int)) == []
