"""The analysis `calibration`: bands tell planted shares of carriers, and the prevalence where there is no signal."""

from pathlib import Path

import numpy as np
import pytest

from precompute.analyses.calibration import RANKS, bands
from protsae.bundle.opening import open_bundle
from protsae.store.analyses.calibration import CALIBRATION, Band, band_at, bands_of


def test_bands_tell_the_share_of_carriers_that_was_planted() -> None:
    rng = np.random.default_rng(0)
    signal, chance = rng.random((2, 4000)), rng.random((2, 4000))
    truth = chance < signal**3

    found = bands(signal[0], truth[0], signal[1], truth[1])

    assert found["valid_n"].tolist() == [10, 10, 20, 40, 80, 160, 320, 640, 1280, 1440]
    assert found["test_n"].sum() == 4000
    assert found["test_hits"].sum() == truth[1].sum() == found["n_positive"][0]
    large = found[found["test_n"] > 100]
    highs = [*found["low"].tolist()[-len(large) - 1 : -1]]
    ends = zip(large["low"], highs, strict=True)
    expected = [float(np.mean(np.linspace(low, high, 99) ** 3)) for low, high in ends]
    assert (large["test_hits"] / large["test_n"]).to_numpy() == pytest.approx(expected, abs=0.08)


def test_a_signal_without_meaning_has_the_prevalence_in_every_band() -> None:
    rng = np.random.default_rng(1)
    signal, truth = rng.random((2, 4000)), rng.random((2, 4000)) < 0.3

    found = bands(signal[0], truth[0], signal[1], truth[1])

    large = found[found["test_n"] > 100]
    assert (large["test_hits"] / large["test_n"]).to_numpy() == pytest.approx([0.3] * len(large), abs=0.08)


def test_equal_and_silent_signals_lie_in_one_band() -> None:
    valid = np.zeros(100)
    valid[:15] = 2.0

    found = bands(valid, valid > 0, valid, valid > 0)

    assert found["low"].tolist() == [2.0, 0.0]
    assert found["test_hits"].tolist() == [15, 0]
    assert bands(np.zeros(5), np.zeros(5, bool), np.zeros(4), np.ones(4, bool))["test_hits"].tolist() == [4]
    assert tuple(sorted(RANKS)) == RANKS


def test_a_bundle_without_it_says_so_and_one_with_it_tells_the_band(tiny_bundle: Path) -> None:
    with open_bundle(tiny_bundle) as opened:
        assert not opened.reader.absence(CALIBRATION)
        guided = next(row.name for row in opened.reader.saes() if row.role == "guided")
        found = bands_of(opened.reader, guided)

    assert {term.go_id for term in found[next(iter(found))]} == {next(iter(found))}
    one = [Band("GO:1", 0, 0, 2.0, 4, 3, 100, 10), Band("GO:1", 0, 1, 0.0, 96, 7, 100, 10)]
    assert band_at(one, 2.0) == one[0]
    assert band_at(one, 1.9) == one[1]
    assert band_at([], 1.0) is None
    assert one[0].share == 0.75
    assert one[0].null == 0.1
    assert one[0]._replace(test_n=0).share is None
