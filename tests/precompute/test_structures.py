"""The structures stage: the best file wins, bad ones are passed over, positions count from zero."""

import gzip
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import gemmi
import pandas as pd
import pytest

from precompute.config import RunConfig
from precompute.pipeline.tables import write_table
from precompute.stages import structures
from protsae.errors import InputError

SEQUENCES = {
    "P1": "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSG",
    "P2": "GSWEAHNKLPQRDTVCYFMIGAWEVHDKLAQRETICYLMVPSWDAHNRLP",
    "P3": "MSTNPKPQRKTKRNTNRRPQDVKFPGGGQIVGGVYLLPRRGPRLGVRATR",
}


def trace(accession: str, places: range) -> str:
    """C-alpha trace of some residues, numbered from 101."""
    names = gemmi.expand_one_letter_sequence(SEQUENCES[accession], gemmi.ResidueKind.AA)
    return "".join(
        f"ATOM  {place:5d}  CA  {names[place]} A{place + 101:4d}    "
        f"{0.0:8.3f}{0.0:8.3f}{3.8 * place:8.3f}  1.00 20.00           C\n"
        for place in places
    )


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    for name in ("proteins", "structures"):
        (tmp_path / "bundle.work" / name).mkdir(parents=True)
    rows = {"accession": list(SEQUENCES), "sequence": list(SEQUENCES.values()), "is_shipped": [True, True, False]}
    write_table(tmp_path / "bundle.work" / "proteins" / "proteins.parquet", pd.DataFrame(rows))
    (tmp_path / "pdb").mkdir()
    nowhere = tmp_path / "unused"
    return RunConfig(
        proteins=nowhere, annotations=nowhere, ontology=nowhere, structures=tmp_path / "pdb", out=tmp_path / "bundle"
    )


def run(config: RunConfig) -> tuple[dict[str, int | float | str], list[str]]:
    lines: list[str] = []
    return structures.run(config, config.work, lines.append), lines


def stored(config: RunConfig) -> list[dict[Hashable, Any]]:
    return pd.read_parquet(config.work / "structures" / "structure.parquet").to_dict("records")


def put(config: RunConfig, name: str, text: str) -> None:
    assert config.structures is not None
    (config.structures / name).write_text(text)


def test_the_file_that_covers_most_wins_and_bad_ones_are_passed_over(config: RunConfig) -> None:
    put(config, "P1_1aaa_A.pdb", trace("P1", range(10, 40)))
    put(config, "P1_2bbb_A.pdb", trace("P1", range(5, 45)))
    put(config, "P1_junk.pdb", "nothing of the kind\n")
    put(config, "P2.pdb", trace("P1", range(50)))
    put(config, "P3.pdb", trace("P3", range(50)))
    numbers, lines = run(config)
    (row,) = stored(config)

    assert row["accession"] == "P1"
    assert row["positions"].tolist() == list(range(5, 45))
    assert row["author_numbers"].tolist() == [str(place + 101) for place in range(5, 45)]
    assert (row["pdb_id"], row["chain"], row["atoms"], row["identity"]) == ("P1_2bbb_A", "A", "ca", 1.0)
    assert gzip.decompress(row["pdb"]).decode().count("ATOM") == 40
    assert (numbers["files"], numbers["structures"], numbers["passed_over"]) == (4, 1, 2)
    assert any("P1_junk.pdb" in line for line in lines)
    assert any("another protein's structure" in line for line in lines)


def test_the_only_file_being_unusable_is_an_error(config: RunConfig) -> None:
    put(config, "P2.pdb", trace("P1", range(50)))

    with pytest.raises(InputError, match="another protein's structure"):
        run(config)


def test_the_table_gives_id_and_resolution(config: RunConfig) -> None:
    put(config, "x.pdb", trace("P2", range(50)))
    put(config, "structures.tsv", "Entry\tpdb_id\tchain\tfile\tresolution_angstrom\nP2\t9XYZ\tA\tx.pdb\t2.1\n")
    run(config)

    (row,) = (row for row in stored(config) if row["accession"] == "P2")
    assert (row["pdb_id"], row["resolution"]) == ("9XYZ", 2.1)


def test_without_structures_the_table_is_empty(config: RunConfig) -> None:
    numbers, _ = run(RunConfig(**{**vars(config), "structures": None}))

    assert numbers["structures"] == 0
    assert len(stored(config)) == 0
