"""Our SAEs against two independent packages, sae-lens and dictionary-learning, on the same weights and residues.

`make parity` installs both and runs this file; elsewhere its tests are skipped where they are missing. Forward pass,
every loss term, and gradients where both sides define them alike (the reasons stand where they do not).
"""

import os
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from protsae.sae import SAE, BatchTopKSAE, GatedSAE, JumpReLUSAE, ReLUSAE, TopKSAE
from protsae.sae.losses import reconstruction_loss
from protsae.sae.threshold import ThresholdSAE

N, D_MODEL, D_SAE, K, COEF = 200, 24, 300, 8, 0.7
MISSING = "an independent implementation to compare with: `make parity` installs it"
ENCODER = {"W_enc": "W_enc", "b_enc": "b_enc", "W_dec": "W_dec", "b_dec": "b_dec"}


def required(name: str) -> ModuleType:
    """The package; its tests are skipped without it, unless `make parity` runs them."""
    if os.environ.get("PROTSAE_PARITY") == "required":
        return import_module(name)
    return pytest.importorskip(name, reason=MISSING, exc_type=ImportError)


@pytest.fixture(scope="module")
def lens() -> ModuleType:
    return required("sae_lens")


@pytest.fixture(scope="module")
def learning() -> ModuleType:
    return required("dictionary_learning.dictionary")


@pytest.fixture(autouse=True, params=["dense", "sparse"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of a training pass are held against theirs."""
    monkeypatch.setattr(ThresholdSAE, "_is_sparse", lambda *_, **__: request.param == "sparse")


def x() -> Tensor:
    return torch.randn(N, D_MODEL, generator=torch.Generator().manual_seed(1))


def shaken(sae: SAE) -> Any:
    """The SAE with parameters that are nowhere trivial; few features are active."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in sae.named_parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
            if name in {"b_enc", "b_gate", "b_mag"} and not isinstance(sae, JumpReLUSAE):
                parameter.sub_(1.5)
        if isinstance(sae, JumpReLUSAE):
            sae.threshold_unit.copy_(0.3 + 0.1 * torch.rand(D_SAE, generator=generator))
        if sae.has_penalty and not isinstance(sae, JumpReLUSAE):
            sae.get_buffer("sparsity_coef").fill_(COEF)
    sae.normalize_decoder()
    return sae


def ours_of(sae_class: type[SAE], **settings: Any) -> Any:
    return shaken(sae_class(sae_class.config_class(d_model=D_MODEL, d_sae=D_SAE, k=K, **settings)))


def jumprelu() -> Any:
    return ours_of(JumpReLUSAE, bandwidth=0.3, l0_weight=COEF / D_MODEL)


def same(ours: Tensor, theirs: Tensor) -> None:
    assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def fill(theirs: nn.Module, values: dict[str, Tensor]) -> None:
    """Set parameters by name; one that is missing or of another shape fails."""
    with torch.no_grad():
        for name, value in values.items():
            held = theirs.get_parameter(name)
            assert held.shape == value.shape, name
            held.copy_(value)


def gradients(module: nn.Module) -> dict[str, Tensor]:
    found = {n: torch.zeros_like(v) if v.grad is None else v.grad.clone() for n, v in module.named_parameters()}
    module.zero_grad()
    return found


def of_lens(lens: ModuleType, name: str, ours: SAE, names: dict[str, str], **settings: Any) -> tuple[Any, Any]:
    """Their training SAE with our weights, and its pass over x."""
    theirs = getattr(lens, f"{name}TrainingSAE")(
        getattr(lens, f"{name}TrainingSAEConfig")(d_in=D_MODEL, d_sae=D_SAE, apply_b_dec_to_input=True, **settings)
    )
    parameters = dict(ours.named_parameters())
    fill(theirs, {there: parameters[here].detach() for here, there in names.items()})
    step_input = import_module("sae_lens.saes.sae").TrainStepInput(
        sae_in=x(),
        coefficients={"l1": COEF, "l0": COEF},
        dead_neuron_mask=None,
        n_training_steps=0,
        is_logging_step=False,
    )
    return theirs, lambda: theirs.training_forward_pass(step_input)


def same_gradients(ours: SAE, theirs: nn.Module, names: dict[str, str]) -> None:
    """Compare after a backward on both sides; a name that ends in .T is held transposed by them."""
    mine, other = gradients(ours), gradients(theirs)
    for here, there in names.items():
        value = other[there.removesuffix(".T")]
        value = value.T if there.endswith(".T") else value
        assert value.any(), there
        assert_close(mine[here], value, rtol=1e-4, atol=1e-5 * float(value.abs().max()))


def test_relu_of_sae_lens(lens: ModuleType) -> None:
    ours = ours_of(ReLUSAE)
    theirs, step = of_lens(lens, "Standard", ours, ENCODER)

    found, passed = step(), ours.training_pass(x())

    same(ours.encode(x()), found.feature_acts)
    same(passed.x_hat, found.sae_out)
    same(reconstruction_loss(x(), passed.x_hat), found.losses["mse_loss"])
    same(passed.penalty, found.losses["l1_loss"])
    # their L1 is weighted with the decoder's norms, ours keeps these at 1: W_dec is compared without the penalty
    found.losses["mse_loss"].backward()
    reconstruction_loss(x(), passed.x_hat).backward()
    same_gradients(ours, theirs, ENCODER)


def test_gated_of_sae_lens(lens: ModuleType) -> None:
    names = {name: name for name in ("W_enc", "b_gate", "r_mag", "b_mag", "W_dec", "b_dec")}
    ours = ours_of(GatedSAE)
    theirs, step = of_lens(lens, "Gated", ours, names)

    found, passed = step(), ours.training_pass(x())

    same(ours.encode(x()), found.feature_acts)
    same(passed.x_hat, found.sae_out)
    same(reconstruction_loss(x(), passed.x_hat), found.losses["mse_loss"])
    same(passed.penalty, found.losses["l1_loss"] + found.losses["auxiliary_reconstruction_loss"])
    # their auxiliary term moves the decoder too; ours, as the paper says, does not
    found.loss.backward()
    (reconstruction_loss(x(), passed.x_hat) + passed.penalty).backward()
    same_gradients(ours, theirs, {name: name for name in ("W_enc", "b_gate", "r_mag", "b_mag")})


def test_jumprelu_of_sae_lens(lens: ModuleType) -> None:
    ours = jumprelu()
    theirs, step = of_lens(lens, "JumpReLU", ours, ENCODER, jumprelu_bandwidth=0.3)
    fill(theirs, {"threshold": ours.threshold.detach()})

    found, passed = step(), ours.training_pass(x())

    l0 = float(passed.n_fired.sum()) / N
    same(ours.encode(x()), found.feature_acts)
    same(passed.x_hat, found.sae_out)
    same(COEF * torch.tensor(l0), found.losses["l0_loss"].detach())
    # the parameter is theta / sqrt(d_model); the penalty's derivative in L0 is 2 weight d_model / k (L0 / k - 1)
    found.losses["l0_loss"].backward(retain_graph=True)
    by_l0 = gradients(theirs)["threshold"] / COEF
    passed.penalty.backward(retain_graph=True)
    expected = by_l0 * 2 * COEF / K * (l0 / K - 1) * D_MODEL**0.5
    assert expected.any()
    assert_close(gradients(ours)["threshold_unit"], expected, rtol=1e-4, atol=1e-5)
    found.losses["mse_loss"].backward()
    reconstruction_loss(x(), passed.x_hat).backward()
    ours.get_parameter("threshold_unit").grad /= D_MODEL**0.5
    same_gradients(ours, theirs, {**ENCODER, "threshold_unit": "threshold"})


@pytest.mark.parametrize(("name", "sae_class"), [("TopK", TopKSAE), ("BatchTopK", BatchTopKSAE)])
def test_topk_and_batchtopk_of_sae_lens(lens: ModuleType, name: str, sae_class: type[SAE]) -> None:
    ours = ours_of(sae_class)
    settings = {"k": K, "rescale_acts_by_decoder_norm": False, "aux_loss_coefficient": 0.0}
    settings |= {"use_sparse_activations": False} if name == "TopK" else {}
    theirs, step = of_lens(lens, name, ours, ENCODER, **settings)

    found, passed = step(), ours.training_pass(x())

    same(passed.x_hat, found.sae_out)
    assert passed.n_fired.tolist() == (found.feature_acts > 0).sum(0).tolist()
    same(reconstruction_loss(x(), passed.x_hat), found.losses["mse_loss"])
    reconstruction_loss(x(), passed.x_hat).backward()
    found.losses["mse_loss"].backward()
    same_gradients(ours, theirs, ENCODER)
    if name == "BatchTopK":  # their running mean starts at 0 with a rate of 0.01
        ours.after_step(passed, N)
        assert_close(ours.threshold.double(), theirs.topk_threshold / 0.01, rtol=1e-5, atol=0)


def trainer(name: str, **settings: Any) -> Any:
    module, trainer_class = name.split(".")
    return getattr(import_module(f"dictionary_learning.trainers.{module}"), trainer_class)(
        steps=100, activation_dim=D_MODEL, dict_size=D_SAE, layer=0, lm_name="", device="cpu", **settings
    )


LAST_STEP = 90
"""Late enough for their warm-ups to be over."""


def test_relu_of_dictionary_learning(learning: ModuleType) -> None:
    names = {"W_enc": "encoder.weight.T", "b_enc": "encoder.bias", "W_dec": "decoder.weight.T", "b_dec": "bias"}
    ours = ours_of(ReLUSAE)
    theirs = trainer("standard.StandardTrainer", l1_penalty=COEF, warmup_steps=1, sparsity_warmup_steps=2)
    fill_transposed(theirs.ae, ours, names)

    passed = ours.training_pass(x())
    loss = theirs.loss(x(), step=LAST_STEP)

    same(ours.encode(x()), theirs.ae.encode(x()))
    same(reconstruction_loss(x(), passed.x_hat) + passed.penalty, loss)
    (reconstruction_loss(x(), passed.x_hat) + passed.penalty).backward()
    loss.backward()
    same_gradients(ours, theirs.ae, names)


def test_gated_of_dictionary_learning(learning: ModuleType) -> None:
    names = {
        "W_enc": "encoder.weight.T",
        "b_gate": "gate_bias",
        "b_mag": "mag_bias",
        "r_mag": "r_mag",
        "W_dec": "decoder.weight.T",
        "b_dec": "decoder_bias",
    }
    ours = ours_of(GatedSAE)
    theirs = trainer("gdm.GatedSAETrainer", l1_penalty=COEF, warmup_steps=1, sparsity_warmup_steps=2)
    fill_transposed(theirs.ae, ours, names)

    passed = ours.training_pass(x())
    loss = theirs.loss(x(), step=LAST_STEP)

    same(ours.encode(x()), theirs.ae.encode(x()))
    same(reconstruction_loss(x(), passed.x_hat) + passed.penalty, loss)
    (reconstruction_loss(x(), passed.x_hat) + passed.penalty).backward()
    loss.backward()
    same_gradients(ours, theirs.ae, names)


def test_jumprelu_of_dictionary_learning(learning: ModuleType) -> None:
    ours = jumprelu()
    theirs = trainer(
        "jumprelu.JumpReluTrainer",
        bandwidth=0.3,
        sparsity_penalty=COEF,
        target_l0=float(K),
        warmup_steps=1,
        sparsity_warmup_steps=2,
    )
    with torch.no_grad():  # they do not centre the input
        b_enc = ours.b_enc - ours.b_dec @ ours.W_enc
        fill(theirs.ae, {"W_enc": ours.W_enc, "W_dec": ours.W_dec, "b_dec": ours.b_dec, "b_enc": b_enc})
        fill(theirs.ae, {"threshold": ours.threshold})

    passed = ours.training_pass(x())

    same(ours.encode(x()), theirs.ae.encode(x()))
    total = reconstruction_loss(x(), passed.x_hat) + passed.penalty
    same(total, theirs.loss(x(), step=LAST_STEP))
    # their L0 has no gradient below the threshold (it is taken of the activations), so the penalty is left out
    theirs.sparsity_coefficient = 0.0
    theirs.loss(x(), step=LAST_STEP).backward()
    reconstruction_loss(x(), passed.x_hat).backward()
    ours.get_parameter("threshold_unit").grad /= D_MODEL**0.5
    names = {"W_enc": "W_enc", "b_enc": "b_enc", "W_dec": "W_dec", "threshold_unit": "threshold"}
    theirs.ae.W_enc.grad -= torch.outer(ours.b_dec.detach(), theirs.ae.b_enc.grad)  # they hold b_dec in b_enc
    same_gradients(ours, theirs.ae, names)


def test_batchtopk_of_dictionary_learning(learning: ModuleType) -> None:
    names = {"W_enc": "encoder.weight.T", "b_enc": "encoder.bias", "W_dec": "decoder.weight.T", "b_dec": "b_dec"}
    ours = ours_of(BatchTopKSAE)
    theirs = trainer("batch_top_k.BatchTopKTrainer", k=K, warmup_steps=1).ae
    fill_transposed(theirs, ours, names)

    acts = theirs.encode(x(), use_threshold=False)
    passed = ours.training_pass(x())

    assert passed.n_fired.tolist() == (acts > 0).sum(0).tolist()
    same(passed.x_hat, theirs.decode(acts))
    reconstruction_loss(x(), passed.x_hat).backward()
    reconstruction_loss(x(), theirs.decode(acts)).backward()
    same_gradients(ours, theirs, names)
    ours.threshold.fill_(1.9)
    theirs.threshold.fill_(1.9)
    same(ours.encode(x()), theirs.encode(x()))
    same(ours(x()).x_hat, theirs(x()))


def fill_transposed(theirs: nn.Module, ours: SAE, names: dict[str, str]) -> None:
    """Our weights by their names; one that ends in .T is held transposed."""
    parameters = dict(ours.named_parameters())
    for here, there in names.items():
        value = parameters[here].detach()
        fill(theirs, {there.removesuffix(".T"): value.T if there.endswith(".T") else value})
