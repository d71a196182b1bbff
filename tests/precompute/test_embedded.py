"""The embedding score: a planted class of sequences is found by its label, shuffled ones and others are not."""

import numpy as np
import pytest

from precompute.features.alikeness import profiles
from precompute.features.embedded import LEAST, N_OTHERS, embedded, queries

ALPHABET = np.array(list("ACDEFGHIKLMNPQRSTVWY"))
N = 160


def drawn(rng: np.random.Generator, rich: str, n: int) -> list[str]:
    """Sequences in which a third of the letters are of a few kinds."""
    made = []
    for _ in range(n):
        letters = rng.choice(ALPHABET, 120)
        letters[rng.random(120) < 0.35] = rng.choice(list(rich))
        made.append("".join(letters))
    return made


@pytest.fixture(scope="module")
def planted() -> tuple[np.ndarray, np.ndarray]:
    """[n, m] test proteins by queries, and [n] which class they are: 0 and 1 have a label each, 2 has none."""
    rng = np.random.default_rng(0)
    parts = [[one for rich in ("KR", "FWY", "ST") for one in drawn(rng, rich, N)] for _ in range(2)]
    kind = np.repeat(np.arange(3), N)
    vectors = profiles(*parts)
    train, test = vectors[: len(kind)], vectors[len(kind) :]
    everyone = np.ones(len(kind), bool)
    others = [rng.permutation(kind == 0) for _ in range(N_OTHERS)]
    asked = queries(train, [kind == 0, kind == 1, *others], [everyone] * (2 + N_OTHERS))
    return test @ asked.T, kind


def test_what_carriers_share_ranks_firing_proteins_of_other_sequences(planted: tuple[np.ndarray, np.ndarray]) -> None:
    ranked, kind = planted
    others = np.arange(2, ranked.shape[1])
    found = embedded(kind == 0, ranked, 0, others, np.random.default_rng(1))
    assert found.embedding > 0.95
    assert found.null_embedding == pytest.approx(0.5, abs=0.15)
    assert found.embedding_high < 0.9

    wrong = embedded(kind == 0, ranked, 1, others, np.random.default_rng(1))
    assert wrong.embedding < 0.5, "the label of another class ranks it lower, not higher"


def test_a_feature_that_fires_anywhere_is_ranked_by_no_label(planted: tuple[np.ndarray, np.ndarray]) -> None:
    ranked, kind = planted
    told = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        told.append(embedded(rng.permutation(kind == 0), ranked, 0, np.array([0, 1, 2]), rng).embedding)
    assert np.mean(told) == pytest.approx(0.5, abs=0.02)


def test_too_few_proteins_say_nothing(planted: tuple[np.ndarray, np.ndarray]) -> None:
    ranked, kind = planted
    rng = np.random.default_rng(0)
    few = np.arange(len(kind)) < LEAST - 1
    assert np.isnan(embedded(few, ranked, 0, np.array([1, 2]), rng)).all()
    assert np.isnan(embedded(~few, ranked, 0, np.array([1, 2]), rng)).all()
    assert np.isnan(embedded(kind == 0, ranked, 0, np.array([0]), rng)).all(), "nothing to hold it against"
    vectors = np.eye(len(kind), 4)
    assert np.isnan(queries(vectors, [few], [np.ones(len(kind), bool)])).all()
    known = few | (np.arange(len(kind)) == LEAST)
    assert np.isnan(queries(vectors, [~few & known], [known])).all()


def test_a_query_is_the_difference_of_means() -> None:
    vectors = np.concatenate([np.tile([1.0, 0.0], (LEAST, 1)), np.tile([0.0, 1.0], (LEAST, 1)), np.full((5, 2), 9.0)])
    own = np.arange(len(vectors)) < LEAST
    known = np.arange(len(vectors)) < 2 * LEAST
    assert queries(vectors, [own], [known]).tolist() == [[1.0, -1.0]], "of proteins that are known"


def test_further_sequences_are_placed_by_the_spread_of_the_first() -> None:
    rng = np.random.default_rng(2)
    first, more = drawn(rng, "KR", 30), drawn(rng, "ST", 20)
    together = profiles(first, more)
    assert np.array_equal(together[:30], profiles(first))
    assert np.array_equal(profiles(first, more[:1])[30:], together[30:31]), "one by one they lie where they did"
