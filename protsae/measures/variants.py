"""Substitutions as people write them: `H64A`, `His64Ala`, `p.His64Ala`; several in one protein as `H64A/K63R`.

Positions count from 1. A wild-type letter that the sequence does not have there is a mistake worth a sentence: the
numbering is another one, or the protein is. Read `parse_variants`.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from protsae.alphabet import AMINO_ACIDS, RESIDUES
from protsae.errors import InputError
from protsae.sequences import THREE_LETTERS

MOST_VARIANTS = 200
"""In one list."""

_LIST = re.compile(r"[\s,;]+")
_JOINED = re.compile(r"[/+:&]")
_ONE = re.compile(r"(?:p\.)?\(?([A-Za-z]{3}|[A-Za-z])([0-9]{1,7})([A-Za-z]{3}|[A-Za-z])\)?")


class Substitution(NamedTuple):
    """One residue replaced by another."""

    wild: str
    position: int
    """From 1."""
    mutant: str

    @property
    def name(self) -> str:
        """As one writes it: H64A."""
        return f"{self.wild}{self.position}{self.mutant}"


class Variant(NamedTuple):
    """One or more substitutions in the same protein."""

    substitutions: tuple[Substitution, ...]

    @property
    def name(self) -> str:
        """Its substitutions, first to last, joined by '/'."""
        return "/".join(one.name for one in self.substitutions)

    @property
    def positions(self) -> list[int]:
        """Of its substitutions, from 1."""
        return [one.position for one in self.substitutions]

    def of(self, sequence: str) -> str:
        """The sequence with the substitutions made."""
        letters = list(sequence)
        for one in self.substitutions:
            letters[one.position - 1] = one.mutant
        return "".join(letters)


def parse_variants(text: str, sequence: str, *, most: int = MOST_VARIANTS) -> list[Variant]:
    """The variants of a list, in its order, each once.

    Args:
        text: variants apart by blanks, line ends, commas or semicolons; substitutions of one variant joined by '/',
            '+', ':' or '&'.
        sequence: of the wild type, upper-case one-letter code.
        most: so many at most.

    Raises:
        InputError: a variant cannot be read, does not fit the sequence, changes nothing, or there are too many; the
            sentence quotes it.
    """
    written = [part for part in _LIST.split(text.strip()) if part]
    if len(written) > most:
        raise InputError(f"The list has {len(written):,} variants, more than the limit of {most:,}: give a part of it.")
    found = {variant.name: variant for variant in (_variant(part, sequence) for part in written)}
    return list(found.values())


def _variant(text: str, sequence: str) -> Variant:
    parts = _JOINED.split(text)
    ones = sorted((_substitution(part, text, sequence) for part in parts), key=lambda one: one.position)
    positions = [one.position for one in ones]
    twice = next((position for position in positions if positions.count(position) > 1), None)
    if twice is not None:
        raise InputError(f"“{_quoted(text)}” changes residue {twice} twice: write each position once.")
    return Variant(tuple(ones))


def _substitution(part: str, text: str, sequence: str) -> Substitution:
    match = _ONE.fullmatch(part)
    wild, mutant = (_letter(match[1]), _letter(match[3])) if match else ("", "")
    if match is None or not wild or not mutant:
        raise InputError(
            f"“{_quoted(text)}” is no substitution: write the residue, its position and the new residue, such as "
            f"{_example(sequence)}."
        )
    position = int(match[2])
    if not 1 <= position <= len(sequence):
        raise InputError(
            f"“{_quoted(text)}” names residue {position:,}, but this protein has residues 1 to {len(sequence):,}."
        )
    if sequence[position - 1] != wild:
        raise InputError(
            f"“{_quoted(text)}” expects {wild} at position {position}, but this sequence has "
            f"{sequence[position - 1]} there{_shift(wild, position, sequence)}: correct the letter or the number."
        )
    if wild == mutant:
        raise InputError(f"“{_quoted(text)}” changes nothing: give another residue than {wild}.")
    if mutant not in AMINO_ACIDS:
        raise InputError(f"“{_quoted(text)}” puts in {mutant}, which is none of the twenty amino acids {AMINO_ACIDS}.")
    return Substitution(wild, position, mutant)


def _shift(wild: str, position: int, sequence: str) -> str:
    """What lies next to it, for numbers that are one off."""
    near = [place for place in (position - 1, position + 1) if 1 <= place <= len(sequence)]
    found = [f"{wild}{place}" for place in near if sequence[place - 1] == wild]
    return f" ({' and '.join(found)} {'is' if len(found) == 1 else 'are'} next to it)" if found else ""


def _letter(text: str) -> str:
    """One-letter code, '' where it is none."""
    if len(text) == 1:
        return text.upper() if text.upper() in RESIDUES else ""
    return THREE_LETTERS.get(text.upper(), "")


def _example(sequence: Sequence[str]) -> str:
    first = sequence[0]
    return f"{first}1{'A' if first != 'A' else 'G'}"


def _quoted(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"
