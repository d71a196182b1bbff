"""Sibling confusion: hand-worked counts, a feature that fires on both siblings, one that fires on one, and chance."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import false_discovery_control, fisher_exact

from precompute.analyses.confusion import chance, confused, siblings_of
from precompute.pipeline.tables import read_table
from protsae.bundle.opening import open_bundle
from protsae.store.analyses.confusion import CONFUSION, term_confusions

NAMESPACE = dict.fromkeys("abcdefx", "MFO") | {"x": "BPO"}


def edges(*pairs: str) -> pd.DataFrame:
    """'ba': b lies below a."""
    return pd.DataFrame([tuple(pair) for pair in pairs], columns=["child", "parent"])


def test_siblings_share_a_parent_and_are_no_relatives_in_line() -> None:
    found = siblings_of(edges("ba", "ca", "da", "xa", "db", "ec", "fe"), NAMESPACE)

    assert found["b"] == ["c"]  # d lies below b, x is of another sub-ontology
    assert found["c"] == ["b", "d"]
    assert found["d"] == ["c"]
    assert found["e"] == []
    assert "a" not in found


def world(n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Every third protein carries the term, every third the sibling, ten of these both; the rest neither."""
    term, sibling = np.arange(n) % 3 == 0, np.arange(n) % 3 == 1
    sibling[np.flatnonzero(term)[:10]] = True
    return term, sibling


@pytest.mark.parametrize(("fires_on_sibling", "share", "is_clear"), [(True, 1.0, True), (False, 0.0, False)])
def test_a_feature_of_both_siblings_confuses_them_and_one_of_the_term_alone_does_not(
    fires_on_sibling: bool, share: float, is_clear: bool
) -> None:
    term, sibling = world()
    called = term | sibling if fires_on_sibling else term
    (row,) = confused(called, term, sibling[:, None], ["s"])

    assert row["n_sibling"] == 100  # the ten that carry both count for the term
    assert row["n_called"] / row["n_sibling"] == share
    assert row["n_other"] == 100
    assert row["n_other_called"] == 0
    p = chance(*(np.array([row[name]]) for name in ("n_sibling", "n_called", "n_other", "n_other_called")))
    assert (p[0] < 1e-12) == is_clear


def test_too_few_proteins_of_a_sibling_are_not_counted() -> None:
    term, sibling = world()
    few = np.zeros_like(sibling)
    few[np.flatnonzero(~term)[:4]] = True

    assert [row["sibling"] for row in confused(term, term, np.column_stack([few, sibling]), ["few", "s"])] == ["s"]


def test_the_chance_is_fishers() -> None:
    table = np.array([[7, 3], [20, 70]])
    found = chance(np.array([10]), np.array([7]), np.array([90]), np.array([20]))

    assert found[0] == pytest.approx(fisher_exact(table, alternative="greater").pvalue)


def test_calls_at_random_confuse_nothing() -> None:
    rng = np.random.default_rng(0)
    term, _ = world(600)
    siblings = rng.random((600, 400)) < 0.1
    rows = pd.DataFrame(confused(rng.random(600) < 0.3, term, siblings, [str(i) for i in range(400)]))
    p = chance(*(rows[name].to_numpy() for name in ("n_sibling", "n_called", "n_other", "n_other_called")))

    assert (p <= 0.05).mean() < 0.08
    assert (false_discovery_control(p) <= 0.05).sum() == 0


def test_the_frozen_threshold_is_that_of_the_alignment(finished_run: Path) -> None:
    """What is called among all that lack the term follows from recall and precision of `feature_go`."""
    scored = read_table(finished_run.with_name("bundle.work") / "associate" / "feature_go.parquet")
    scored = {(row["sae"], row["feature"], row["go_id"]): row for row in scored.to_dict("records")}
    with open_bundle(finished_run) as opened:
        table = opened.reader.analysis_table(CONFUSION, "sibling_confusion")
        assert len(table)
        for row in table.to_dict("records"):
            own = scored[row["sae"], row["feature"], row["go_id"]]
            right = own["test_recall"] * own["n_pos_test"]
            wrong = right / own["test_precision"] - right if own["test_precision"] else None
            if wrong is not None:
                assert row["n_called"] + row["n_other_called"] == pytest.approx(wrong, abs=1e-3)
        go_id = table["go_id"].iloc[0]
        of_term = term_confusions(opened.reader, go_id)
        assert {row.sibling for row in of_term} == set(table.loc[table["go_id"] == go_id, "sibling"])
        assert all(0 <= row.null <= 1 and 0 <= row.share <= 1 for row in of_term)
