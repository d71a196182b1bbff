"""What guides features, and what the train stage makes of it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_array

from precompute.__main__ import main
from precompute.config import RunConfig
from precompute.corpus.concepts import Concepts, choose_concepts
from precompute.corpus.trained import baseline_of, plm_directions, read_trained
from precompute.options import build
from precompute.saes import DEFAULT_SAES, SAESpec
from precompute.stages import train
from precompute.training.recipes import protsae_config, training_data
from protsae.errors import ConfigError, InputError
from protsae.ontology.namespaces import GOScope

TERMS = pd.DataFrame({"go_id": ["GO:1", "GO:2", "GO:3", "GO:4"], "namespace": ["MFO", "MFO", "BPO", "MFO"]})
LABELS = csr_array(np.array([[1, 1, 0, 1], [1, 0, 1, 1], [1, 1, 0, 0], [0, 0, 1, 0], [1, 1, 0, 0]], dtype=np.float32))
SPLIT = np.array(["train", "train", "train", "train", "valid"])


def concepts(scope: GOScope = "MFO", **changes: Any) -> Concepts:
    settings: dict[str, Any] = {"split": SPLIT, "roots": ("GO:1",), "min_proteins": 2, "max_concepts": None}
    return choose_concepts(LABELS, TERMS, scope, **settings | changes)


def test_concepts_are_frequent_in_train_and_no_root() -> None:
    chosen = concepts()

    assert chosen.go_id == ("GO:2", "GO:4")
    assert chosen.labels.astype(int).tolist() == [[1, 1], [0, 1], [1, 0], [0, 0], [1, 0]]
    assert chosen.annotated.tolist() == [True, True, True, False, True]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"min_proteins": 3}, ()),
        ({"min_proteins": 3, "roots": ()}, ("GO:1",)),
        ({"max_concepts": 1, "roots": ()}, ("GO:1",)),
        ({"max_concepts": 1}, ("GO:2",)),
        ({"max_concepts": 2, "roots": ()}, ("GO:1", "GO:2")),
    ],
)
def test_fewer_concepts(changes: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert concepts(**changes).go_id == expected


def test_concepts_of_all_of_go_know_where_a_label_says_anything() -> None:
    chosen = concepts("GO", max_concepts=2)

    assert chosen.go_id == ("GO:2", "GO:3", "GO:4")
    assert chosen.namespace.tolist() == ["MFO", "BPO", "MFO"]
    assert chosen.labels.astype(int).tolist() == [[1, 0, 1], [0, 1, 1], [1, 0, 0], [0, 1, 0], [1, 0, 0]]
    assert chosen.known.astype(int).tolist() == [[1, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 0], [1, 0, 1]]
    assert chosen.annotated.all()
    assert concepts("GO", max_concepts=1).go_id == ("GO:2", "GO:3")


def test_unknown_labels_are_handed_to_the_training_only_where_there_are_any() -> None:
    reader: Any = None
    whole = training_data(reader, SPLIT, concepts("GO"), None)
    one = training_data(reader, SPLIT, concepts("MFO"), None)
    unguided = training_data(reader, SPLIT, None, None)

    assert whole.known is not None
    assert whole.known.tolist() == concepts("GO").known.tolist()
    assert (whole.train.tolist(), whole.valid.tolist()) == ([0, 1, 2, 3], [4])
    assert one.known is None
    assert one.train.tolist() == [0, 1, 2]
    assert (unguided.labels, unguided.train.tolist()) == (None, [0, 1, 2, 3])


def test_the_settings_reach_the_protsae() -> None:
    here = dict.fromkeys(("proteins", "annotations", "ontology", "out"), Path())
    guidance = {"detector": False, "annotation": "bag", "positive_weight": 0.5, "forcing_strength": "graded"}
    config = RunConfig(**here, k=7, lambda_annot=3, lambda_axiom=2, **guidance)
    cfg = protsae_config(config, concepts(), d_model=16, d_sae=40)

    assert (cfg.k, cfg.lambda_annot, cfg.lambda_axiom, cfg.namespace) == (7, 3, 2, "MFO")
    assert cfg.concepts == ("GO:2", "GO:4")
    assert {name: getattr(cfg, name) for name in guidance} == guidance


def test_guidance_that_contradicts_itself_is_refused_before_anything_is_read() -> None:
    here = dict.fromkeys(("proteins", "annotations", "ontology", "out"), Path())

    with pytest.raises(ConfigError, match="got 'apart' and 'bag'; change these or set detector to false"):
        RunConfig(**here, annotation="bag")
    assert RunConfig(**here, annotation="bag", vanilla_only=True).annotation == "bag"


@pytest.fixture(scope="module")
def embedded(
    copy_run: Callable[..., Path],
    tiny_arguments: Callable[[Path], list[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[RunConfig, list[str]]:
    """The tiny world up to its embeddings."""
    arguments = tiny_arguments(copy_run(tmp_path_factory.mktemp("train"), stages=("proteins", "embed")))
    values = {
        name.removeprefix("--").replace("-", "_"): v for name, v in zip(arguments[::2], arguments[1::2], strict=True)
    }
    return build(RunConfig, values), arguments


def test_one_protsae_for_all_of_go_and_a_vanilla_sae_at_its_total_l0(embedded: tuple[RunConfig, list[str]]) -> None:
    config, arguments = embedded
    assert main(["stage", "train", "--quiet", *arguments]) == 0
    saes = read_trained(config.work)
    result = json.loads((config.work / "train" / "result.json").read_text())

    assert [(sae.name, sae.namespace) for sae in saes] == [("protsae", "GO"), ("vanilla", "")]
    assert {sae.d_sae for sae in saes} == {48}
    assert saes[-1].k == round(result["trainings"][0]["l0"])
    assert saes[0].concepts == tuple(f"GO:{base}00000{number}" for base in range(3) for number in range(1, 4))
    sae = saes[0].load()
    norms = (plm_directions(sae) * sae.scale).norm(dim=1)
    np.testing.assert_allclose(norms.numpy(), 1, rtol=1e-4)


def test_a_guided_sae_without_concepts_is_skipped_with_a_sentence(embedded: tuple[RunConfig, list[str]]) -> None:
    config, _ = embedded
    lines: list[str] = []
    numbers = train.run(replace(config, min_term_proteins=1000, epochs=1), config.work, lines.append)

    assert "no GO term is carried by 1000 training proteins; ProtSAE is left out" in lines
    assert numbers["left out"] == "protsae"
    assert [sae.name for sae in read_trained(config.work)] == ["vanilla"]
    assert read_trained(config.work)[0].k == config.k
    assert not (config.work / "train" / "protsae").exists()


MANY = (
    SAESpec(name="wide", display_name="Wide ProtSAE", architecture="protsae", namespace="MFO", d_sae=64, k=6),
    SAESpec(name="again", architecture="protsae", namespace="MFO", seed=7),
    SAESpec(name="third", architecture="protsae", namespace="MFO"),
    SAESpec(name="whole", architecture="protsae", namespace="GO"),
    SAESpec(name="jump", architecture="jumprelu", match_l0=("wide", "again")),
    SAESpec(name="batch", architecture="batchtopk", k=3),
    SAESpec(name="plain"),
)


def test_a_list_of_any_architectures_is_trained_as_it_stands(embedded: tuple[RunConfig, list[str]]) -> None:
    config, _ = embedded
    config = replace(config, saes=MANY, epochs=1)
    train.run(config, config.work, lambda _: None)
    saes = {sae.name: sae for sae in read_trained(config.work)}
    result = json.loads((config.work / "train" / "result.json").read_text())
    l0 = {row["name"]: row["l0"] for row in result["trainings"]}

    assert list(saes) == [spec.name for spec in MANY]
    assert [(sae.display_name, sae.role, sae.architecture, sae.namespace) for sae in saes.values()] == [
        ("Wide ProtSAE", "guided", "protsae", "MFO"),
        ("again", "guided", "protsae", "MFO"),
        ("third", "guided", "protsae", "MFO"),
        ("whole", "guided", "protsae", "GO"),
        ("jump", "unguided", "jumprelu", ""),
        ("batch", "unguided", "batchtopk", ""),
        ("plain", "unguided", "topk", ""),
    ]
    assert [(sae.d_sae, sae.k) for sae in saes.values()] == [
        *((64, 6), (48, 4), (48, 4), (48, 4)),
        *((48, round((l0["wide"] + l0["again"]) / 2)), (48, 3), (48, 4)),
    ]
    assert saes["wide"].concepts == saes["again"].concepts == saes["third"].concepts != ()
    assert saes["whole"].concepts[:3] == saes["wide"].concepts
    assert [sae.load().architecture for sae in saes.values()] == [spec.architecture for spec in MANY]
    assert not torch.equal(saes["again"].load().W_dec, saes["third"].load().W_dec)
    assert baseline_of(list(saes.values())) == "batch"
    assert {path.name for path in (config.work / "train").iterdir() if path.is_dir()} == set(saes)


def test_only_what_has_changed_is_trained_again(embedded: tuple[RunConfig, list[str]]) -> None:
    config, _ = embedded
    plain = SAESpec(name="plain", k=3)
    config = replace(config, saes=(plain, SAESpec(name="other", k=3)), epochs=1)
    train.run(config, config.work, lambda _: None)
    weights = {name: config.work / "train" / name / "sae.safetensors" for name in ("plain", "other")}
    before = {name: path.stat().st_mtime_ns for name, path in weights.items()}

    changed = (replace(plain, display_name="Renamed"), SAESpec(name="other", architecture="batchtopk", k=3))
    train.run(replace(config, saes=changed), config.work, lambda _: None)

    after = {name: path.stat().st_mtime_ns for name, path in weights.items()}
    assert after["plain"] == before["plain"]
    assert after["other"] != before["other"]
    assert [sae.display_name for sae in read_trained(config.work)] == ["Renamed", "other"]


@pytest.mark.parametrize(
    ("spec", "quoted"),
    [
        (
            SAESpec(name="a", architecture="protsae", namespace="MFO", d_sae=3, k=2),
            "d_sae=3 of a leaves no free feature beside 3 guiding terms",
        ),
        (SAESpec(name="a", d_sae=3), "k of a must be at most d_sae=3, got 4"),
    ],
)
def test_an_sae_that_does_not_fit_its_data_is_refused(
    embedded: tuple[RunConfig, list[str]], spec: SAESpec, quoted: str
) -> None:
    config, _ = embedded
    with pytest.raises(ConfigError, match=quoted):
        train.run(replace(config, saes=(spec,)), config.work, lambda _: None)


def test_a_list_of_which_nothing_can_be_trained_is_refused(embedded: tuple[RunConfig, list[str]]) -> None:
    config, _ = embedded
    with pytest.raises(InputError, match="ProtSAE is left out, and no other SAE is in the list"):
        train.run(replace(config, saes=DEFAULT_SAES[:1], min_term_proteins=1000), config.work, lambda _: None)


def test_an_empty_split_is_refused(embedded: tuple[RunConfig, list[str]]) -> None:
    config, _ = embedded
    path = config.work / "proteins" / "proteins.parquet"
    table = pd.read_parquet(path)
    table.assign(split="train").to_parquet(path)
    try:
        with pytest.raises(InputError, match=r"no protein falls into the valid split \(60 proteins in all\)"):
            train.run(config, config.work, lambda _: None)
    finally:
        table.to_parquet(path)


def test_an_unfinished_stage_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no result\.json; run the stage train first"):
        read_trained(tmp_path)
