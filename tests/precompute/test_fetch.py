"""`precompute fetch` against a server on this machine: what it writes goes into a run, what is cut short is refused."""

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from sources_server import HBA, MADE, OBO, Public, entry, environment, gaf_row, serving

from precompute.__main__ import main
from precompute.fetching.accession_list import read_accessions
from precompute.fetching.origin import origins
from precompute.fetching.proteins import FIELDS
from precompute.inputs.structure_files import find_structures
from precompute.inputs.uniprot import read_proteins
from protsae.errors import InputError
from protsae.sources import client as client_module
from protsae.sources.tables import pdb_references


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> Iterator[Public]:
    monkeypatch.setattr(client_module._PACE, "sleep", lambda _seconds: None)
    held = Public()
    with serving(held) as base:
        for name, value in environment(base).items():
            monkeypatch.setenv(name, value)
        yield held


def listed(folder: Path, *names: str) -> list[str]:
    (folder / "list.txt").write_text("\n".join(names) + "\n")
    return ["--accessions", str(folder / "list.txt")]


def fetched(out: Path, *flags: str) -> int:
    return main(["fetch", "--out", str(out), *flags])


def manifest(out: Path) -> dict[str, object]:
    return json.loads((out / "fetch.json").read_text())


def test_what_was_fetched_goes_into_a_run(
    public: Public, tmp_path: Path, tiny_inputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "my data"
    assert fetched(out, "--organism", "9606") == 0

    said = capsys.readouterr()
    assert said.out == (
        f"python -m precompute run --proteins '{out}/proteins.tsv.gz' --annotations '{out}/annotations.gaf.gz' "
        f"--ontology '{out}/go.obo.gz' --structures '{out}/structures' --plm esm2_t6_8M_UR50D --out '{out}_bundle'\n"
    )
    proteins = {protein.accession: protein for protein in read_proteins(out / "proteins.tsv.gz")}
    assert {name: protein.sequence for name, protein in proteins.items()} == {"P69905": HBA, "Q00001": MADE}
    assert ("Binding site", "heme b", 87, 87) in proteins["P69905"].regions
    assert ("Disulfide bond", "", 4, 4) in proteins["Q00001"].regions
    structures = find_structures(out / "structures", frozenset(proteins))
    assert [(one.path.name, one.pdb_id, one.resolution) for one in structures["P69905"]] == [
        ("P69905_1BAB.cif", "1BAB", 1.5)
    ]
    assert gzip.decompress((out / "go.obo.gz").read_bytes()).decode() == OBO
    (tmp_path / "clusters.tsv").write_text("P69905\tP69905\nQ00001\tQ00001\n")
    files = {
        "proteins": out / "proteins.tsv.gz",
        "annotations": out / "annotations.gaf.gz",
        "out": tmp_path / "bundle",
        "ontology": out / "go.obo.gz",
        "structures": out / "structures",
        "plm": tiny_inputs / "plm",
        "clusters": tmp_path / "clusters.tsv",
    }
    assert (
        main(["stage", "proteins", *(text for name, path in files.items() for text in (f"--{name}", str(path)))]) == 0
    )
    closed = pd.read_parquet(tmp_path / "bundle.work" / "proteins" / "protein_go.parquet")
    assert set(zip(closed["accession"], closed["go_id"], strict=True)) == {
        ("P69905", "GO:0020037"),
        ("P69905", "GO:0005515"),
        ("P69905", "GO:0005488"),
        ("Q00001", "GO:0020037"),
        ("Q00001", "GO:0005488"),
    }


def test_the_manifest_says_where_all_is_from_and_what_is_missing(public: Public, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert fetched(out, "--organism", "9606") == 0

    found = json.loads((out / "fetch.json").read_text())
    assert found["asked"]["organism"] == 9606
    assert [(name, file["release"], file["licence"]) for name, file in found["files"].items()] == [
        ("proteins.tsv.gz", "2026_04", "CC BY 4.0"),
        ("annotations.gaf.gz", "2026-11-20", "CC BY 4.0"),
        ("go.obo.gz", "2026-11-01", "CC BY 4.0"),
    ]
    assert found["numbers"] == {
        "proteins": 2,
        "annotations": 4,
        "annotations_without_go_evidence_code": 0,
        "structures": 1,
        "structures_RCSB PDB": 1,
        "left_out": 1,
    }
    assert found["left_out"][0]["id"] == "Q00001"
    assert "AlphaFold DB has no model of Q00001" in found["left_out"][0]["why"]
    assert found["structures"][0]["provenance"]["licence"] == "CC0 1.0"


def test_a_bundle_of_it_says_the_releases_unless_a_file_was_changed(public: Public, tmp_path: Path) -> None:
    assert fetched(tmp_path / "out", "--organism", "9606", "--structures", "none") == 0
    paths = [tmp_path / "out" / name for name in ("proteins.tsv.gz", "go.obo.gz", "fetch.json")]

    said = origins([*paths, tmp_path / "list.txt"])
    assert [line.partition(",")[0] for line in said] == [
        "proteins.tsv.gz: UniProtKB 2026_04 (CC BY 4.0)",
        "go.obo.gz: Gene Ontology 2026-11-01 (CC BY 4.0)",
    ]
    paths[0].write_bytes(b"mine")
    assert origins(paths) == said[1:]


def test_the_same_command_asks_for_what_is_missing_only_and_writes_the_same(public: Public, tmp_path: Path) -> None:
    out = tmp_path / "out"
    fetched(out, "--organism", "9606")
    first = {path: path.read_bytes() for path in out.rglob("*") if path.is_file() and ".cache" not in path.parts}
    public.asked.clear()

    assert fetched(out, "--organism", "9606") == 0

    assert public.asked == ["GET /alphafold/api/prediction/Q00001"]
    assert {path: path.read_bytes() for path in first} == first


def test_a_fetch_that_broke_off_goes_on(public: Public, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    del public.files["/go/ontology/go.obo"]
    assert fetched(out, "--organism", "9606") == 2
    assert "Gene Ontology has no go.obo" in capsys.readouterr().err
    public.asked.clear()
    public.files["/go/ontology/go.obo"] = OBO.encode()

    assert fetched(out, "--organism", "9606", "--structures", "none") == 0
    assert public.asked == ["GET /go/ontology/go.obo"]


def test_pages_are_followed_and_every_column_is_asked_for(public: Public, tmp_path: Path) -> None:
    public.page = 1
    public.entries |= {f"Q1000{n}": entry(f"Q1000{n}", MADE[n:]) for n in range(5)}

    assert fetched(tmp_path / "out", "--query", "anything", "--structures", "none") == 0

    pages = [asked for asked in public.asked if "/uniprotkb/search" in asked]
    assert len(pages) == 7
    assert "ft_zn_fing%2Cxref_pdb_full" in pages[0]
    assert {"ft_act_site", "ft_transmem", "ft_binding", "sequence", "gene_names"} <= set(FIELDS)
    assert len(list(read_proteins(tmp_path / "out" / "proteins.tsv.gz"))) == 7


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--organism", "9606"], "UniProtKB gave 1 of the 2 entries that it finds"),
        (["--query", "x"], "UniProtKB gave 1 of the 2 entries that it finds"),
    ],
)
def test_a_table_that_is_cut_short_is_refused(
    public: Public, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], said: str
) -> None:
    public.drops_rows = 1
    assert fetched(tmp_path / "out", *flags) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out" / "proteins.tsv.gz").exists()


def test_annotations_that_are_cut_short_are_refused(
    public: Public, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    public.annotations["P69905"] = [gaf_row("P69905", "GO:0020037", "IDA")] * 10_500
    assert fetched(tmp_path / "whole", "--organism", "9606", "--structures", "none") == 0  # more than 10,000 rows

    public.most_rows = 9_900
    assert fetched(tmp_path / "cut", "--organism", "9606", "--structures", "none") == 2
    assert "QuickGO gave 9,900 of 10,502 GO annotations of P69905 and 1 more" in capsys.readouterr().err


def test_rows_without_a_go_code_are_counted(public: Public, tmp_path: Path) -> None:
    public.annotations["P69905"] = [gaf_row("P69905", "GO:0020037", "IDA")] * 100
    public.without_code = 1

    assert fetched(tmp_path / "out", "--organism", "9606", "--structures", "none") == 0
    numbers = manifest(tmp_path / "out")["numbers"]
    assert isinstance(numbers, dict)
    assert (numbers["annotations"], numbers["annotations_without_go_evidence_code"]) == (102, 1)


def test_merged_and_deleted_accessions_are_followed_and_said(
    public: Public, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    flags = listed(tmp_path, "P69905-2", "Q00002", "Q00003", "Q00004", "Q99999")
    assert fetched(out, *flags, "--structures", "none") == 0

    assert {one.accession for one in read_proteins(out / "proteins.tsv.gz")} == {"P69905", "Q00001"}
    found = json.loads((out / "fetch.json").read_text())
    assert [one["id"] for one in found["left_out"]] == ["Q00003", "Q00004", "Q99999"]
    assert found["notes"] == ["Q00002 was merged into Q00001, whose entry this is."]
    err = " ".join(capsys.readouterr().err.split())
    assert "Q00002 was merged into Q00001" in err
    assert "not fetched, Q00004: UniProtKB has deleted Q00004" in err


def test_where_the_pdb_spans_too_little_the_model_is_taken(public: Public, tmp_path: Path) -> None:
    references = public.entries["P69905"]["uniProtKBCrossReferences"]
    public.entries["P69905"]["uniProtKBCrossReferences"] = [one for one in references if one["id"] == "6XDT"]
    flags = listed(tmp_path, "P69905")

    assert fetched(tmp_path / "best", *flags) == 0
    assert fetched(tmp_path / "pdb", *flags, "--structures", "pdb") == 0
    assert fetched(tmp_path / "alphafold", *flags, "--structures", "alphafold") == 0

    for name in ("best", "alphafold"):
        table = (tmp_path / name / "structures" / "structures.tsv").read_text().splitlines()
        assert table[1].split("\t")[:5] == ["P69905", "AF-P69905-F1-model_v6.cif", "", "", "AlphaFold DB"]
    assert manifest(tmp_path / "pdb")["left_out"] == [
        {
            "id": "P69905",
            "why": "RCSB PDB has no entry 6XDT: check the id; where it is obsolete its page at "
            "https://www.rcsb.org/structure/6XDT names the one that replaces it.",
        }
    ]


def test_an_organism_without_network_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(client_module._PACE, "sleep", lambda _seconds: None)
    monkeypatch.setenv("PROTSAE_UNIPROT_URL", "http://127.0.0.1:9")
    assert fetched(tmp_path / "out", "--organism", "559292") == 2
    assert "UniProtKB did not give entries of the query" in capsys.readouterr().err


def test_structures_are_given_up_where_no_source_answers(
    public: Public, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    public.entries |= {f"Q1000{n}": entry(f"Q1000{n}", MADE[n:]) for n in range(6)}
    monkeypatch.setenv("PROTSAE_ALPHAFOLD_URL", "http://127.0.0.1:9")
    assert fetched(tmp_path / "out", "--query", "x", "--structures", "alphafold") == 2
    assert "AlphaFold DB did not give model of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "one of --organism, --accessions and --query says what to fetch, none was given"),
        (["--organism", "1", "--query", "x"], "--organism and --query were given"),
        (["--organism", "yeast"], "organism must be a whole number, got 'yeast'"),
        (["--organism", "-4"], "organism must be at least 1, got -4"),
        (["--query", "x", "--workers", "99"], "workers must be at most 16"),
        (["--query", "x", "--max-proteins", "1"], "finds 2 entries for '(x) AND (reviewed:true)', more than 1: narrow"),
        (["--organism", "4"], "finds no entry for '(organism_id:4) AND (reviewed:true)'"),
        (["--query", "x", "--structures", "all"], "structures must be one of best, pdb, alphafold, none, got 'all'"),
    ],
)
def test_mistakes_are_one_line(
    public: Public, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], said: str
) -> None:
    assert fetched(tmp_path / "out", *flags) == 2
    err = capsys.readouterr().err
    assert said in err.splitlines()[-1]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("P69905\nQ00001\nP69905\n", ["P69905", "Q00001"]),
        ("\ufeffEntry\tName\r\nP69905\tx\r\n\r\nQ00001\ty\r\n", ["P69905", "Q00001"]),
        (">sp|P69905|HBA_HUMAN Hemoglobin\nMVLSPADK\n>tr|A0A024R161|X_Y\nMK\n", ["P69905", "A0A024R161"]),
        ("# mine\np69905-2, Q00001\nQ00001.3\n", ["P69905", "Q00001"]),
        ('"P69905"\n"Q00001"\n', ["P69905", "Q00001"]),
    ],
)
def test_lists_are_read_as_people_keep_them(tmp_path: Path, text: str, names: list[str]) -> None:
    (tmp_path / "list").write_text(text, newline="")
    assert read_accessions(tmp_path / "list") == names


@pytest.mark.parametrize(
    ("text", "said"),
    [("P69905\nmyoglobin\n", "line 2 begins with 'myoglobin'"), ("\n", "holds no accession"), ("# x\n", "holds no")],
)
def test_a_list_of_something_else_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "list").write_text(text)
    with pytest.raises(InputError, match=said):
        read_accessions(tmp_path / "list")


@pytest.mark.parametrize(
    ("cell", "ids"),
    [
        ("", []),
        ('"1BAB; X-ray; 1.50 A; A/C=2-142.";"2H35; NMR; -; A/C=2-142.";', [("1BAB", 1.5, 141), ("2H35", None, 141)]),
        ("1BAB;X-ray;1.50 A;A/C=2-142.;6XDT;EM;3.4 A;A=10-60, B=1-9.", [("1BAB", 1.5, 141), ("6XDT", 3.4, 51)]),
        ("pdb_00011abc; X-ray; 1.50 A; A=2-11.", [("pdb_00011abc", 1.5, 10)]),
        ("1BAB;2H35;", None),
    ],
)
def test_pdb_entries_are_read_in_whatever_way_they_stand(cell: str, ids: list[tuple[object, ...]] | None) -> None:
    found = pdb_references(cell)
    assert (found if found is None else [(one.pdb_id, one.resolution, one.n_residues) for one in found]) == ids


@pytest.mark.network
@pytest.mark.skipif(not os.environ.get("PROTSAE_NETWORK"), reason="PROTSAE_NETWORK=1 asks the real databases")
def test_the_real_sources_answer_as_the_server_here_does(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert fetched(out, *listed(tmp_path, "P69905", "P50904", "P00963")) == 0

    proteins = {protein.accession: protein for protein in read_proteins(out / "proteins.tsv.gz")}
    assert proteins["P69905"].sequence == HBA
    assert "P00963" in proteins
    assert any(region.kind == "Binding site" for region in proteins["P69905"].regions)
    assert find_structures(out / "structures", frozenset(proteins))["P69905"]
