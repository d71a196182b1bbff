"""The analysis `curves`: planted features have the areas that they must, and share what was planted."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array
from sklearn.metrics import average_precision_score

from precompute.align.go import TermTable
from precompute.align.ranks import POOLINGS
from precompute.analyses.curves import MOST_POINTS, Areas, areas_of, related, ridge_scores, sharing
from protsae.bundle.opening import open_bundle
from protsae.store.analyses import curves
from protsae.store.analyses.curves import CURVES

N = 2000
TERMS = np.array(["GO:0000001", "GO:0000002", "GO:0000003", "GO:0000004"])
ROLES = {"guided": "guided", "vanilla": "unguided"}
PERFECT, RANDOM, MIXED, SILENT = range(4)


def world() -> tuple[TermTable, dict[str, csc_array]]:
    """Four independent terms; features: the first term, noise, two terms in one, silent."""
    rng = np.random.default_rng(0)
    labels = (rng.random((N, 4)) < (0.1, 0.15, 0.2, 0.3)).astype(np.float32)
    scores = np.zeros((N, 4))
    scores[:, PERFECT] = labels[:, 0] * (1 + rng.random(N))
    scores[:, RANDOM] = rng.random(N)
    scores[:, MIXED] = np.maximum(labels[:, 0], labels[:, 1]) * (1 + rng.random(N))
    shuffled = rng.permutation(labels)
    rows = np.arange(N)
    both = np.concatenate([labels, shuffled], axis=1)
    table = TermTable("MFO", TERMS, np.ones(4, bool), rows, rows, both, both)
    return table, dict.fromkeys(POOLINGS, csc_array(scores.astype(np.float32)))


def alignments(*pairs: tuple[str, int, int]) -> pd.DataFrame:
    rows = [
        {"go_id": TERMS[term], "sae": sae, "feature": feature, "pooling": "max", "threshold": 0.5}
        for sae, feature, term in pairs
    ]
    return pd.DataFrame(rows)


def areas(*pairs: tuple[str, int, int]) -> Areas:
    table, scores = world()
    test = dict.fromkeys(ROLES, scores)
    return areas_of(alignments(*pairs), ROLES, test, table, seed=0, resamples=300, shuffles=50)


def test_a_perfect_feature_has_area_one_and_one_without_meaning_the_prevalence() -> None:
    area = areas(("guided", PERFECT, 0), ("vanilla", RANDOM, 0)).area.set_index("sae")
    prevalence = area["n_positive"] / area["n_test"]

    assert area[["ap", "ap_low", "ap_high"]].to_dict("index")["guided"] == {"ap": 1, "ap_low": 1, "ap_high": 1}
    assert area.loc["vanilla", "ap"] == pytest.approx(prevalence["vanilla"], abs=0.05)
    assert area["null_ap"].to_numpy() == pytest.approx(prevalence.to_numpy(), abs=0.03)
    assert area["null_ap_high"].to_dict()["guided"] < 0.4


def test_areas_are_scikit_learns_and_intervals_hold_them() -> None:
    table, scores = world()
    found = areas(*[("vanilla", feature, term) for feature in range(4) for term in range(4) if feature == term])
    for row in found.area.to_dict("records"):
        truth = table.labels_test[:, TERMS.tolist().index(row["go_id"])]
        score = scores["max"][:, [row["feature"]]].toarray().ravel()
        assert row["ap"] == pytest.approx(average_precision_score(truth, score))
        assert row["ap_low"] <= row["ap"] <= row["ap_high"]


def test_a_difference_is_that_of_the_areas_and_clear_only_where_something_differs() -> None:
    better = areas(("guided", PERFECT, 0), ("vanilla", RANDOM, 0)).difference.iloc[0]
    same = areas(("guided", PERFECT, 0), ("vanilla", PERFECT, 0)).difference.iloc[0]
    noise = areas(("guided", RANDOM, 2), ("vanilla", MIXED, 2)).difference.iloc[0]

    assert better["difference"] > 0.7
    assert better["difference_low"] > 0.6
    assert same[["difference", "difference_low", "difference_high"]].tolist() == [0, 0, 0]
    assert noise["difference_low"] < 0 < noise["difference_high"]


def test_curves_pass_through_the_frozen_threshold() -> None:
    table, scores = world()
    (curve,) = areas(("guided", RANDOM, 3)).curve
    called = scores["max"][:, [RANDOM]].toarray().ravel() > 0.5
    here = curve.loc[curve["is_threshold"]]

    assert len(curve) <= MOST_POINTS
    assert here[["called", "hits"]].to_numpy().tolist() == [
        [int(called.sum()), int(table.labels_test[called, 3].sum())]
    ]
    assert curve["called"].max() == N


def test_what_a_feature_shares_is_found_and_relatives_do_not_count() -> None:
    table, scores = world()
    rows = alignments(("vanilla", MIXED, 0), ("guided", PERFECT, 0))
    peaks = dict.fromkeys(ROLES, scores["max"])
    nothing = np.zeros((N, 4))
    unrelated = sharing(rows, peaks, table, np.zeros((4, 4), bool), nothing, seed=0)
    parent = np.zeros((4, 4), bool)
    parent[0, 1] = True
    kin = sharing(rows, peaks, table, parent, nothing, seed=0)
    as_the_probe = scores["max"][:, [MIXED] * 4].toarray()
    excused = sharing(rows, peaks, table, np.zeros((4, 4), bool), as_the_probe, seed=0)

    assert unrelated.terms[["sae", "other_go_id"]].to_numpy().tolist() == [["vanilla", TERMS[1]]]
    counts = unrelated.of_terms.set_index("sae")["n_unrelated"]
    assert counts.to_dict() == {"guided": 0, "vanilla": 1}
    assert unrelated.of_saes.set_index("sae")["mean"].to_dict() == {"guided": 0, "vanilla": 1}
    assert (unrelated.of_saes["null_mean"] < 0.5).all()
    assert kin.terms.empty
    assert excused.terms.empty


def test_relatives_are_ancestors_over_any_number_of_steps() -> None:
    edges = pd.DataFrame({"child": ["c", "b", "x"], "parent": ["b", "a", "a"]})
    found = related(np.array(["a", "b", "c", "x"]), edges)

    assert found.tolist() == [
        [False, False, False, False],
        [True, False, False, False],
        [True, True, False, False],
        [True, False, False, False],
    ]


def test_every_run_has_it_and_all_of_it_fits_the_store(finished_run: Path) -> None:
    with open_bundle(finished_run) as opened:
        reader = opened.reader
        assert reader.absence(CURVES) == ""
        guided, vanilla = (next(row for row in reader.saes() if row.role == role) for role in ("guided", "unguided"))
        compared = reader.compare_table(guided.name, vanilla.name)
        areas = curves.area_table(reader, guided.name, vanilla.name).set_index("go_id")
        for row in compared.dropna(subset=["guided_f1", "baseline_f1"]).to_dict("records"):
            area = curves.term_area(reader, row["go_id"], guided.name, row["guided_feature"])
            points = curves.term_curve(reader, row["go_id"], guided.name, row["guided_feature"])
            assert area is not None
            assert area.n_positive == row["n_pos_test"]
            for at in (point for point in points if point.is_threshold):
                assert 2 * at.hits / (at.called + area.n_positive) == pytest.approx(row["guided_f1"], abs=1e-6)
            if area.ap is not None:
                assert areas["guided_ap"].to_dict()[row["go_id"]] == pytest.approx(area.ap)
        assert {row.namespace for row in curves.sharing(reader)} <= {"MFO", "BPO", "CCO"}


def test_a_probe_is_fitted_on_train_chosen_on_valid_and_told_on_test() -> None:
    rng = np.random.default_rng(1)
    x = [rng.normal(size=(300, 12)) for _ in range(3)]
    labels = [np.column_stack([part[:, 0] + part[:, 1] > 1, rng.random(300) < 0.2]) for part in x]
    scores = ridge_scores(x, labels)

    assert average_precision_score(labels[2][:, 0], scores[:, 0]) > 0.9
    assert average_precision_score(labels[2][:, 1], scores[:, 1]) == pytest.approx(labels[2][:, 1].mean(), abs=0.1)
