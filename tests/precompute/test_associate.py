"""Alignment with GO terms, and names: hand-worked numbers, known answers, parity with scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array, csr_array
from sklearn.metrics import f1_score, roc_auc_score

from precompute.align import go as go_alignment
from precompute.align import ranks
from precompute.align.go import Aligned, align, term_tables
from precompute.align.labelling import label_features, null_level
from precompute.align.ranks import POOLINGS, Pairs
from precompute.align.summary import summarise


def test_a_hand_worked_choice_and_score() -> None:
    valid = np.array([[4.0], [3.0], [2.0], [1.0], [0.0], [0.0]], dtype=np.float32)
    labels = np.array([[1], [1], [0], [0], [0], [1]], dtype=np.float32)
    scores = {name: csc_array(valid) for name in POOLINGS}

    choice = ranks.choose(scores, labels)
    pairs = choice.pairs(np.array([0]), np.array([0]))

    assert choice.f1[0, 0] == pytest.approx(0.8)  # calls 4 and 3: 2 right, 2 called, 3 positives
    assert pairs.threshold.tolist() == [2.5]
    assert pairs.pooling.tolist() == [0]

    test = {name: csc_array(np.array([[5.0], [2.6], [2.4], [0.0]], dtype=np.float32)) for name in POOLINGS}
    truth = np.array([[1], [0], [1], [0]])
    scored = ranks.evaluate(test, truth, pairs, seed=0)

    assert scored.precision.tolist() == [0.5]
    assert scored.recall.tolist() == [0.5]
    assert scored.f1.tolist() == [0.5]
    assert scored.auroc.tolist() == [0.75]
    assert scored.low[0] <= 0.5 <= scored.high[0]


def test_scores_equal_scikit_learn_with_ties() -> None:
    rng = np.random.default_rng(0)
    score = np.where(rng.random((80, 6)) < 0.5, rng.integers(1, 4, (80, 6)), 0).astype(np.float32)
    labels = (rng.random((80, 3)) < 0.3).astype(np.float32)
    pairs = Pairs(np.arange(6), np.arange(6) % 3, np.zeros(6, dtype=np.int64), np.full(6, 1.5, dtype=np.float32))

    scored = ranks.evaluate({name: csc_array(score) for name in POOLINGS}, labels, pairs, seed=0)

    for i in range(6):
        truth = labels[:, i % 3]
        assert scored.auroc[i] == pytest.approx(roc_auc_score(truth, score[:, i]))
        assert scored.f1[i] == pytest.approx(f1_score(truth, score[:, i] > 1.5))


def test_the_grid_reaches_from_one_protein_to_all_that_fire() -> None:
    score = np.zeros((1000, 2), dtype=np.float32)
    score[:500, 0] = np.arange(500, 0, -1)

    grid = ranks.threshold_grid(score)

    assert grid[0].tolist() == [0, 0]
    assert grid[-1, 0] == 499.5
    assert (np.diff(grid[:, 0]) >= 0).all()


def test_a_class_without_members_has_no_auroc() -> None:
    scores = {name: csc_array(np.array([[1.0], [0.0]], dtype=np.float32)) for name in POOLINGS}
    pairs = Pairs(np.array([0]), np.array([0]), np.array([0]), np.array([0.0]))

    scored = ranks.evaluate(scores, np.zeros((2, 1)), pairs, seed=0)

    assert np.isnan(scored.auroc[0])
    assert scored.f1[0] == 0


class Planted:
    """600 proteins, 12 terms, 30 features; feature 7 is term 3, feature 0 guides term 5 perfectly."""

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        self.split = np.repeat(["train", "valid", "test"], 200)
        labels = rng.random((600, 12)) < 0.15
        labels[:, 0] = True
        self.labels = csr_array(labels.astype(np.float32))
        self.terms = pd.DataFrame({"go_id": [f"GO:{i:07d}" for i in range(12)], "namespace": ["MFO"] * 12})
        peak = np.where(rng.random((600, 30)) < 0.4, rng.random((600, 30)), 0).astype(np.float32)
        peak[:, 7] = labels[:, 3] * (0.5 + rng.random(600))
        peak[:, 0] = labels[:, 5] * 2
        self.scores = {"max": csc_array(peak), "mean": csc_array(peak / 10)}
        self.guiding = ("GO:0000005",)

    def align(self) -> Aligned:
        tables = term_tables(self.labels, self.terms, self.split, guiding=self.guiding, seed=0)
        return align(self.scores, tables, guiding=self.guiding, seed=0)


@pytest.fixture(scope="module")
def planted() -> Aligned:
    return Planted().align()


def row(rows: pd.DataFrame, feature: int, go_id: str) -> pd.Series:
    return rows[(rows["feature"] == feature) & (rows["go_id"] == go_id)].iloc[0]


def test_a_planted_feature_scores_one(planted: Aligned) -> None:
    found = row(planted.rows, 7, "GO:0000003")

    assert found[["valid_f1", "test_f1", "test_f1_low", "test_f1_high", "test_auroc"]].tolist() == [1.0] * 5
    assert found["is_best_for_term"]
    assert found["rank_in_feature"] == 1
    assert not found["is_guiding"]
    assert found["null_f1"] < 0.5


def test_a_guided_feature_has_a_row_for_its_own_term(planted: Aligned) -> None:
    assert row(planted.rows, 0, "GO:0000005")["is_guiding"]
    assert planted.rows["is_guiding"].sum() == 1


def test_features_without_meaning_stay_near_the_null(planted: Aligned) -> None:
    rest = planted.rows[~planted.rows["feature"].isin([0, 7])]

    assert rest["test_f1"].mean() == pytest.approx(rest["null_f1"].mean(), abs=0.05)
    assert rest["test_auroc"].mean() == pytest.approx(0.5, abs=0.05)


def test_every_term_has_one_best_feature_and_every_feature_at_most_three_terms(planted: Aligned) -> None:
    rows = planted.rows
    assert (rows[rows["is_best_for_term"]].groupby("go_id").size() == 1).all()
    assert rows["go_id"].nunique() == 11  # the term that all proteins carry says nothing
    extra = rows[~rows["is_best_for_term"] & ~rows["is_guiding"]]
    assert (extra["rank_in_feature"] <= 3).all()
    assert (extra["gain"] > 0).all()
    assert rows.groupby("feature")["rank_in_feature"].apply(lambda r: min(r) == 1 and r.is_unique).all()
    assert not rows.duplicated(["feature", "go_id"]).any()


def test_a_rare_guiding_term_is_scored_but_not_ranked() -> None:
    data = Planted()
    labels = data.labels.toarray()
    labels[:, 5] = 0
    labels[[0, 300, 500], 5] = 1
    data.labels = csr_array(labels)
    rows = data.align().rows

    found = row(rows, 0, "GO:0000005")
    assert found["is_guiding"]
    assert not found["is_best_for_term"]
    assert found["n_pos_test"] == 1


def test_a_table_without_rows_has_the_types_of_one_with_rows(planted: Aligned) -> None:
    empty = align(Planted().scores, [], guiding=(), seed=0).rows

    assert empty.columns.tolist() == planted.rows.columns.tolist()
    for kind in ("number", "bool", "integer"):
        assert empty.select_dtypes(kind).columns.tolist() == planted.rows.select_dtypes(kind).columns.tolist()


def test_without_any_scored_term_there_is_no_row() -> None:
    aligned = align(Planted().scores, [], guiding=(), seed=0)
    assert len(aligned.rows) == 0
    assert not np.isfinite(aligned.best_gain).any()


def test_labels_come_from_valid_and_need_to_beat_chance(planted: Aligned) -> None:
    nothing = Aligned(
        pd.DataFrame(columns=["feature", "kind", "rank_in_feature", "gain", "valid_f1"]), np.zeros(0), np.zeros(0)
    )
    empty = Aligned(nothing.rows, np.full(30, -np.inf), np.full(30, -np.inf))
    names = {"GO:0000003": "zinc ion binding", "GO:0000005": "kinase activity"}

    labels = label_features(30, ("GO:0000005",), names, planted, empty)

    assert labels.loc[[0, 7], ["label", "label_origin"]].to_numpy().tolist() == [
        ["kinase activity", "guided"],
        ["zinc ion binding", "go"],
    ]
    assert (labels["label_origin"] == "none").sum() >= 25
    assert (labels.loc[labels["label_origin"] == "none", "label"] == "").all()
    assert (null_level(planted) >= planted.null_gain).all()


def test_the_summary_compares_on_the_same_terms(planted: Aligned) -> None:
    rows = planted.rows.assign(grade=np.where(planted.rows["is_guiding"], "strong", "none"))
    both = pd.concat([rows.assign(sae="protsae_mfo"), rows.assign(sae="vanilla", is_guiding=False)])

    summary = summarise(both, {"protsae_mfo": "MFO"}, "vanilla")["protsae_mfo"]

    assert summary["concept_terms"]["n"] == 1
    assert summary["concept_terms"]["guided"]["mean_f1"] == 1
    assert [summary["concept_terms"]["guided"][f"n_{grade}"] for grade in ("strong", "weak")] == [1, 0]
    assert summary["concept_terms"]["guided_beats_baseline"] == 0
    assert summary["all_terms"]["n"] == 11
    assert summary["all_terms"]["guided_best"] == summary["all_terms"]["baseline_best"]
    assert summarise(both, {"protsae_mfo": "GO"}, "vanilla")["protsae_mfo"] == summary | {"namespace": "GO"}
    assert summarise(both, {"protsae_mfo": "CCO"}, "vanilla")["protsae_mfo"]["all_terms"]["n"] == 0


def test_top_columns_take_the_earlier_of_a_tie_and_nothing_infinite() -> None:
    gain = np.array([[0.2, 0.2, 0.2, 0.1], [-np.inf, 0.3, -np.inf, -np.inf]])
    assert go_alignment.top_columns(gain, 2).tolist() == [[True, True, False, False], [False, True, False, False]]
