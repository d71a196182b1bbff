"""Structure text as the viewer wants it: turned to its widest face, gaps left open, a ribbon even for C-alpha traces.

A stored structure counts its modelled residues 1, 2, 3, ... so that residue i of the file is `positions[i - 1]` of the
protein. Drawn as it is, a ribbon would run across every stretch that was not resolved; here the number after a gap
jumps by one more, which keeps the order and breaks the ribbon. A C-alpha trace carries neither the atoms nor the
hydrogen bonds from which a viewer finds helices and strands: both are estimated from the trace, for drawing only.

Read `drawable`, then `secondary_structure`.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import gemmi
import numpy as np
from jaxtyping import Bool, Float

from protsae.structure.write import written

CHAIN_BREAK = 4.5
"""Angstrom between consecutive C-alphas from which on they are not bonded (3.8 in a trans, 2.9 in a cis peptide)."""

LAST_NUMBER = 9_999
"""Highest residue number that the viewer reads from PDB text."""

_WINDOW = 5
_MIN_HELIX, _MIN_STRAND = 5, 3


class Drawable(NamedTuple):
    """A structure ready for the viewer. Residue i of chain A, in order of appearance, is modelled residue i."""

    text: str
    n_residues: int
    is_trace: bool
    """Only C-alphas are known, so helices and strands are an estimate."""


@lru_cache(maxsize=64)
def drawable(pdb: str) -> Drawable:
    """Prepare PDB text (chain A is the protein, other chains are ligands) for drawing.

    Args:
        pdb: ATOM and HETATM records, residues of chain A in order.

    Returns:
        Text in which chain A is centred, turned so that its widest extents lie in the plane of the screen, and broken
        where it has gaps. Text without a C-alpha comes back as it is.
    """
    protein, others = _chains(pdb)
    residues = list(protein)
    trace = _trace(residues)
    if not len(trace):
        return Drawable(pdb, len(residues), is_trace=False)
    centre, rotation = widest_face(trace)
    numbers = _numbers_with_gaps(trace)
    is_trace = all(len(residue) == 1 for residue in residues)
    records = _structure_records(secondary_structure(trace), numbers) if is_trace else []
    ends = _carbonyl_ends(trace) if is_trace else None
    for index, residue in enumerate(residues):
        residue.seqid = gemmi.SeqId(numbers[index], " ")
        residue.het_flag = "A"  # a modified residue belongs to the chain
        if ends is not None:
            residue.add_atom(_oxygen(ends[index]))
        for atom in residue:
            place = np.array(atom.pos.tolist())
            place = place if np.isfinite(place).all() else trace[index]
            atom.pos = gemmi.Position(*((place - centre) @ rotation.T))
    for chain in others:
        for residue in chain:
            residue.het_flag = "H"
            for atom in residue:
                atom.pos = gemmi.Position(*((np.nan_to_num(atom.pos.tolist()) - centre) @ rotation.T))
    text = written([protein, *others], end=False)  # 3Dmol forgets HELIX and SHEET at an END record
    return Drawable("\n".join([*records, text.rstrip("\n")]), len(residues), is_trace)


def secondary_structure(trace: Float[np.ndarray, "n_residues 3"]) -> str:
    """Estimate helix (h), strand (e) or neither (c) of every residue from C-alphas alone.

    Source:
        P-SEA (Labesse et al. 1997, CABIOS 13:291): distances and angles of consecutive C-alphas, without its
        contact rule for short strands.
    """
    n = len(trace)
    helix, strand = np.zeros(n, bool), np.zeros(n, bool)
    if n > _WINDOW - 1:
        helix[1:-3], strand[1:-3] = _locally(np.lib.stride_tricks.sliding_window_view(trace, _WINDOW, 0).swapaxes(1, 2))
    codes = np.full(n, "c")
    for mask, code, shortest, tail in ((strand, "e", _MIN_STRAND, 1), (helix, "h", _MIN_HELIX - 2, 2)):
        for first, last in _runs(mask):
            if last - first + 1 >= shortest:
                codes[first : min(last + tail, n - 1) + 1] = code
    return "".join(codes)


def _locally(
    windows: Float[np.ndarray, "n 5 3"],
) -> tuple[Bool[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Whether the second of five consecutive C-alphas lies as in a helix, and as in a strand; neither across a gap."""
    steps = np.linalg.norm(np.diff(windows, axis=1), axis=2)
    whole = (steps <= CHAIN_BREAK).all(axis=1)
    d2, d3, d4 = (np.linalg.norm(windows[:, k] - windows[:, 0], axis=1) for k in (2, 3, 4))
    angle, dihedral = _angles(windows[:, :3]), _dihedrals(windows[:, :4])
    near = (np.abs(d3 - 5.3) < 0.6) & (np.abs(d4 - 6.4) < 0.7)
    helix = near | ((np.abs(angle - 89) < 12) & (np.abs(dihedral - 50) < 20))
    off_trans = np.abs((dihedral + 170 + 180) % 360 - 180)
    extended = (np.abs(d2 - 6.7) < 0.6) & (np.abs(d3 - 9.9) < 0.9) & (np.abs(d4 - 12.4) < 1.1)
    strand = ~helix & (extended | ((np.abs(angle - 124) < 14) & (off_trans < 45)))
    return helix & whole, strand & whole


def alpha_trace(pdb: str) -> Float[np.ndarray, "n_residues 3"]:
    """C-alphas of chain A in order; where one has no coordinates, those of the residue before or after it."""
    return _trace(list(_chains(pdb)[0]))


def _chains(pdb: str) -> tuple[gemmi.Chain, list[gemmi.Chain]]:
    """The protein and what else there is."""
    structure = gemmi.read_pdb_string(pdb)
    chains = [chain.clone() for chain in structure[0]] if len(structure) else []
    protein = [chain for chain in chains if chain.name == "A"]
    return (protein[0] if protein else gemmi.Chain("A")), [chain for chain in chains if chain.name != "A"]


def _trace(residues: Sequence[gemmi.Residue]) -> Float[np.ndarray, "n_residues 3"]:
    """C-alphas; a residue that has none, or none with coordinates, stands where the nearest one that has stands."""
    carbons = [residue.find_atom("CA", "*") for residue in residues]
    places = np.array([[np.nan] * 3 if atom is None else atom.pos.tolist() for atom in carbons]).reshape(-1, 3)
    known = np.flatnonzero(np.isfinite(places).all(axis=1))
    if not len(known):
        return np.zeros((0, 3))
    nearest = np.rint(np.interp(np.arange(len(places)), known, np.arange(len(known)))).astype(np.intp)
    return places[known[nearest]]


def _oxygen(place: Float[np.ndarray, "3"]) -> gemmi.Atom:
    oxygen = gemmi.Atom()
    oxygen.name, oxygen.element, oxygen.pos = "O", gemmi.Element("O"), gemmi.Position(*place)
    return oxygen


def _numbers_with_gaps(trace: Float[np.ndarray, "n_residues 3"]) -> list[int]:
    """Numbers that jump at gaps; where they would run out, at the widest gaps only."""
    steps = np.linalg.norm(np.diff(trace, axis=0), axis=1)
    gaps = np.flatnonzero(steps > CHAIN_BREAK)
    spare = max(0, LAST_NUMBER - len(trace))
    jumps = np.zeros(len(trace), dtype=np.int64)
    jumps[gaps[np.argsort(-steps[gaps], kind="stable")][:spare] + 1] = 1
    return (1 + np.arange(len(trace)) + np.cumsum(jumps)).tolist()


def widest_face(
    trace: Float[np.ndarray, "n_residues 3"],
) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3 3"]]:
    """Centre and proper rotation that put the largest extents along x and y."""
    centre = trace.mean(axis=0)
    _, _, axes = np.linalg.svd(trace - centre, full_matrices=len(trace) < 3)
    if np.linalg.det(axes) < 0:  # a reflection would turn the protein into its mirror image
        axes[2] *= -1
    return centre, axes


def _carbonyl_ends(trace: Float[np.ndarray, "n_residues 3"]) -> Float[np.ndarray, "n_residues 3"]:
    """Where the carbonyl oxygens would point: across the bend of three C-alphas, along helices, sideways in strands."""
    padded = np.vstack([2 * trace[0] - trace[min(1, len(trace) - 1)], trace, trace[-1:] + 1.0])
    before, after = np.diff(padded, axis=0)[:-1], np.diff(padded, axis=0)[1:]
    across = np.cross(before, after)
    length = np.linalg.norm(across, axis=1, keepdims=True)
    across = np.where(length > 1e-6, across / np.maximum(length, 1e-6), np.array([0.0, 0.0, 1.0]))
    if len(trace) > 2:
        across[0], across[-1] = across[1], across[-2]
    return trace + 2.0 * across


def _structure_records(codes: str, numbers: list[int]) -> list[str]:
    records = []
    for code, shortest in (("h", _MIN_HELIX), ("e", _MIN_STRAND)):
        mask = np.array([letter == code for letter in codes])
        for first, last in _runs(mask):
            if last - first + 1 < shortest:
                continue
            a, b = numbers[first], numbers[last]
            if code == "h":
                records.append(f"HELIX    1   1 ALA A {a:>4d}  ALA A {b:>4d}  1")
            else:
                records.append(f"SHEET    1   A 1 ALA A{a:>4d}  ALA A{b:>4d}  0")
    return records


def _runs(mask: np.ndarray) -> Iterator[tuple[int, int]]:
    """First and last index of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    yield from zip(edges[::2].tolist(), (edges[1::2] - 1).tolist(), strict=True)


def _angles(points: Float[np.ndarray, "n 3 3"]) -> Float[np.ndarray, " n"]:
    """Of three points each, at the middle one, in degrees."""
    a, b = points[:, 0] - points[:, 1], points[:, 2] - points[:, 1]
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.degrees(np.arccos(np.clip((a * b).sum(axis=1) / np.maximum(lengths, 1e-9), -1, 1)))


def _dihedrals(points: Float[np.ndarray, "n 4 3"]) -> Float[np.ndarray, " n"]:
    """Of four points each, in degrees."""
    a, b, c = np.diff(points, axis=1).swapaxes(0, 1)
    n1, n2 = np.cross(a, b), np.cross(b, c)
    along = (np.cross(n1, n2) * b).sum(axis=1) / np.maximum(np.linalg.norm(b, axis=1), 1e-9)
    return np.degrees(np.arctan2(along, (n1 * n2).sum(axis=1)))
