"""SAEs as SAELens reads them: by our own reader of its files, and by SAELens itself where it is installed."""

import json
import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from protsae.api.opened import OpenBundle, open_bundle
from protsae.errors import ConfigError
from protsae.export import saelens
from protsae.export.registry import export
from protsae.sae import (
    SAE,
    GatedSAE,
    GatedSAEConfig,
    ProtSAE,
    ProtSAEConfig,
    ReLUSAE,
    ReLUSAEConfig,
    TopKSAE,
    TopKSAEConfig,
    convert,
)
from protsae.sae.config import Normalise
from protsae.sae.convert import to_jumprelu
from protsae.sae.gba import GBASAE, GBASAEConfig
from protsae.sae.imported import ImportedSAE, ImportedSAEConfig
from protsae.sae.loaders import load_foreign

D, N, M, K = 16, 60, 7, 5
X = 2 * torch.randn(80, D, generator=torch.Generator().manual_seed(3)) + 0.5
MISSING = "an independent implementation to compare with: `make parity` installs it"


def fitted(sae: SAE) -> SAE:
    generator = torch.Generator().manual_seed(1)
    unit = X * (D**0.5 / X.norm(dim=1, keepdim=True))
    sae.fit_input(X.mean(0), float(X.pow(2).sum(1).mean()), deviation=X.std(0), unit_mean=unit.mean(0))
    with torch.no_grad():
        for parameter in sae.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return sae


def protsae(normalise: Normalise = "dimension", **switches: Any) -> ProtSAE:
    concepts = tuple(f"GO:{number}" for number in range(M))
    cfg = ProtSAEConfig(d_model=D, d_sae=N, k=K, concepts=concepts, namespace="GO", normalise=normalise, **switches)
    made = fitted(ProtSAE(cfg))
    assert isinstance(made, ProtSAE)
    return made


@pytest.mark.parametrize("normalise", ["scalar", "dimension", "token"])
def test_topk_comes_back_with_equal_activations(normalise: Normalise, tmp_path: Path) -> None:
    sae = fitted(TopKSAE(TopKSAEConfig(d_model=D, d_sae=N, k=K, normalise=normalise)))
    saelens.folder_of(tmp_path, sae, {"model_name": "esm"})

    again = load_foreign(tmp_path, "saelens")
    assert again.stated.plm == "esm"
    with torch.no_grad():
        ours, theirs = sae(X), again.sae(X)
    assert_close(theirs.acts, ours.acts, rtol=1e-4, atol=1e-4)
    assert_close(theirs.x_hat, ours.x_hat, rtol=1e-4, atol=1e-4)


def test_gated_comes_back(tmp_path: Path) -> None:
    sae = fitted(GatedSAE(GatedSAEConfig(d_model=D, d_sae=N, k=K)))
    saelens.folder_of(tmp_path, sae, {})
    with torch.no_grad():
        assert_close(load_foreign(tmp_path).sae(X).acts, sae(X).acts, rtol=1e-4, atol=1e-4)


def test_what_saelens_has_no_form_for_is_refused(tmp_path: Path) -> None:
    relu = fitted(ReLUSAE(ReLUSAEConfig(d_model=D, d_sae=N, k=K)))
    with pytest.raises(ConfigError, match="no form for a relu SAE; export others by --sae NAME"):
        saelens.folder_of(tmp_path, relu, {})
    gba = GBASAE(GBASAEConfig(d_model=D, d_sae=N, k=K))
    for refused in (lambda: saelens.folder_of(tmp_path, gba, {}), lambda: to_jumprelu(gba, X)):
        with pytest.raises(ConfigError, match="gba SAE"):
            refused()
    with pytest.raises(ConfigError, match="a gated SAE has no form as JumpReLU"):
        to_jumprelu(GatedSAE(GatedSAEConfig(d_model=D, d_sae=N, k=K)), X)


@pytest.fixture
def kept_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """The decoder of before outweighs any reference."""
    monkeypatch.setattr(convert, "PRIOR", 1e12)


@pytest.mark.usefixtures("kept_decoder")
def test_one_threshold_keeps_the_mean_l0_and_every_kept_activation() -> None:
    sae = fitted(TopKSAE(TopKSAEConfig(d_model=D, d_sae=N, k=K, normalise="dimension")))

    made = to_jumprelu(sae, X)
    with torch.no_grad():
        ours, theirs = sae(X), made(X)
        length = torch.linalg.vector_norm(sae.folded().W_dec, dim=1)
    assert int((theirs.acts > 0).sum()) == int((ours.acts > 0).sum()) == K * len(X)
    assert_close(torch.linalg.vector_norm(made.W_dec, dim=1), torch.ones(N))
    both = (theirs.acts > 0) & (ours.acts > 0)
    assert float(both.float().sum() / (K * len(X))) > 0.7
    assert_close(theirs.acts[both], (ours.acts * length)[both], rtol=1e-5, atol=1e-5)
    thresholds = made.get_parameter("threshold") / length
    assert_close(thresholds, thresholds[0].expand(N))


@pytest.mark.usefixtures("kept_decoder")
def test_folded_thresholds_are_the_unfolded_ones_in_units_of_the_decoder_row() -> None:
    sae = fitted(TopKSAE(TopKSAEConfig(d_model=D, d_sae=N, k=K, normalise="scalar")))
    made, folded = to_jumprelu(sae, X), sae.folded()
    length = torch.linalg.vector_norm(folded.W_dec, dim=1)
    with torch.no_grad():
        pre = (X - folded.b_dec) @ folded.encoder()[0].T + folded.encoder()[1]
        unfolded = pre * (pre > (made.get_parameter("threshold") / length)[0])
        assert_close(made(X).x_hat, unfolded @ folded.W_dec + folded.b_dec, rtol=1e-5, atol=1e-5)


def test_guided_features_that_fire_apart_are_the_same_as_jumprelu() -> None:
    sae = protsae(selection="apart", annotation="protein", detector=True)
    made = to_jumprelu(sae, X)
    with torch.no_grad():
        length = torch.linalg.vector_norm(sae.folded().W_dec, dim=1)
        ours, theirs = sae(X).acts * length, made(X).acts
    assert (ours[:, :M] > 0).any()
    assert_close(theirs[:, :M], ours[:, :M], rtol=1e-4, atol=1e-4)
    assert int((theirs > 0).sum()) == int((ours > 0).sum())


def test_the_decoder_of_what_topk_chose_is_fitted_to_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(9)
    sae = ImportedSAE(ImportedSAEConfig(d_model=D, d_sae=D, activation="topk", k=K))
    wrong = torch.randn(D, D, generator=generator)
    sae.load_state_dict(sae.state_dict() | {"W_enc": torch.eye(D), "W_dec": wrong, "b_dec": torch.full((D,), 0.1)})
    chosen = torch.rand(500, D, generator=generator).argsort(dim=1) < K
    x = chosen * (1 + torch.rand(500, D, generator=generator)) + 0.1  # the truth: W_dec is the identity

    monkeypatch.setattr(convert, "PRIOR", 1e-6)
    made = to_jumprelu(sae, x)
    with torch.no_grad():
        assert_close(made(x).x_hat, x, rtol=1e-3, atol=1e-3)
        assert ((made(x).acts > 0) == chosen).all(), "what b_dec takes is given back: it fires where it fired"
    assert_close(made.W_dec.detach(), torch.eye(D), rtol=1e-3, atol=1e-3)

    monkeypatch.setattr(convert, "PRIOR", 1e12)
    kept = to_jumprelu(sae, x).W_dec.detach()
    assert_close(kept, wrong / wrong.norm(dim=1, keepdim=True), rtol=1e-4, atol=1e-4)


def test_guided_rows_stay_and_exact_forms_are_not_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "PRIOR", 1e-3)
    sae = protsae(selection="apart", annotation="protein", detector=True)
    made, rows = to_jumprelu(sae, X), sae.folded().W_dec.detach()
    unit = rows / rows.norm(dim=1, keepdim=True)
    assert_close(made.W_dec[:M].detach(), unit[:M])
    assert float((made.W_dec[M:].detach() - unit[M:]).abs().max()) > 0.01

    relu = fitted(ReLUSAE(ReLUSAEConfig(d_model=D, d_sae=N, k=K)))
    with torch.no_grad():
        assert_close(to_jumprelu(relu, X)(X).x_hat, relu(X).x_hat, rtol=1e-4, atol=1e-4)


@pytest.fixture
def bundle(tiny_bundle: Path) -> Iterator[OpenBundle]:
    with open_bundle(tiny_bundle, device="cpu") as opened:
        yield opened


def test_a_bundle_as_jumprelu_reads_the_models_own_states(bundle: OpenBundle, tmp_path: Path) -> None:
    written = export(bundle, "jumprelu", tmp_path)

    assert [path.name for path in written] == [row.name for row in bundle.saes()]
    row = next(row for row in bundle.saes() if row.name == "vanilla")
    found = load_foreign(tmp_path / "vanilla", "saelens")
    x = bundle.embed(str(bundle.reader.sequence_index()["sequence"][0]))
    with torch.no_grad():
        l0 = float((found.sae(x).acts > 0).sum(1).float().mean())
    assert l0 == pytest.approx(row.l0, rel=0.25)
    assert found.stated.plm == bundle.plm.name
    card = (tmp_path / "vanilla" / "README.md").read_text()
    assert row.display_name in card
    told = json.loads((tmp_path / "vanilla" / "cfg.json").read_text())["metadata"]
    assert f"explains {told['explained_variance_after']:.3f}" in card


def required() -> Any:
    """SAELens; tests are skipped without it, unless `make parity` runs them."""
    if os.environ.get("PROTSAE_PARITY") == "required":
        return import_module("sae_lens")
    return pytest.importorskip("sae_lens", reason=MISSING, exc_type=ImportError)


@pytest.mark.parametrize(
    ("normalise", "switches"),
    [
        ("dimension", {"selection": "apart", "annotation": "protein", "detector": True}),
        ("scalar", {"selection": "joint"}),
        ("scalar", {"selection": "joint", "forcing": "before", "forcing_strength": "graded", "forcing_mean": "all"}),
        ("token", {"selection": "apart"}),
    ],
)
def test_saelens_itself_gives_guided_features(normalise: Normalise, switches: dict[str, Any], tmp_path: Path) -> None:
    lens = required()
    import_module("protsae.interop.saelens").register()
    sae = protsae(normalise, **switches)
    saelens.folder_of(tmp_path, sae, {"model_name": "esm", "hook_name": "resid_mid.4"})

    theirs = lens.SAE.load_from_disk(tmp_path)
    assert theirs.cfg.concepts == sae.cfg.concepts
    with torch.no_grad():
        ours = sae(X)
        acts = theirs.encode(X)
        assert (acts[:, : theirs.cfg.n_defined] > 0).any()
        assert_close(acts, ours.acts, rtol=1e-4, atol=1e-4)
        assert_close(theirs(X), ours.x_hat, rtol=1e-4, atol=1e-4)
        assert_close(theirs.concept_probs(X), sae.concept_probs(X), rtol=1e-4, atol=1e-5)
        assert_close(theirs.encode(X[None])[0], acts)


def test_saelens_itself_reads_topk_and_jumprelu(tmp_path: Path) -> None:
    lens = required()
    sae = fitted(TopKSAE(TopKSAEConfig(d_model=D, d_sae=N, k=K, normalise="dimension")))
    for name, one in (("topk", sae), ("jumprelu", to_jumprelu(sae, X))):
        saelens.folder_of(tmp_path / name, one, {})
        theirs = lens.SAE.load_from_disk(tmp_path / name)
        with torch.no_grad():
            acts = theirs.encode(X)
            assert_close(acts.to_dense() if acts.is_sparse else acts, one(X).acts, rtol=1e-4, atol=1e-4)
            assert_close(theirs(X), one(X).x_hat, rtol=1e-4, atol=1e-4)
