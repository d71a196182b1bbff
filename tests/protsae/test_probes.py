"""Probes by parity with scikit-learn, separable data, permuted labels and edge cases.

Two solvers, or one with other roundings, stop at different points of a flat loss. What both reach is the least loss,
so fits are judged by how far their loss lies above it (`excess`), never by their weights.
"""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression

from protsae.errors import ConfigError, InputError
from protsae.measures.function import term_auc
from protsae.measures.probes import LogisticProbe, best_features, choose_logistic, fit_logistic, fit_platt
from protsae.measures.ranking import auroc

Made = tuple[np.ndarray, np.ndarray]


def made(n: int, d: int, m: int, *, noise: float = 1.0, seed: int = 0) -> Made:
    """Correlated rows of uneven scale and labels that depend on them linearly."""
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 3) * np.geomspace(0.01, 100, d)
    logits = (x - x.mean(0)) / x.std(0) @ rng.normal(size=(d, m)) / d**0.5
    return x.astype(np.float32), logits + noise * rng.logistic(size=(n, m)) > np.linspace(0, 2, m)


def excess(probe: LogisticProbe, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Loss of each concept above the least one, which Newton's method finds, as a share of the loss without weights."""
    z = (x - x.mean(0, dtype=np.float64)) / probe.scale

    def loss(weight: np.ndarray, bias: float, concept: int) -> float:
        logits = z @ weight + bias
        fit = np.logaddexp(0, logits) - y[:, concept] * logits
        return float(fit.mean() + probe.l2 / 2 * np.square(weight).sum())

    found = []
    for j in range(y.shape[1]):
        exact = LogisticRegression(C=1 / (probe.l2 * len(x)), solver="newton-cholesky", tol=1e-10, max_iter=1000)
        exact.fit(z, y[:, j])
        least = loss(exact.coef_[0], float(np.ravel(exact.intercept_)[0]), j)
        share = y[:, j].mean()
        start = loss(np.zeros(z.shape[1]), np.log(share / (1 - share)), j)
        found.append((loss(probe.weight[j].astype(np.float64), float(probe.bias[j]), j) - least) / start)
    return np.array(found)


@pytest.mark.parametrize("l2", [1.0, 0.01, 1e-4])
def test_fits_reach_the_least_loss(l2: float) -> None:
    x, y = made(300, 12, 4)

    probe = fit_logistic(x, y, l2=l2, tolerance=1e-7)

    assert excess(probe, x, y) == pytest.approx(np.zeros(4), abs=1e-6)


def test_more_columns_than_rows_reach_the_least_loss() -> None:
    x, y = made(40, 100, 3)

    probe = fit_logistic(x, y, l2=0.1, tolerance=1e-7)

    assert excess(probe, x, y) == pytest.approx(np.zeros(3), abs=1e-6)


def test_a_strong_penalty_gives_the_weights_of_scikit_learn() -> None:
    x, y = made(300, 12, 4)
    standard = (x - x.mean(0, dtype=np.float64)) / x.std(0, dtype=np.float64)

    probe = fit_logistic(x, y, l2=10.0, tolerance=1e-7)

    # the loss bends by 10 at least, so an excess of 1e-6 leaves |w - w*| below sqrt(2e-6 / 10)
    for j in range(4):
        known = LogisticRegression(C=1 / (10 * 300), solver="newton-cholesky", tol=1e-10).fit(standard, y[:, j])
        np.testing.assert_allclose(probe.weight[j], known.coef_[0], atol=5e-4)
        np.testing.assert_allclose(probe.scores(x)[:, j], known.predict_proba(standard)[:, 1], atol=5e-3)


def test_sparse_rows_give_the_dense_probe() -> None:
    x, y = made(120, 20, 3)
    x = np.where(x > 1, x, 0).astype(np.float32)
    x[:, 5] = 0

    dense, sparse = fit_logistic(x, y, l2=0.1), fit_logistic(csr_array(x), y, l2=0.1)

    for probe in (dense, sparse):
        assert excess(probe, x, y) == pytest.approx(np.zeros(3), abs=1e-5)
        assert (probe.weight[:, 5] == 0).all()
    np.testing.assert_allclose(dense.scores(x), dense.scores(csr_array(x)), atol=1e-12)


def test_separable_concepts_are_told_apart() -> None:
    x, _ = made(400, 10, 1)
    y = np.stack([x[:, 3] > np.median(x[:, 3]), x[:, 7] > np.quantile(x[:, 7], 0.95)], axis=1)

    probe = fit_logistic(x[:300], y[:300], l2=1e-4)

    assert term_auc(probe.scores(x[300:]), y[300:]) > 0.99
    assert excess(probe, x[:300], y[:300]) == pytest.approx(np.zeros(2), abs=1e-5)


def test_permuted_labels_are_at_chance_on_held_out_rows() -> None:
    x, y = made(1200, 20, 20, noise=0.3)
    split = np.repeat(["train", "valid", "test"], [600, 200, 400])
    shuffled = np.random.default_rng(1).permutation(y)

    test = split == "test"
    assert term_auc(choose_logistic(x, y, split).scores(x[test]), y[test]) > 0.75
    assert term_auc(choose_logistic(x, shuffled, split).scores(x[test]), shuffled[test]) == pytest.approx(0.5, abs=0.03)


def test_the_penalty_is_the_best_on_valid_and_the_fit_of_train_alone() -> None:
    x, y = made(300, 40, 6, noise=2.0)
    split = np.repeat(["train", "valid", "test"], [100, 100, 100])
    penalties = (100.0, 1.0, 0.01, 1e-4)

    probe = choose_logistic(x, y, split, penalties=penalties, criterion="auc", tolerance=1e-7)

    singles = {l2: fit_logistic(x[:100], y[:100], l2=l2, tolerance=1e-7) for l2 in penalties}
    on_valid = {l2: term_auc(single.scores(x[100:200]), y[100:200]) for l2, single in singles.items()}
    assert probe.l2 == max(on_valid, key=lambda l2: on_valid[l2])
    assert excess(probe, x[:100], y[:100]) == pytest.approx(np.zeros(6), abs=1e-6)
    changed = x.copy()
    changed[200:] = 7
    assert (choose_logistic(changed, y, split, penalties=penalties, criterion="auc").l2) == probe.l2


def test_a_concept_that_all_or_none_carry_gets_its_smoothed_prevalence() -> None:
    x, y = made(50, 4, 3)
    y[:, 0], y[:, 2] = False, True

    probe = fit_logistic(x, y, l2=0.1)

    assert (probe.weight[[0, 2]] == 0).all()
    np.testing.assert_allclose(probe.scores(x)[0, [0, 2]], [0.5 / 51, 50.5 / 51], rtol=1e-5)
    assert (probe.weight[1] != 0).all()


def test_a_hard_tolerance_still_gives_numbers() -> None:
    x, y = made(200, 6, 4)

    probe = fit_logistic(x, y, l2=10.0, tolerance=0)

    assert excess(probe, x, y) == pytest.approx(np.zeros(4), abs=1e-6)


def test_what_cannot_be_fitted_is_refused() -> None:
    x, y = made(20, 3, 2)
    with pytest.raises(ConfigError, match="l2 must be a positive number, got 0"):
        fit_logistic(x, y, l2=0)
    with pytest.raises(ConfigError, match="at least one penalty"):
        choose_logistic(x, y, np.repeat(["train", "valid"], 10), penalties=())
    with pytest.raises(InputError, match="got 20 and 19"):
        fit_logistic(x, y[:19], l2=1)
    with pytest.raises(InputError, match="got 1 that are not"):
        fit_logistic(np.where(x == x[4, 1], np.nan, x), y, l2=1)
    with pytest.raises(InputError, match="none of 2 concepts has a positive and a negative in valid"):
        choose_logistic(x, y, np.repeat(["train"], 20))


def test_platt_equals_unpenalised_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(500, 3)) * [1, 100, 0.01] + [0, 50, 3]
    y = rng.random((500, 3)) < 1 / (1 + np.exp(-(scores - [0, 50, 3]) / [1, 50, 0.01] + 1))

    platt = fit_platt(scores, y)

    for j in range(3):
        standard = (scores[:, [j]] - scores[:, j].mean()) / scores[:, j].std()
        known = LogisticRegression(C=1e6, solver="newton-cholesky", tol=1e-10).fit(standard, y[:, j])
        np.testing.assert_allclose(platt.probabilities(scores)[:, j], known.predict_proba(standard)[:, 1], atol=1e-4)
    assert platt.probabilities(scores).mean(axis=0) == pytest.approx(y.mean(axis=0), abs=1e-6)


def test_platt_never_falls() -> None:
    scores = np.tile(np.arange(10.0)[:, None], 4)
    y = np.zeros((10, 4), bool)
    y[:3, 0] = True  # falls
    y[7:, 1] = True  # separable
    y[:, 2] = True
    scores[:, 3], y[:4, 3] = 5, True  # constant

    platt = fit_platt(scores, y)

    assert platt.slope[[0, 2, 3]].tolist() == [0, 0, 0]
    np.testing.assert_allclose(platt.probabilities(scores)[0, [0, 2, 3]], [0.3, 10.5 / 11, 4.5 / 11])
    probability = platt.probabilities(scores)[:, 1]
    assert (np.diff(probability) >= 0).all()
    assert probability[6] < 0.1
    assert probability[7] > 0.9
    with pytest.raises(InputError, match=r"labels, \(10, 3\), got \(10, 4\)"):
        fit_platt(scores, y[:, :3])


def test_platt_stands_rare_and_far_scores() -> None:
    scores = np.zeros((2000, 1))
    scores[0] = 1e6
    y = np.zeros((2000, 1), bool)
    y[[0, 5]] = True

    probability = fit_platt(scores, y).probabilities(scores)

    assert probability[0] > 0.9
    assert probability[1] == pytest.approx(1 / 1999, rel=0.05)


def test_the_best_feature_has_the_highest_auroc_and_the_first_wins_ties() -> None:
    rng = np.random.default_rng(0)
    y = rng.random((200, 3)) < 0.3
    codes = rng.random((200, 12)) * (rng.random((200, 12)) < 0.3)
    codes[:, 4] = y[:, 1] + rng.random(200) / 2
    codes[:, 6] = codes[:, 9] = y[:, 2] * 2.0

    found = best_features(csr_array(codes), y)

    assert found.tolist()[1:] == [4, 6]
    assert found[0] == np.argmax([auroc(codes[:, i], y[:, 0]) for i in range(12)])
    with pytest.raises(InputError, match="concept 1: 0 of 2 rows carry it"):
        best_features(csr_array(codes[:2]), np.array([[True, False], [False, False]]))
