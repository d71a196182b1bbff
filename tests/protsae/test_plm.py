"""The language model: equal to fair-esm's own forward pass, exact joins and edits, and files it refuses."""

import json
import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from esm.model.esm2 import ESM2
from esm2_files import random_model, weights_of, write_pt
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.testing import assert_close

from protsae.alphabet import AMINO_ACIDS
from protsae.errors import ArtifactError, BundleError, ConfigError, InputError, ProtSAEError
from protsae.plm import weights as plm_weights
from protsae.plm.about import About
from protsae.plm.esm2 import blocks
from protsae.plm.esm2_plm import ESM2PLM
from protsae.plm.registry import about_plm, fetch_plm, files_of, load_plm, open_plm, outline_of, weights_file
from protsae.plm.sites import SITES, Site
from protsae.plm.spec import PLMSpec
from protsae.plm.windows import windows

REFERENCE = Path(__file__).parents[2] / "../shared/data/esm2_reference"
SEQUENCES = [
    "MKTAYIAKQR",
    "GGWHXBUZOE",
    "MLSDEDFKAVFGMTRSAFANLPLWKQQNLKKEKGLF",
    "ACDEF",
    "MLSDEDFKAVFGMTRSAFANLPLWKQQNLKKEKGLY",
]


@pytest.fixture
def stock() -> ESM2:
    return random_model()


@pytest.fixture
def plm() -> ESM2PLM:
    return ESM2PLM(random_model(), name="toy", device="cpu")


def stock_forward(model: ESM2, tokens: Tensor) -> tuple[dict[tuple[int, Site], Tensor], Tensor]:
    """fair-esm's activations by (layer, site), and its logits."""
    found: dict[tuple[int, Site], Tensor] = {}
    hooks = [
        layer.final_layer_norm.register_forward_pre_hook(
            lambda _, args, number=number: found.update({(number, "resid_mid"): args[0].transpose(0, 1)})
        )
        for number, layer in enumerate(blocks(model), start=1)
    ]
    with torch.no_grad():
        out = model(tokens, repr_layers=range(1, model.num_layers))
    for hook in hooks:
        hook.remove()
    found.update({(number, "resid_post"): x for number, x in out["representations"].items()})
    return found, out["logits"]


def stock_tokens(model: ESM2, sequences: list[str]) -> Tensor:
    return model.alphabet.get_batch_converter()([("", s) for s in sequences])[2]


@pytest.mark.parametrize("shape", [(2, 32, 4), (6, 320, 20)])
def test_every_layer_and_site_equals_fair_esm(shape: tuple[int, int, int]) -> None:
    model = random_model(*shape)
    expected, _ = stock_forward(model, stock_tokens(model, SEQUENCES))
    plm = ESM2PLM(random_model(*shape), name="toy", device="cpu")

    assert len(expected) == 2 * shape[0] - 1
    for (layer, site), states in expected.items():
        for index, state in plm.harvest(SEQUENCES, layer=layer, site=site):
            theirs = states[index, 1 : 1 + len(SEQUENCES[index])]
            assert_close(state, theirs, rtol=1e-5, atol=1e-5 * theirs.abs().max().item())


def test_masked_logits_equal_fair_esm_in_the_order_of_amino_acids(plm: ESM2PLM, stock: ESM2) -> None:
    tokens = stock_tokens(stock, SEQUENCES[2:3])
    tokens[0, [4, 8]] = stock.mask_idx
    _, expected = stock_forward(stock, tokens)

    logits = plm.logits(SEQUENCES[2], masked=[3, 7])

    columns = [stock.alphabet.get_idx(letter) for letter in AMINO_ACIDS]
    assert_close(logits, expected[0, 1:-1][:, columns], rtol=1e-5, atol=1e-5)


def test_a_sequence_alone_equals_itself_among_others(plm: ESM2PLM) -> None:
    for index, state in plm.harvest(SEQUENCES, layer=2):
        assert_close(state, plm.embed(SEQUENCES[index], layer=2), rtol=1e-6, atol=1e-6)


def test_harvest_gives_each_index_once_longest_first_within_the_token_budget(plm: ESM2PLM) -> None:
    done: list[int] = []
    order = [i for i, _ in plm.harvest(SEQUENCES, layer=1, tokens_per_batch=24, progress=done.append)]

    assert order == [2, 4, 0, 1, 3]
    assert done == [36, 36, 20, 5]
    assert list(plm.harvest([], layer=1)) == []


@pytest.mark.parametrize(("n", "size", "overlap"), [(21, 20, 8), (100, 20, 8), (47, 20, 19), (1023, 1022, 256)])
def test_windows_keep_each_residue_once_where_it_is_farthest_from_a_cut(n: int, size: int, overlap: int) -> None:
    parts = windows(n, size, overlap)

    assert [p for w in parts for p in range(w.keep_start, w.keep_stop)] == list(range(n))
    assert all(w.stop - w.start == size for w in parts)
    assert all(a.stop - b.start >= min(overlap, size // 2) for a, b in pairwise(parts))
    for chosen in parts:
        for p in range(chosen.keep_start, chosen.keep_stop):

            def to_cut(w: tuple[int, int, int, int], p: int = p) -> int:
                left = p - w[0] if w[0] > 0 else n
                right = w[1] - 1 - p if w[1] < n else n
                return min(left, right)

            assert to_cut(chosen) == max(to_cut(w) for w in parts if w.start <= p < w.stop)


def test_a_long_sequence_is_joined_from_its_windows() -> None:
    plm = ESM2PLM(random_model(), name="toy", device="cpu", max_residues=20)
    sequence = (SEQUENCES[2] + SEQUENCES[0])[:45]
    parts = windows(45, 20)

    joined = dict(plm.harvest(["ACDEF", sequence, SEQUENCES[0]], layer=2, tokens_per_batch=30))[1]

    assert len(parts) == 4
    manual = [
        plm.embed(sequence[w.start : w.stop], layer=2)[w.keep_start - w.start :][: w.keep_stop - w.keep_start]
        for w in parts
    ]
    assert_close(joined, torch.cat(manual), rtol=1e-6, atol=1e-6)
    assert_close(joined, plm.embed(sequence, layer=2), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("sharpness", [1.0, 40.0])
@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("layer", [1, 2])
def test_substitutions_together_equal_each_mutant_alone(layer: int, site: Site, sharpness: float) -> None:
    """Also where the first block attends to hardly more than one token, which may be the one that is replaced."""
    model = random_model()
    with torch.no_grad():
        blocks(model)[0].self_attn.q_proj.weight *= sharpness
    plm = ESM2PLM(model, name="toy", device="cpu")
    sequence, letters = SEQUENCES[2], "ACDEFGHIKLMNPQRSTVWYXU"
    for at in (0, 17, len(sequence) - 1):
        found = list(plm.harvest_substitutions(sequence, at, letters, layer=layer, site=site, tokens_per_batch=120))

        assert len(found) == len(letters)
        for letter, states in zip(letters, found, strict=True):
            mutant = f"{sequence[:at]}{letter}{sequence[at + 1 :]}"
            assert_close(states, plm.embed(mutant, layer=layer, site=site), rtol=1e-4, atol=1e-5)


def test_substitutions_in_a_long_sequence_go_through_in_windows() -> None:
    plm = ESM2PLM(random_model(), name="toy", device="cpu", max_residues=16)
    sequence = SEQUENCES[2]

    (found,) = plm.harvest_substitutions(sequence, 20, "W", layer=2, site="resid_mid")

    assert_close(found, plm.embed(f"{sequence[:20]}W{sequence[21:]}", layer=2, site="resid_mid"))


@pytest.mark.parametrize("site", ["resid_mid", "resid_post"])
@pytest.mark.parametrize("layer", [1, 2])
def test_an_edit_that_changes_nothing_changes_no_logit(plm: ESM2PLM, layer: int, site: Site) -> None:
    plain = plm.logits(SEQUENCES[2], masked=[5])

    assert_close(
        plm.logits(SEQUENCES[2], masked=[5], layer=layer, site=site, edit=torch.clone), plain, rtol=1e-5, atol=1e-5
    )
    state = plm.state(SEQUENCES[2], masked=[5], layer=layer, site=site)
    assert_close(plm.logits_from(state), plain, rtol=1e-5, atol=1e-5)
    plm.logits_from(state, edit=torch.Tensor.zero_)
    assert_close(plm.logits_from(state), plain, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("layer", "site"), [(1, "resid_mid"), (1, "resid_post"), (2, "resid_mid")])
def test_an_edit_replaces_the_residues_and_spares_the_special_tokens(
    plm: ESM2PLM, stock: ESM2, layer: int, site: Site
) -> None:
    tokens = stock_tokens(stock, SEQUENCES[:1])
    new = torch.randn(10, 32, generator=torch.Generator().manual_seed(1))

    def put(_: object, args: tuple[Tensor, ...], output: tuple[Tensor, ...] | None = None) -> tuple[Tensor, ...]:
        first, *rest = args if output is None else output
        x = first.clone()
        x[1:-1] = new[:, None]
        return (x, *rest)

    block = blocks(stock)[layer - 1]
    if site == "resid_post":
        block.register_forward_hook(put)
    else:
        block.final_layer_norm.register_forward_pre_hook(put)
        block.fc2.register_forward_hook(lambda _, __, out: out + put(None, (block_input[0],))[0] - block_input[0])
        block_input: list[Tensor] = [torch.empty(0)]
        block.final_layer_norm.register_forward_pre_hook(
            lambda _, args: block_input.__setitem__(0, args[0]), prepend=True
        )
    _, expected = stock_forward(stock, tokens)
    columns = [stock.alphabet.get_idx(letter) for letter in AMINO_ACIDS]

    logits = plm.logits(SEQUENCES[0], layer=layer, site=site, edit=lambda _: new)

    assert_close(logits, expected[0, 1:-1][:, columns], rtol=1e-5, atol=1e-5)


def test_the_amino_acid_effect_is_the_mean_slope_of_the_logits(plm: ESM2PLM) -> None:
    directions = torch.randn(3, 32, generator=torch.Generator().manual_seed(2))
    state = plm.state(SEQUENCES[2], layer=2, site="resid_post")
    step = 1e-2

    effect = plm.amino_acid_effect(directions, reference=[SEQUENCES[2]])

    for direction, row in zip(directions, effect, strict=True):
        up, down = (plm.logits_from(state, edit=lambda x, s=s, d=direction: x + s * d) for s in (step, -step))
        slope = ((up - down) / (2 * step)).mean(dim=0)
        assert_close(row, slope - slope.mean(), rtol=1e-3, atol=1e-3)
    assert_close(effect.sum(dim=1), torch.zeros(3), rtol=0, atol=1e-5)


def test_a_folder_in_half_precision_loads_in_full(tmp_path: Path, stock: ESM2, plm: ESM2PLM) -> None:
    half = {name: value.half() for name, value in weights_of(stock).items()}
    save_file(half, tmp_path / "any.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"num_layers": 2, "embed_dim": 32, "attention_heads": 4, "x": 1}))

    loaded = load_plm(tmp_path, device="cpu")

    assert (loaded.d_model, loaded.num_layers, loaded.max_residues, loaded.name) == (32, 2, 1022, tmp_path.name)
    assert loaded.embed("MKTAY", layer=1).dtype == torch.float32
    assert_close(loaded.embed("MKTAY", layer=1), plm.embed("MKTAY", layer=1), rtol=2e-2, atol=2e-2)
    assert len(loaded.spec(layer=1, site="resid_mid").weights_sha256) == 64


def test_fair_esms_own_file_loads_to_the_same_model(tmp_path: Path, stock: ESM2, plm: ESM2PLM) -> None:
    write_pt(tmp_path / "esm2_tiny.pt", stock)

    loaded = load_plm(str(tmp_path / "esm2_tiny.pt"), device="cpu")

    assert loaded.name == "esm2_tiny"
    assert_close(loaded.logits("MKTAY"), plm.logits("MKTAY"), rtol=1e-5, atol=1e-5)


def test_a_named_model_is_looked_up_where_fair_esm_keeps_it(
    tmp_path: Path, stock: ESM2, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(InputError, match=r"not on this machine: fetch them once with `python -m protsae.plm esm2_t6"):
        load_plm("esm2_t6_8M_UR50D")
    (tmp_path / "checkpoints").mkdir()
    write_pt(tmp_path / "checkpoints" / "esm2_t6_8M_UR50D.pt", stock)
    assert load_plm("esm2_t6_8M_UR50D", device="cpu").d_model == 32


def test_what_a_model_offers_is_known_before_its_weights_are_read(tmp_path: Path, stock: ESM2) -> None:
    assert outline_of("esm2_t33_650M_UR50D") == (33, SITES, 1280)
    write_pt(tmp_path / "esm2_tiny.pt", stock)
    assert outline_of(tmp_path / "esm2_tiny.pt").num_layers == 2
    (tmp_path / "none.safetensors").write_bytes(b"never read")
    (tmp_path / "config.json").write_text(json.dumps({"num_layers": 5, "embed_dim": 32, "attention_heads": 4}))
    assert outline_of(tmp_path).num_layers == 5
    (tmp_path / "config.json").write_text(json.dumps({"architecture": "esm9"}))
    with pytest.raises(ArtifactError, match=r"config.json names the architecture 'esm9'.* it has esm2"):
        outline_of(tmp_path)


def bundle(folder: Path, model: ESM2, **changes: object) -> Path:
    save_file(weights_of(model), folder / "plm.safetensors")
    values = {"name": "toy", "layer": 1, "site": "resid_mid", "num_layers": 2, "embed_dim": 32, "attention_heads": 4}
    values |= {"weights": "plm.safetensors", "weights_sha256": plm_weights.sha256(folder / "plm.safetensors")}
    (folder / "plm.json").write_text(json.dumps({k: v for k, v in (values | changes).items() if v != "drop"}))
    return folder


def test_a_bundle_gives_its_model_and_its_place(tmp_path: Path, stock: ESM2, plm: ESM2PLM) -> None:
    loaded, spec = open_plm(bundle(tmp_path, stock), device="cpu")

    assert (loaded.name, spec.layer, spec.site) == ("toy", 1, "resid_mid")
    assert_close(loaded.logits("MKTAY"), plm.logits("MKTAY"), rtol=1e-5, atol=1e-5)
    spec.write(tmp_path / "again.json")
    assert PLMSpec.read(tmp_path / "again.json") == spec


def test_a_bundle_is_a_way_to_name_its_model(tiny_bundle: Path) -> None:
    ours, spec = open_plm(tiny_bundle, device="cpu")

    plm = load_plm(tiny_bundle, device="cpu")

    assert_close(plm.embed("MKTAYIAK", layer=2), ours.embed("MKTAYIAK", layer=2))
    assert plm.name == spec.name
    assert outline_of(tiny_bundle) == (spec.num_layers, SITES, spec.embed_dim)
    assert weights_file(tiny_bundle) == tiny_bundle / "plm.safetensors"
    fetch_plm(tiny_bundle)


def test_a_copy_of_its_files_is_the_same_model(tiny_bundle: Path, tmp_path: Path) -> None:
    files = files_of(tiny_bundle)
    assert [path.name for path in files] == ["plm.safetensors", "plm.json"]
    for path in files:
        (tmp_path / path.name).write_bytes(path.read_bytes())

    one, two = (load_plm(folder, device="cpu") for folder in (tiny_bundle, tmp_path))
    assert_close(two.embed("MKTAYIAK", layer=2), one.embed("MKTAYIAK", layer=2), rtol=0, atol=0)
    assert files_of("esm2_t6_8M_UR50D") == ()


def test_a_bundle_that_only_names_its_model_leads_to_it(
    tmp_path: Path, stock: ESM2, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    name, file = "esm2_t6_8M_UR50D", tmp_path / "checkpoints" / "esm2_t6_8M_UR50D.pt"
    file.parent.mkdir()
    write_pt(file, stock)
    spec = load_plm(name, device="cpu").spec(layer=2, site="resid_mid")
    spec.write(tmp_path / "plm.json")

    assert load_plm(tmp_path, device="cpu").name == name
    assert outline_of(tmp_path).num_layers == 6
    assert weights_file(tmp_path) is None
    replace(spec, name="tuned", source=str(file)).write(tmp_path / "plm.json")
    assert weights_file(tmp_path) == file
    assert files_of(tmp_path) == (file,)
    assert outline_of(tmp_path).num_layers == 2


def test_a_model_says_what_it_is_and_old_ones_say_nothing(tmp_path: Path, tiny_bundle: Path) -> None:
    (tmp_path / "config.json").write_text('{"title": "Mine", "licence": "CC0", "num_layers": 2}')
    (tmp_path / "plm.NOTICE.txt").write_text("all rights given away")
    assert about_plm(tmp_path) == About("Mine", "", "CC0", tmp_path / "plm.NOTICE.txt")
    assert about_plm(tiny_bundle) == About()
    spec = PLMSpec.read(tiny_bundle / "plm.json")
    assert spec.shown == "tiny_esm2"
    assert replace(spec, title="Tiny").shown == "Tiny"
    assert replace(spec, title="Tiny", provenance="dice", licence="MIT").identity() == spec.identity()
    (tmp_path / "config.json").write_text('{"title": 7}')
    with pytest.raises(InputError, match="gives 7 as title, which must be text"):
        about_plm(tmp_path)


def test_a_bundle_may_point_at_a_model_outside_it(tmp_path: Path, stock: ESM2) -> None:
    pt = tmp_path / "esm2_tiny.pt"
    write_pt(pt, stock)
    good = {"name": "esm2_tiny", "source": str(pt), "weights": None, "weights_sha256": plm_weights.sha256(pt)}

    assert open_plm(bundle(tmp_path, stock, **good), device="cpu")[1].weights is None
    with pytest.raises(ArtifactError, match=r"needs a .* with num_layers 3, but .* has 2"):
        open_plm(bundle(tmp_path, stock, **good | {"num_layers": 3}), device="cpu")
    with pytest.raises(ArtifactError, match="SHA-256 differs"):
        open_plm(bundle(tmp_path, stock, **good | {"weights_sha256": "0" * 64}), device="cpu")
    with pytest.raises(BundleError, match="needs weights_sha256"):
        open_plm(bundle(tmp_path, stock, **good | {"weights_sha256": ""}), device="cpu")
    pt.unlink()
    with pytest.raises(ArtifactError, match=r"esm2_tiny\.pt, which is not there any more: put the file back"):
        open_plm(bundle(tmp_path, stock, **good), device="cpu")


def test_weights_that_are_a_link_are_refused(tmp_path: Path, stock: ESM2) -> None:
    folder = bundle(tmp_path, stock)
    (folder / "plm.safetensors").rename(tmp_path / "elsewhere")
    (folder / "plm.safetensors").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(BundleError, match="symbolic link"):
        open_plm(folder, device="cpu")


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"weights_sha256": "0" * 64}, ArtifactError, "SHA-256 differs"),
        ({"weights": "gone.safetensors"}, ArtifactError, "gone.safetensors is missing"),
        ({"num_layers": 3}, ArtifactError, "does not hold an ESM-2 of 3 layers.*lacks parameter layers.2"),
        ({"num_layers": 1}, ArtifactError, "has an unknown parameter layers.1"),
        ({"embed_dim": 64}, ArtifactError, r"is \[33, 32\] where \[33, 64\] is needed"),
        ({"attention_heads": 5}, BundleError, "even multiple of attention_heads, got 32 and 5"),
        ({"layer": 9}, BundleError, r"layer must be in 1\.\.2 .* got 9"),
        ({"site": "block"}, BundleError, "got 'block'"),
        ({"layer": "drop"}, BundleError, "must hold the fields"),
        ({"layer": "two"}, BundleError, "layer must be int, got 'two'"),
        ({"layer": True}, BundleError, "layer must be int, got True"),
        ({"weights": 7}, BundleError, "weights must be str or null, got 7"),
        ({"weights": "/etc/passwd"}, BundleError, "weights must be the name of a file beside plm.json"),
        ({"weights": "../plm.safetensors"}, BundleError, "weights must be the name of a file beside plm.json"),
        ({"name": "/home/reader/esm2.pt", "weights": None}, BundleError, "name must be a model's name and no path"),
        ({"extra": 1}, BundleError, "must hold the fields"),
    ],
)
def test_a_bundle_whose_model_does_not_fit_is_refused(
    tmp_path: Path, stock: ESM2, changes: dict, error: type[ProtSAEError], sentence: str
) -> None:
    folder = bundle(tmp_path, stock, **changes)

    with pytest.raises(error, match=sentence) as caught:
        open_plm(folder, device="cpu")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"{", b"[1]", b"\xff\xfe"])
def test_a_missing_or_damaged_plm_json_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "plm.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"plm\.json"):
        open_plm(tmp_path)


def test_files_that_hold_no_model_are_refused(tmp_path: Path, stock: ESM2) -> None:
    (tmp_path / "text.pt").write_text("no weights")
    torch.save({"model": {}}, tmp_path / "other.pt")
    torch.save(PLMSpec, tmp_path / "code.pt")
    (tmp_path / "x.bin").write_text("")
    empty, broken = tmp_path / "empty", tmp_path / "broken"
    empty.mkdir()
    broken.mkdir()
    (broken / "w.safetensors").write_bytes(b"\x00" * 50)
    with pytest.raises(ArtifactError, match=r"text\.pt"):
        load_plm(tmp_path / "text.pt")
    with pytest.raises(ArtifactError, match=r"other\.pt is no ESM-2 file of fair-esm's \(it holds 'model'\)"):
        load_plm(tmp_path / "other.pt")
    with pytest.raises(ArtifactError, match=r"code\.pt .* not opened"):
        load_plm(tmp_path / "code.pt")
    with pytest.raises(InputError, match="neither"):
        load_plm(tmp_path / "x.bin")
    with pytest.raises(InputError, match="holds 0 of them"):
        load_plm(empty)
    with pytest.raises(InputError, match="must be JSON with num_layers"):
        load_plm(broken)
    (broken / "config.json").write_text('{"num_layers": 2, "embed_dim": 32, "attention_heads": 3}')
    with pytest.raises(ArtifactError, match="describes no ESM-2: 2 layers, width 32, 3 heads"):
        load_plm(broken)
    (broken / "config.json").write_text('{"num_layers": 2, "embed_dim": 32, "attention_heads": 4}')
    with pytest.raises(ArtifactError, match="cannot be read as safetensors"):
        load_plm(broken)


def test_wrong_arguments_are_quoted_back(plm: ESM2PLM) -> None:
    no_site: Any = "mlp"
    with pytest.raises(InputError, match=r"no language model 'esm9'.*esm2_t6_8M_UR50D"):
        load_plm("esm9")
    with pytest.raises(InputError, match="is empty"):
        plm.embed("", layer=1)
    with pytest.raises(InputError, match="'J' at position 3"):
        plm.embed("MKJ", layer=1)
    with pytest.raises(InputError, match="'é' at position 2"):
        plm.logits("Mé")
    with pytest.raises(InputError, match="'k' at position 2"):
        plm.logits("Mk")
    with pytest.raises(InputError, match="has 1,023 residues"):
        plm.logits("M" * 1023)
    with pytest.raises(ConfigError, match=r"1\.\.2 .* got 3"):
        plm.embed("MK", layer=3)
    with pytest.raises(ConfigError, match="got 'mlp'"):
        next(plm.harvest(["MK"], layer=1, site=no_site))
    with pytest.raises(ConfigError, match="needs the layer"):
        plm.logits("MK", edit=torch.clone)
    with pytest.raises(ConfigError, match="got 'gpu7'"):
        ESM2PLM(random_model(), name="toy", device="gpu7")
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="no CUDA device, so 'cuda'"):
            ESM2PLM(random_model(), name="toy", device="cuda")


@pytest.mark.skipif(
    "PROTSAE_ESM2_WEIGHTS" not in os.environ, reason="PROTSAE_ESM2_WEIGHTS names no folder of fair-esm .pt files"
)
@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference outputs of ESM-2 are not beside the repository")
@pytest.mark.parametrize("name", ["esm2_t6_8M_UR50D", "esm2_t12_35M_UR50D"])
def test_genuine_weights_give_the_genuine_outputs(name: str) -> None:
    path = Path(os.environ["PROTSAE_ESM2_WEIGHTS"]) / f"{name}.pt"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    plm = load_plm(path, device="cpu")
    reference = load_file(REFERENCE / f"{name}.safetensors")
    assert isinstance(plm, ESM2PLM)
    alphabet = plm._model.alphabet
    columns = [alphabet.get_idx(letter) for letter in AMINO_ACIDS]
    for ids, residues, logits, hidden in zip(
        reference["input__input_ids"],
        reference["residue_mask"],
        reference["output__logits"],
        reference["output__last_hidden_state"],
        strict=True,
    ):
        sequence = "".join(alphabet.get_tok(int(token)) for token in ids[residues])
        ours = plm._model.emb_layer_norm_after(plm.embed(sequence, layer=plm.num_layers, site="resid_post"))
        assert_close(plm.logits(sequence), logits[residues][:, columns], rtol=1e-4, atol=1e-3)
        assert_close(ours, hidden[residues], rtol=1e-4, atol=1e-3)
