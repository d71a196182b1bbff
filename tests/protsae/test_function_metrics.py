"""Function prediction by a CAFA example worked by hand, and by the plain loop over thresholds."""

import numpy as np
import pytest

from protsae.measures.function import (
    THRESHOLDS,
    function_scores,
    propagate,
    term_auc,
    term_aupr,
)

LABELS = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 0]], bool)
SCORES = np.array([[0.9, 0.6, 0.3, 0.0], [0.6, 0.0, 0.0, 0.6], [0.0, 0.0, 0.0, 0.0]])
BITS = np.array([0.5, 1.0, 2.0, 4.0])


def test_a_cafa_example_by_hand() -> None:
    found = function_scores(SCORES, LABELS, BITS)

    # t in (.6, .9]: only protein 1 is called, with term A: p = 1,                 r = (1/2 + 0 + 0) / 3
    # t in (.3, .6]: proteins 1 and 2 called:           p = (1 + 1/2) / 2,    r = (1 + 1/2 + 0) / 3
    # t in (0, .3]:  protein 1 also of term C:          p = (2/3 + 1/2) / 2,  r = (1 + 1/2 + 0) / 3
    # t = 0:         all of all four terms:             p = (2 + 2 + 1) / 12, r = 1
    f = [2 * p * r / (p + r) for p, r in ((1, 1 / 6), (3 / 4, 1 / 2), (7 / 12, 1 / 2), (5 / 12, 1))]
    assert found.fmax == pytest.approx(max(f))
    assert found.fmax == pytest.approx(f[1])
    assert found.fmax_threshold == pytest.approx(0.31)
    # missed, claimed: (.9) 1 + 2.5 + .5, 0; (.6) 0 + 2 + .5, 4; above .9: 1.5 + 2.5 + .5, 0
    assert found.smin == pytest.approx((1 + 2.5 + 0.5) / 3)
    assert found.smin_threshold == pytest.approx(0.61)
    assert found.aupr == pytest.approx(1 / 6 * 1 + (1 / 2 - 1 / 6) * 3 / 4 + (1 - 1 / 2) * 5 / 12)


def test_a_protein_without_terms_counts_against_precision_and_s_but_has_no_recall() -> None:
    labels = np.array([[1], [0]], bool)

    found = function_scores(np.array([[1.0], [1.0]]), labels, np.array([3.0]))

    assert found.fmax == pytest.approx(2 * 0.5 * 1 / 1.5)
    assert found.smin == pytest.approx(3 / 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_sweep_equals_the_plain_loop(dtype: type) -> None:
    rng = np.random.default_rng(0)
    labels = rng.random((60, 17)) < 0.2
    labels[:5] = False
    scores = np.where(rng.random((60, 17)) < 0.3, 0, rng.random((60, 17))).astype(dtype)
    scores[7] = rng.choice(THRESHOLDS, 17)
    bits = rng.random(17) * 9
    f, s = [], []
    for t in THRESHOLDS:
        called = scores >= t
        hits, is_called, known = (called & labels).sum(1), called.any(1), labels.any(1)
        p = (hits[is_called] / called.sum(1)[is_called]).mean() if is_called.any() else 0
        r = (hits[known] / labels.sum(1)[known]).mean()
        f.append(2 * p * r / (p + r) if p + r else 0)
        s.append(np.hypot(((labels & ~called) @ bits).mean(), ((called & ~labels) @ bits).mean()))

    found = function_scores(scores, labels, bits)

    assert found.fmax == pytest.approx(max(f), abs=1e-12)
    assert found.smin == pytest.approx(min(s), abs=1e-12)
    assert found.fmax_threshold == pytest.approx(THRESHOLDS[int(np.argmax(f))])


def test_constant_scores_have_the_precision_of_the_prevalence() -> None:
    labels = np.array([[1, 0, 0, 0]] * 5, bool)

    found = function_scores(np.full((5, 4), 0.5), labels, np.ones(4))

    assert found.fmax == pytest.approx(2 * 0.25 / 1.25)
    assert found.aupr == pytest.approx(0.25)
    assert found.smin == pytest.approx(1)  # saying nothing misses one bit; saying all claims three


def test_nan_scores_are_refused() -> None:
    with pytest.raises(ValueError, match="got nan for 1 of 12"):
        function_scores(np.where(SCORES == 0.3, np.nan, SCORES), LABELS, BITS)
    with pytest.raises(ValueError, match="got nan for 1 of 12"):
        term_auc(np.where(SCORES == 0.3, np.nan, SCORES), LABELS)


ABOVE = np.array([[0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 1, 0]], bool)
"""Term 0 lies below 1, which lies below 2; term 3 lies below 2."""


def test_a_term_scores_the_maximum_of_itself_and_its_descendants() -> None:
    scores = np.array([[0.9, 0.2, 0.1, 0.3], [0.1, 0.2, 0.3, 0.4], [0.0, 0.5, 0.7, 0.1]])

    found = propagate(scores, ABOVE)

    assert found.tolist() == [[0.9, 0.9, 0.9, 0.3], [0.1, 0.2, 0.4, 0.4], [0.0, 0.5, 0.7, 0.1]]
    assert scores[0].tolist() == [0.9, 0.2, 0.1, 0.3]
    assert propagate(found, ABOVE).tolist() == found.tolist()
    assert propagate(scores, np.eye(4, dtype=bool)).tolist() == scores.tolist()
    assert (propagate(scores, ABOVE | np.eye(4, dtype=bool)) == found).all()


def test_propagation_needs_all_ancestors() -> None:
    with pytest.raises(ValueError, match=r"must be of shape \(4, 4\).*got \(3, 4\)"):
        propagate(np.zeros((2, 4)), ABOVE[:3])
    nearest_only = ABOVE.copy()
    nearest_only[0, 2] = False
    with pytest.raises(ValueError, match="term 2 is two steps above term 0"):
        propagate(np.zeros((2, 4)), nearest_only)


def test_term_means_leave_out_terms_of_one_kind() -> None:
    labels = np.array([[1, 0, 1], [0, 0, 1], [1, 0, 1]], bool)
    scores = np.array([[0.9, 0.1, 0.5], [0.5, 0.1, 0.5], [0.1, 0.1, 0.5]])

    assert term_auc(scores, labels) == 0.5
    assert term_aupr(scores, labels) == pytest.approx((1 + 2 / 3) / 2)
    with pytest.raises(ValueError, match="none of 2 terms has both"):
        term_auc(scores[:, 1:], labels[:, 1:])


def test_permuted_labels_are_at_chance_and_the_labels_themselves_perfect() -> None:
    rng = np.random.default_rng(2)
    labels = rng.random((500, 40)) < 0.3
    scores = labels + rng.random((500, 40)) / 2

    assert term_auc(scores, labels) == 1
    assert term_aupr(scores, labels) == 1
    assert term_auc(scores, rng.permutation(labels)) == pytest.approx(0.5, abs=0.02)
    assert term_aupr(scores, rng.permutation(labels)) == pytest.approx(0.3, abs=0.03)
