"""Targeted perturbation by known answers: probe directions as a dictionary, random and useless features."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.metrics import roc_auc_score

from protsae.errors import ConfigError, InputError
from protsae.measures.perturbation import Perturbation, attributed_features, random_features, targeted_perturbation

N, D, M = 300, 12, 4


class World(NamedTuple):
    """Proteins with the label c exactly where the c-th of their first M orthogonal features is large."""

    states: np.ndarray
    codes: csr_array
    directions: np.ndarray
    labels: np.ndarray

    @property
    def weight(self) -> np.ndarray:
        """A perfect probe for each concept: the direction of its feature."""
        return self.directions[:M]

    def switch_off(self, features: list[np.ndarray], **options: Any) -> Perturbation:
        given: dict[str, Any] = {
            "related": np.zeros((M, M), dtype=bool),
            "probe_weight": self.weight,
            "probe_bias": np.ones(M),
        }
        return targeted_perturbation(
            self.states, self.codes, self.directions, labels=self.labels, features=features, **(given | options)
        )


@pytest.fixture
def world() -> World:
    """The states are made of the features exactly, and all features are orthogonal."""
    rng = np.random.default_rng(0)
    labels = rng.random((N, M)) < [0.5, 0.3, 0.2, 0.1]
    codes = rng.uniform(0, 1, (N, D))
    codes[:, :M] += labels
    directions = np.linalg.qr(rng.normal(size=(D, D)))[0]
    return World(codes @ directions, csr_array(codes), directions, labels)


def own(n: int = M) -> list[np.ndarray]:
    return [np.array([c]) for c in range(n)]


def test_a_dictionary_of_probe_directions_blinds_its_own_probe_only(world: World) -> None:
    found = world.switch_off(own())

    assert found.auroc == pytest.approx(np.ones(M))
    assert found.own_drop.tolist() == [0.5] * M, "chance is reached: what is left are ties"
    assert found.other_drop == pytest.approx(np.zeros(M), abs=1e-9)
    assert found.mean == pytest.approx(float(found.score.mean()))


def test_drops_agree_with_scikit_learn(world: World) -> None:
    rng = np.random.default_rng(1)
    weight = world.weight + 0.5 * rng.normal(size=(M, D))
    features = [rng.choice(D, 2, replace=False) for _ in range(M)]
    found = world.switch_off(features, probe_weight=weight)

    def auroc(states: np.ndarray, c: int) -> float:
        return max(0.5, float(roc_auc_score(world.labels[:, c], states @ weight[c])))

    for c, off in enumerate(features):
        states = world.states - world.codes.toarray()[:, off] @ world.directions[off]
        drop = [auroc(world.states, j) - auroc(states, j) for j in range(M)]
        assert found.own_drop[c] == pytest.approx(drop[c])
        assert found.other_drop[c] == pytest.approx(np.mean([drop[j] for j in range(M) if j != c]))


def test_the_wrong_feature_scores_below_zero_and_none_scores_zero(world: World) -> None:
    assert world.switch_off([np.array([(c + 1) % M]) for c in range(M)]).mean < -0.1
    assert world.switch_off([np.array([], dtype=int)] * M).score.tolist() == [0] * M


def test_random_features_score_about_zero() -> None:
    rng = np.random.default_rng(2)
    n, d_sae, m = 400, 200, 30
    codes = csr_array(rng.random((n, d_sae)) * (rng.random((n, d_sae)) < 0.2))
    directions, weight = rng.normal(size=(d_sae, D)), rng.normal(size=(m, D))
    states = codes @ directions + rng.normal(size=(n, D))
    labels = states @ weight.T > 1
    features = random_features(codes, [np.arange(3)] * m, seed=0)
    found = targeted_perturbation(
        states,
        codes,
        directions,
        probe_weight=weight,
        probe_bias=np.zeros(m),
        labels=labels,
        related=np.eye(m, dtype=bool),
        features=features,
    )

    assert abs(found.mean) < 0.01
    assert (found.own_drop > 0).any()


def test_a_probe_turned_round_counts_as_blind_and_no_more(world: World) -> None:
    doubled = world._replace(directions=world.directions * 3)

    assert doubled.switch_off(own(), probe_weight=world.weight).own_drop == pytest.approx(np.full(M, 0.5))


def test_related_concepts_are_left_out(world: World) -> None:
    both = world.weight.copy()
    both[1] = both[0]
    labels = world.labels.copy()
    labels[:, 1] = labels[:, 0]
    twins = world._replace(labels=labels)
    related = np.zeros((M, M), dtype=bool)
    off = [np.array([0])] * M
    harmed = twins.switch_off(off, probe_weight=both, related=related)
    related[0, 1] = related[1, 0] = True
    spared = twins.switch_off(off, probe_weight=both, related=related)

    assert harmed.other_drop[0] > 0.1
    assert spared.other_drop[0] == pytest.approx(0, abs=1e-9)
    assert np.isnan(twins.switch_off(off, related=np.ones((M, M), dtype=bool)).score).all()


def test_concepts_without_positives_are_not_judged_and_not_compared_with(world: World) -> None:
    labels = world.labels.copy()
    labels[:, 3] = False
    found = world._replace(labels=labels).switch_off(own())

    assert np.isfinite(found.score).tolist() == [True, True, True, False]
    assert np.isfinite(found.mean)
    assert np.isnan(world._replace(labels=np.zeros_like(labels)).switch_off(own()).mean)


def test_the_draw_of_unrelated_concepts_is_the_same_for_other_features(world: World) -> None:
    both = [world.switch_off(own(), n_unrelated=1, seed=seed) for seed in (0, 0)]

    np.testing.assert_allclose(both[0].other_drop, both[1].other_drop, atol=1e-3)
    tilted = world.weight + 0.7 * world.weight.sum(axis=0)
    drawn = [world.switch_off(own(), n_unrelated=1, seed=s, probe_weight=tilted).other_drop for s in range(5)]
    assert len({tuple(other) for other in drawn}) > 1


def test_attribution_finds_the_feature_of_each_concept(world: World) -> None:
    found = attributed_features(world.codes, world.labels, world.directions, world.weight, n_features=1)

    assert [features.tolist() for features in found] == [[0], [1], [2], [3]]


def test_attribution_by_hand() -> None:
    codes = csr_array(np.array([[2.0, 0, 1], [4, 0, 1], [1, 5, 0]]))
    labels = np.array([[True], [True], [False]])
    directions, weight = np.array([[1.0, 0], [-1, 0], [3, 9]]), np.array([[1.0, 0]])
    # differences 3 - 1, 0 - 5, 1 - 0; pushes 1, -1, 3
    assert attributed_features(codes, labels, directions, weight, n_features=3)[0].tolist() == [1, 2, 0]


def test_random_features_fire_are_others_and_as_many() -> None:
    codes = csr_array(np.array([[1.0, 0, 2, 3, 0, 4, 5], [0, 0, 1, 0, 0, 0, 0]]))
    features = [np.array([0, 2]), np.array([6])]
    found = random_features(codes, features, seed=3)

    assert [len(drawn) for drawn in found] == [2, 1]
    assert set(found[0]) <= {3, 5, 6}
    assert set(found[1]) <= {0, 2, 3, 5}
    assert [d.tolist() for d in random_features(codes, features, seed=3)] == [d.tolist() for d in found]
    with pytest.raises(InputError, match="Only 0 other features fire, too few to draw 5"):
        random_features(codes, [np.array([0, 2, 3, 5, 6])])


def test_refuses_in_one_sentence(world: World) -> None:
    with pytest.raises(ConfigError, match="got 0"):
        world.switch_off(own(), n_unrelated=0)
    with pytest.raises(ConfigError, match="Each of the 4 concepts needs its list of features, got 3 lists"):
        world.switch_off(own(3))
    with pytest.raises(ConfigError, match="must be 1 to 12, got 13"):
        attributed_features(world.codes, world.labels, world.directions, world.weight, n_features=13)
