"""Live encoding on the made-up bundle, and what "unusual" means."""

from dataclasses import replace
from inspect import unwrap
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from explorer.services import data, live
from explorer.services.live import Tails
from explorer.services.refs import FeatureRef
from protsae.errors import ArtifactError
from protsae.plm.spec import PLMSpec


@pytest.fixture(autouse=True)
def opened(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROTSAE_BUNDLE", str(tiny_bundle))
    return tiny_bundle


@pytest.fixture
def sequence() -> str:
    return str(data.bundle().reader.sequence_index()["sequence"][0])


def test_rows_are_the_columns_of_the_codes(sequence: str) -> None:
    refs = [FeatureRef("vanilla", 3), FeatureRef("protsae_mfo", 1)]
    rows = live.feature_rows(sequence, refs)

    for (name, feature), row in zip(refs, rows, strict=True):
        dense = live.encode(sequence, name).acts.toarray()
        assert np.array_equal(row, dense[:, feature].astype(np.float32))
    with torch.inference_mode():
        expected = live.sae("vanilla").encode(live.embed(sequence))[:, 3].numpy()
    assert np.allclose(rows[0], expected, rtol=1e-4, atol=1e-5)


def test_only_guided_autoencoders_predict_concepts(sequence: str) -> None:
    n_defined = next(row.n_defined for row in data.saes() if row.name == "protsae_mfo")

    pi = live.encode(sequence, "protsae_mfo").pi
    assert pi.shape == (len(sequence), n_defined)
    assert ((pi > 0) & (pi < 1)).all()
    assert live.encode(sequence, "vanilla").pi.shape == (len(sequence), 0)


def test_every_firing_feature_is_listed_once_with_its_peak(sequence: str) -> None:
    found = live.top_features(sequence, "vanilla")
    dense = live.encode(sequence, "vanilla").acts.toarray()

    assert sorted(a.feature for a in found) == np.flatnonzero(dense.max(axis=0)).tolist()
    surprises = [a.surprise for a in found]
    assert surprises == sorted(surprises, reverse=True)
    for active in found[:5]:
        column = dense[:, active.feature]
        assert active.peak == pytest.approx(column.max())
        assert column[active.position - 1] == pytest.approx(column.max())
        assert active.n_active == np.count_nonzero(column)
    assert live.top_features(sequence, "vanilla", 3) == found[:3]


def test_rarity_counts_residues_at_least_as_strong() -> None:
    # 10 residues in (0, 1], 6 in (1, 2]; the feature fires on 16 of 1,600 residues
    tails = Tails.of([np.array([10, 6]), np.array([])], np.array([2.0, 0.0]), np.array([0.01, 0.0]))

    assert tails.n_residues == pytest.approx(1600)
    for value, count in ((0.0, 16), (0.5, 11), (1.0, 6), (1.5, 3), (2.0, 0), (9.0, 0)):
        assert tails.share(np.array([0]), np.array([value]))[0] == pytest.approx((count + 1) / 1601)


def test_surprise_is_the_gain_over_the_rate_of_the_corpus() -> None:
    tails = Tails.of([np.array([10, 6])], np.array([2.0]), np.array([0.01]))
    codes = live.Columns(100, np.array([0, 3]), np.array([4, 5, 6]), np.array([1.5, 1.5, 1.0]))

    def gain(j: int, count: float) -> float:
        rate, share = j / 100, (count + 1) / 1601
        return 100 * (rate * np.log(rate / share) + (1 - rate) * np.log((1 - rate) / (1 - share)))

    assert live.surprise(codes, tails)[0] == pytest.approx(max(gain(1, 3), gain(2, 3), gain(3, 6)))


def test_a_rare_feature_on_three_residues_beats_one_spike_and_a_common_one_everywhere() -> None:
    histograms = [np.array([50, 0]), np.array([50, 0]), np.array([5000, 5000])]
    tails = Tails.of(histograms, np.full(3, 2.0), np.array([0.0005, 0.0005, 0.1]))
    starts, residues = np.array([0, 3, 4, 14]), np.array([1, 2, 3, 9, *range(10)])
    spread, spike, common = live.surprise(live.Columns(100, starts, residues, np.full(14, 0.5)), tails)

    assert spread > spike > 1 > common


def test_a_model_that_is_not_here_is_named_and_not_fetched(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    spec = replace(PLMSpec.read(tiny_bundle / "plm.json"), name="esm2_t33_650M_UR50D", weights=None)
    spec.write(tmp_path / "plm.json")
    monkeypatch.setattr(live.data, "bundle", lambda: SimpleNamespace(folder=tmp_path))

    with pytest.raises(ArtifactError, match=r"esm2_t33_650M_UR50D are not on this machine: .* stored proteins work"):
        unwrap(live.language_model)()
    assert [path.name for path in tmp_path.iterdir()] == ["plm.json"]
