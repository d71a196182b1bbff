"""The proteins stage: a world of six proteins worked out by hand, then the real core set's figures."""

import math
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from precompute.config import RunConfig
from precompute.inputs.homology import split_of
from precompute.stages import proteins
from protsae.errors import InputError

OBO = """format-version: 1.2

[Term]
id: GO:0000001
name: molecular_function
namespace: molecular_function

[Term]
id: GO:0000002
name: binding
namespace: molecular_function
synonym: "ligand" EXACT []
alt_id: GO:0000009
is_a: GO:0000001 ! molecular_function

[Term]
id: GO:0000003
name: zinc ion binding
namespace: molecular_function
is_a: GO:0000002 ! binding
relationship: part_of GO:0000005 ! transport
relationship: regulates GO:0000004 ! root

[Term]
id: GO:0000004
name: biological_process
namespace: biological_process

[Term]
id: GO:0000005
name: transport
namespace: biological_process
is_a: GO:0000004 ! root
"""
NAMES = ("P1", "P2", "P3", "P4", "P5", "P6")
ANNOTATED = ("P1", "P2", "P3")
GAF_ROW = "UniProtKB\t{}\tX\tenables\t{}\tPMID:1\t{}\t\tF\t\t\tprotein\ttaxon:1\t20200101\tX\t\t\n"


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    (tmp_path / "bundle.work" / "proteins").mkdir(parents=True)
    rows = [f"{name}\tMKTAYIAK\t{'HELIX 2..3' if name == 'P1' else ''}\n" for name in NAMES]
    (tmp_path / "p.tsv").write_text("Entry\tSequence\tHelix\n" + "".join(rows))
    (tmp_path / "go.obo").write_text(OBO)
    annotations = [("P1", "GO:0000003", "IDA"), ("P2", "GO:0000009", "IEA"), ("P3", "GO:0000001", "IDA")]
    (tmp_path / "a.gaf").write_text("!gaf-version: 2.2\n" + "".join(GAF_ROW.format(*row) for row in annotations))
    (tmp_path / "clusters.tsv").write_text("".join(f"{name}\tC{int(name[1]) // 2}\n" for name in NAMES))
    (tmp_path / "contacts.tsv").write_text("Entry\tkind\tposition\nP2\tmetal\t1\nP2\tmetal\t2\n")
    (tmp_path / "pdb").mkdir()
    (tmp_path / "pdb" / "P4.pdb").touch()
    return RunConfig(
        proteins=tmp_path / "p.tsv",
        annotations=tmp_path / "a.gaf",
        ontology=tmp_path / "go.obo",
        clusters=tmp_path / "clusters.tsv",
        contacts=tmp_path / "contacts.tsv",
        structures=tmp_path / "pdb",
        out=tmp_path / "bundle",
    )


def run(config: RunConfig) -> dict[str, int | float | str]:
    return proteins.run(config, config.work, lambda _: None)


def table(config: RunConfig, name: str) -> pd.DataFrame:
    return pd.read_parquet(config.work / "proteins" / f"{name}.parquet")


def terms_of(config: RunConfig) -> dict[str, dict[Hashable, Any]]:
    """The columns of every term, by its id."""
    return {row["go_id"]: row for row in table(config, "go_term").to_dict("records")}


def test_annotations_are_closed_and_roots_left_out(config: RunConfig) -> None:
    numbers = run(config)
    rows = {tuple(row) for row in table(config, "protein_go").itertuples(index=False)}

    assert rows == {
        ("GO:0000002", "P1", False, ""),
        ("GO:0000003", "P1", True, "EXP"),
        ("GO:0000005", "P1", False, ""),
        ("GO:0000002", "P2", True, "IEA"),
    }
    assert (numbers["annotated"], numbers["go_terms"], numbers["gaf_rows"]) == (2, 3, 3)


def test_terms_carry_counts_and_information(config: RunConfig) -> None:
    run(config)
    terms = terms_of(config)
    root, binding, zinc = (terms[f"GO:000000{n}"] for n in (1, 2, 3))

    assert binding["information_content"] == 0.0
    assert zinc["information_content"] == 1.0
    assert math.isnan(root["information_content"])
    assert binding["n_train"] + binding["n_valid"] + binding["n_test"] == 2
    assert zinc["n_shipped"] == 1
    assert set(table(config, "go_synonym").itertuples(index=False, name=None)) == {
        ("GO:0000002", "ligand", "EXACT"),
        ("GO:0000002", "GO:0000009", "ALT_ID"),
    }
    assert set(table(config, "go_edge").itertuples(index=False, name=None)) == {
        ("GO:0000002", "GO:0000001", "is_a"),
        ("GO:0000003", "GO:0000002", "is_a"),
        ("GO:0000003", "GO:0000005", "part_of"),
        ("GO:0000005", "GO:0000004", "is_a"),
    }


def test_clusters_are_never_torn_apart(config: RunConfig) -> None:
    run(config)
    rows = table(config, "proteins")
    pairs = rows[["cluster", "split"]].itertuples(index=False, name=None)

    assert rows.groupby("cluster")["split"].nunique().max() == 1
    assert all(split == split_of(cluster, seed=config.seed) for cluster, split in pairs)


def test_residue_annotations_count_from_zero(config: RunConfig) -> None:
    numbers = run(config)

    assert numbers["regions"] == 2
    assert set(table(config, "annotation").itertuples(index=False, name=None)) == {
        ("P1", "Helix", "", 1, 2, "uniprot"),
        ("P2", "Metal contact", "", 0, 1, "structure"),
    }


@pytest.mark.parametrize("shipped", [1, 3])
def test_proteins_with_a_structure_are_shipped_first_then_annotated_ones_then_held_out_ones(
    config: RunConfig, shipped: int
) -> None:
    numbers = run(RunConfig(**{**vars(config), "shipped": shipped}))
    rows = table(config, "proteins").set_index("accession")

    assert rows.loc["P4", "is_shipped"]
    assert rows["is_shipped"].sum() == numbers["shipped"] == shipped
    rank = pd.Series(
        {name: (name not in ANNOTATED, proteins.SHIPPED_FIRST[row["split"]]) for name, row in rows.iterrows()}
    ).drop("P4")
    others = rows["is_shipped"].drop("P4")
    if others.any():
        assert max(rank[others]) <= min(rank[~others])


def test_of_more_proteins_those_that_teach_or_show_something_join(config: RunConfig, tmp_path: Path) -> None:
    run(config)
    whole = table(config, "proteins").set_index("accession")
    lines = config.proteins.read_text().splitlines(keepends=True)
    first, more = tmp_path / "first.tsv", tmp_path / "more.tsv"
    first.write_text("".join([lines[0], lines[1], lines[5]]))
    more.write_text("".join(lines))
    run(RunConfig(**{**vars(config), "proteins": first, "more_proteins": more}))
    joined = table(config, "proteins").set_index("accession")

    assert list(joined.index) == ["P1", "P5", "P2", "P3", "P4"], "P6 carries no term and has no structure"
    assert joined["split"].equals(whole.loc[joined.index, "split"])
    assert set(table(config, "annotation")["accession"]) == {"P1", "P2"}


def test_everything_is_shipped_by_default(config: RunConfig) -> None:
    run(config)

    assert table(config, "proteins")["is_shipped"].all()


def test_a_protein_without_a_cluster_is_named(config: RunConfig) -> None:
    assert config.clusters is not None
    config.clusters.write_text("P1\tP1\n")

    with pytest.raises(InputError, match=r"no cluster for 5 of 6 proteins, e\.g\. P2"):
        run(config)


def test_the_same_inputs_give_the_same_files(config: RunConfig) -> None:
    run(config)
    before = {path.name: path.read_bytes() for path in (config.work / "proteins").iterdir()}
    run(config)

    assert before == {path.name: path.read_bytes() for path in (config.work / "proteins").iterdir()}
    assert not [name for name in before if not name.endswith(".parquet")]


def test_the_real_core_set(shared_data: Path, tmp_path: Path) -> None:
    config = RunConfig(
        proteins=shared_data / "uniprot_yeast_ecoli_bsubtilis.tsv.gz",
        annotations=shared_data / "annotations.gaf.gz",
        ontology=shared_data / "go.obo.gz",
        clusters=shared_data / "homology_clusters.tsv.gz",
        contacts=shared_data / "binding_residues.tsv.gz",
        structures=shared_data / "structures",
        shipped=4000,
        out=tmp_path / "bundle",
    )
    (config.work / "proteins").mkdir(parents=True)
    numbers = run(config)
    zinc = terms_of(config)["GO:0008270"]

    assert (numbers["proteins"], numbers["with_structure"], numbers["shipped"]) == (14_649, 364, 4000)
    assert sum(n for n in (numbers["train"], numbers["valid"], numbers["test"]) if isinstance(n, int)) == 14_649
    assert zinc["name"] == "zinc ion binding"
    assert zinc["n_train"] + zinc["n_valid"] + zinc["n_test"] >= zinc["n_shipped"] > 100
