"""SAEs by hand-worked numbers and invariants; saved files that are damaged, foreign or of another shape."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Union

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from protsae.errors import ArtifactError, ConfigError
from protsae.sae import SAE, ProtSAE, ProtSAEConfig, TopKSAE, TopKSAEConfig, base, load_sae
from protsae.sae.artifact import Dtype
from protsae.sae.base import ARCHITECTURES
from protsae.sae.config import SizedConfig
from protsae.sae.topk import keep_top_k


def small_protsae(**changes: object) -> ProtSAE:
    """A ProtSAE of 5 concepts with parameters that are nowhere trivial."""
    settings = {"d_model": 8, "d_sae": 40, "k": 4, "concepts": tuple("ABCDE"), "namespace": "MFO", **changes}
    sae = ProtSAE(ProtSAEConfig(**settings), seed=1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in sae.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    sae.normalize_decoder()
    return sae


@pytest.fixture
def identity_sae() -> TopKSAE:
    sae = TopKSAE(TopKSAEConfig(d_model=2, d_sae=2, k=1))
    with torch.no_grad():
        sae.W_enc.copy_(torch.eye(2))
        sae.W_dec.copy_(torch.eye(2))
    return sae


def test_only_the_largest_feature_survives(identity_sae: TopKSAE) -> None:
    acts = identity_sae.encode(torch.tensor([[3.0, 2.0], [-1.0, -2.0]]))

    assert acts.tolist() == [[3, 0], [0, 0]]
    assert identity_sae.decode(acts).tolist() == [[3, 0], [0, 0]]


def test_the_scale_is_undone_by_the_decoder(identity_sae: TopKSAE) -> None:
    identity_sae.fit_input(torch.zeros(2), mean_square_norm=8.0)  # scale = sqrt(2 / 8)

    found = identity_sae(torch.tensor([[6.0, 1.0]]))

    assert found.acts.tolist() == [[3, 0]]
    assert found.x_hat.tolist() == [[6, 0]]


def test_fit_input_brings_the_mean_squared_norm_to_d_model() -> None:
    x = torch.randn(500, 8, generator=torch.Generator().manual_seed(0)) * 7 + 3
    sae = TopKSAE(TopKSAEConfig(d_model=8, d_sae=16, k=2))

    sae.fit_input(x.mean(0), float(x.pow(2).sum(1).mean()))

    assert_close((x * sae.scale).pow(2).sum(1).mean(), torch.tensor(8.0))
    assert_close(sae.decode(torch.zeros(1, 16))[0], x.mean(0))


def test_an_input_without_norm_is_refused() -> None:
    with pytest.raises(ValueError, match="must be positive, got 0"):
        TopKSAE(TopKSAEConfig(d_model=8, d_sae=16, k=2)).fit_input(torch.zeros(8), 0.0)


def test_among_equal_activations_the_lower_index_stays() -> None:
    assert keep_top_k(torch.tensor([[2.0, 5, 2, 2], [1, 0, 0, 0]]), 2).tolist() == [[2, 5, 0, 0], [1, 0, 0, 0]]


def hand_made(**changes: object) -> ProtSAE:
    """Defined features 0 and 1, free features 2 and 3, all reading one dimension each."""
    settings = {"d_model": 4, "d_sae": 4, "k": 2, "concepts": ("A", "B"), "namespace": "MFO", **changes}
    sae = ProtSAE(ProtSAEConfig(**settings))
    with torch.no_grad():
        sae.concept_embed.copy_(torch.eye(4)[:2])
        sae.W_free.copy_(torch.eye(4)[2:])
        sae.W_dec.copy_(torch.eye(4))
        sae.radius.zero_()
        sae.b_offset.copy_(torch.tensor([1.0, -5.0]))  # concept A is predicted, B is not
    return sae


@pytest.mark.parametrize(
    ("changes", "expected", "forced"),
    [
        ({}, [3, 0, 4, 2], [True, False]),  # TopK keeps both free features; their mean is 3
        ({"forcing_mean": "all"}, [3, 0, 4, 2], [True, False]),
        ({"k": 1}, [4, 0, 4, 0], [True, False]),
        ({"k": 1, "forcing_mean": "all"}, [2, 0, 4, 0], [True, False]),  # (4 + 0) / 2
        ({"forcing": "before"}, [3, 0, 4, 0], [True, False]),  # the forced 3 takes the place of the 2
        ({"forced_activation": False}, [0, 0, 4, 2], [False, False]),
    ],
)
def test_forced_activation_by_hand(changes: dict[str, object], expected: list[float], forced: list[bool]) -> None:
    found = hand_made(**changes)(torch.tensor([[1.0, 0.5, 4.0, 2.0]]))

    assert found.acts.tolist() == [expected]
    assert found.extra is not None
    assert found.extra.is_forced.tolist() == [forced]


def test_graded_force_grows_with_the_probability() -> None:
    sae = hand_made(forcing_strength="graded")
    with torch.no_grad():
        sae.b_offset.copy_(torch.tensor([0.0, 1.0]))  # logits 1 and 1.5

    found = sae(torch.tensor([[1.0, 0.5, 4.0, 2.0]]))

    pi = torch.tensor([1.0, 1.5]).sigmoid()
    assert_close(found.acts, torch.tensor([[3 * (2 * pi[0] - 1), 3 * (2 * pi[1] - 1), 4.0, 2.0]]))


def test_a_defined_feature_above_the_mean_is_left_alone() -> None:
    assert hand_made()(torch.tensor([[5.0, 0, 4, 2]])).acts.tolist() == [[5, 0, 4, 0]]


def test_a_defined_feature_below_the_mean_is_raised_but_not_counted_as_forced() -> None:
    found = hand_made(k=3)(torch.tensor([[1.0, 0, 4, 2]]))

    assert found.acts.tolist() == [[3, 0, 4, 2]]
    assert found.extra is not None
    assert not found.extra.is_forced.any()


def test_without_active_free_features_nothing_is_forced() -> None:
    assert hand_made()(torch.tensor([[0.0, 0, -4, -2]])).acts.tolist() == [[0, 0, 0, 0]]


def test_rescaling_multiplies_the_concept_direction_but_not_its_logit() -> None:
    sae = hand_made()
    with torch.no_grad():
        sae.r_pred.copy_(torch.tensor([2.0, 3.0]).log())
        found = sae(torch.tensor([[5.0, 5.0, 0.0, 0.0]]))

    assert_close(found.acts, torch.tensor([[10.0, 15.0, 0.0, 0.0]]))
    assert_close(sae.concept_probs(torch.tensor([[5.0, 5.0, 0.0, 0.0]])), torch.tensor([[6.0, 0.0]]).sigmoid())


def test_prevalence_sets_the_probability_of_the_mean_residue() -> None:
    sae = small_protsae()

    sae.fit_prevalence(torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5]))

    mean_residue = sae.decode(torch.zeros(1, 40))
    assert_close(sae.concept_probs(mean_residue)[0], torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5]))


@pytest.mark.parametrize("detach", [True, False])
def test_detach_keeps_the_reconstruction_from_turning_the_concepts(detach: bool) -> None:
    sae = small_protsae(detach=detach, k=20)
    x = torch.randn(64, 8, generator=torch.Generator().manual_seed(3))

    (sae(x).x_hat - x).pow(2).sum().backward()

    grad = sae.concept_embed.grad
    assert (grad is None or not grad.any()) == detach
    assert sae.r_pred.grad is not None
    assert sae.r_pred.grad.any()


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("sae", [TopKSAE(TopKSAEConfig(d_model=8, d_sae=24, k=3)), small_protsae()])
def test_a_saved_sae_comes_back(sae: SAE, dtype: Dtype, tmp_path: Path) -> None:
    sae.fit_input(torch.ones(8), 123.0)
    sae.save(tmp_path, dtype)

    found = load_sae(tmp_path)

    assert type(found) is type(sae)
    assert found.cfg == sae.cfg
    assert load_file(tmp_path / "sae.safetensors")["W_dec"].dtype == getattr(torch, dtype)
    for name, value in sae.state_dict().items():
        assert found.state_dict()[name].dtype == torch.float32
        assert_close(found.state_dict()[name], value, rtol=0 if dtype == "float32" else 1e-3, atol=1e-4)
    assert found.scale == sae.scale
    assert not list(tmp_path.glob("*.partial"))


def test_seeds_decide_the_start() -> None:
    cfg = TopKSAEConfig(d_model=8, d_sae=24, k=3)

    assert torch.equal(TopKSAE(cfg, seed=5).W_dec, TopKSAE(cfg, seed=5).W_dec)
    assert not torch.equal(TopKSAE(cfg, seed=5).W_dec, TopKSAE(cfg, seed=6).W_dec)
    assert_close(TopKSAE(cfg).W_dec.norm(dim=1), torch.ones(24))


def edit_config(folder: Path, **changes: object) -> None:
    path = folder / "cfg.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_tensors(folder: Path, **changes: torch.Tensor) -> None:
    path = folder / "sae.safetensors"
    save_file(load_file(path) | changes, path)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda f: (f / "cfg.json").unlink(), "cfg.json does not exist"),
        (lambda f: (f / "sae.safetensors").unlink(), "sae.safetensors does not exist"),
        (lambda f: (f / "cfg.json").write_text("{"), "no JSON file"),
        (lambda f: (f / "cfg.json").write_bytes(b"\xff\xfe"), "no JSON file"),
        (lambda f: (f / "cfg.json").write_text("[]"), "architecture None; known are .*protsae, .*topk"),
        (lambda f: edit_config(f, architecture="other"), "architecture 'other'; known are .*protsae, .*topk"),
        (lambda f: edit_config(f, colour="blue"), "unknown setting 'colour'"),
        (lambda f: (f / "cfg.json").write_text('{"architecture": "topk"}'), "lacks the setting 'd_model'"),
        (lambda f: edit_config(f, k="3"), "sets k to '3', which is not of the right type"),
        (lambda f: edit_config(f, k=True), "sets k to True"),
        (lambda f: edit_config(f, k=99), "k must be in 1..d_sae=24, got 99"),
        (lambda f: edit_config(f, d_sae=25), r"W_dec of shape \(24, 8\) where cfg.json asks for \(25, 8\)"),
        (lambda f: edit_tensors(f, extra=torch.ones(1)), "foreign tensor 'extra' of a topk SAE"),
        (lambda f: edit_tensors(f, b_enc=torch.full((24,), torch.nan)), "b_enc that are not finite"),
        (lambda f: (f / "sae.safetensors").write_bytes(b"not a model"), "damaged or no safetensors file"),
        (lambda f: (f / "sae.safetensors").write_bytes((f / "sae.safetensors").read_bytes()[:-7]), "damaged"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_one_sentence(
    damage: Callable[[Path], object], sentence: str, tmp_path: Path
) -> None:
    TopKSAE(TopKSAEConfig(d_model=8, d_sae=24, k=3)).save(tmp_path)
    damage(tmp_path)

    with pytest.raises(ArtifactError, match=sentence) as caught:
        load_sae(tmp_path)

    assert "\n" not in str(caught.value)


@pytest.fixture
def optional(monkeypatch: pytest.MonkeyPatch) -> type[TopKSAE]:
    """An architecture whose config has optional fields and a default that is made anew."""
    monkeypatch.setattr(base, "ARCHITECTURES", dict(base.ARCHITECTURES))

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class OptionalConfig(SizedConfig):
        decay: float | None = None
        note: Union[str, None] = None  # noqa: UP007 - both spellings are read
        names: tuple[str, ...] = dataclasses.field(default_factory=tuple)

    class OptionalSAE(TopKSAE):
        architecture = "optional"
        config_class = OptionalConfig

    return OptionalSAE


@pytest.mark.parametrize("given", [{}, {"decay": 0.5}, {"decay": None, "note": "a", "names": ("x", "y")}])
def test_optional_settings_survive_saving(optional: type[TopKSAE], given: dict[str, object], tmp_path: Path) -> None:
    sae = optional(optional.config_class(d_model=8, d_sae=24, k=3, **given))
    sae.save(tmp_path)

    found = load_sae(tmp_path)

    assert type(found) is optional
    assert found.cfg == sae.cfg
    edit_config(tmp_path, decay="fast")
    with pytest.raises(ArtifactError, match="sets decay to 'fast', which is not of the right type"):
        load_sae(tmp_path)


def test_settings_with_a_default_may_be_left_out_of_the_file(optional: type[TopKSAE], tmp_path: Path) -> None:
    sae = optional(optional.config_class(d_model=8, d_sae=24, k=3))
    sae.save(tmp_path)
    (tmp_path / "cfg.json").write_text('{"architecture": "optional", "d_model": 8, "d_sae": 24, "k": 3}')

    assert load_sae(tmp_path).cfg == sae.cfg


def test_a_saved_config_keeps_its_fields_and_their_order(tmp_path: Path) -> None:
    for architecture, sae_class in ARCHITECTURES.items():
        names = [field.name for field in dataclasses.fields(sae_class.config_class)]
        assert names[:2] == ["d_model", "d_sae"], architecture
    TopKSAE(TopKSAEConfig(d_model=8, d_sae=24, k=3)).save(tmp_path)
    assert (tmp_path / "cfg.json").read_text() == (
        '{\n "architecture": "topk",\n "d_model": 8,\n "d_sae": 24,\n "k": 3,\n "normalise": "scalar"\n}\n'
    )


def test_a_missing_tensor_is_refused(tmp_path: Path) -> None:
    TopKSAE(TopKSAEConfig(d_model=8, d_sae=24, k=3)).save(tmp_path)
    tensors = load_file(tmp_path / "sae.safetensors")
    del tensors["b_enc"]
    save_file(tensors, tmp_path / "sae.safetensors")

    with pytest.raises(ArtifactError, match="lacks the tensor 'b_enc'"):
        load_sae(tmp_path)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"k": 0}, "k must be in 1..d_sae=40, got 0"),
        ({"d_model": 0}, "at least 1, got d_model=0"),
        ({"concepts": ()}, "needs 1..39 concepts at d_sae=40, got 0"),
        ({"concepts": ("A", "B", "A")}, "concept A is listed 2 times"),
        ({"namespace": "XXO"}, "namespace must be one of MFO, BPO, CCO, got 'XXO'"),
        ({"forcing": "never"}, "forcing must be one of after, before"),
        ({"lambda_annot": -1.0}, "lambda_annot must not be negative, got -1"),
    ],
)
def test_a_config_outside_its_range_is_refused(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        small_protsae(**changes)
