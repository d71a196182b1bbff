"""Sparse codes as topics: which words each feature emits, and features joined to few themes.

    p(word | document) = (1 - pi) sum_k theta_k B_k,word + pi background_word

theta: the document's code, normalised to sum 1; B: one row of word shares a feature; background: the corpus' own word
shares; pi = 0.3. B is what makes the words of documents, each weighed by its inverse document frequency, most likely
(expectation maximisation, `fit_emissions`). A feature is then a point: its strongest words, up to 90 % of its mass,
times word vectors; k-means over these points, weighed by mean theta, joins features to themes (`join`). Another number
of themes joins anew and leaves B as it is.

    NPMI of two words = log(p(a, b) / (p(a) p(b))) / -log p(a, b)      over documents; -1 never together, 1 always

Read `Emissions`, then `fit_emissions`, then `join`.

Source: SAE-TM (arXiv:2511.16309). B is fitted there by gradient steps, here by EM on the same likelihood, which needs
no learning rate and never falls; word vectors are a truncated SVD of the word counts, as no language has trained any.
"""

import hashlib
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_array
from scipy.sparse.linalg import svds
from sklearn.cluster import KMeans

PI = 0.3
"""Share of the background in every document."""

MASS = 0.9
"""Of a feature's words, the strongest up to this share place it."""

ROUNDS = 40
_SMOOTH = 1e-3
"""Added to every count of a row of B, as a share of the background."""
_LEAST = 1e-12


class Emissions(NamedTuple):
    """What each feature says."""

    words: Float[np.ndarray, "n_features n_words"]
    """B; every row sums to 1."""
    background: Float[np.ndarray, " n_words"]
    """Sums to 1."""
    weight: Float[np.ndarray, " n_words"]
    """Inverse document frequency: log(documents / documents with the word)."""
    log_likelihood: tuple[float, ...]
    """Mean over the weighed words, after every round."""

    @property
    def hash(self) -> str:
        """Of B."""
        return hashlib.sha256(self.words.tobytes()).hexdigest()


class Themes(NamedTuple):
    """Features joined."""

    member: Int[np.ndarray, " n_features"]
    """Theme of each feature, the theme with the most mass first."""
    words: Float[np.ndarray, "n_themes n_words"]
    """Mean of the members' rows of B, weighed by theta; every row sums to 1."""
    mass: Float[np.ndarray, " n_themes"]
    """Share of all theta; sums to 1."""


def normalised(codes: csr_array) -> csr_array:
    """Rows brought to a sum of 1; a row of zeros stays."""
    total = np.asarray(codes.sum(axis=1)).ravel()
    return csr_array(codes.multiply((1 / np.maximum(total, _LEAST))[:, None]))


def fit_emissions(theta: csr_array, counts: csr_array, rounds: int = ROUNDS) -> Emissions:
    """The word shares of every feature that make the documents' words most likely.

    Args:
        theta: [n_documents, n_features], rows of sum 1 (or 0, which says nothing).
        counts: [n_documents, n_words] of 0 and more.
        rounds: of expectation maximisation.
    """
    n = counts.shape[0]
    present = np.asarray((counts > 0).sum(axis=0)).ravel()
    weight = np.log(n / np.maximum(present, 1)) * (present > 0)
    weighed = csr_array(counts.multiply(weight[None, :]))
    background = np.asarray(weighed.sum(axis=0)).ravel()
    background = background / max(background.sum(), _LEAST)
    words = _rows(np.asarray((theta.T @ weighed).todense()), background)
    likelihood = []
    for _ in range(rounds):
        expected = _probabilities(theta, words, background, weighed)
        likelihood.append(float((weighed.data * np.log(expected.data)).sum() / max(weighed.data.sum(), _LEAST)))
        share = weighed.copy()
        share.data = (1 - PI) * weighed.data / expected.data
        words = _rows(words * np.asarray((theta.T @ share).todense()), background)
    return Emissions(words.astype(np.float32), background, weight, tuple(likelihood))


def _rows(mass: np.ndarray, background: np.ndarray) -> np.ndarray:
    smoothed = mass + _SMOOTH * background
    return smoothed / smoothed.sum(axis=1, keepdims=True)


def _probabilities(theta: csr_array, words: np.ndarray, background: np.ndarray, at: csr_array) -> csr_array:
    """p(word | document) where `at` has an entry."""
    found = at.copy()
    for row in range(at.shape[0]):
        here = slice(at.indptr[row], at.indptr[row + 1])
        own = slice(theta.indptr[row], theta.indptr[row + 1])
        columns = at.indices[here]
        mixed = theta.data[own] @ words[np.ix_(theta.indices[own], columns)]
        found.data[here] = (1 - PI) * mixed + PI * background[columns]
    return found


def fit_quality(emissions: Emissions, theta: csr_array, counts: csr_array) -> float:
    """How much likelier, in nats a weighed word, documents make their words by their codes than by the background.

    Words whose background share is 0 are left out.
    """
    weighed = csr_array(counts.multiply((emissions.weight * (emissions.background > 0))[None, :]))
    weighed.eliminate_zeros()
    expected = _probabilities(theta, emissions.words, emissions.background, weighed)
    gain = np.log(expected.data / emissions.background[weighed.indices])
    return float((weighed.data * gain).sum() / max(weighed.data.sum(), _LEAST))


def word_vectors(counts: csr_array, weight: np.ndarray, dimensions: int, seed: int) -> Float[np.ndarray, "n_words d"]:
    """Vectors of unit length: words lie close that the same documents have."""
    weighed = csr_array(counts.multiply(weight[None, :])).astype(np.float64)
    dimensions = max(1, min(dimensions, min(weighed.shape) - 1))
    start = np.random.default_rng(seed).standard_normal(min(weighed.shape))
    _, sizes, right = svds(weighed, k=dimensions, v0=start)
    vectors = right.T * sizes
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), _LEAST)


def places(words: Float[np.ndarray, "n_features n_words"], vectors: Float[np.ndarray, "n_words d"]) -> np.ndarray:
    """[n_features, d] where each feature stands: its strongest words, up to `MASS`, times their vectors."""
    order = np.argsort(-words, axis=1, kind="stable")
    ranked = np.take_along_axis(words, order, axis=1)
    kept = ranked.cumsum(axis=1) - ranked < MASS
    cut = np.zeros_like(words)
    np.put_along_axis(cut, order, ranked * kept, axis=1)
    return cut @ vectors.astype(words.dtype)


def join(emissions: Emissions, vectors: np.ndarray, mean_theta: np.ndarray, n_themes: int, seed: int) -> Themes:
    """Join features to themes.

    Args:
        emissions: of the features; left as they are.
        vectors: of the words.
        mean_theta: [n_features] over the documents; features without any weigh nothing.
        n_themes: how many, at most as many as features.
        seed: of k-means.
    """
    at = places(emissions.words, vectors)
    settings: dict[str, Any] = {"n_clusters": n_themes, "n_init": 4, "random_state": seed}
    found = KMeans(**settings).fit_predict(at, sample_weight=mean_theta + _LEAST)
    mass = np.bincount(found, weights=mean_theta, minlength=n_themes)
    place = np.empty(n_themes, dtype=np.int64)
    place[np.argsort(-mass, kind="stable")] = np.arange(n_themes)
    return joined(emissions, place[found], mean_theta, n_themes)


def joined(emissions: Emissions, member: np.ndarray, mean_theta: np.ndarray, n_themes: int) -> Themes:
    """Themes of a given membership, in its numbers."""
    mass = np.bincount(member, weights=mean_theta, minlength=n_themes)
    inside = csr_array((mean_theta, (member, np.arange(len(member)))), shape=(n_themes, len(member)))
    words = (inside @ emissions.words.astype(np.float64)) / np.maximum(mass, _LEAST)[:, None]
    return Themes(member, words, mass / max(mass.sum(), _LEAST))


def mixtures(theta: csr_array, member: np.ndarray, n_themes: int) -> Float[np.ndarray, "n_documents n_themes"]:
    """Share of each theme in each document; rows sum to 1, or to 0 where the code is empty."""
    membership = csr_array((np.ones(len(member)), (np.arange(len(member)), member)), shape=(len(member), n_themes))
    return np.asarray((theta @ membership).todense())


def npmi(counts: csr_array, words: Int[np.ndarray, " n"]) -> float:
    """Mean over pairs of words, over the documents; NaN where fewer than two of the words occur."""
    has = (counts[:, words] > 0).astype(np.float64).toarray()
    has = has[:, has.any(axis=0)]
    n, m = has.shape
    if m < 2:
        return float("nan")
    together, alone = has.T @ has / n, has.mean(axis=0)
    first, second = np.triu_indices(m, 1)
    both = together[first, second]
    found = np.full(len(both), -1.0)
    some = (both > 0) & (both < 1)
    found[some] = np.log(both[some] / (alone[first] * alone[second])[some]) / -np.log(both[some])
    found[both >= 1] = 1.0
    return float(found.mean())
