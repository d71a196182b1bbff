"""SAEs of other programs: files made from the documented shapes give what their program's own formula gives.

The formulas are written down here once more, each as its program states it, in the shapes in which it stores.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.testing import assert_close

from protsae.errors import ArtifactError, ConfigError
from protsae.sae import ImportedSAE, load_sae
from protsae.sae.loaders import Told, load_foreign

D, N, K, ROWS = 12, 40, 5, 60
Tensors = dict[str, Tensor]


def drawn(*shape: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


X = 3 * drawn(ROWS, D, seed=9) + 0.7
ENCODER, DECODER = drawn(D, N, seed=1), drawn(N, D, seed=2)
B_ENC, B_DEC = drawn(N, seed=3, scale=0.3), drawn(D, seed=4, scale=0.3)
THRESHOLD = drawn(N, seed=5).abs()
LINEAR = {"encoder.weight": ENCODER.T, "decoder.weight": DECODER.T}


def top(acts: Tensor) -> Tensor:
    kept = acts.topk(K, dim=-1)
    return torch.zeros_like(acts).scatter(-1, kept.indices, kept.values)


def z(x: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    mean = x.mean(-1, keepdim=True)
    deviation = (x - mean).std(-1, keepdim=True)
    return (x - mean) / (deviation + eps), mean, deviation


class Case(NamedTuple):
    """A checkpoint, and its program's forward pass."""

    format: str
    write: Callable[[Path], Path]
    acts: Callable[[Tensor], Tensor]
    x_hat: Callable[[Tensor, Tensor], Tensor]
    """From activations and input."""
    told: Told = Told()


def plain(acts: Tensor, _x: Tensor) -> Tensor:
    return acts @ DECODER + B_DEC


def before(x: Tensor) -> Tensor:
    return (x - B_DEC) @ ENCODER + B_ENC


def torch_file(name: str, tensors: dict[str, Any], config: dict[str, Any] | None = None) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        folder.mkdir()
        if config is not None:
            (folder / "config.json").write_text(json.dumps(config))
        torch.save(tensors, folder / name)
        return folder / name

    return write


def trainer(kind: str, **more: Any) -> dict[str, Any]:
    return {"trainer": {"dict_class": kind, "activation_dim": D, "layer": 3, "lm_name": "esm", **more}, "buffer": {}}


def safetensors(name: str, tensors: Tensors, config: dict[str, Any] | None = None) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        folder.mkdir()
        if config is not None:
            (folder / "config.json").write_text(json.dumps(config))
        save_file({key: value.contiguous() for key, value in tensors.items()}, folder / name)
        return folder / name

    return write


def saelens(architecture: str, extra: Tensors | None = None, **more: Any) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        folder.mkdir()
        cfg = {"architecture": architecture, "d_in": D, "d_sae": N, "apply_b_dec_to_input": True, **more}
        (folder / "cfg.json").write_text(json.dumps(cfg))
        found = {"W_enc": ENCODER, "W_dec": DECODER, "b_enc": B_ENC, "b_dec": B_DEC, **(extra or {})}
        save_file(found, folder / "sae_weights.safetensors")
        return folder

    return write


def esmc_acts(x: Tensor) -> Tensor:
    return top(((z(x, 1e-5)[0] - B_DEC) @ ENCODER).relu())


def unz(acts: Tensor, x: Tensor) -> Tensor:
    _, mean, deviation = z(x, 1e-5)
    return (acts @ DECODER + B_DEC) * deviation + mean


def root_d(x: Tensor) -> Tensor:
    return x.norm(dim=-1, keepdim=True) / D**0.5


def bionemo(*, normed: bool, prefix: str = "") -> Callable[[Path], Path]:
    state = {**LINEAR, "latent_bias": B_ENC, "pre_bias": B_DEC, "stats_last_nonzero": torch.zeros(N, dtype=torch.long)}
    cfg = {"input_dim": D, "hidden_dim": N, "top_k": K, "normalize_input": normed}
    content = {"model_state_dict": {prefix + name: value for name, value in state.items()}, "model_config": cfg}
    return torch_file("checkpoint_final.pt", content)


NORM = torch.linalg.vector_norm(DECODER, dim=1)
INTERPROT = {"w_enc": ENCODER, "w_dec": DECODER, "b_enc": B_ENC, "b_pre": B_DEC}
GATE = {"b_gate": drawn(N, seed=6), "r_mag": drawn(N, seed=7, scale=0.3), "b_mag": drawn(N, seed=8)}


def gated(x: Tensor) -> Tensor:
    h = (x - B_DEC) @ ENCODER
    return (h + GATE["b_gate"] > 0) * (GATE["r_mag"].exp() * h + GATE["b_mag"]).relu()


def jump(pre: Tensor, threshold: Tensor = THRESHOLD) -> Tensor:
    return pre.relu() * (pre > threshold)


LEARNING = {**LINEAR, "encoder.bias": B_ENC}
K_OF = {"k": torch.tensor(K, dtype=torch.int), "threshold": torch.tensor(0.9)}
OWN_B = {"decoder.bias": B_DEC}
MATRICES = {"W_enc": ENCODER, "W_dec": DECODER, "b_enc": B_ENC, "b_dec": B_DEC}

CASES = {
    "SAELens standard": Case("saelens", saelens("standard"), lambda x: before(x).relu(), plain),
    "SAELens, b_dec not subtracted": Case(
        "saelens", saelens("standard", apply_b_dec_to_input=False), lambda x: (x @ ENCODER + B_ENC).relu(), plain
    ),
    "SAELens topk": Case("saelens", saelens("topk", k=K), lambda x: top(before(x).relu()), plain),
    "SAELens topk by decoder norm": Case(
        "saelens",
        saelens("topk", k=K, rescale_acts_by_decoder_norm=True),
        lambda x: top((before(x) * NORM).relu()),
        lambda acts, _: (acts / NORM) @ DECODER + B_DEC,
    ),
    "SAELens topk of old": Case(
        "saelens",
        saelens("standard", hook_point="x", activation_fn_str="topk", activation_fn_kwargs={"k": K}),
        lambda x: top(before(x).relu()),
        plain,
    ),
    "SAELens jumprelu": Case(
        "saelens", saelens("jumprelu", {"threshold": THRESHOLD}), lambda x: jump(before(x)), plain
    ),
    "SAELens gated": Case("saelens", saelens("gated", GATE), gated, plain),
    "SAELens layer norm": Case(
        "saelens",
        saelens("topk", k=K, normalize_activations="layer_norm"),
        lambda x: top(before(z(x, 1e-5)[0]).relu()),
        unz,
    ),
    "SAELens constant norm": Case(
        "saelens",
        saelens("standard", normalize_activations="constant_norm_rescale"),
        lambda x: before(x / root_d(x)).relu(),
        lambda acts, x: plain(acts, x) * root_d(x),
    ),
    "SAELens average norm": Case(
        "saelens",
        saelens("standard", normalize_activations="expected_average_only_in"),
        lambda x: before(0.5 * x).relu(),
        lambda acts, x: plain(acts, x) / 0.5,
        Told(scale=0.5),
    ),
    "dictionary_learning AutoEncoder": Case(
        "dictionary_learning",
        torch_file("ae.pt", {**LEARNING, "bias": B_DEC}, trainer("AutoEncoder")),
        lambda x: before(x).relu(),
        plain,
    ),
    "dictionary_learning AutoEncoderNew": Case(
        "dictionary_learning",
        torch_file("ae.pt", LEARNING | OWN_B, trainer("AutoEncoderNew")),
        lambda x: (x @ ENCODER + B_ENC).relu(),
        plain,
    ),
    "dictionary_learning topk": Case(
        "dictionary_learning",
        torch_file("ae.pt", {**LEARNING, **K_OF, "b_dec": B_DEC}, trainer("AutoEncoderTopK")),
        lambda x: top(before(x).relu()),
        plain,
    ),
    "dictionary_learning batch topk": Case(
        "dictionary_learning",
        torch_file("ae.pt", {**LEARNING, **K_OF, "b_dec": B_DEC}),
        lambda x: jump(before(x), torch.tensor(0.9)),
        plain,
        Told(kind="batchtopk"),
    ),
    "dictionary_learning jumprelu": Case(
        "dictionary_learning",
        torch_file("ae.pt", {**MATRICES, "threshold": THRESHOLD}, trainer("JumpReluAutoEncoder")),
        lambda x: jump(x @ ENCODER + B_ENC),
        plain,
    ),
    "dictionary_learning matryoshka": Case(
        "dictionary_learning",
        torch_file("ae.pt", {**MATRICES, **K_OF, "group_sizes": torch.tensor([N])}),
        lambda x: jump(before(x), torch.tensor(0.9)),
        plain,
    ),
    "dictionary_learning gated": Case(
        "dictionary_learning",
        torch_file(
            "ae.pt",
            {
                **LINEAR,
                "decoder_bias": B_DEC,
                "gate_bias": GATE["b_gate"],
                "r_mag": GATE["r_mag"],
                "mag_bias": GATE["b_mag"],
            },
            trainer("GatedAutoEncoder"),
        ),
        gated,
        plain,
    ),
    "InterPLM of the hub": Case(
        "interplm", torch_file("ae_unnormalized.pt", {**LEARNING, "bias": B_DEC}), lambda x: before(x).relu(), plain
    ),
    "InterPLM of today": Case(
        "interplm",
        torch_file(
            "ae_normalized.pt",
            {
                **LEARNING,
                "bias": B_DEC,
                "normalize_to_sqrt_d": torch.tensor(True),
                "activation_rescale_factor": torch.zeros(N),
            },
        ),
        lambda x: before(x / root_d(x)).relu(),
        lambda acts, x: plain(acts, x) * root_d(x),
    ),
    "InterPLM tied": Case(
        "interplm",
        torch_file("ae_normalized.pt", LEARNING | OWN_B),
        lambda x: (x @ ENCODER + B_ENC).relu(),
        plain,
    ),
    "InterPLM jumprelu": Case(
        "interplm",
        torch_file("ae_normalized.pt", {**LEARNING, **OWN_B, "threshold": THRESHOLD}),
        lambda x: jump(x @ ENCODER + B_ENC),
        plain,
    ),
    "InterProt": Case(
        "interprot",
        safetensors("esm2_plm12_l24_sae40.safetensors", INTERPROT),
        lambda x: top((z(x, 1e-5)[0] - B_DEC) @ ENCODER + B_ENC).relu(),
        unz,
        Told(k=K),
    ),
    "InterProt, Lightning": Case(
        "interprot",
        torch_file("plm12_l24_sae40.ckpt", {"state_dict": {f"sae_model.{n}": t for n, t in INTERPROT.items()}}),
        lambda x: top((z(x, 1e-5)[0] - B_DEC) @ ENCODER + B_ENC).relu(),
        unz,
        Told(k=K),
    ),
    "ESMC": Case(
        "esmc",
        safetensors(
            "layer_7.safetensors",
            {"W_enc": ENCODER, "W_dec": DECODER, "b_dec": B_DEC, "idf": torch.ones(N), "max": torch.ones(N)},
            {"model_type": "esmc_sae", "d_model": D, "codebook_dim": N, "k": K, "available_layers": [7]},
        ),
        esmc_acts,
        unz,
        Told(site="resid_post"),
    ),
    "BioNeMo": Case("bionemo", bionemo(normed=False), lambda x: top(before(x).relu()), plain),
    "BioNeMo, normed": Case(
        "bionemo",
        bionemo(normed=True, prefix="module."),
        lambda x: top(before(z(x, 1e-8)[0]).relu()),
        lambda acts, x: plain(acts, x) * (z(x, 1e-8)[2] + 1e-8) + z(x, 1e-8)[1],
    ),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def test_activations_and_reconstruction_are_the_sources(case: Case, tmp_path: Path) -> None:
    sae = load_foreign(case.write(tmp_path / "sae"), case.format, case.told).sae

    acts = case.acts(X)
    assert 0 < float((acts > 0).float().mean()) < 0.9
    with torch.no_grad():
        found = sae(X)
        assert_close(found.acts, acts, rtol=1e-4, atol=1e-4)
        assert_close(found.x_hat, case.x_hat(acts, X), rtol=1e-4, atol=1e-4)
        codes = sae.encode_sparse(X)
    assert np.allclose(codes.toarray(), acts.numpy(), rtol=1e-4, atol=1e-4)
    assert np.allclose(sae.decode_sparse(codes, X), case.x_hat(acts, X).numpy(), rtol=1e-3, atol=1e-3)


def test_the_format_is_found_and_our_own_files_hold_it_all(case: Case, tmp_path: Path) -> None:
    sae = load_sae(case.write(tmp_path / "sae"), told=case.told)
    assert isinstance(sae, ImportedSAE)
    sae.fit_typical(X)
    sae.save(tmp_path / "own")

    again = load_sae(tmp_path / "own")
    assert again.cfg == sae.cfg
    with torch.no_grad():
        for ours, theirs in zip(again(X)[:2], sae(X)[:2], strict=True):
            assert torch.equal(ours, theirs)
        assert torch.equal(again.decode(sae.encode(X)), sae.decode(sae.encode(X)))


def test_without_residues_a_typical_norm_stands_in(tmp_path: Path) -> None:
    case = CASES["InterProt"]
    sae = load_foreign(case.write(tmp_path / "sae"), case.format, case.told).sae
    sae.fit_typical(X)

    _, mean, deviation = z(X, 1e-5)
    acts = sae.encode(X)
    expected = (acts @ DECODER + B_DEC) * deviation.square().mean().sqrt() + mean.mean()
    assert_close(sae.decode(acts), expected)
    with pytest.raises(ConfigError, match="input_norm='z_score' norms each residue"):
        sae.folded()


def test_a_scale_folds_into_the_weights(tmp_path: Path) -> None:
    case = CASES["SAELens average norm"]
    sae = load_foreign(case.write(tmp_path / "sae"), case.format, case.told).sae
    assert float(sae.scale) == 1
    assert torch.equal(sae.folded().W_dec, sae.W_dec)


LEARNT = {**LEARNING, **K_OF, "b_dec": B_DEC}


@pytest.mark.parametrize(
    ("write", "format_name", "told", "said"),
    [
        (CASES["InterProt"].write, "interprot", Told(), "how many features TopK keeps per residue; say it, as in k=64"),
        (saelens("topk"), "saelens", Told(), "how many features TopK keeps"),
        (CASES["SAELens average norm"].write, "saelens", Told(), "the factor of its input .*scale="),
        (
            CASES["ESMC"].write,
            "esmc",
            Told(),
            "the residual stream or what a block adds; say it, as in site=resid_post",
        ),
        (torch_file("ae.pt", LEARNT), "dictionary_learning", Told(), "whether TopK or BatchTopK .*kind=topk"),
        (torch_file("ae_normalized.pt", LEARNT), "interplm", Told(), "whether TopK or BatchTopK"),
        (
            torch_file("checkpoint_final.pt", {"model_state_dict": dict(LINEAR)}),
            "bionemo",
            Told(),
            "whether residues are normed",
        ),
    ],
)
def test_what_no_file_says_is_asked_for(
    write: Callable[[Path], Path], format_name: str, told: Told, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=said):
        load_foreign(write(tmp_path / "sae"), format_name, told)


class Harm:
    """What a pickle could hold."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("harm"),))


@pytest.mark.parametrize(
    ("write", "format_name", "said"),
    [
        (torch_file("ae.pt", {"encoder.weight": Harm()}), "dictionary_learning", "objects that would run.*state_dict"),
        (torch_file("ae.pt", {"ae": {}, "optimizer": {}, "step": 1}), "dictionary_learning", "backup from the middle"),
        (torch_file("ae.pt", LEARNT, trainer("CrossCoder")), "dictionary_learning", "CrossCoder.*those that are"),
        (
            torch_file("ae.pt", {**LEARNT, "threshold": torch.tensor(-1.0)}, trainer("BatchTopKSAE")),
            "dictionary_learning",
            "threshold -1",
        ),
        (torch_file("ae.pt", {**LEARNING, "bias": B_DEC[:-1]}), "dictionary_learning", r"shape \(11,\) where \(12,\)"),
        (torch_file("ae.pt", {**LEARNING, "bias": B_DEC * torch.nan}), "dictionary_learning", "not finite"),
        (torch_file("ae_normalized.pt", {"encoder.weight": ENCODER}), "interplm", "lacks the tensor 'decoder.weight'"),
        (saelens("temporal"), "saelens", "temporal.*those that are: standard"),
        (saelens("topk", k=N + 1), "saelens", "k must be in 1..d_sae=40"),
        (saelens("standard", normalize_activations="covariance_whitening"), "saelens", "covariance_whitening"),
        (saelens("standard", reshape_activations="hook_z"), "saelens", "attention heads"),
        (
            safetensors(
                "layer_3.safetensors",
                {"W_enc": ENCODER},
                {"model_type": "esmc_sae", "use_residual_update_instead_of_states": True},
            ),
            "esmc",
            "what a block adds",
        ),
        (torch_file("checkpoint_final.pt", {"config": {}}), "bionemo", "lacks model_state_dict; it holds config"),
        (lambda folder: folder, "interprot", "does not exist"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(
    write: Callable[[Path], Path], format_name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArtifactError, match=said) as caught:
        load_foreign(write(tmp_path / "sae"), format_name)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "harm").exists()


def test_facts_of_the_files_come_with_the_sae(tmp_path: Path) -> None:
    learnt = load_foreign(CASES["dictionary_learning AutoEncoder"].write(tmp_path / "a"))
    assert learnt.stated[:3] == (3, "", "esm")
    write = saelens("standard", metadata={"model_name": "esm2_t6_8M_UR50D", "hook_name": "esm.layer.2"})
    assert load_foreign(write(tmp_path / "b")).stated[:3] == (None, "", "esm2_t6_8M_UR50D")
    interprot = load_foreign(CASES["InterProt"].write(tmp_path / "c"), told=Told(k=K, plm="mine"))
    assert interprot.stated == (24, "resid_post", "mine", True)
    (tmp_path / "layer_4").mkdir()
    torch.save({**LEARNING, "bias": B_DEC}, tmp_path / "layer_4" / "ae_normalized.pt")
    assert load_foreign(tmp_path / "layer_4").stated[:2] == (4, "resid_post")


def test_one_of_several_files_is_asked_for(tmp_path: Path) -> None:
    for name in ("ae_normalized.pt", "ae_unnormalized.pt"):
        torch.save({**LEARNING, "bias": B_DEC}, tmp_path / name)
    with pytest.raises(ConfigError, match=r"ae_normalized\.pt and ae_unnormalized\.pt; give one"):
        load_foreign(tmp_path)
    folder = CASES["ESMC"].write(tmp_path / "esmc").parent
    CASES["ESMC"].write(tmp_path / "other").rename(folder / "layer_9.safetensors")
    told = Told(site="resid_post")
    with pytest.raises(ConfigError, match="which of its layers 7, 9 is meant"):
        load_foreign(folder, told=told)
    assert load_foreign(folder, told=told._replace(layer=9)).stated.layer == 9
    with pytest.raises(ArtifactError, match="holds the layers 7, 9, not 8"):
        load_foreign(folder, told=told._replace(layer=8))
