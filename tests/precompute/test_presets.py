"""The paper's form as a preset, and the flags that change all of a run's list of SAEs."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from precompute.config import RunConfig
from precompute.expansion import expanded
from precompute.options import build
from precompute.presets import PAPER_SAES, PAPER_SWITCHES, PRESETS
from precompute.saes import DEFAULT_SAES, SAESpec
from protsae.errors import ConfigError
from protsae.sae import ProtSAEConfig

REQUIRED = {"proteins": "p.tsv", "annotations": "a.gaf", "ontology": "go.obo", "out": "bundle"}
GUIDED = SAESpec(name="g", architecture="protsae", namespace="MFO")
PLAIN = SAESpec(name="p", match_l0=("g",))


def config(**changes: object) -> RunConfig:
    return build(RunConfig, {**REQUIRED, **changes})


def expand(saes: tuple[SAESpec, ...] = (GUIDED, PLAIN), **changes: Any) -> tuple[SAESpec, ...]:
    settings: dict[str, Any] = {"vanilla_only": False, "vanilla_k": None, "widths": (), "seeds": ()}
    return expanded(saes, **settings | changes)


def test_the_paper_is_a_preset_and_what_is_given_wins_over_it(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text('preset = "paper"\nepochs = 3\n')

    plain, paper = config(), config(preset="paper")
    mixed = config(config=tmp_path / "run.toml", lambda_axiom="0.5")

    assert plain == config(preset="recommended")
    assert {name: getattr(paper, name) for name in PRESETS["paper"]} == dict(PRESETS["paper"])
    assert paper.saes == PAPER_SAES
    assert (mixed.epochs, mixed.lambda_axiom, mixed.batch_size) == (3, 0.5, 128)


def test_a_preset_names_settings_that_exist_and_every_switch_that_a_run_has() -> None:
    of_a_run = {field.name for field in fields(RunConfig)}
    for values in PRESETS.values():
        assert set(values) <= of_a_run
    assert set(PAPER_SWITCHES) & of_a_run <= set(PRESETS["paper"])
    default = ProtSAEConfig(d_model=4, d_sae=8, k=2, namespace="MFO", concepts=("GO:0000001",))
    assert {name: getattr(default, name) for name in PAPER_SWITCHES} == dict(PAPER_SWITCHES)


def test_without_flags_the_list_is_as_it_was_given() -> None:
    assert config().sae_list == DEFAULT_SAES
    assert expand() == (GUIDED, PLAIN)


def test_vanilla_alone_matches_nobody() -> None:
    assert expand(vanilla_only=True) == (SAESpec(name="p"),)
    with pytest.raises(ConfigError, match="vanilla_only leaves none of g; drop it, or add an unguided SAE"):
        expand((GUIDED,), vanilla_only=True)


def test_vanilla_may_have_a_k_of_its_own() -> None:
    guided, plain = expand(vanilla_k=7)
    assert (guided.k, plain.k, plain.match_l0) == (None, 7, ())
    with pytest.raises(ConfigError, match="p has k=3 of its own, so vanilla_k=7 cannot set it"):
        expand((SAESpec(name="p", k=3),), vanilla_k=7)


def test_widths_and_seeds_copy_the_list_with_names_that_tell_them_apart() -> None:
    made = expand(widths=(64, 1280), seeds=(0, 3))

    assert [one.name for one in made] == [
        f"{name}_w{width}_s{seed}" for width in (64, 1280) for seed in (0, 3) for name in ("g", "p")
    ]
    assert made[-1].display_name == "p, 1,280 wide, seed 3"
    assert (made[-1].d_sae, made[-1].seed, made[-1].match_l0) == (1280, 3, ("g_w1280_s3",))


def test_one_width_or_seed_changes_no_name() -> None:
    assert [(one.name, one.title, one.d_sae, one.seed) for one in expand(widths=(64,), seeds=(5,))] == [
        ("g", "g", 64, 5),
        ("p", "p", 64, 5),
    ]


@pytest.mark.parametrize(("own", "flag"), [({"d_sae": 8}, {"widths": (64,)}), ({"seed": 1}, {"seeds": (2,)})])
def test_an_sae_with_its_own_is_not_overruled(own: dict[str, Any], flag: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"p has \w+=\d of its own, so \w+ cannot set it; drop one of the two"):
        expand((SAESpec(name="p", **own),), **flag)
