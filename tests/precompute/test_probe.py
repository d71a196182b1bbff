"""The ridge probe: known answers."""

import numpy as np
import pytest

from precompute.corpus.proteins import composition
from precompute.stages.probe import probe_auroc


def data(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x = rng.normal(size=(900, 8))
    split = np.array(["train"] * 600 + ["valid"] * 150 + ["test"] * 150)
    return x, split


def test_a_linear_label_is_found_and_a_shuffled_one_is_not() -> None:
    rng = np.random.default_rng(0)
    x, split = data(rng)
    labels = (x @ rng.normal(size=(8, 3))) > 0

    assert probe_auroc(x, labels, split) > 0.97
    assert probe_auroc(x, rng.permutation(labels), split) == pytest.approx(0.5, abs=0.1)


def test_no_term_has_no_score() -> None:
    x, split = data(np.random.default_rng(0))
    assert np.isnan(probe_auroc(x, np.zeros((900, 0), dtype=bool), split))


def test_composition_counts_shares_in_the_house_order() -> None:
    row, unknown = composition(["AARV", "XXAX"])
    assert row[0] == 0.5
    assert row[1] == 0.25
    assert row[-1] == 0.25
    assert unknown.tolist() == [0.25, *[0.0] * 19]
