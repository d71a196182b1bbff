"""mmCIF with few columns: predictors, simulations and scripts write of `_atom_site` what they need.

Gemmi reads no atom where one of the columns is missing that it counts on. Each has a stand-in: an author's name for the
archive's and the other way round, a number in order, an element by the atom's name.

Read `complete_atoms`.

Source: https://mmcif.wwpdb.org/dictionaries/mmcif_pdbx_v50.dic/Categories/atom_site.html
"""

from collections.abc import Sequence

import gemmi

_CATEGORY = "_atom_site."
_STAND_INS = tuple(
    (f"{kind}_{name}", f"{other}_{name}")
    for name in ("atom_id", "comp_id", "asym_id", "seq_id")
    for kind, other in (("label", "auth"), ("auth", "label"))
    if (kind, name) != ("label", "seq_id")  # a place in the archive's sequence is no author's number
)
_DEFAULTS = {"label_alt_id": ".", "label_asym_id": "A", "occupancy": "1.0", "B_iso_or_equiv": "0.0"}


class _Atoms:
    """A block's table of atoms, to which columns can be added."""

    def __init__(self, block: gemmi.cif.Block, loop: gemmi.cif.Loop) -> None:
        self._block, self._loop = block, loop

    def __contains__(self, name: str) -> bool:
        return _CATEGORY + name in self._loop.tags

    def __len__(self) -> int:
        return self._loop.length()

    def column(self, name: str) -> list[str]:
        """Values as they stand in the file; '.' where there is no such column."""
        return list(self._block.find_loop(_CATEGORY + name)) if name in self else ["."] * len(self)

    def add(self, name: str, values: Sequence[str]) -> None:
        """Add a column unless it is there."""
        if name in self:
            return
        self._loop.add_columns([_CATEGORY + name], ".")
        for row, value in zip(self._block.find([_CATEGORY + name]), values, strict=True):
            row[0] = value


def complete_atoms(block: gemmi.cif.Block) -> None:
    """Add the missing columns to a block's table of atoms; a block without coordinates is left as it is."""
    places = block.find_loop(f"{_CATEGORY}Cartn_x")
    if not places:
        return
    atoms = _Atoms(block, places.get_loop())
    for name, stand_in in _STAND_INS:
        if name not in atoms and stand_in in atoms:
            atoms.add(name, atoms.column(stand_in))
    for name, default in _DEFAULTS.items():
        if name not in atoms:
            atoms.add(name, [default] * len(atoms))
    if "id" not in atoms:
        atoms.add("id", [str(serial) for serial in range(1, len(atoms) + 1)])
    if "type_symbol" not in atoms:
        pairs = zip(atoms.column("label_atom_id"), atoms.column("label_comp_id"), strict=True)
        atoms.add(
            "type_symbol", [_element(gemmi.cif.as_string(atom), gemmi.cif.as_string(name)) for atom, name in pairs]
        )
    if "auth_seq_id" not in atoms:
        atoms.add("auth_seq_id", _counted(atoms.column("label_comp_id"), atoms.column("label_asym_id")))


def _element(atom: str, residue: str) -> str:
    """An ion is named after its element, any other atom begins with it."""
    letters = "".join(letter for letter in atom if letter.isalpha())
    return letters.upper() if letters.upper() == residue.upper() else letters[:1].upper() or "X"


def _counted(names: Sequence[str], chains: Sequence[str]) -> list[str]:
    """Numbers for residues that have none: a new one where the name or the chain changes."""
    numbers: list[str] = []
    number = 0
    for place, pair in enumerate(zip(names, chains, strict=True)):
        number += place == 0 or pair != (names[place - 1], chains[place - 1])
        numbers.append(str(number))
    return numbers
