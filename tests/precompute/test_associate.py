"""Alignment with GO terms, and names: hand-worked numbers, known answers, parity with scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array, csr_array
from sklearn.metrics import f1_score, roc_auc_score

from precompute.align import go as go_alignment
from precompute.align import ranks
from precompute.align.differences import differences
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


NOTHING = Aligned(
    pd.DataFrame(columns=["feature", "kind", "rank_in_feature", "gain", "valid_f1", "test_f1", "null_f1", "grade"]),
    np.full(30, -np.inf),
    np.full(30, -np.inf),
)
NAMES = {"GO:0000003": "zinc ion binding", "GO:0000005": "kinase activity", "GO:0000007": "transport"}


def graded(aligned: Aligned, **grades: str) -> Aligned:
    """The alignment with one grade for all, or for some pairs 'f<feature>_<last digits of the term>'."""
    keys = [
        f"f{feature}_{go_id[-1]}" for feature, go_id in zip(aligned.rows["feature"], aligned.rows["go_id"], strict=True)
    ]
    return aligned._replace(
        rows=aligned.rows.assign(grade=[grades.get(key, grades.get("all", "none")) for key in keys])
    )


def test_a_name_that_holds_nowhere_is_a_guess_from_valid_that_beats_chance(planted: Aligned) -> None:
    labels = label_features(30, ("GO:0000005",), NAMES, graded(planted), NOTHING)

    assert labels.loc[[0, 7], ["label", "label_id", "label_origin", "label_grade"]].to_numpy().tolist() == [
        ["kinase activity", "GO:0000005", "guided", "none"],
        ["zinc ion binding", "GO:0000003", "go", "none"],
    ]
    assert labels.loc[[0, 7], "label_f1"].tolist() == [1, 1]
    assert (labels["label_origin"] == "none").sum() >= 25
    assert (labels.loc[labels["label_origin"] == "none", ["label", "label_id"]] == "").all(axis=None)
    assert labels.loc[labels["label_origin"] == "none", ["label_f1", "label_null_f1"]].isna().all(axis=None)
    assert (null_level(planted) >= planted.null_gain).all()


def other_match(planted: Aligned, valid_f1: float) -> tuple[Aligned, str]:
    """Feature 0 fits a term besides its guiding one, which alone holds on test; with this F1 on valid."""
    is_other = (planted.rows["feature"] == 0) & ~planted.rows["is_guiding"]
    first = planted.rows.loc[is_other].index[0]
    rows = planted.rows.assign(grade="none")
    rows.loc[first, ["gain", "valid_f1", "test_f1", "grade"]] = [0.5, valid_f1, 0.33, "weak"]
    return planted._replace(rows=rows), str(rows["go_id"].loc[first])


def test_a_name_that_holds_goes_before_one_that_does_not(planted: Aligned) -> None:
    aligned, term = other_match(planted, 0.4)

    labels = label_features(30, ("GO:0000005",), NAMES, aligned, NOTHING)

    found = labels[["label_id", "label_origin", "label_grade", "label_f1"]].iloc[0].tolist()
    assert found == [term, "go", "weak", 0.33]


def test_a_match_that_is_hardly_one_names_nothing_even_where_it_beats_chance(planted: Aligned) -> None:
    aligned, _ = other_match(planted, 0.1)

    labels = label_features(30, ("GO:0000005",), NAMES, aligned, NOTHING)

    assert labels[["label_id", "label_grade"]].iloc[0].tolist() == ["GO:0000005", "none"]


def test_the_guiding_term_goes_before_others_that_hold(planted: Aligned) -> None:
    labels = label_features(30, ("GO:0000005",), NAMES, graded(planted, all="strong", f0_5="weak"), NOTHING)

    assert labels[["label_id", "label_grade"]].iloc[0].tolist() == ["GO:0000005", "weak"]


def test_of_two_names_that_hold_valid_decides_whatever_test_says(planted: Aligned) -> None:
    rows = pd.concat([planted.rows.loc[planted.rows["feature"] == 9].iloc[:1]] * 2, ignore_index=True)
    rows = rows.assign(go_id=["GO:0000003", "GO:0000007"], gain=[0.2, 0.3], test_f1=[0.9, 0.4], grade="strong")

    labels = label_features(30, (), NAMES, planted._replace(rows=rows), NOTHING)

    assert labels[["label", "label_f1"]].iloc[9].tolist() == ["transport", 0.4]


def test_an_annotation_that_holds_names_a_feature(planted: Aligned) -> None:
    sites = NOTHING._replace(
        rows=pd.DataFrame(
            {"feature": [9], "kind": ["Signal"], "rank_in_feature": [1], "gain": [0.5], "valid_f1": [0.5]}
            | {"test_f1": [0.45], "null_f1": [0.02], "grade": ["strong"]}
        )
    )

    labels = label_features(30, ("GO:0000005",), NAMES, graded(planted), sites)

    assert labels[["label", "label_id", "label_origin", "label_f1"]].iloc[9].tolist() == [
        *("Signal", "Signal", "annotation", 0.45),
    ]


def test_a_defined_feature_without_any_score_bears_its_term(planted: Aligned) -> None:
    rows = graded(planted).rows
    without = planted._replace(rows=rows.loc[rows["feature"] != 0])

    labels = label_features(30, ("GO:0000005",), NAMES, without, NOTHING)

    assert labels[["label", "label_origin", "label_grade"]].iloc[0].tolist() == ["kinase activity", "guided", "none"]
    assert labels["label_f1"].isna().iloc[0]


def test_a_paired_difference_leaves_out_what_both_share() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(400) < 0.3
    hard = rng.random(400) < 0.3
    ours = np.where(hard, rng.random(400), truth) > 0.5
    theirs = np.where(hard | (rng.random(400) < 0.08), rng.random(400), truth) > 0.5
    scores = {
        "guided": {name: csc_array(ours[:, None].astype(np.float32)) for name in POOLINGS},
        "vanilla": {name: csc_array(theirs[:, None].astype(np.float32)) for name in POOLINGS},
    }
    labels = np.column_stack([truth, rng.permutation(truth)]).astype(np.float32)
    table = go_alignment.TermTable(
        "MFO", np.array(["GO:1"]), np.ones(1, bool), np.arange(0), np.arange(400), labels, labels
    )
    pairs = Pairs(np.zeros(1, int), np.zeros(1, int), np.ones(1, int), np.full(1, 0.5))
    alone = {sae: ranks.evaluate(scores[sae], labels, pairs, seed=0) for sae in scores}
    rows = pd.DataFrame(
        {"sae": ["guided", "vanilla"], "feature": 0, "go_id": "GO:1", "is_guiding": [True, False]}
        | {"is_best_for_term": True, "pooling": "mean", "threshold": 0.5}
        | {"test_f1": [alone[sae].f1[0] for sae in scores]}
    )

    (found,) = differences(rows, {"guided": "guided", "vanilla": "unguided"}, scores, [table], seed=0).to_dict(
        "records"
    )

    assert (found["go_id"], found["sae"], found["other_sae"]) == ("GO:1", "guided", "vanilla")
    assert found["difference"] == pytest.approx(f1_score(truth, ours) - f1_score(truth, theirs))
    drawn = np.random.default_rng(0).multinomial(400, np.full(400, 1 / 400), size=1000)
    expected = [f1_score(truth, ours, sample_weight=w) - f1_score(truth, theirs, sample_weight=w) for w in drawn]
    assert [found["difference_low"], found["difference_high"]] == pytest.approx(
        np.quantile(expected, [0.025, 0.975]), abs=1e-5
    )
    apart = sum(float(score.high[0] - score.low[0]) for score in alone.values())
    assert found["difference_high"] - found["difference_low"] < apart


def test_without_an_sae_that_none_guides_there_is_no_difference() -> None:
    rows = pd.DataFrame(columns=["sae", "feature", "go_id", "is_guiding", "is_best_for_term", "pooling", "threshold"])

    assert len(differences(rows.astype({"is_guiding": bool, "is_best_for_term": bool}), {}, {}, [], seed=0)) == 0


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
