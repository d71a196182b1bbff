"""A tiny world for end-to-end runs: sixty proteins, twelve GO terms, four structures, a random PLM of two layers."""

import gzip
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from esm.data import Alphabet
from esm.model.esm2 import ESM2
from safetensors.torch import save_file

from precompute.__main__ import main
from precompute.stages.order import STAGE_NAMES

N_PROTEINS = 60
LETTERS = "ACDEFGHIKLMNPQRSTVWY"
MOTIF = "CHCHCHCH"

ROOTS = {"MFO": "molecular_function", "BPO": "biological_process", "CCO": "cellular_component"}


@pytest.fixture(scope="session")
def tiny_inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with proteins.tsv.gz, annotations.gaf, go.obo, clusters.tsv, contacts.tsv, structures/ and plm/."""
    folder = tmp_path_factory.mktemp("inputs")
    rng = np.random.default_rng(0)
    sequences = []
    for number in range(N_PROTEINS):
        letters = "".join(rng.choice(list(LETTERS), int(rng.integers(30, 60))))
        sequences.append(letters[:10] + MOTIF + letters[18:] if number % 3 == 0 else letters)
    write_proteins(folder, sequences)
    write_ontology(folder)
    write_annotations(folder)
    write_structures(folder, sequences)
    write_plm(folder / "plm")
    return folder


def arguments(inputs: Path, out: Path) -> list[str]:
    """Flags of `python -m precompute run` for the tiny world."""
    files = {
        "proteins": inputs / "proteins.tsv.gz",
        "annotations": inputs / "annotations.gaf",
        "ontology": inputs / "go.obo",
        "clusters": inputs / "clusters.tsv",
        "contacts": inputs / "contacts.tsv",
        "structures": inputs / "structures",
        "plm": inputs / "plm",
        "out": out,
    }
    numbers = {"min-term-proteins": 5, "d-sae": 48, "k": 4, "epochs": 2, "batch-size": 256, "residues-per-protein": 20}
    settings = {**files, **numbers, "max-residues-per-shard": 1024, "device": "cpu"}
    return [text for name, value in settings.items() for text in (f"--{name}", str(value))]


@pytest.fixture(scope="session")
def tiny_arguments(tiny_inputs: Path) -> Callable[[Path], list[str]]:
    """Gives the flags for an output folder."""
    return lambda out: arguments(tiny_inputs, out)


@pytest.fixture(scope="session")
def finished_run(tiny_arguments: Callable[[Path], list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of the session's one full run, its work folder beside it; never changed, see `copy_run`."""
    out = tmp_path_factory.mktemp("finished") / "bundle"
    assert main(["run", "--quiet", *tiny_arguments(out)]) == 0
    return out


@pytest.fixture(scope="session")
def copy_run(finished_run: Path) -> Callable[..., Path]:
    """Copies the finished run into a folder: all of it, or without a bundle and with the named stages only."""

    def copy(folder: Path, stages: Sequence[str] = STAGE_NAMES) -> Path:
        out, work = folder / finished_run.name, finished_run.with_name(finished_run.name + ".work")
        undone = set(STAGE_NAMES) - set(stages)
        shutil.copytree(work, folder / work.name, ignore=lambda at, _: undone if Path(at) == work else set())
        if not undone:
            shutil.copytree(finished_run, out)
        return out

    return copy


def accession(number: int) -> str:
    """Accession of a protein of the tiny world."""
    return f"P{number:05d}"


def write_proteins(folder: Path, sequences: list[str]) -> None:
    header = "Entry\tEntry Name\tReviewed\tProtein names\tGene Names\tOrganism\tLength\tSequence\tMotif\tHelix\n"
    rows = []
    for number, sequence in enumerate(sequences):
        motif = 'MOTIF 11..18; /note="Planted"' if number % 3 == 0 else ""
        name = f"{accession(number)}\tX{number}_TINY\treviewed\tProtein {number} (Alternative)\tgen{number}\tTiny"
        rows.append(f"{name}\t{len(sequence)}\t{sequence}\t{motif}\tHELIX 2..8; HELIX 20..25\n")
    with gzip.open(folder / "proteins.tsv.gz", "wt", encoding="utf-8") as handle:
        handle.write(header + "".join(rows))
    clusters = "".join(f"{accession(n)}\t{accession(n)}\n" for n in range(N_PROTEINS))
    (folder / "clusters.tsv").write_text(clusters, encoding="utf-8")
    contacts = "".join(f"{accession(n)}\tmetal\t{position}\n" for n in range(0, N_PROTEINS, 3) for position in (11, 13))
    (folder / "contacts.tsv").write_text("Entry\tkind\tposition\n" + contacts, encoding="utf-8")


def write_ontology(folder: Path) -> None:
    stanzas = ["format-version: 1.2\nontology: go\n"]
    for base, (_, namespace) in enumerate(ROOTS.items()):
        for number in range(4):
            lines = [f"id: GO:{base}00000{number}", f"name: {namespace} {number}", f"namespace: {namespace}"]
            lines += [f"is_a: GO:{base}000000 ! root"] if number in {1, 2} else []
            lines += [f"relationship: part_of GO:{base}000002"] if number == 3 else []
            lines += ['synonym: "another name" EXACT []'] if number == 1 else []
            stanzas.append("[Term]\n" + "\n".join(lines) + "\n")
    (folder / "go.obo").write_text("\n".join(stanzas), encoding="utf-8")


def write_annotations(folder: Path) -> None:
    rng = np.random.default_rng(1)
    aspects = {0: "F", 1: "P", 2: "C"}
    lines = ["!gaf-version: 2.2"]
    for number in range(N_PROTEINS):
        for base, aspect in aspects.items():
            terms = [1] if number % 3 == 0 else [int(rng.integers(2, 4))]
            for term in terms:
                fields = [
                    "UniProtKB",
                    accession(number),
                    f"gen{number}",
                    "",
                    f"GO:{base}00000{term}",
                    "PMID:1",
                    "EXP",
                    "",
                ]
                fields += [aspect, f"Protein {number}", "", "protein", "taxon:1", "20260101", "Tiny", "", ""]
                lines.append("\t".join(fields))
    (folder / "annotations.gaf").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_structures(folder: Path, sequences: list[str]) -> None:
    names = "ALACYSASPGLUPHEGLYHISILELYSLEUMETASNPROGLNARGSERTHRVALTRPTYR"
    three = {letter: names[3 * i : 3 * i + 3] for i, letter in enumerate(LETTERS)}
    (folder / "structures").mkdir()
    header = (
        "Entry\tpdb_id\tchain\tfile\tatoms\tresolution_angstrom\tidentity\tcoverage\tsegments_chain_to_uniprot\ttitle\n"
    )
    rows = []
    for number in range(4):
        sequence, name = sequences[number], f"{accession(number)}_{number + 1}TNY_A.pdb"
        lines = [
            f"ATOM  {i:5d}  CA  {three[letter]} A{i:4d}    {3.8 * i:8.3f}{0:8.3f}{0:8.3f}  1.00 10.00           C"
            for i, letter in enumerate(sequence, start=1)
        ]
        (folder / "structures" / name).write_text("\n".join([*lines, "TER", "END"]) + "\n", encoding="utf-8")
        n = len(sequence)
        rows.append(f"{accession(number)}\t{number + 1}TNY\tA\t{name}\tca\t2.0\t1.0\t1.0\t1-{n}:1\tTINY\n")
    (folder / "structures.tsv").write_text(header + "".join(rows), encoding="utf-8")


def write_plm(folder: Path) -> None:
    torch.manual_seed(0)
    model = ESM2(2, 16, 2, Alphabet.from_architecture("ESM-1b"))
    state = {
        name: value.contiguous()
        for name, value in model.state_dict().items()
        if name != "lm_head.weight" and "contact_head" not in name and "inv_freq" not in name
    }
    folder.mkdir()
    save_file(state, folder / "tiny.safetensors")
    (folder / "config.json").write_text(json.dumps({"num_layers": 2, "embed_dim": 16, "attention_heads": 2}))
