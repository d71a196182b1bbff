"""Settings and command line: every way to give them, and one line for every mistake."""

import errno
import os
from pathlib import Path

import pytest

from precompute import suite
from precompute.__main__ import main
from precompute.checking import check_inputs
from precompute.config import RunConfig
from precompute.options import build, field_help
from precompute.pipeline.runner import Runner
from precompute.plm.training import PLMTrainConfig
from protsae.errors import ConfigError, InputError

REQUIRED = {"proteins": "p.tsv", "annotations": "a.gaf", "ontology": "go.obo", "out": "bundle"}


def config(**changes: object) -> RunConfig:
    return build(RunConfig, {**REQUIRED, **changes})


def test_flags_become_typed_settings() -> None:
    made = config(k="16", lambda_annot="2.5", structures="pdb", max_concepts="7")

    assert made.proteins == Path("p.tsv")
    assert (made.k, made.lambda_annot, made.structures, made.max_concepts) == (16, 2.5, Path("pdb"), 7)
    assert made.site == "resid_mid"
    assert made.work == Path("bundle.work")


def test_a_flag_wins_over_the_file_and_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "plm").mkdir()
    file = tmp_path / "run.toml"
    file.write_text(
        'proteins = "p.tsv"\nannotations = "a.gaf"\nontology = "go.obo"\nout = "o"\n'
        'k = 8\nplm = "./plm"\nsae-dtype = "float16"\n'
    )

    made = build(RunConfig, {"config": file, "k": "9", "ontology": "other.obo"})

    assert made.proteins == tmp_path / "p.tsv"
    assert made.ontology == Path("other.obo")
    assert (made.k, made.sae_dtype, made.plm) == (9, "float16", str(tmp_path / "plm"))


def test_every_setting_has_a_help_text() -> None:
    for config_class in (RunConfig, PLMTrainConfig):
        helps = field_help(config_class)
        assert {name for name in config_class.__dataclass_fields__ if name not in helps} <= {"seed"}


@pytest.mark.parametrize(
    ("changes", "quoted"),
    [
        ({"k": "0"}, "k must be at least 1, got 0"),
        ({"k": "many"}, "k must be a whole number, got 'many'"),
        ({"k": "1.5"}, "k must be a whole number, got '1.5'"),
        ({"lambda_annot": "-1"}, "lambda_annot must be at least 0, got -1.0"),
        ({"sae_dtype": "int8"}, "sae_dtype must be one of float32, float16, got 'int8'"),
        ({"d_sae": "8", "k": "9"}, "k must be at most d_sae=8, got 9"),
        ({"device": "tpu"}, "device must be auto, cpu or cuda, got 'tpu'"),
        ({"proteins": ""}, "proteins must be a path, got ''"),
        ({"auxk": "-1"}, "auxk must be at least 0, got -1"),
        ({"vanilla_k": "0"}, "vanilla_k must be at least 1, got 0"),
        ({"vanilla_k": "9", "d_sae": "8", "k": "4"}, "k of vanilla must be at most d_sae=8, got 9"),
        ({"widths": ["64", "8"], "k": "9"}, "must be at most d_sae=8, got 9"),
        ({"widths": ["64", "0"]}, "widths must be at least 1, got 0"),
        ({"widths": ["64", "64"]}, "widths must differ from one another, got 64 64"),
        ({"seeds": ["0", "-1"]}, "seeds must be at least 0, got -1"),
        ({"widths": ["64"], "d_sae": "64"}, "d_sae=64 and widths 64 were given; drop one of them"),
        ({"sites": ["R", "A"], "site": "resid_post"}, "site=resid_post and sites R A were given; drop one of them"),
        ({"sites": ["Q"]}, "sites must be one of R, A, M, H, resid_post, attn_out, mlp_out, resid_mid, got 'Q'"),
        ({"layers": ["1", "2"], "layer": "1"}, "layer=1 and layers 1 2 were given; drop one of them"),
        ({"d_sae": "64", "max_concepts": "64"}, "leaves no free feature beside max_concepts=64 guiding terms"),
        ({"preset": "best"}, "preset must be one of recommended, paper, got 'best'"),
    ],
)
def test_a_value_out_of_range_is_quoted(changes: dict[str, str], quoted: str) -> None:
    with pytest.raises(ConfigError, match=quoted):
        config(**changes)


@pytest.mark.parametrize(
    ("text", "error", "quoted"),
    [
        ("epoch = 3", ConfigError, "sets 'epoch', which is no setting"),
        ("k = true", ConfigError, "k must be a whole number, got True"),
        ("k = ", InputError, "is no TOML file"),
    ],
)
def test_a_wrong_file_is_quoted(tmp_path: Path, text: str, error: type[Exception], quoted: str) -> None:
    file = tmp_path / "run.toml"
    file.write_text(text)
    with pytest.raises(error, match=quoted):
        build(RunConfig, {**REQUIRED, "config": file})


def test_the_layer_follows_the_depth() -> None:
    assert [config().layer_of(n) for n in (1, 6, 12, 33, 48)] == [1, 4, 9, 24, 35]
    assert config(layer="2").layer_of(6) == 2
    with pytest.raises(ConfigError, match=r"layer must be in 1\.\.6 for esm2_t6_8M_UR50D, got 7"):
        config(layer="7", plm="esm2_t6_8M_UR50D").layer_of(6)


def test_the_width_leaves_free_features() -> None:
    assert config().width_of(320, 100) == 2560
    assert config().width_of(320, 2000) == 3280
    assert config(d_sae="64").width_of(320, 10) == 64
    with pytest.raises(ConfigError, match="d_sae=64 leaves no free feature beside 64"):
        config(d_sae="64").width_of(320, 64)


def test_all_paths_are_checked_before_anything_is_computed(tmp_path: Path) -> None:
    files = {}
    for name in ("proteins", "annotations", "ontology", "clusters"):
        files[name] = tmp_path / name
        files[name].write_text("x")
    good = {**files, "plm": "esm2_t6_8M_UR50D", "out": tmp_path / "bundle"}
    check_inputs(build(RunConfig, good))
    (tmp_path / "empty").touch()
    for changes, quoted in (
        ({"proteins": tmp_path / "none"}, "--proteins .* does not exist"),
        ({"annotations": tmp_path}, "--annotations .* is no file"),
        ({"ontology": tmp_path / "empty"}, "--ontology .* is empty"),
        ({"structures": files["proteins"]}, "--structures .* is not a folder"),
        ({"contacts": tmp_path / "none"}, "--contacts .* does not exist"),
        ({"plm": ""}, "no language model is given, --plm is ''; --plm esm2_t6_8M_UR50D downloads"),
        ({"plm": "esm3"}, "--plm esm3 is no file, no folder, no bundle and none of the names esm2_t6_8M_UR50D"),
        ({"out": files["proteins"]}, "exists and is no folder"),
    ):
        with pytest.raises(InputError, match=quoted):
            check_inputs(build(RunConfig, {**good, **changes}))


def test_without_clusters_mmseqs_must_be_there_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {name: tmp_path / name for name in ("proteins", "annotations", "ontology")}
    for file in files.values():
        file.write_text("x")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="MMseqs2 is not installed; give --clusters FILE"):
        check_inputs(build(RunConfig, {**files, "plm": "esm2_t6_8M_UR50D", "out": tmp_path / "bundle"}))


@pytest.mark.parametrize("layers", [[], ["1", "2"]])
def test_a_run_fetches_the_model_that_it_names_before_it_reads(
    tiny_arguments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layers: list[str]
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(suite, "fetch_shown", lambda name, **_: asked.append(name))
    monkeypatch.setattr(suite, "_embed", lambda configs, _: asked.append(f"{len(configs)} places"))
    monkeypatch.setattr(suite, "write_suite", lambda *_: asked.append("suite.json"))
    monkeypatch.setattr(Runner, "run_stage", lambda _, stage: asked.append(stage.name))
    monkeypatch.setattr(Runner, "run", lambda self: asked.append(self.config.out.name))
    several = ["--layers", *layers] if layers else []

    assert main(["run", *tiny_arguments(tmp_path / "b"), *several, "--plm", "esm2_t6_8M_UR50D", "--quiet"]) == 0

    plm = "esm2_t6_8M_UR50D"
    assert asked == ([plm, "proteins", "2 places", plm, "H1", plm, "H2", "suite.json"] if layers else [plm, "b"])


def test_a_layer_that_the_plm_lacks_is_refused_before_any_layer_is_run(
    tiny_arguments, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *tiny_arguments(tmp_path / "b"), "--layers", "1", "3"]) == 2
    assert "layer must be in 1..2" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "manifest.json").write_text("{}")
    assert main(["run", *tiny_arguments(tmp_path / "b"), "--sites", "R", "A"]) == 2
    assert "b is a bundle; several layers or sites need a folder, so choose another --out" in capsys.readouterr().err
    assert main(["stage", "proteins", *tiny_arguments(tmp_path / "b"), "--sites", "R", "A"]) == 2
    assert "a stage is run for one site, got sites R A; give --site" in capsys.readouterr().err
    assert main(["stage", "proteins", *tiny_arguments(tmp_path / "b"), "--layers", "1", "2"]) == 2
    assert "a stage is run for one layer, got layers 1 2; give --layer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "quoted"),
    [
        ([], "required: run|stage|analyse|"),
        (["walk"], "invalid choice: 'walk'"),
        (["run"], "missing: --proteins, --annotations, --ontology, --out"),
        (["run", "--bogus", "1"], "--bogus"),
        (["stage", "nap"], "invalid choice: 'nap'"),
        (["run", "--config", "none.toml"], "none.toml does not exist"),
        (["run", *(f"--{name}={value}" for name, value in REQUIRED.items())], "--proteins p.tsv does not exist"),
        (
            ["plm", "--sequences", "s", "--clusters", "c", "--out", "o", "--steps", "5"],
            "decay_steps must be in 1..steps=5",
        ),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: list[str], quoted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert quoted in error


def fails(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def command(_: object) -> None:
        raise error

    monkeypatch.setitem(main.__globals__["_COMMANDS"], "run", command)


@pytest.mark.parametrize(
    "code",
    [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EIO, errno.EMFILE],
)
def test_what_ails_the_users_disk_is_one_line_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: int
) -> None:
    fails(monkeypatch, OSError(code, os.strerror(code), "shard-00000.npy"))
    assert main(["run"]) == 2
    assert capsys.readouterr().err == (
        f"precompute: {os.strerror(code)} (shard-00000.npy); nothing is lost, "
        "the same command goes on once this is mended\n"
    )


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "No such file or directory", "bundle.work/embed/index.parquet"),
        FileExistsError(errno.EEXIST, "File exists", "bundle.work/embed"),
        OSError(errno.EBADF, "Bad file descriptor"),
        OSError("no number at all"),
        ZeroDivisionError(),
    ],
)
@pytest.mark.parametrize("flags", [[], ["--debug"]])
def test_our_own_fault_keeps_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, flags: list[str]
) -> None:
    fails(monkeypatch, error)
    with pytest.raises(type(error)):
        main(["run", *flags])
    assert "nothing is lost" not in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--debug", "run"], ["run", "--debug"], ["run", "--debug", "--bogus"]])
@pytest.mark.parametrize("error", [InputError("mend it"), OSError(errno.ENOSPC, "No space left on device")])
def test_debug_shows_the_traceback_of_what_the_user_can_mend(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, arguments: list[str]
) -> None:
    fails(monkeypatch, error)
    assert main(arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1].startswith("precompute: ")


@pytest.mark.parametrize("command", ["run", "stage", "evaluate", "plm", "cluster"])
def test_every_command_takes_debug(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert "--debug" in capsys.readouterr().out


def test_the_folder_of_clusters_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "s.fasta").write_text(">sp|Q1|A_B\nMKT\n>Q2\nMKV\n")
    monkeypatch.setitem(main.__globals__, "cluster_with_mmseqs", lambda found: {name: name for name in found})

    assert main(["cluster", "--sequences", str(tmp_path / "s.fasta"), "--out", str(tmp_path / "a" / "c.tsv")]) == 0
    assert (tmp_path / "a" / "c.tsv").read_text() == "Q1\tQ1\nQ2\tQ2\n"


def test_control_c_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(main.__globals__["_COMMANDS"], "run", interrupted)
    assert main(["run"]) == 130
    assert capsys.readouterr().err == "precompute: interrupted; the same command goes on from where it stopped\n"
