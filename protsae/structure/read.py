"""Experimental and predicted structures: PDB or mmCIF in, one chain on one sequence out.

Of a chain every residue with a C-alpha atom counts as modelled (`chains.py`); its place in the sequence comes from an
alignment (`align.py`), never from the file's own numbers, which follow other conventions. What is kept is written anew
as small PDB text (`write.py`), with a remark where it is a prediction (`origin.py`).

Read `read_uploaded_structure`, then `place`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import gemmi
import numpy as np

from protsae.errors import InputError
from protsae.structure.align import ResidueMap, align_residues
from protsae.structure.chains import Chain, parse_structure, protein_chains
from protsae.structure.origin import origin_of, pdb_id
from protsae.structure.write import pdb_text

MIN_IDENTITY = 0.3
"""Below this share of equal letters a chain is taken for another protein's."""

MAX_CHANCE = 1e-5
"""Above this expected number of equally good chance matches a chain is taken for another protein's."""

MIN_OWN_IDENTITY = 0.9
"""Below this share of equal letters a file's full sequence is not that of its chain."""

BACKBONE = ("N", "CA", "C", "O")


class PlacedStructure(NamedTuple):
    """A chain on a sequence. Like the store's `structure`, with the sequence that it was placed on."""

    pdb_id: str
    chain: str
    atoms: str
    """full (backbone) | ca"""
    resolution: float | None
    """Angstrom; None where the method has none."""
    identity: float
    coverage: float
    positions: np.ndarray
    """Position of the 1st, 2nd, ... modelled residue, from 1; 0 = not in the sequence."""
    author_numbers: tuple[str, ...]
    pdb: str
    sequence: str
    notes: tuple[str, ...] = ()
    """What a reader should know of the sequence, one sentence each."""
    n_models: int = 1
    """Models of the file; the first one is read."""


def chain_lengths(data: bytes, filename: str) -> list[tuple[str, int]]:
    """Name and modelled residues of each protein chain of a file's first model, in the file's order.

    Raises:
        InputError: the file is too large, no structure, or without a protein chain.
    """
    chains = protein_chains(parse_structure(data, filename), filename)
    return [(chain.name, len(chain.residues)) for chain in chains]


def read_uploaded_structure(
    data: bytes, filename: str, sequence: str | None = None, chain_name: str = ""
) -> PlacedStructure:
    """A user's structure file, its best-fitting chain placed on the sequence.

    Args:
        data: content of a PDB or mmCIF file, gzipped or not.
        filename: quoted in errors; stands in where the file names no PDB id.
        sequence: one-letter code; None takes the longest chain's own, the whole molecule's where the file gives it.
        chain_name: the chain to take; '' for the one that fits best.

    Raises:
        InputError: the file is too large, no structure, without a protein chain, or another protein's.
    """
    structure = parse_structure(data, filename)
    chains = protein_chains(structure, filename)
    named = [chain for chain in chains if chain.name == chain_name]
    if chain_name and not named:
        raise InputError(
            f"{filename!r} has no protein chain {chain_name!r}; it has {', '.join(chain.name for chain in chains[:20])}"
        )
    chains = named or chains
    if sequence is not None:
        return place(structure, chains, sequence, filename)
    chain = max(chains, key=lambda one: len(one.letters))
    own, others = _own_sequence(chain), _others(chain, chains)
    if own is not None:
        return _placed(structure, filename, chain, own, chain.full)._replace(notes=others)
    everything = ResidueMap(np.arange(len(chain.letters)), 1.0, 1.0, 0.0)
    return _placed(structure, filename, chain, everything, chain.letters)._replace(notes=others + _missing(chain))


def place(
    structure: gemmi.Structure, chains: Sequence[Chain], sequence: str, filename: str, *, known_id: str = ""
) -> PlacedStructure:
    """Choose the chain that fits the sequence best and place it there.

    Args:
        structure: the file.
        chains: of it, those to choose from.
        sequence: one-letter code.
        filename: quoted in errors; stands in where the file names no PDB id.
        known_id: what the structure is called elsewhere; '' takes it from the file.

    Raises:
        InputError: no chain is of this protein.
    """
    maps: dict[tuple[str, bytes], ResidueMap] = {}
    for chain in chains:
        if _key(chain) not in maps:
            maps[_key(chain)] = align_residues(chain.letters, sequence, chain.is_broken)
    best = max(chains, key=lambda chain: maps[_key(chain)].identity * maps[_key(chain)].n_aligned)
    found = maps[_key(best)]
    if found.identity < MIN_IDENTITY or found.chance > MAX_CHANCE:
        raise InputError(
            f"{filename!r} is another protein's structure: chain {best.name} is {100 * found.identity:.0f} % identical "
            f"over {found.n_aligned} aligned residues; give a structure of this sequence"
        )
    return _placed(structure, filename, best, found, sequence, known_id=known_id)


def _own_sequence(chain: Chain) -> ResidueMap | None:
    """The chain on the full sequence that its file gives; None where there is none, or it is another's."""
    if not chain.full:
        return None
    if chain.full == chain.letters:
        return ResidueMap(np.arange(len(chain.letters)), 1.0, 1.0, 0.0)
    found = align_residues(chain.letters, chain.full, chain.is_broken)
    return found if found.identity >= MIN_OWN_IDENTITY and (found.positions >= 0).mean() >= MIN_OWN_IDENTITY else None


def _others(chain: Chain, chains: Sequence[Chain]) -> tuple[str, ...]:
    """That the file holds other proteins, too."""
    letters = {one.letters: one.name for one in chains if one.letters != chain.letters}
    if not letters:
        return ()
    names = ", ".join(list(letters.values())[:8]) + (", ..." if len(letters) > 8 else "")
    text = f"The file holds other protein chains, too ({names}); the longest, {chain.name}, is read. "
    return (text + "Paste another's sequence to see that one.",)


def _missing(chain: Chain) -> tuple[str, ...]:
    """Where the file leaves residues out and does not say which."""
    numbers = [residue.seqid.num or 0 for residue in chain.residues]
    gaps = [k for k in np.flatnonzero(chain.is_broken).tolist() if numbers[k + 1] > numbers[k] + 1]
    if not gaps:
        return ()
    where = ", ".join(f"{numbers[k] + 1} to {numbers[k + 1] - 1}" for k in gaps[:3]) + (
        ", ..." if len(gaps) > 3 else ""
    )
    text = f"The file leaves out residues {where} and gives no full sequence (SEQRES), so the model reads what is left "
    return (text + "side by side; paste the full sequence to mend that.",)


def _key(chain: Chain) -> tuple[str, bytes]:
    """Equal for chains that lie alike on every sequence; large assemblies repeat theirs dozens of times."""
    return chain.letters, chain.is_broken.tobytes()


def _placed(
    structure: gemmi.Structure, filename: str, chain: Chain, found: ResidueMap, sequence: str, *, known_id: str = ""
) -> PlacedStructure:
    has_backbone = sum(residue.find_atom("N", "*") is not None for residue in chain.residues)
    atoms = BACKBONE if 2 * has_backbone >= len(chain.residues) else ("CA",)
    origin = origin_of(structure, filename, chain.residues, known_id)
    confidence = None if origin.plddt is None else origin.plddt.tolist()
    return PlacedStructure(
        pdb_id=known_id or pdb_id(structure, filename),
        chain=chain.name,
        atoms="full" if len(atoms) > 1 else "ca",
        resolution=round(structure.resolution, 3) if structure.resolution > 0 else None,
        identity=found.identity,
        coverage=found.coverage,
        positions=found.positions + 1,
        author_numbers=chain.author_numbers,
        pdb=origin.remark() + pdb_text(chain.residues, chain.ligands, atoms, confidence),
        sequence=sequence,
        n_models=len(structure),
    )
