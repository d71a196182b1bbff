"""A recipe replays to the same sequences, through the library and through the command line."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from protsae.bundle.layout import sae_folder
from protsae.bundle.manifest import read_manifest
from protsae.errors import ConfigError, InputError
from protsae.plm.registry import open_plm
from protsae.sae import load_sae
from protsae.steering.__main__ import main
from protsae.steering.recipe import Recipe, replay
from protsae.steering.samples import ranked, samples
from protsae.steering.steer import SteerConfig, Steering

SEQUENCE = "MKVLAAGITRHWQERSTNDCFYPMKVLAAGITRHWQE"
CONFIG = SteerConfig(temperature=1.2, mask_ratio=0.5, locked=(2, 5), residues=(1, 30), seed=3, refill="all")


@pytest.fixture
def recipe(tiny_bundle: Path) -> Recipe:
    return Recipe(
        bundle_id=str(read_manifest(tiny_bundle)["bundle_id"]),
        sae="vanilla",
        sequence=SEQUENCE,
        features={3: 0.75, 9: 0.1},
        strength=2.5,
        always={11: -0.3},
        config=CONFIG,
        samples=4,
    )


def test_a_recipe_survives_its_file(recipe: Recipe) -> None:
    assert Recipe.read(recipe.text()) == recipe
    assert Recipe.read(recipe.text()).text() == recipe.text()


@pytest.mark.parametrize("method", ["masked", "gibbs", "unmasked"])
def test_the_command_writes_what_the_page_wrote(
    tiny_bundle: Path, tmp_path: Path, recipe: Recipe, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = replace(recipe, config=replace(CONFIG, method=method))
    plm, spec = open_plm(tiny_bundle, device="cpu")
    sae = load_sae(sae_folder(tiny_bundle, "vanilla")).eval()
    steering = Steering(plm, spec, sae, SEQUENCE, recipe.config)
    shown = list(samples(steering, recipe.features, 4, strength=2.5, always=recipe.always))
    path = tmp_path / "recipe.json"
    path.write_text(recipe.text())

    assert main([str(path), "--bundle", str(tiny_bundle), "--device", "cpu"]) == 0

    printed = capsys.readouterr().out.splitlines()
    assert printed[1::2] == [sample.written.steered for sample in shown]
    assert [line.split("seed=")[1].split()[0] for line in printed[::2]] == ["3", "4", "5", "6"]
    assert [s.written.steered for s in replay(recipe, plm, spec, sae)] == printed[1::2]
    assert len(set(printed[1::2])) > 1
    out = tmp_path / "steered.fasta"
    assert main([str(path), "--bundle", str(tiny_bundle), "--device", "cpu", "--out", str(out)]) == 0
    assert out.read_text().splitlines() == printed


def test_samples_are_ranked_by_score_each_sequence_once(tiny_bundle: Path, recipe: Recipe) -> None:
    plm, spec = open_plm(tiny_bundle, device="cpu")
    steering = Steering(plm, spec, load_sae(sae_folder(tiny_bundle, "vanilla")), SEQUENCE, CONFIG)
    found = list(samples(steering, recipe.features, 3, strength=2.5))

    order = ranked([0.1, 0.9, 0.1, 0.9], [*found, found[1]])

    assert order[0] == (0.9, found[1], 2)
    assert [score for score, *_ in order] == [0.9, 0.1, 0.1]
    assert sum(count for *_, count in order) == 4


def wrong(recipe: Recipe, **changed: object) -> str:
    return json.dumps(json.loads(recipe.text()) | changed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"format": "other"}, 'its "format" must be'),
        ({"version": 9}, "version is 9, but 1 is read"),
        ({"colour": 1}, "unknown entry 'colour'"),
        ({"sequence": 5}, "'sequence' is missing or of the wrong kind, got 5"),
        ({"features": {"x": 1}}, "must hold a number for each feature"),
        ({"samples": 0}, "samples must be 1 to 200, got 0"),
        ({"strength": None}, "'strength' is missing or of the wrong kind, got None"),
        ({"config": {"rounds": "3"}}, "rounds '3', which is not a value"),
        ({"config": {"method": "magic"}}, "method 'magic'"),
        ({"config": {"locked": [1.5]}}, r"locked \[1.5\]"),
        ({"config": {"mask_ratio": 7}}, "mask_ratio must be above 0 and at most 1, got 7"),
        ({"config": {"colour": 7}}, "unknown entry 'colour'"),
    ],
)
def test_a_wrong_recipe_gets_one_sentence(recipe: Recipe, changed: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Recipe.read(wrong(recipe, **changed))


def test_what_is_no_json_is_said(recipe: Recipe) -> None:
    with pytest.raises(InputError, match="This is no JSON"):
        Recipe.read("MKV")
    with pytest.raises(ConfigError, match="got 201"):
        replace(recipe, samples=201)
    with pytest.raises(ConfigError, match="finite number, got inf"):
        replace(recipe, strength=float("inf"))


def test_the_command_refuses_in_one_line(
    tiny_bundle: Path, tmp_path: Path, recipe: Recipe, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "recipe.json"

    def said(text: str) -> str:
        path.write_text(text)
        assert main([str(path), "--bundle", str(tiny_bundle)]) == 2
        return capsys.readouterr().err

    assert "was made with bundle 'other'" in said(wrong(recipe, bundle_id="other"))
    assert "steers 'nothing', but" in said(wrong(recipe, sae="nothing"))
    assert "no feature 9999" in said(wrong(recipe, features={"9999": 1.0}))
    assert main([str(tmp_path / "absent.json"), "--bundle", str(tiny_bundle)]) == 2
    assert "is no recipe" in capsys.readouterr().err
