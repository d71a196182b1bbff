"""What a corpus is large enough for is told after the proteins are read, and what cannot work is refused there."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from precompute.config import RunConfig
from precompute.corpus.forecast import forecast
from precompute.options import build
from precompute.saes import SAESpec
from protsae.errors import ConfigError, InputError

MFO = SAESpec(name="mfo", architecture="protsae", namespace="MFO")
BPO = SAESpec(name="bpo", architecture="protsae", namespace="BPO")
PLAIN = SAESpec(name="vanilla")


def told(
    folder: Path, n_train: dict[str, list[int]], splits: tuple[int, int, int] = (70, 40, 40), **changes: Any
) -> list[str]:
    """What is told of a corpus whose terms so many training proteins carry."""
    work = folder / "proteins"
    work.mkdir(exist_ok=True)
    names = [name for name, n in zip(("train", "valid", "test"), splits, strict=True) for _ in range(n)]
    pd.DataFrame({"split": names}).to_parquet(work / "proteins.parquet")
    rows = [(f"GO:{ns}{i}", ns, n) for ns, counts in n_train.items() for i, n in enumerate(counts)]
    pd.DataFrame(rows, columns=["go_id", "namespace", "n_train"]).to_parquet(work / "go_term.parquet")
    required = {"proteins": "p", "annotations": "a", "ontology": "o", "out": "b"}
    config = build(RunConfig, {**required, "saes": (MFO, BPO, PLAIN), **changes})
    return list(forecast(config, folder))


def test_terms_that_guide_are_counted_and_a_sub_ontology_without_any_is_named(tmp_path: Path) -> None:
    assert told(tmp_path, {"MFO": [50, 60, 49], "BPO": [30, 12], "CCO": [90]}) == [
        "MFO: 2 terms guide, each carried by at least 50 training proteins",
        "BPO: nothing guides, no term is carried by 50 training proteins (the most frequent, GO:BPO0, by 30)",
    ]


def test_without_any_annotation_the_unguided_saes_are_left(tmp_path: Path) -> None:
    none = {"MFO": [0], "BPO": [0], "CCO": [0]}
    lines = told(tmp_path, none)

    assert lines[0] == "MFO: nothing guides, no training protein carries a term"
    assert lines[-1].startswith("so no SAE can be guided, and the bundle will hold the unguided ones alone; lower")
    with pytest.raises(InputError, match="no MFO term is carried by 50 training proteins; mfo is left out, and no"):
        told(tmp_path, none, saes=(MFO,))
    assert told(tmp_path, none, saes=(PLAIN,)) == []


def test_a_small_corpus_is_told_that_its_scores_will_be_coarse(tmp_path: Path) -> None:
    lines = told(tmp_path, {"MFO": [60], "BPO": [60], "CCO": []}, splits=(70, 14, 16))
    assert lines[0].startswith("only 14 proteins to choose on and 16 to score on: held-out scores will be coarse")


@pytest.mark.parametrize(("splits", "part"), [((0, 3, 3), "train"), ((3, 0, 3), "valid"), ((3, 3, 0), "test")])
def test_an_empty_split_is_refused(tmp_path: Path, splits: tuple[int, int, int], part: str) -> None:
    with pytest.raises(InputError, match=rf"no protein falls into the {part} split \(6 proteins in all\)"):
        told(tmp_path, {"MFO": [60]}, splits=splits)


def test_a_width_without_a_free_feature_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="d_sae=2 of mfo leaves no free feature beside 2 guiding terms; raise it"):
        told(tmp_path, {"MFO": [60, 70], "BPO": []}, d_sae=2, k=1)
    lines = told(tmp_path, {"MFO": [60, 70], "BPO": [60]}, d_sae=3, k=1, max_concepts=1)
    assert lines[0] == "MFO: 1 term guides, carried by at least 50 training proteins"
