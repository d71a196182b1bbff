"""The analysis `themes`: codes, the choice of words, and all of it on a finished run."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csc_array

from precompute.__main__ import main
from precompute.analyses import themes
from precompute.analyses.themes import chosen_words, codes
from protsae.store.analyses.themes import THEMES, fits_of, mixture_of, theme_of, themes_of, words_of
from protsae.store.reader import StoreReader


def test_a_protein_stands_out_by_how_far_it_exceeds_what_is_usual() -> None:
    mean = csc_array(np.array([[1.0, 0.0, 8.0], [1.0, 4.0, 0.0], [1.0, 0.0, 0.0], [4.0, 0.0, 64.0]]))

    found = codes(mean, np.array([True, True, True, False])).toarray()

    np.testing.assert_allclose(found[0], [0, 0, 1])  # the first is at its usual level
    np.testing.assert_allclose(found[1], [0, 1, 0])
    assert not found[2].any()
    np.testing.assert_allclose(found[3], np.array([2, 0, np.log2(24)]) / (2 + np.log2(24)))


def test_only_the_strongest_features_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(themes, "STRONGEST", 2)
    mean = csc_array(np.vstack([np.array([[16.0, 8.0, 4.0, 32.0]]), np.zeros((7, 4))]))

    found = codes(mean, np.ones(8, dtype=bool)).toarray()

    assert (found[0] > 0).sum() == 2
    assert found[0].sum() == pytest.approx(1)


def test_words_stand_out_and_none_is_above_another() -> None:
    shares, background = np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.1, 0.1, 0.1, 0.7])
    kin = [frozenset[int](), frozenset({0}), frozenset[int](), frozenset[int]()]

    assert chosen_words(shares, background, kin, 4) == [0, 2]
    assert chosen_words(shares, background, [frozenset()] * 4, 2) == [0, 1]


def test_a_finished_run_gets_themes(
    copy_run: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("NUMBERS", (2, 4)), ("MIN_PROTEINS", 2), ("MAX_SHARE", 0.9), ("DIMENSIONS", 4)):
        monkeypatch.setattr(themes, name, value)
    bundle = copy_run(tmp_path)

    assert main(["analyse", str(bundle), "themes", "--quiet"]) == 0

    with StoreReader.open(bundle / "store.duckdb") as reader:
        assert not reader.absence(THEMES)
        for row in reader.saes():
            fits = fits_of(reader, row.name)
            assert [fit.number for fit in fits] == [2, 4]
            assert len({fit.emissions for fit in fits}) == 1
            rows = themes_of(reader, row.name, 4)
            assert sum(one.mass for one in rows) == pytest.approx(1, abs=1e-4)
            assert [one.theme for one in rows] == [0, 1, 2, 3]
            assert words_of(reader, row.name, 4)
            shares = reader.tuples("SELECT accession, sum(share) FROM protein_theme WHERE number = 2 GROUP BY ALL")
            assert max(share for _, share in shares) <= len(reader.saes()) * 1.01
            accession = shares[0][0]
            assert mixture_of(reader, row.name, 2, accession) == sorted(
                mixture_of(reader, row.name, 2, accession), key=lambda one: (-one.share, one.theme)
            )
            feature = reader.tuples("SELECT feature FROM feature_theme WHERE sae = ? LIMIT 1", [row.name])[0][0]
            assert theme_of(reader, row.name, 2, feature) in (0, 1)
