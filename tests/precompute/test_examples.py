"""Which proteins are shown for a feature, and with which residues."""

import numpy as np
import pytest
from scipy.sparse import csc_array, csr_array

from precompute.corpus.codes import CSC, runs_of
from precompute.corpus.proteins import Shard
from precompute.features.counts import Pooled
from precompute.features.examples import BANDS, Chosen, ExampleRows, LabelScore, Shown, choose_examples

NAMELESS = LabelScore(*np.zeros((5, 0), dtype=int))


def everything(n: int, n_terms: int = 1) -> Shown:
    labels = csc_array((n, n_terms), dtype=np.float32)
    return Shown(np.ones(n, dtype=bool), np.ones(n, dtype=bool), labels, {"MFO": np.ones(n, dtype=bool)})


def by_peak(peak: CSC) -> Chosen:
    return choose_examples(Pooled(peak, peak), everything(peak.shape[0]), NAMELESS)


def proteins(chosen: Chosen, feature: int, band: str) -> list[int]:
    here = (chosen.feature == feature) & (chosen.band == BANDS.index(band))
    return chosen.protein[here][np.argsort(chosen.rank[here])].tolist()


def test_examples_come_from_their_bands() -> None:
    peak = np.zeros((200, 2), dtype=np.float32)
    peak[:100, 0] = np.arange(100, 0, -1)
    peak[100:, 0] = 1000  # not shipped
    peak[3, 1] = 5
    has_structure = np.isin(np.arange(200), [2, 20, 37, 60, 70, 80])
    shown = everything(200)._replace(is_shipped=np.arange(200) < 100, has_structure=has_structure)

    chosen = choose_examples(Pooled(csc_array(peak), csc_array(peak)), shown, NAMELESS)

    assert proteins(chosen, 0, "top") == list(range(6))
    assert proteins(chosen, 0, "high") == [31, 37, 43]
    assert proteins(chosen, 0, "low") == [81, 87, 93]
    assert proteins(chosen, 0, "3d") == [20, 60, 70]
    assert proteins(chosen, 1, "top") == [3]
    assert proteins(chosen, 1, "high") == []
    assert chosen.score[(chosen.feature == 0) & (chosen.band == 0)].tolist() == list(range(100, 94, -1))


def test_bands_of_few_proteins_do_not_overlap() -> None:
    for n in range(1, 60):
        chosen = by_peak(csc_array(np.arange(1, n + 1, dtype=np.float32)[:, None]))
        assert len(np.unique(chosen.protein)) == len(chosen.protein)


@pytest.mark.parametrize("pooling", ["max", "mean"])
def test_bands_of_a_term_are_sorted_by_the_score_that_it_is_judged_by(pooling: str) -> None:
    own = np.array([9.0, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0], dtype=np.float32)
    scores = {"max": own[::-1].copy(), "mean": own[::-1].copy()} | {pooling: own}
    carries = np.isin(np.arange(12), [0, 2, 4, 5, 7, 8, 9, 10])
    known = np.arange(12) != 1
    shown = Shown(
        np.arange(12) != 11, np.arange(12) == 10, csc_array(carries[:, None].astype(np.float32)), {"MFO": known}
    )
    names = LabelScore(np.array([0]), np.array([0]), np.array(["MFO"]), np.array([pooling]), np.array([3.5]))

    chosen = choose_examples(Pooled(*(csc_array(scores[name][:, None]) for name in ("max", "mean"))), shown, names)

    assert proteins(chosen, 0, "with") == [0, 2, 4, 5]
    assert proteins(chosen, 0, "without") == [3, 6]  # of 1 nothing is known, 11 is not shipped
    assert proteins(chosen, 0, "silent") == [10, 9, 8, 7]  # 10 before 9, for it has a structure
    here = chosen.band == BANDS.index("silent")
    assert chosen.score[here].tolist() == [0, 0, 1, 2]


def test_one_of_the_proteins_with_a_term_has_a_structure_where_any_has() -> None:
    score = csc_array(np.arange(12, 0, -1, dtype=np.float32)[:, None])
    labels = csc_array(np.ones((12, 1), dtype=np.float32))
    names = LabelScore(np.array([0]), np.array([0]), np.array(["MFO"]), np.array(["max"]), np.array([0.5]))

    def with_term(has_structure: list[int]) -> list[int]:
        shown = everything(12)._replace(labels=labels, has_structure=np.isin(np.arange(12), has_structure))
        return proteins(choose_examples(Pooled(score, score), shown, names), 0, "with")

    assert with_term([]) == [0, 1, 2, 3]
    assert with_term([1, 7]) == [0, 1, 2, 3]
    assert with_term([7, 9]) == [0, 1, 2, 7]


def test_a_protein_in_two_bands_is_gathered_once() -> None:
    dense = np.zeros((5, 2), dtype=np.float32)
    dense[[2, 4], 1] = [1.0, 4.0]
    dense[0, 0] = 2.0
    shard = Shard(0, np.array([1, 0]), np.array([0, 2]), np.array([2, 3]))
    runs = runs_of(csr_array(dense), shard.row_protein)
    peak = csc_array(np.array([[0, 4], [2, 0]], dtype=np.float32))
    labels = csc_array(np.ones((2, 1), dtype=np.float32))
    names = LabelScore(np.array([1]), np.array([0]), np.array(["MFO"]), np.array(["max"]), np.array([0.5]))
    chosen = choose_examples(Pooled(peak, peak), everything(2)._replace(labels=labels), names)
    rows = ExampleRows(chosen, np.array([2.0, 1000.0]), np.array(["P0", "P1"]))
    rows.add(runs, shard)

    table, bands = rows.table("vanilla").to_pylist(), chosen.table("vanilla", np.array(["P0", "P1"]))

    assert [row["accession"] for row in table] == ["P1", "P0"]
    assert table[1]["positions"] == [0, 2]
    assert table[1]["acts"] == [1, 2]  # 1/1000 and 4/1000 of 255, rounded up
    assert (table[1]["peak_act"], table[1]["peak_pos"]) == (4, 2)
    assert table[0]["acts"] == [255]
    assert bands[["feature", "band", "rank", "accession", "score"]].to_numpy().tolist() == [
        [0, "top", 1, "P1", 2.0],
        [1, "top", 1, "P0", 4.0],
        [1, "with", 1, "P0", 4.0],
        [1, "silent", 1, "P1", 0.0],
    ]


def test_no_example_gives_an_empty_table() -> None:
    chosen = by_peak(csc_array((2, 3), dtype=np.float32))
    rows = ExampleRows(chosen, np.zeros(3), np.array(["A", "B"]))
    shard = Shard(0, np.array([0, 1]), np.array([0, 2]), np.array([2, 2]))
    rows.add(runs_of(csr_array(np.zeros((4, 3), dtype=np.float32)), shard.row_protein), shard)
    assert rows.table("x").num_rows == 0
    assert len(chosen.table("x", np.array(["A", "B"]))) == 0
