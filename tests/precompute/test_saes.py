"""The list of SAEs of a run: how it is given, what is refused, and that it decides what is trained again."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from precompute.config import RunConfig
from precompute.options import build
from precompute.pipeline.progress import Console
from precompute.pipeline.runner import Runner, run_settings
from precompute.saes import DEFAULT_SAES, SAESpec, trained_architectures
from precompute.stages.order import STAGES
from protsae.errors import ConfigError
from protsae.sae.base import ARCHITECTURES

REQUIRED = {"proteins": "p.tsv", "annotations": "a.gaf", "ontology": "go.obo", "out": "bundle"}

LIST = """
[[saes]]
name = "a"
display-name = "First"
architecture = "protsae"
namespace = "CCO"
k = 16

[[saes]]
name = "b"
architecture = "jumprelu"
d_sae = 64
seed = 3
match_l0 = ["a"]
"""


def from_toml(folder: Path, text: str) -> RunConfig:
    (folder / "run.toml").write_text(text)
    return build(RunConfig, {**REQUIRED, "config": folder / "run.toml"})


def spec(**changes: Any) -> SAESpec:
    settings: dict[str, Any] = {"name": "b", "architecture": "topk"}
    return SAESpec(**settings | changes)


def test_the_default_is_one_protsae_for_all_of_go_and_a_topk_at_its_l0() -> None:
    saes = build(RunConfig, REQUIRED).saes

    assert [(one.name, one.title, one.role, one.architecture, one.namespace) for one in saes] == [
        ("protsae", "ProtSAE", "guided", "protsae", "GO"),
        ("vanilla", "Vanilla", "unguided", "topk", None),
    ]
    assert saes[-1].match_l0 == ("protsae",)
    assert {(one.k, one.d_sae, one.seed) for one in saes} == {(None, None, None)}


def test_a_list_of_tables_in_a_file(tmp_path: Path) -> None:
    assert from_toml(tmp_path, LIST).saes == (
        SAESpec(name="a", display_name="First", architecture="protsae", namespace="CCO", k=16),
        SAESpec(name="b", architecture="jumprelu", d_sae=64, seed=3, match_l0=("a",)),
    )


def test_the_role_follows_from_the_architecture_and_not_from_the_name() -> None:
    roles = {
        name: spec(name="protsae_mfo", architecture=name, namespace="MFO" if kind.is_guided else None).role
        for name, kind in trained_architectures().items()
    }

    untrained = {"splice", "ensemble", "imported"}
    assert roles == {name: "guided" if name == "protsae" else "unguided" for name in set(ARCHITECTURES) - untrained}


def test_the_demo_trains_the_default_list() -> None:
    demo = Path(__file__).resolve().parents[2] / "precompute" / "demo.toml"

    assert build(RunConfig, {**REQUIRED, "config": demo}).saes == DEFAULT_SAES


def test_the_settings_of_a_run_read_back(tmp_path: Path) -> None:
    config = from_toml(tmp_path, LIST)
    saved = json.loads(json.dumps(run_settings(config)))

    assert build(RunConfig, {name: value for name, value in saved.items() if value is not None}).saes == config.saes


@pytest.mark.parametrize(
    ("changes", "quoted"),
    [
        ({"name": "a/b"}, "must be of letters, digits, - and _, got 'a/b'"),
        ({"name": ".."}, r"got '\.\.'"),
        (
            {"architecture": "transformer"},
            "b has the architecture 'transformer'; those that can be trained are batchtopk",
        ),
        ({"architecture": "splice"}, "b has the architecture 'splice'"),
        ({"architecture": "protsae"}, "b is a protsae, so it needs a namespace: MFO, BPO, CCO or GO"),
        ({"namespace": "MFO"}, "b is a topk, which no term guides; drop its namespace"),
        ({"d_sae": 0}, "d_sae of b must be at least 1, got 0"),
        ({"k": 0}, "k of b must be at least 1, got 0"),
        ({"seed": -1}, "seed of b must be at least 0, got -1"),
        ({"k": 9, "d_sae": 8}, "k of b must be at most its d_sae=8, got 9"),
        ({"k": 9, "match_l0": ("a",)}, "b has both k=9 and match_l0; drop one of them"),
    ],
)
def test_an_sae_that_cannot_be_made_is_refused(changes: dict[str, object], quoted: str) -> None:
    with pytest.raises(ConfigError, match=quoted):
        spec(**changes)


@pytest.mark.parametrize(
    ("saes", "quoted"),
    [
        ((), "the list of SAEs is empty"),
        ((spec(), spec(name="B")), "2 SAEs have the name 'b'; each needs its own"),
        ((spec(), spec(name="c", display_name="b")), "2 SAEs have the display name 'b'"),
        ((spec(match_l0=("x",)),), "b matches the L0 of 'x', which must stand before it; none stands before it"),
        ((spec(name="a", match_l0=("b",)), spec()), "a matches the L0 of 'b', which must stand before it"),
        ((spec(), spec(name="c", match_l0=("x",))), "those before it are b"),
    ],
)
def test_saes_that_do_not_go_together_are_refused(saes: tuple[SAESpec, ...], quoted: str) -> None:
    with pytest.raises(ConfigError, match=quoted):
        replace(build(RunConfig, REQUIRED), saes=saes)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("saes = 3", r"saes must be a list of tables, \[\[saes\]\], got 3"),
        ("saes = ['topk']", r"saes must be a list of tables, \[\[saes\]\], got \['topk'\]"),
        ("[saes]\nname = 'a'", r"saes must be a list of tables, \[\[saes\]\]"),
        ("[[saes]]\nname = 'a'\nwidth = 3", r"table 1 of \[\[saes\]\] sets 'width', which is no setting"),
        ("[[saes]]\nname = 'a'\n[[saes]]\nk = 3", r"table 2 of \[\[saes\]\] lacks name; add it"),
        ("[[saes]]\nname = 'a'\nk = 'many'", "k must be a whole number, got 'many'"),
        ("[[saes]]\nname = 'a'\nnamespace = 'all'", "namespace must be one of MFO, BPO, CCO, GO, got 'all'"),
    ],
)
def test_a_wrong_table_is_quoted(tmp_path: Path, text: str, quoted: str) -> None:
    with pytest.raises(ConfigError, match=quoted):
        from_toml(tmp_path, text)


def test_the_list_decides_what_is_trained_again(tmp_path: Path) -> None:
    for name in ("proteins", "annotations", "ontology", "clusters"):
        (tmp_path / name).write_text(name)

    def config(saes: tuple[SAESpec, ...] = DEFAULT_SAES) -> RunConfig:
        paths: dict[str, Any] = {name: tmp_path / name for name in (*REQUIRED, "clusters")}
        return RunConfig(**paths, plm="esm2_t6_8M_UR50D", saes=saes)

    first, other = config(), config((*DEFAULT_SAES, spec()))

    def fingerprint(config: RunConfig, stage: str) -> str:
        runner = Runner(config, Console(quiet=True), STAGES)
        return runner.fingerprint(runner.stage(stage))

    assert fingerprint(first, "train") == fingerprint(config(), "train")
    assert fingerprint(first, "train") != fingerprint(other, "train")
    assert fingerprint(first, "embed") == fingerprint(other, "embed")
