"""Files that SAELens and dictionary_learning themselves have written are read as they read them.

`make parity` installs both and runs this file; elsewhere its tests are skipped where they are missing.
"""

import json
import os
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from protsae.sae.loaders import load_foreign

D, N, K = 16, 48, 6
MISSING = "an independent implementation to compare with: `make parity` installs it"
X = 2 * torch.randn(70, D, generator=torch.Generator().manual_seed(5)) + 0.4


def required(name: str) -> ModuleType:
    """The package; its tests are skipped without it, unless `make parity` runs them."""
    if os.environ.get("PROTSAE_PARITY") == "required":
        return import_module(name)
    return pytest.importorskip(name, reason=MISSING, exc_type=ImportError)


def shaken(theirs: nn.Module) -> nn.Module:
    """Parameters that are nowhere trivial; thresholds stay positive."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
            if name == "threshold":
                parameter.abs_()
    return theirs


def same(path: Path, acts: Tensor, x_hat: Tensor) -> None:
    sae = load_foreign(path).sae
    with torch.no_grad():
        found = sae(X)
    assert 0 < float((acts > 0).float().mean()) < 1
    assert_close(found.acts, acts, rtol=1e-4, atol=1e-4)
    assert_close(found.x_hat, x_hat, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("norm", ["none", "layer_norm", "constant_norm_rescale"])
@pytest.mark.parametrize("subtracts", [True, False])
@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("Standard", {}),
        ("TopK", {"k": K}),
        ("TopK", {"k": K, "rescale_acts_by_decoder_norm": True}),
        ("JumpReLU", {}),
        ("Gated", {}),
    ],
)
def test_saelens(kind: str, more: dict[str, Any], norm: str, tmp_path: Path, *, subtracts: bool) -> None:
    lens: Any = required("sae_lens.saes")
    cfg = getattr(lens, f"{kind}SAEConfig")(
        d_in=D, d_sae=N, normalize_activations=norm, apply_b_dec_to_input=subtracts, **more
    )
    theirs: Any = shaken(getattr(lens, f"{kind}SAE")(cfg))
    theirs.save_model(tmp_path)

    with torch.no_grad():
        acts = theirs.encode(X)
        acts = acts.to_dense() if acts.is_sparse else acts
        same(tmp_path, acts, theirs(X))


@pytest.mark.parametrize(
    ("module", "kind", "arguments"),
    [
        ("dictionary", "AutoEncoder", ()),
        ("dictionary", "AutoEncoderNew", ()),
        ("dictionary", "JumpReluAutoEncoder", ()),
        ("dictionary", "GatedAutoEncoder", ()),
        ("trainers.top_k", "AutoEncoderTopK", (K,)),
        ("trainers.batch_top_k", "BatchTopKSAE", (K,)),
        ("trainers.matryoshka_batch_top_k", "MatryoshkaBatchTopKSAE", (K, [N // 2, N // 2])),
    ],
)
def test_dictionary_learning(module: str, kind: str, arguments: tuple[Any, ...], tmp_path: Path) -> None:
    learning: Any = required(f"dictionary_learning.{module}")
    theirs: Any = shaken(getattr(learning, kind)(D, N, *arguments))
    if "Batch" in kind:
        theirs.threshold.fill_(0.6)
    torch.save(theirs.state_dict(), tmp_path / "ae.pt")
    trainer = {"dict_class": kind, "activation_dim": D, "dict_size": N, "layer": 2, "lm_name": "esm2"}
    (tmp_path / "config.json").write_text(json.dumps({"trainer": trainer}))

    with torch.no_grad():
        same(tmp_path, theirs.encode(X), theirs(X))
