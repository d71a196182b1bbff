"""What a reader put into the box, understood: a stored protein, a sequence of their own, or a choice between several.

A name comes before a sequence only where a stored protein is called so: 'myoglobin' is all amino-acid letters, too.
Read `understand`.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from explorer.protein.matching import Match
from protsae.errors import InputError
from protsae.sequences import clean_residues, parse_fasta_text
from protsae.store.rows import ProteinHit, ProteinRow

LONGEST_IN_ADDRESS = 1500
"""Residues; browsers and servers carry addresses of two thousand characters safely."""

LONGEST_NAME = 60
_LIKELY_SEQUENCE = 25


class Stored(NamedTuple):
    """The text names a protein of the bundle."""

    accession: str


class Pasted(NamedTuple):
    """The text is a sequence."""

    sequence: str
    name: str
    notes: tuple[str, ...]


class Records(NamedTuple):
    """A FASTA text of several sequences; each is checked when it is chosen."""

    records: list[tuple[str, str]]


class Hits(NamedTuple):
    """Several stored proteins go by this name."""

    text: str
    proteins: list[ProteinHit]


Understood = Stored | Pasted | Records | Hits


def understand(
    text: str, protein: Callable[[str], ProteinRow | None], search: Callable[[str], Sequence[ProteinHit]]
) -> Understood:
    """Decide what `text` is.

    Args:
        text: raw letters, FASTA of one or many, an accession, or the name of a stored protein.
        protein: looks an accession up.
        search: finds stored proteins by name, best first.

    Raises:
        InputError: it is none of these; the sentence says what is wrong.
    """
    bare = text.strip()
    if not bare.startswith(">") and len(bare) <= LONGEST_NAME and "\n" not in bare:
        named = _by_name(bare, protein, search)
        if named is not None:
            return named
    records = parse_fasta_text(text)
    if len(records) > 1:
        return Records(records)
    try:
        return pasted(*records[0])
    except InputError as error:
        if not bare.startswith(">") and _looks_like_name(bare):
            raise InputError(
                f"No protein of this bundle is called {bare!r}, and it is no sequence: paste the sequence itself."
            ) from error
        raise


def pasted(name: str, letters: str) -> Pasted:
    """One record, checked.

    Raises:
        InputError: the letters are no protein sequence.
    """
    clean = clean_residues(letters, name=name)
    return Pasted(clean.sequence, clean.name, clean.notes)


def _by_name(
    text: str, protein: Callable[[str], ProteinRow | None], search: Callable[[str], Sequence[ProteinHit]]
) -> Stored | Hits | None:
    if not text:
        return None
    row = protein(text.upper())
    if row is not None:
        return Stored(row.accession)
    if " " not in text and len(text) >= _LIKELY_SEQUENCE:
        return None
    hits = list(search(text))
    wanted = text.lower()
    exact = [h for h in hits if wanted in (h.entry_name.lower(), h.protein_name.lower(), *h.gene_names.lower().split())]
    if len(exact) == 1:
        return Stored(exact[0].accession)
    meant = exact or [h for h in hits if all(word in _names(h) for word in wanted.split())]
    if len(meant) == 1:
        return Stored(meant[0].accession)
    return Hits(text, meant) if meant else None


def _names(hit: ProteinHit) -> str:
    return f"{hit.accession} {hit.entry_name} {hit.protein_name} {hit.gene_names} {hit.organism}".lower()


def _looks_like_name(text: str) -> bool:
    """Short, not plain letters, no long run of capitals: 'P0233', 'YAL001C', 'heat shock 70'."""
    plain = text.replace("*", "").replace("-", "").isalpha()
    return len(text) <= LONGEST_NAME and "\n" not in text and not plain and not re.search("[A-Z]{8}", text)


def said_of_match(match: Match | None, name: str) -> str:
    """One clause on the nearest stored protein; `name` is how it is called."""
    if match is None:
        return "no stored protein is like it"
    who = f"{match.accession} ({name})" if name and name != match.accession else match.accession
    if match.is_same:
        return f"the same as {who}"
    alike = f"{100 * match.identity:.0f} % identical to {who}"
    if match.coverage < 0.95:
        alike += f" over {100 * match.coverage:.0f} % of its length"
    return (
        alike if match.is_near else f"not nearly known (the nearest, {who}, is {100 * match.identity:.0f} % identical)"
    )
