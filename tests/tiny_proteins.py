"""Made-up proteins for `tiny_bundle.py`: random sequences, real GO terms, annotations, helices as structures.

Positions count from 0, as everywhere outside the store. Read `made_up_proteins`.
"""

import gzip
import math

import numpy as np
import pandas as pd

from protsae.alphabet import AMINO_ACIDS

N_PROTEINS = 40
_RESIDUE_NAMES = "ALA ARG ASN ASP CYS GLN GLU GLY HIS ILE LEU LYS MET PHE PRO SER THR TRP TYR VAL"
THREE_LETTERS = dict(zip(AMINO_ACIDS, _RESIDUE_NAMES.split(" "), strict=True))

TERMS = {
    "GO:0003674": ("molecular_function", "MFO", ()),
    "GO:0005488": ("binding", "MFO", ("GO:0003674",)),
    "GO:0043167": ("ion binding", "MFO", ("GO:0005488",)),
    "GO:0046872": ("metal ion binding", "MFO", ("GO:0043167",)),
    "GO:0046914": ("transition metal ion binding", "MFO", ("GO:0046872",)),
    "GO:0008270": ("zinc ion binding", "MFO", ("GO:0046914",)),
    "GO:0005506": ("iron ion binding", "MFO", ("GO:0046914",)),
    "GO:0005524": ("ATP binding", "MFO", ("GO:0005488",)),
    "GO:0003824": ("catalytic activity", "MFO", ("GO:0003674",)),
    "GO:0016301": ("kinase activity", "MFO", ("GO:0003824",)),
    "GO:0008150": ("biological_process", "BPO", ()),
    "GO:0006810": ("transport", "BPO", ("GO:0008150",)),
    "GO:0055085": ("transmembrane transport", "BPO", ("GO:0006810",)),
    "GO:0008152": ("metabolic process", "BPO", ("GO:0008150",)),
    "GO:0006508": ("proteolysis", "BPO", ("GO:0008152",)),
    "GO:0005575": ("cellular_component", "CCO", ()),
    "GO:0016020": ("membrane", "CCO", ("GO:0005575",)),
    "GO:0005886": ("plasma membrane", "CCO", ("GO:0016020",)),
    "GO:0005737": ("cytoplasm", "CCO", ("GO:0005575",)),
}
"""go_id -> name, namespace, parents (shortened where GO has steps between)."""

PART_OF = {("GO:0005886", "GO:0016020")}
ROOTS = {"GO:0003674", "GO:0008150", "GO:0005575"}
LEAVES = (
    "GO:0008270",
    "GO:0005506",
    "GO:0005524",
    "GO:0016301",
    "GO:0055085",
    "GO:0006508",
    "GO:0005886",
    "GO:0005737",
)
UNUSED = "GO:0000006"
SYNONYMS = (
    ("GO:0008270", "zinc binding", "RELATED"),
    ("GO:0008270", "Zn binding", "EXACT"),
    ("GO:0005524", "adenosine triphosphate binding", "EXACT"),
    ("GO:0046872", "heavy metal binding", "NARROW"),
    ("GO:0016301", "phosphokinase activity", "EXACT"),
    ("GO:0005886", "cell membrane", "EXACT"),
    ("GO:0005886", "GO:0005904", "ALT_ID"),
    ("GO:0006508", "peptidolysis", "EXACT"),
)
NAMES = ("Zinc finger", "Zinc-dependent", "ABC transporter", "Serine/threonine", "Putative membrane", "Iron-sulfur")
KINDS = (("Binding site", "Zn(2+)", 1), ("Helix", "", 12), ("Transmembrane", "Helical", 20), ("Active site", "", 1))


def made_up_proteins(rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for i in range(N_PROTEINS):
        length = 420 if i == 7 else int(rng.integers(60, 141))
        sequence = "M" + "".join(rng.choice(list(AMINO_ACIDS), length - 1))
        gene = f"{'abcdefgh'[i % 8]}mp{'ABCDE'[i % 5]}"
        rows.append(
            {
                "accession": f"Q0T{i:02d}1",
                "entry_name": f"{gene.upper()}{i}_MADEUP",
                "protein_name": f"{NAMES[i % len(NAMES)]} protein {i + 1}",
                "gene_names": f"{gene}{i} madeUp{i}",
                "organism": "Fabula ficta" if i % 3 else "Escherichia exempli (strain T1)",
                "cluster": f"Q0T{i - i % 2:02d}1",
                "split": ("train", "test", "train", "valid", "test")[(i // 2) % 5],
                "length": length,
                "sequence": sequence,
            }
        )
    return pd.DataFrame(rows)


def _closure(go_id: str) -> set[str]:
    return {go_id}.union(*(_closure(parent) for parent in TERMS[go_id][2]))


def protein_go_table(rng: np.random.Generator, proteins: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for number, accession in enumerate(proteins["accession"]):
        direct = {LEAVES[number % len(LEAVES)], *rng.choice(LEAVES, 2)}
        for go_id in sorted(set.union(*(_closure(go_id) for go_id in direct)) - ROOTS):
            evidence = ("EXP" if number % 2 else "IEA") if go_id in direct else ""
            rows.append((go_id, accession, go_id in direct, evidence))
    return pd.DataFrame(rows, columns=["go_id", "accession", "is_direct", "evidence"])


def split_counts(proteins: pd.DataFrame, protein_go: pd.DataFrame) -> dict[str, dict[str, int]]:
    """go_id -> split -> annotated proteins."""
    split_of = dict(zip(proteins["accession"], proteins["split"], strict=True))
    counts: dict[str, dict[str, int]] = {}
    for go_id, accession in zip(protein_go["go_id"], protein_go["accession"], strict=True):
        found = counts.setdefault(go_id, dict.fromkeys(("train", "valid", "test"), 0))
        found[split_of[accession]] += 1
    return counts


def go_term_table(proteins: pd.DataFrame, protein_go: pd.DataFrame) -> pd.DataFrame:
    counts = split_counts(proteins, protein_go)
    rows = []
    names = TERMS | {
        UNUSED: ("high-affinity zinc transmembrane transporter activity", "MFO", ()),
        "GO:0000005": ("obsolete ribosomal chaperone activity", "MFO", ()),
    }
    for go_id, (name, namespace, _) in names.items():
        n = counts.get(go_id, {})
        total = sum(n.values())
        rows.append(
            {
                "go_id": go_id,
                "name": name,
                "namespace": namespace,
                "is_obsolete": name.startswith("obsolete"),
                "information_content": -math.log2(total / N_PROTEINS) if total else None,
                **{f"n_{split}": n.get(split, 0) for split in ("train", "valid", "test")},
                "n_shipped": total,
            }
        )
    return pd.DataFrame(rows)


def edge_table() -> pd.DataFrame:
    rows = [(c, p, "part_of" if (c, p) in PART_OF else "is_a") for c, (_, _, ps) in TERMS.items() for p in ps]
    rows.append((UNUSED, "GO:0003674", "is_a"))
    return pd.DataFrame(rows, columns=["child", "parent", "relation"])


def annotation_table(rng: np.random.Generator, proteins: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for accession, length in zip(proteins["accession"], proteins["length"], strict=True):
        for kind, label, span in KINDS[: int(rng.integers(1, len(KINDS) + 1))]:
            starts = rng.integers(0, length - span, 2)
            rows += [(accession, kind, label, start, start + span - 1, "uniprot") for start in starts]
        start = int(rng.integers(0, length - 2))
        rows.append((accession, "Metal contact", "", start, start + 1, "structure"))
    return pd.DataFrame(rows, columns=["accession", "kind", "label", "start_pos", "end_pos", "source"])


def structure_table(proteins: pd.DataFrame) -> pd.DataFrame:
    """A made-up helix for every fourth protein: its first two residues and a stretch in the middle are unresolved."""
    rows = []
    for number in range(0, N_PROTEINS, 4):
        protein = proteins.iloc[number]
        length = int(protein["length"])
        is_full = number % 8 == 0
        modelled = np.array([i for i in range(2, length) if not length // 3 <= i < length // 3 + 5])
        rows.append(
            {
                "accession": protein["accession"],
                "pdb_id": f"9T{number:02d}",
                "chain": "A",
                "atoms": "full" if is_full else "ca",
                "resolution": 1.9 if number else None,
                "identity": 1.0,
                "coverage": len(modelled) / length,
                "positions": modelled.astype(np.int32),
                "author_numbers": [str(i + 101) for i in modelled],
                "pdb": gzip.compress(_helix(protein["sequence"], modelled, is_full=is_full).encode(), mtime=0),
            }
        )
    return pd.DataFrame(rows)


def _helix(sequence: str, modelled: np.ndarray, *, is_full: bool) -> str:
    """PDB text of an ideal alpha helix: radius and rise (angstrom) and angle (degrees) of each backbone atom."""
    atoms = {"N": (1.55, -28.0, -0.9), "CA": (2.3, 0.0, 0.0), "C": (1.65, 26.0, 1.1), "O": (2.0, 22.0, 2.3)}
    lines = []
    for number, index in enumerate(modelled, start=1):
        for atom, (radius, angle, rise) in atoms.items():
            if not is_full and atom != "CA":
                continue
            turn = math.radians(angle + 100.0 * index)
            x, y, z = radius * math.cos(turn), radius * math.sin(turn), rise + 1.5 * index
            place = f"{THREE_LETTERS[sequence[index]]} A{number:4d}"
            lines.append(f"ATOM  {len(lines) + 1:5d}  {atom:<3s} {place}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00 20.00")
            lines[-1] += f"          {atom[0]:>2s}"
    lines.append("TER")
    lines.append(f"HETATM{len(lines) + 1:5d} ZN    ZN B   1       4.000   0.000  30.000  1.00 20.00          ZN")
    return "\n".join([*lines, "END", ""])
