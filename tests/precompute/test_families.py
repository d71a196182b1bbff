"""Families: planted broader, narrower, twin and split features are found; shuffled ones have no relatives."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array, csr_array

from precompute.align import absorbing
from precompute.analyses import families
from precompute.corpus.hierarchy import Hierarchy
from precompute.features import trees
from precompute.features.agreement import Named, agreements
from precompute.features.coactivation import Firing

N = 6000
BROAD, LEFT, RIGHT, TINY, TWIN, ALONE, DENSE, LETTER, ITS_PART = range(9)
"""What is planted: LEFT and RIGHT are halves of BROAD, TINY lies in LEFT, TWIN nearly equals ALONE; LETTER fires on
every residue of one amino acid, ITS_PART on a half of these."""


def planted(seed: int) -> Firing:
    rng = np.random.default_rng(seed)
    letters = rng.integers(0, 20, N)
    fires = np.zeros((N, 9), dtype=np.float32)
    drawn = rng.permutation(N)
    broad, alone = drawn[:400], drawn[400:800]
    fires[broad, BROAD] = fires[broad[:190], LEFT] = fires[broad[200:390], RIGHT] = fires[broad[:60], TINY] = 1
    fires[alone, ALONE] = fires[alone[:390], TWIN] = 1
    fires[rng.random(N) < 0.5, DENSE] = 1
    fires[letters == 8, LETTER] = 1
    fires[np.flatnonzero(letters == 8)[::2], ITS_PART] = 1
    return Firing(csr_array(fires), letters, np.arange(N) // 60)


def test_planted_families_are_found_and_described_on_other_residues() -> None:
    valid, test = planted(0), planted(1)
    parents = trees.choose_parents(valid)
    grown = trees.forest(parents, valid.count)
    rows = families.describe(parents, grown, test).set_index("feature")

    assert parents.parent.tolist() == [-1, BROAD, BROAD, LEFT, ALONE, -1, -1, -1, -1]
    assert parents.is_twin.nonzero()[0].tolist() == [TWIN]
    assert rows["relation"].to_dict() == {
        BROAD: "root",
        LEFT: "narrower",
        RIGHT: "narrower",
        TINY: "narrower",
        TWIN: "twin",
        ALONE: "root",
    }
    assert rows.loc[[BROAD, LEFT, RIGHT, TINY], "family"].tolist() == [0, 0, 0, 0]
    assert rows.loc[[TWIN, ALONE], "family"].tolist() == [1, 1]
    assert rows["depth"].to_dict() == {BROAD: 0, LEFT: 1, RIGHT: 1, TINY: 2, TWIN: 1, ALONE: 0}
    assert rows.loc[LEFT, "shared"] == 1
    assert rows.loc[LEFT, "chance"] == pytest.approx(400 / N)
    assert rows.loc[TWIN, "overlap"] == pytest.approx(390 / 400)
    assert rows.loc[BROAD, "covered"] == pytest.approx(380 / 400)
    assert rows["covered_chance"].to_numpy(np.float64)[BROAD] < 0.1
    assert rows["is_split"].to_dict() == dict.fromkeys(rows.index, False) | {BROAD: True}


def test_a_parent_that_one_child_covers_is_not_split() -> None:
    firing = planted(0)
    dense = firing.fires.toarray()
    dense[:, LEFT] = dense[:, BROAD] * (np.cumsum(dense[:, BROAD]) <= 300)
    firing = Firing(csr_array(dense), firing.letters, firing.protein)
    parents = trees.choose_parents(firing)
    rows = families.describe(parents, trees.forest(parents, firing.count), firing).set_index("feature")

    assert parents.parent[LEFT] == BROAD
    assert rows["covered"].to_numpy(np.float64)[BROAD] > families.COVERED
    assert not rows.loc[BROAD, "is_split"]


@pytest.mark.parametrize("within_letters", [False, True])
def test_shuffled_firing_has_no_families(*, within_letters: bool) -> None:
    firing = planted(0)
    shuffled = firing.shuffled(np.random.default_rng(1), within_letters=within_letters)

    assert shuffled.count.tolist() == firing.count.tolist()
    if within_letters:
        assert (shuffled.by_letter == firing.by_letter).all()
    assert not trees.forest(trees.choose_parents(shuffled), shuffled.count).is_member.any()


def test_rare_and_dense_features_stay_out() -> None:
    firing = planted(0)
    dense = firing.fires.toarray()
    dense[np.flatnonzero(dense[:, TINY])[trees.MIN_FIRES - 1 :], TINY] = 0
    kept = trees.considered(Firing(csr_array(dense), firing.letters, firing.protein))

    assert not kept[[TINY, DENSE]].any()
    assert kept[[BROAD, LEFT, RIGHT, TWIN, ALONE]].all()
    few = Firing(firing.fires, firing.letters, np.zeros(N, dtype=np.int64))
    assert not trees.considered(few).any()


def hierarchy() -> Hierarchy:
    """Root > a > a1, a2; root > b."""
    edges = pd.DataFrame({"child": ["a", "b", "a1", "a2"], "parent": ["root", "root", "a", "a"]})
    return Hierarchy(edges, {"root": 0.0, "a": 2.0, "b": 3.0, "a1": 4.0, "a2": 6.0})


def test_lin_similarity_by_hand() -> None:
    alike = hierarchy().lin(["a", "a1", "a2", "b"])

    expected = [[1, 4 / 6, 4 / 8, 0], [4 / 6, 1, 4 / 10, 0], [4 / 8, 4 / 10, 1, 0], [0, 0, 0, 1]]
    assert np.allclose(alike, expected)
    assert hierarchy().above("a1") == {"a", "root"}
    assert hierarchy().ancestors_among(["a", "a1", "b"]).tolist() == [[False] * 3, [True, False, False], [False] * 3]


def test_a_family_of_one_term_agrees_and_a_random_one_does_not() -> None:
    rng = np.random.default_rng(0)
    terms = np.arange(200) % 20
    alike = np.where(np.eye(20, dtype=bool), 1.0, 0.1)
    named = Named(np.arange(200), terms, np.full(200, 0.01), np.zeros(200, dtype=bool))
    family = np.full(200, -1)
    family[np.flatnonzero(terms == 3)[:6]] = 0
    family[rng.permutation(np.flatnonzero(family < 0))[:6]] = 1
    planted_one, random_one = agreements(family, named, alike, seed=0)

    assert planted_one.agreement == 1
    assert planted_one.p_value < 0.01
    assert planted_one.null == pytest.approx(0.1 + 0.9 * 9 / 199, abs=0.06)
    assert random_one.p_value > 0.05
    assert agreements(np.full(200, -1), named, alike, seed=0) == []


def test_a_family_with_one_name_is_not_judged() -> None:
    named = Named(np.array([0]), np.array([0]), np.array([0.1]), np.array([True]))
    (one,) = agreements(np.array([0, 0]), named, np.eye(1), seed=0)

    assert one.n_named == 1
    assert np.isnan(one.agreement)


def absorption_of(*, absorbs: bool) -> pd.DataFrame:
    """300 test proteins: 200 with the parent's term, the first 80 of them with the child's."""
    rng = np.random.default_rng(0)
    carried = np.zeros((300, 2), dtype=bool)
    carried[:200, 0] = carried[:80, 1] = True
    finds = rng.random(300) < 0.8
    parent, child = carried[:, 0] & finds, carried[:, 1]
    if absorbs:
        parent &= ~child
    scores = csc_array(np.column_stack([parent, child]).astype(np.float32))
    terms = pd.DataFrame({"go_id": ["a", "a1"], "feature": [0, 1], "pooling": ["max", "mean"], "threshold": [0.5, 0.5]})
    pairs = absorbing.pairs_among(terms, hierarchy())
    assert pairs.tolist() == [[0, 1]]
    found = absorbing.absorbed_pairs(terms, pairs, {"max": scores, "mean": scores}, carried, carried, seed=0)
    return absorbing.judged(found)


def test_planted_absorption_is_marked_and_none_is_at_its_null() -> None:
    yes, no = absorption_of(absorbs=True), absorption_of(absorbs=False)

    assert yes["is_absorbed"].tolist() == [True]
    assert yes["rate"].tolist() == [1.0]
    assert yes["recall_with"].tolist() == [0.0]
    assert yes["n_child"].tolist() == [80]
    assert yes["null_rate"].to_numpy()[0] < 0.1
    assert no["is_absorbed"].tolist() == [False]
    assert no["rate"].to_numpy()[0] < 0.1
    assert no["p_value"].to_numpy()[0] > 0.05


def test_one_feature_speaks_for_a_term() -> None:
    rows = pd.DataFrame(
        {
            "go_id": ["a", "a", "b", "c"],
            "feature": [5, 0, 7, 8],
            "is_guiding": [False, True, False, True],
            "is_best_for_term": [True, False, True, False],
            "grade": ["strong", "weak", "weak", "none"],
        }
    )

    assert absorbing.one_feature_a_term(rows)["feature"].tolist() == [0, 7]


def test_a_probe_calls_what_it_learnt_and_nothing_of_a_term_without_positives() -> None:
    rng = np.random.default_rng(0)
    split = np.array(["train", "valid", "test"] * 60)
    labels = np.column_stack([rng.random(180) < 0.5, np.zeros(180, dtype=bool)])
    x = np.column_stack([labels[:, 0] * 4 + rng.normal(0, 0.3, 180), rng.normal(0, 1, 180)])

    calls = absorbing.probe_calls(x, labels, split)
    assert (calls[:, 0] == labels[split == "test"][:, 0]).mean() > 0.95
    assert not calls[:, 1].any()
