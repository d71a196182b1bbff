"""Feature statistics: hand-worked counts, exactness against NumPy."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from precompute.corpus.codes import Runs, read_codes, read_extra, runs_of, write_codes
from precompute.corpus.proteins import amino_acid_codes
from precompute.features.counts import FirstPass, SecondPass, enrichment, read_pooled, write_pooled


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


def test_shards_merged_in_order_equal_one_pass_over_all(first: FirstPass, dense: np.ndarray, runs: Runs) -> None:
    letters = np.arange(400) % 21
    max_act = dense.max(axis=0).astype(np.float64)
    merged, whole, second = FirstPass(4, 7), SecondPass(max_act), SecondPass(max_act)
    whole.add(runs)
    for half in (slice(0, 200), slice(200, 400)):
        part = runs_of(csr_array(dense[half]), ROW_PROTEIN[half])
        one = FirstPass(4, 7)
        one.add(part, letters[half])
        merged.merge(one.to_arrays())
        other = SecondPass(max_act)
        other.add(part)
        second.merge(other.to_arrays())

    assert (second.fine == whole.fine).all()
    assert (merged.count == first.count).all()
    assert (merged.amino_acids == first.amino_acids).all()
    np.testing.assert_allclose(merged.total, first.total)
    for one, other in zip(merged.pooled(np.full(4, 100)), first.pooled(np.full(4, 100)), strict=True):
        np.testing.assert_allclose(one.toarray(), other.toarray(), rtol=1e-6)
