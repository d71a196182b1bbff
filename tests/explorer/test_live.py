"""Live encoding on the made-up bundle, and what "unusual" means."""

from dataclasses import replace
from inspect import unwrap
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from explorer.services import data, live
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
