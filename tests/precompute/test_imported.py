"""SAEs of other programs in a run: the flag, the facts that must be known, and all numbers of an SAE in the bundle."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from precompute.__main__ import main
from precompute.config import RunConfig, settings_of
from precompute.corpus.imported import measured
from precompute.imported import ImportSpec
from precompute.options import build
from precompute.pipeline.finished import read_run
from precompute.pipeline.progress import Console
from precompute.pipeline.runner import Runner, run_settings
from precompute.stages.order import STAGES
from protsae.bundle.building import check_bundle
from protsae.bundle.layout import sae_folder
from protsae.bundle.manifest import read_manifest
from protsae.bundle.opening import open_bundle
from protsae.errors import ConfigError, InputError
from protsae.plm.registry import open_plm
from protsae.sae import load_sae
from protsae.sae.imported import ImportedSAE, ImportedSAEConfig

D, N = 16, 24
PLACE = "layer=1:site=resid_mid:plm=plm"


def jumprelu(folder: Path, d_model: int = D) -> Path:
    """A folder as SAELens writes it, of planted features: each follows one dimension, up or down."""
    folder.mkdir(parents=True, exist_ok=True)
    cfg = {"architecture": "jumprelu", "d_in": d_model, "d_sae": N, "apply_b_dec_to_input": False}
    (folder / "cfg.json").write_text(json.dumps({**cfg, "metadata": {"sae_lens_version": "6.0.0"}}))
    decoder = torch.cat([torch.eye(d_model), -torch.eye(d_model)])[:N]
    weights = {
        "W_enc": decoder.T.contiguous(),
        "W_dec": decoder,
        "b_enc": torch.zeros(N),
        "b_dec": torch.zeros(d_model),
    }
    save_file({**weights, "threshold": torch.full((N,), 0.1)}, folder / "sae_weights.safetensors")
    return folder


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=x/y:saelens", ImportSpec(name="a", path=Path("x/y"), format="saelens")),
        (
            "a-b=C:\\x:y.pt:interplm:layer=3:plm=m:title=Of theirs",
            ImportSpec(name="a-b", path=Path("C:\\x:y.pt"), format="interplm", layer=3, plm="m", title="Of theirs"),
        ),
        ("a=x=1:esmc:scale=0.5:k=4", ImportSpec(name="a", path=Path("x=1"), format="esmc", scale=0.5, k=4)),
    ],
)
def test_a_flag_says_it_all(text: str, expected: ImportSpec) -> None:
    assert ImportSpec.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x/y:saelens", "--sae must be NAME=PATH:FORMAT"),
        ("a=x", "--sae must be NAME=PATH:FORMAT"),
        ("a=x:sailens", "has the format 'sailens'; the formats are interplm"),
        ("a=x:saelens:depth=3", "says 'depth', which is no fact of an SAE; facts are k, layer"),
        ("a=x:saelens:k=many", "k in --sae .* must be a number, got 'many'"),
        ("a=x:saelens:k=0", "k of a must be at least 1, got 0"),
        ("a=x:saelens:site=mlp", "site of a must be one of resid_mid, resid_post, attn_out, mlp_out, got 'mlp'"),
        ("a=x:saelens:scale=-1", "scale of a must be above 0"),
    ],
)
def test_a_flag_that_says_something_else_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ImportSpec.parse(text)


@pytest.fixture
def config(tiny_arguments: Callable[[Path], list[str]], tmp_path: Path) -> Callable[..., RunConfig]:
    """A run with these imports, from flags and from a file."""

    def made(*imports: str, **more: Any) -> RunConfig:
        flags = tiny_arguments(tmp_path / "out")
        given = {
            name.removeprefix("--").replace("-", "_"): value
            for name, value in zip(flags[::2], flags[1::2], strict=True)
        }
        return build(RunConfig, {**given, "sae": list(imports), **more})

    return made


def test_names_are_unique_among_all_saes(config: Callable[..., RunConfig]) -> None:
    with pytest.raises(ConfigError, match="2 SAEs have the name 'vanilla'"):
        config("vanilla=x:saelens")


def test_settings_read_back_and_leave_runs_without_imports_as_they_were(
    config: Callable[..., RunConfig], tmp_path: Path
) -> None:
    path = jumprelu(tmp_path / "sae")
    assert "sae" not in settings_of(config())
    run = config(f"a={path}:saelens:{PLACE}")
    saved = json.loads(json.dumps(run_settings(run)))
    assert build(RunConfig, {name: value for name, value in saved.items() if value is not None}).sae == run.sae

    console = Console(quiet=True)
    train = next(stage for stage in STAGES if stage.name == "train")
    before = Runner(run, console, STAGES).fingerprint(train)
    jumprelu(path).joinpath("cfg.json").write_text("{}")
    assert Runner(run, console, STAGES).fingerprint(train) != before
    assert Runner(config(), console, STAGES).fingerprint(train) not in {before, ""}


def test_paths_in_a_file_are_relative_to_it(tmp_path: Path, config: Callable[..., RunConfig]) -> None:
    (tmp_path / "run.toml").write_text('[[sae]]\nname = "a"\npath = "x.pt"\nformat = "interplm"\n')
    given = config().__dict__ | {"config": tmp_path / "run.toml"}
    run = build(RunConfig, {name: given[name] for name in ("proteins", "annotations", "ontology", "out", "config")})
    assert run.sae == (ImportSpec(name="a", path=tmp_path / "x.pt", format="interplm"),)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ("layer=1:site=resid_mid", "does not say which language model it reads.*:plm=plm"),
        ("plm=plm:site=resid_mid", "does not say which layer it reads.*:layer=1"),
        ("plm=plm:layer=1", "does not say which site it reads.*:site=resid_mid"),
        ("plm=plm:layer=2:site=resid_mid", "reads the layer 2, but the run embeds 1; give the run --layer 2, or say"),
        ("plm=other:layer=1:site=resid_mid", "reads the language model other, but the run embeds plm"),
    ],
)
def test_what_it_reads_must_be_what_the_run_embeds(
    facts: str,
    said: str,
    tiny_arguments: Callable[[Path], list[str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    flag = f"a={jumprelu(tmp_path / 'sae')}:saelens:{facts}"
    assert main(["run", *tiny_arguments(tmp_path / "out"), "--layer", "1", "--sae", flag]) == 2
    error = capsys.readouterr().err
    assert re.search(said, error), error
    assert error.count("\n") == 1
    assert not (tmp_path / "out.work" / "embed").exists()


def test_states_of_another_width_are_refused_at_once(
    tiny_arguments: Callable[[Path], list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flag = f"a={jumprelu(tmp_path / 'sae', 32)}:saelens:{PLACE}"
    assert main(["run", *tiny_arguments(tmp_path / "out"), "--layer", "1", "--sae", flag]) == 2
    assert "reads states of width 32, but plm writes 16" in capsys.readouterr().err


def test_one_that_is_gone_is_named(config: Callable[..., RunConfig], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--sae a: .*gone does not exist"):
        config(f"a={tmp_path / 'gone'}:saelens").sae[0].content()


def test_measured_numbers_are_those_of_the_formula() -> None:
    sae = ImportedSAE(ImportedSAEConfig(d_model=2, d_sae=2, activation="threshold"))
    with torch.no_grad():
        sae.W_enc.copy_(torch.eye(2))
        sae.W_dec.copy_(torch.eye(2))
        sae.get_parameter("threshold").fill_(0.5)
    x = np.array([[1.0, 0.0], [0.0, 2.0], [0.4, 3.0], [2.0, 2.0]])

    counted, numbers = measured(sae, x)
    assert numbers["l0"] == 5 / 4
    assert counted.cfg.k == 1
    error, variance = 0.4**2, float(np.square(x - x.mean(axis=0)).sum())
    assert numbers["explained_variance"] == pytest.approx(1 - error / variance)


def test_a_run_gives_an_imported_sae_everything_that_its_own_have(
    copy_run: Callable[..., Path], tmp_path: Path, tiny_arguments: Callable[[Path], list[str]]
) -> None:
    out = copy_run(tmp_path, ("proteins", "embed", "probe", "train"))
    path = jumprelu(tmp_path / "sae")
    flags = [*tiny_arguments(out), "--sae", f"theirs={path}:saelens:{PLACE}:title=Theirs", "--quiet"]
    assert main(["run", *flags]) == 0

    check_bundle(out)
    with open_bundle(out) as bundle:
        reader = bundle.reader
        row = next(row for row in reader.saes() if row.name == "theirs")
        assert (row.role, row.display_name, row.d_sae, row.n_defined) == ("imported", "Theirs", N, 0)
        assert row.l0 > 1
        assert row.k == pytest.approx(row.l0, rel=0.3)
        fires = reader.feature_table("theirs")
        assert (fires["density"] > 0).sum() > N / 2
        feature = int(fires["density"].to_numpy().argmax())
        example = reader.examples("theirs", feature)[0]
        assert any(reader.feature_annotations("theirs", number) for number in range(N))
        assert reader.neighbours("theirs", feature)
        assert row.explained_variance > 0.3
        plm = open_plm(out, device="cpu")[0]
        x = plm.embed(example.sequence, layer=bundle.plm.layer, site=bundle.plm.site)
        live = load_sae(sae_folder(out, "theirs")).encode(x)[:, feature].detach().numpy()
        assert live.max() == pytest.approx(example.peak_act, rel=0.02, abs=0.01)
    assert any(name.startswith("sae theirs") for name in read_manifest(out)["inputs"])
    assert read_manifest(out)["config"]["sae"][0]["path"] == "sae"
    assert read_run(out, "a test").sae[0].path == path.resolve()


def test_import_sae_says_what_a_file_is_and_what_is_missing(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = jumprelu(tmp_path / "sae", 32)
    assert main(["import-sae", str(path), "--bundle", str(tiny_bundle), "--out", str(tmp_path / "own")]) == 0
    said = capsys.readouterr().out
    assert "SAELens jumprelu" in said
    assert "24 features over 32 dimensions; threshold; input norm none" in said
    assert "a run asks for plm, layer, site" in said
    assert "explained variance" in said
    assert load_sae(tmp_path / "own").d_sae == N

    assert main(["import-sae", str(jumprelu(tmp_path / "narrow")), "--bundle", str(tiny_bundle)]) == 2
    assert "width 16, but tiny_esm2" in capsys.readouterr().err
    assert main(["import-sae", str(tmp_path / "none")]) == 2
