"""Information of columns: exact expectation, nothing where there is nothing, two bits where there are two."""

import numpy as np
import pytest

from protsae.measures.motif import corrected_bits, expected_bits

EVEN = np.full(4, 0.25)
UNEVEN = np.array([0.5, 0.3, 0.15, 0.05])


@pytest.mark.parametrize("n", [1, 4, 30])
@pytest.mark.parametrize("background", [EVEN, UNEVEN])
def test_random_letters_say_nothing_however_few(n: int, background: np.ndarray) -> None:
    counts = np.random.default_rng(0).multinomial(n, background, size=20_000)
    bits = corrected_bits(counts, background)

    assert bits.mean() == pytest.approx(0, abs=0.02)


def test_the_expectation_nears_the_usual_approximation() -> None:
    expected = expected_bits(400, tuple(UNEVEN.tolist()))

    assert expected[0] == 0
    assert expected[400] == pytest.approx(3 / (2 * 400 * np.log(2)), rel=0.02)
    assert expected[1] == pytest.approx(-(UNEVEN * np.log2(UNEVEN)).sum())


def test_one_letter_says_how_rare_it_is() -> None:
    counts = np.array([[0, 0, 0, 500], [500, 0, 0, 0], [0, 0, 0, 0]])

    assert corrected_bits(counts, UNEVEN) == pytest.approx([np.log2(20), 1, 0], abs=0.01)


def test_a_letter_that_the_corpus_lacks_is_no_trouble() -> None:
    assert np.isfinite(corrected_bits(np.array([3, 1, 0]), np.array([0.6, 0.4, 0.0])))
