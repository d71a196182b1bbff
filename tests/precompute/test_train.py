"""What guides features, and what the train stage makes of it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from precompute.__main__ import main
from precompute.config import RunConfig
from precompute.corpus.concepts import Concepts, choose_concepts
from precompute.corpus.trained import plm_directions, read_trained
from precompute.options import build
from precompute.stages import train
from precompute.stages.train import protsae_config
from protsae.errors import InputError

TERMS = pd.DataFrame({"go_id": ["GO:1", "GO:2", "GO:3", "GO:4"], "namespace": ["MFO", "MFO", "BPO", "MFO"]})
LABELS = csr_array(np.array([[1, 1, 0, 1], [1, 0, 1, 1], [1, 1, 0, 0], [0, 0, 1, 0], [1, 1, 0, 0]], dtype=np.float32))
SPLIT = np.array(["train", "train", "train", "train", "valid"])


def concepts(**changes: object) -> Concepts:
    settings = {"split": SPLIT, "roots": ("GO:1",), "min_proteins": 2, "max_concepts": None} | changes
    return choose_concepts(LABELS, TERMS, "MFO", **settings)


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
def test_fewer_concepts(changes: dict[str, object], expected: tuple[str, ...]) -> None:
    assert concepts(**changes).go_id == expected


def test_the_settings_reach_the_protsae() -> None:
    here = dict.fromkeys(("proteins", "annotations", "ontology", "out"), Path())
    guidance = {"annotation": "bag", "positive_weight": 0.5, "forcing_strength": "graded"}
    config = RunConfig(**here, k=7, lambda_annot=3, lambda_axiom=2, **guidance)
    cfg = protsae_config(config, concepts(), d_model=16, d_sae=40)

    assert (cfg.k, cfg.lambda_annot, cfg.lambda_axiom, cfg.namespace) == (7, 3, 2, "MFO")
    assert cfg.concepts == ("GO:2", "GO:4")
    assert {name: getattr(cfg, name) for name in guidance} == guidance


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


def test_the_vanilla_sae_matches_the_mean_total_l0(embedded: tuple[RunConfig, list[str]]) -> None:
    config, arguments = embedded
    assert main(["stage", "train", "--quiet", *arguments]) == 0
    saes = read_trained(config.work)
    result = json.loads((config.work / "train" / "result.json").read_text())

    assert [sae.name for sae in saes] == ["protsae_mfo", "protsae_bpo", "protsae_cco", "vanilla"]
    assert {sae.d_sae for sae in saes} == {48}
    assert saes[-1].k == round(np.mean([row["l0"] for row in result["trainings"][:-1]]))
    assert saes[0].concepts == ("GO:0000001", "GO:0000002", "GO:0000003")
    sae = saes[0].load()
    norms = plm_directions(sae).norm(dim=1) * float(sae.scale)
    np.testing.assert_allclose(norms.numpy(), 1, rtol=1e-4)


def test_a_sub_ontology_without_concepts_is_skipped_with_a_sentence(embedded: tuple[RunConfig, list[str]]) -> None:
    config, _ = embedded
    said: list[str] = []
    numbers = train.run(replace(config, min_term_proteins=1000, epochs=1), config.work, said.append)

    assert "no MFO term is carried by 1000 training proteins; ProtSAE MFO is left out" in said
    assert numbers["left out"] == "protsae_mfo protsae_bpo protsae_cco"
    assert [sae.name for sae in read_trained(config.work)] == ["vanilla"]
    assert read_trained(config.work)[0].k == config.k
    assert not (config.work / "train" / "protsae_mfo").exists()


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
