"""Settings and command line: every way to give them, and one line for every mistake."""

from pathlib import Path

import pytest

from precompute.__main__ import main
from precompute.config import RunConfig, check_inputs
from precompute.options import build, field_help
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
        config(layer="7").layer_of(6)


def test_the_width_leaves_free_features() -> None:
    assert config().width_of(320, 100) == 2560
    assert config().width_of(320, 2000) == 3280
    assert config(d_sae="64").width_of(320, 10) == 64
    with pytest.raises(ConfigError, match="d_sae=64 leaves no free feature beside 64"):
        config(d_sae="64").width_of(320, 64)


def test_all_paths_are_checked_before_anything_is_computed(tmp_path: Path) -> None:
    files = {}
    for name in ("proteins", "annotations", "ontology"):
        files[name] = tmp_path / name
        files[name].write_text("x")
    good = {**files, "out": tmp_path / "bundle"}
    check_inputs(build(RunConfig, good))
    (tmp_path / "empty").touch()
    for changes, quoted in (
        ({"proteins": tmp_path / "none"}, "--proteins .* does not exist"),
        ({"annotations": tmp_path}, "--annotations .* is no file"),
        ({"ontology": tmp_path / "empty"}, "--ontology .* is empty"),
        ({"structures": files["proteins"]}, "--structures .* is not a folder"),
        ({"contacts": tmp_path / "none"}, "--contacts .* does not exist"),
        ({"plm": "esm3"}, "--plm esm3 is no file, no folder and none of fair-esm's esm2_t6_8M_UR50D"),
        ({"out": files["proteins"]}, "exists and is no folder"),
    ):
        with pytest.raises(InputError, match=quoted):
            check_inputs(build(RunConfig, {**good, **changes}))


@pytest.mark.parametrize(
    ("arguments", "quoted"),
    [
        ([], "required: run|stage|analyse|evaluate|migrate|plm"),
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


def test_a_full_disk_is_one_line_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_: object) -> None:
        raise OSError(28, "No space left on device", "shard-00000.npy")

    monkeypatch.setitem(main.__globals__["_COMMANDS"], "run", full)
    assert main(["run"]) == 2
    assert "No space left on device (shard-00000.npy)" in capsys.readouterr().err


def test_control_c_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(main.__globals__["_COMMANDS"], "run", interrupted)
    assert main(["run"]) == 130
    assert capsys.readouterr().err == "precompute: interrupted; the same command goes on from where it stopped\n"


def test_our_own_fault_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(main.__globals__["_COMMANDS"], "run", broken)
    with pytest.raises(ZeroDivisionError):
        main(["run"])
