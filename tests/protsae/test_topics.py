"""Themes: planted topics come back, sums are 1, another number of themes leaves the emissions, coherence by hand."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from sklearn.metrics import adjusted_rand_score

from protsae.measures.topics import (
    Emissions,
    Themes,
    fit_emissions,
    fit_quality,
    join,
    joined,
    mixtures,
    normalised,
    npmi,
    places,
    word_vectors,
)

N_TOPICS, PER_TOPIC, N_WORDS, N_DOCUMENTS = 6, 5, 90, 3000


class Planted:
    """Thirty features of six topics; each topic has fifteen words of its own, in shares of its own."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.truth = np.zeros((N_TOPICS, N_WORDS))
        for topic in range(N_TOPICS):
            self.truth[topic, 15 * topic : 15 * topic + 15] = rng.dirichlet(np.full(15, 2.0))
        self.member = np.repeat(np.arange(N_TOPICS), PER_TOPIC)
        codes = rng.exponential(size=(N_DOCUMENTS, len(self.member))) * (rng.random((N_DOCUMENTS, 30)) < 0.1)
        self.theta = normalised(csr_array(codes))
        shares = mixtures(self.theta, self.member, N_TOPICS) @ self.truth
        flat = np.full(N_WORDS, 1 / N_WORDS)
        self.counts = csr_array(
            np.array([rng.multinomial(12, 0.8 * row + (1 - 0.8 * row.sum()) * flat) for row in shares])
        )

    def themes(self, emissions: Emissions, n: int) -> Themes:
        vectors = word_vectors(self.counts, emissions.weight, 12, seed=0)
        return join(emissions, vectors, np.asarray(self.theta.mean(axis=0)).ravel(), n, seed=0)


@pytest.fixture(scope="module")
def planted() -> Planted:
    return Planted()


@pytest.fixture(scope="module")
def emissions(planted: Planted) -> Emissions:
    return fit_emissions(planted.theta, planted.counts)


def cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return (first / np.linalg.norm(first, axis=1)[:, None]) @ (second / np.linalg.norm(second, axis=1)[:, None]).T


def test_planted_topics_come_back(planted: Planted, emissions: Emissions) -> None:
    found = planted.themes(emissions, N_TOPICS)

    alike = cosines(found.words, planted.truth)
    rows, columns = linear_sum_assignment(-alike)
    assert alike[rows, columns].mean() > 0.9
    assert adjusted_rand_score(planted.member, found.member) > 0.9
    assert cosines(emissions.words, planted.truth[planted.member]).diagonal().mean() > 0.9


def test_shuffled_codes_find_nothing(planted: Planted, emissions: Emissions) -> None:
    order = np.random.default_rng(1).permutation(N_DOCUMENTS)
    half, other = np.arange(N_DOCUMENTS // 2), np.arange(N_DOCUMENTS // 2, N_DOCUMENTS)
    shuffled = planted.theta[order]
    lost = fit_emissions(csr_array(shuffled[half]), csr_array(planted.counts[half]))
    kept = fit_emissions(csr_array(planted.theta[half]), csr_array(planted.counts[half]))

    held = csr_array(planted.counts[other])
    assert fit_quality(kept, csr_array(planted.theta[other]), held) > 0.5
    assert fit_quality(lost, csr_array(shuffled[other]), held) < 0.02
    assert adjusted_rand_score(planted.member, planted.themes(lost, N_TOPICS).member) < 0.3
    assert emissions.log_likelihood[-1] > lost.log_likelihood[-1]


def test_the_likelihood_never_falls(emissions: Emissions) -> None:
    assert np.diff(emissions.log_likelihood).min() > -1e-6


def test_sums_are_one(planted: Planted, emissions: Emissions) -> None:
    found = planted.themes(emissions, 4)

    np.testing.assert_allclose(emissions.words.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(emissions.background.sum(), 1)
    np.testing.assert_allclose(found.words.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(found.mass.sum(), 1)
    shares = mixtures(planted.theta, found.member, 4).sum(axis=1)
    assert set(np.round(shares, 6)) <= {0.0, 1.0}
    assert (np.diff(found.mass) <= 0).all()


def test_another_number_of_themes_leaves_the_emissions(planted: Planted, emissions: Emissions) -> None:
    before = emissions.hash
    sizes = [len(set(planted.themes(emissions, n).member)) for n in (3, 6, 12)]

    assert sizes == [3, 6, 12]
    assert emissions.hash == before == fit_emissions(planted.theta, planted.counts).hash


def test_coherence_by_hand() -> None:
    counts = csr_array(np.array([[1, 2, 0, 0], [3, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0]]))

    assert npmi(counts, np.array([0, 1])) == pytest.approx(1.0)  # always together
    assert npmi(counts, np.array([0, 2])) == -1.0  # never
    assert np.isnan(npmi(counts, np.array([0, 3])))
    together = csr_array(np.array([[1, 1], [1, 0], [0, 1], [0, 0]]))
    assert npmi(together, np.array([0, 1])) == pytest.approx(0.0)  # as often as independent words


def test_a_feature_stands_where_its_strongest_words_are() -> None:
    words = np.array([[0.7, 0.25, 0.05], [0.05, 0.0, 0.95]])

    np.testing.assert_allclose(places(words, np.eye(3)), [[0.7, 0.25, 0], [0, 0, 0.95]])


def test_themes_of_a_given_membership_weigh_features_by_their_mass() -> None:
    words = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    held = Emissions(words, np.array([0.5, 0.5]), np.ones(2), ())

    found = joined(held, np.array([0, 0, 1]), np.array([0.6, 0.2, 0.2]), 2)

    np.testing.assert_allclose(found.words, [[0.75, 0.25], [0.5, 0.5]])
    np.testing.assert_allclose(found.mass, [0.8, 0.2])
