"""Feature statistics: hand-worked counts, exactness against NumPy, the choice of examples."""

import numpy as np
import pytest
from scipy.sparse import csc_array, csr_array

from precompute.corpus.codes import Runs, read_codes, read_extra, runs_of, write_codes
from precompute.corpus.proteins import Shard, amino_acid_codes
from precompute.features.counts import FirstPass, SecondPass, enrichment, read_pooled, write_pooled
from precompute.features.examples import BANDS, ExampleRows, choose_examples


@pytest.fixture(scope="module")
def dense() -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.where(rng.random((400, 7)) < 0.3, rng.exponential(size=(400, 7)), 0).astype(np.float32)


ROW_PROTEIN = np.repeat([3, 0, 1, 2], 100)


@pytest.fixture(scope="module")
def runs(dense: np.ndarray) -> Runs:
    return runs_of(csr_array(dense), ROW_PROTEIN)


@pytest.fixture(scope="module")
def first(dense: np.ndarray) -> FirstPass:
    passed = FirstPass(4, 7)
    for part in (slice(0, 200), slice(200, 400)):
        amino_acids = np.arange(400)[part] % 21
        passed.add(runs_of(csr_array(dense[part]), ROW_PROTEIN[part]), amino_acids)
    return passed


def test_codes_survive_the_disk(tmp_path, dense: np.ndarray) -> None:
    codes = csr_array(dense)
    write_codes(tmp_path / "a.npz", codes, quality=np.array([1.0, 2.0]))

    assert (read_codes(tmp_path / "a.npz").toarray() == dense).all()
    quality = read_extra(tmp_path / "a.npz", "quality")
    assert quality is not None
    assert quality.tolist() == [1, 2]
    assert read_extra(tmp_path / "a.npz", "other") is None
    (tmp_path / "b.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:100])
    assert read_extra(tmp_path / "b.npz", "quality") is None


def test_runs_by_hand() -> None:
    codes = csr_array(np.array([[1, 0], [2, 3], [4, 0], [5, 6]], dtype=np.float32))
    runs = runs_of(codes, np.array([8, 8, 2, 2]))

    assert runs.feature.tolist() == [0, 0, 1, 1]
    assert runs.protein.tolist() == [8, 2, 8, 2]
    assert runs.start.tolist() == [0, 2, 4, 5, 6]
    assert runs.row.tolist() == [0, 1, 2, 3, 1, 3]
    assert runs.value.tolist() == [1, 2, 4, 5, 3, 6]


def test_counts_equal_the_dense_ones(dense: np.ndarray, first: FirstPass) -> None:
    assert first.count.tolist() == (dense > 0).sum(axis=0).tolist()
    np.testing.assert_allclose(first.total, dense.sum(axis=0), rtol=1e-5)
    letters = np.arange(400) % 21
    for letter in (0, 19):
        assert first.amino_acids[:, letter].tolist() == (dense[letters == letter] > 0).sum(axis=0).tolist()


def test_pooled_scores_equal_the_dense_ones(tmp_path, dense: np.ndarray, first: FirstPass) -> None:
    write_pooled(tmp_path / "p.npz", first.pooled(np.full(4, 100)))
    pooled = read_pooled(tmp_path / "p.npz")
    for protein in range(4):
        own = dense[protein == ROW_PROTEIN]
        np.testing.assert_allclose(pooled.max.toarray()[protein], own.max(axis=0))
        np.testing.assert_allclose(pooled.mean.toarray()[protein], own.mean(axis=0), rtol=1e-5)


def test_quantiles_and_histograms(dense: np.ndarray, runs: Runs) -> None:
    max_act = dense.max(axis=0).astype(np.float64)
    second = SecondPass(max_act)
    second.add(runs)

    for feature in range(7):
        positive = dense[:, feature][dense[:, feature] > 0]
        for q in (0.5, 0.99, 0.999):
            exact = np.quantile(positive, q, method="inverted_cdf")
            assert exact - 1e-6 <= second.quantile(q)[feature] <= exact + max_act[feature] / 4000 + 1e-6
        expected = np.histogram(positive, bins=40, range=(0, max_act[feature]))[0]
        assert np.abs(second.histogram()[feature] - expected).sum() <= 2
    assert second.histogram().sum(axis=1).tolist() == (dense > 0).sum(axis=0).tolist()
    assert (second.quantile(1.0) == max_act).all()


def test_a_feature_that_never_fires_is_all_zero() -> None:
    second = SecondPass(np.array([0.0, 1.0]))
    second.add(runs_of(csr_array(np.array([[0, 1.0]], dtype=np.float32)), np.array([0])))
    assert second.quantile(0.99).tolist() == [0, 1]
    assert second.histogram()[0].sum() == 0


def test_enrichment_by_hand() -> None:
    corpus = np.array([50, 50] + [0] * 18)
    firing = np.zeros((2, 20))
    firing[0, 0] = 3

    result = enrichment(firing, corpus)

    assert result[0, 0] == pytest.approx(np.log2((3.5 / 4) / 0.5))
    assert result[0, 1] == pytest.approx(np.log2((0.5 / 4) / 0.5))
    assert (result[0, 2:] == 0).all()
    assert (result[1] == 0).all()


def test_amino_acids_by_letter() -> None:
    assert amino_acid_codes("ARVXU").tolist() == [0, 1, 19, 20, 20]


def test_examples_come_from_their_bands() -> None:
    peak = np.zeros((200, 2), dtype=np.float32)
    peak[:100, 0] = np.arange(100, 0, -1)
    peak[100:, 0] = 1000  # not shipped
    peak[3, 1] = 5
    shipped = np.arange(200) < 100

    has_structure = np.isin(np.arange(200), [2, 20, 33, 60, 70])
    chosen = choose_examples(csc_array(peak), shipped, has_structure)

    def proteins(feature: int, band: str) -> list[int]:
        here = (chosen.feature == feature) & (chosen.band == BANDS.index(band))
        return chosen.protein[here][np.argsort(chosen.rank[here])].tolist()

    assert proteins(0, "top") == list(range(10))
    assert proteins(0, "high") == [33, 41]
    assert proteins(0, "low") == [83, 91]
    assert proteins(0, "3d") == [20, 60]
    assert proteins(1, "top") == [3]
    assert proteins(1, "high") == []


def test_bands_of_few_proteins_do_not_overlap() -> None:
    for n in range(1, 60):
        peak = csc_array(np.arange(1, n + 1, dtype=np.float32)[:, None])
        chosen = choose_examples(peak, *np.ones((2, n), dtype=bool))
        assert len(np.unique(chosen.protein)) == len(chosen.protein)


def test_an_example_keeps_every_active_residue() -> None:
    dense = np.zeros((5, 2), dtype=np.float32)
    dense[[2, 4], 1] = [1.0, 4.0]
    dense[0, 0] = 2.0
    shard = Shard(0, np.array([1, 0]), np.array([0, 2]), np.array([2, 3]))
    runs = runs_of(csr_array(dense), shard.row_protein)
    peak = csc_array(np.array([[0, 4], [2, 0]], dtype=np.float32))
    chosen = choose_examples(peak, *np.ones((2, 2), dtype=bool))
    rows = ExampleRows(chosen, np.array([2.0, 1000.0]), np.array(["P0", "P1"]))
    rows.add(runs, shard)

    table = rows.table("vanilla").to_pylist()

    assert [row["accession"] for row in table] == ["P1", "P0"]
    assert table[1]["positions"] == [0, 2]
    assert table[1]["acts"] == [1, 2]  # 1/1000 and 4/1000 of 255, rounded up
    assert (table[1]["peak_act"], table[1]["peak_pos"], table[1]["rank"], table[1]["band"]) == (4, 2, 1, "top")
    assert table[0]["acts"] == [255]


def test_no_example_gives_an_empty_table() -> None:
    chosen = choose_examples(csc_array((2, 3), dtype=np.float32), *np.ones((2, 2), dtype=bool))
    rows = ExampleRows(chosen, np.zeros(3), np.array(["A", "B"]))
    shard = Shard(0, np.array([0, 1]), np.array([0, 2]), np.array([2, 2]))
    rows.add(runs_of(csr_array(np.zeros((4, 3), dtype=np.float32)), shard.row_protein), shard)
    assert rows.table("x").num_rows == 0


def test_shards_merged_in_order_equal_one_pass_over_all(first: FirstPass, dense: np.ndarray, runs: Runs) -> None:
    letters = np.arange(400) % 21
    max_act = dense.max(axis=0).astype(np.float64)
    merged, whole, second = FirstPass(4, 7), SecondPass(max_act), SecondPass(max_act)
    whole.add(runs)
    for half in (slice(0, 200), slice(200, 400)):
        part = runs_of(csr_array(dense[half]), ROW_PROTEIN[half])
        one = FirstPass(4, 7)
        one.add(part, letters[half])
        merged.merge(one)
        other = SecondPass(max_act)
        other.add(part)
        second.merge(other)

    assert (second.fine == whole.fine).all()
    assert (merged.count == first.count).all()
    assert (merged.amino_acids == first.amino_acids).all()
    np.testing.assert_allclose(merged.total, first.total)
    for one, other in zip(merged.pooled(np.full(4, 100)), first.pooled(np.full(4, 100)), strict=True):
        np.testing.assert_allclose(one.toarray(), other.toarray(), rtol=1e-6)
