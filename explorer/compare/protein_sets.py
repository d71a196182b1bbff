"""Two sets of proteins as a reader gives them: a list, FASTA, a GO term, an organism, or all others.

    list:P00330, adh1      accessions, entry, gene or protein names of stored proteins; or FASTA, which the address
                           cannot hold
    go:GO:0008270          shipped proteins that carry the term
    org:Saccharomyces ...  shipped proteins of the organism
    rest                   shipped proteins that are not in the other set

Relatives say the same thing several times: of each homology cluster a set keeps one protein, drawn with a seed, and at
most `MOST` in all. Read `asked`, then `pair`.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from explorer.draw import words
from explorer.protein import reading, subject
from explorer.services import data
from explorer.services.cached import cached_by_bundle
from protsae.errors import InputError
from protsae.sequences import parse_fasta_text
from protsae.store.rows import TermRow

MOST = 150
"""Proteins of a set that are run."""
LEAST = 5
"""Families of a set; fewer tell nothing apart."""
MOST_PASTED = 1000
_SEED = 0
_SEPARATORS = re.compile(r"[\n,;\t]+")
_QUOTED = 40


class Member(NamedTuple):
    """One protein of a set."""

    name: str
    """Its accession, or what the FASTA calls it."""
    cluster: str
    sequence: str = ""
    """Of a pasted one; '' for a stored one."""


class Gathered(NamedTuple):
    """A set before relatives are left out."""

    title: str
    members: tuple[Member, ...]
    term: TermRow | None = None
    """The GO term that made it."""


class Drawn(NamedTuple):
    """A set as it is run: one protein a family."""

    title: str
    members: tuple[Member, ...]
    n_given: int
    n_families: int


class Pair(NamedTuple):
    """Both sets, and what was done to them."""

    a: Drawn
    b: Drawn
    notes: tuple[str, ...]
    """One sentence each."""


@cached_by_bundle(2, shared=True)
def stored() -> pd.DataFrame:
    """All shipped proteins, by accession."""
    return data.bundle().reader.protein_table().set_index("accession", drop=False)


@cached_by_bundle(2, shared=True)
def by_name() -> dict[str, list[str]]:
    """Every accession, entry, gene and protein name in lower case -> accessions."""
    found: dict[str, list[str]] = {}
    columns = (stored()[name].tolist() for name in ("accession", "entry_name", "protein_name", "gene_names"))
    for accession, entry, name, genes in zip(*columns, strict=True):
        for called in {accession, entry, name, *genes.split()} - {""}:
            found.setdefault(called.lower(), []).append(accession)
    return found


@cached_by_bundle(2)
def terms() -> dict[str, str]:
    """GO ids of the terms that enough shipped proteins carry -> how a list calls them."""
    return {
        row.go_id: f"{row.name} · {row.go_id} · {row.n_shipped}" for row in data.bundle().reader.frequent_terms(LEAST)
    }


@cached_by_bundle(2)
def organisms() -> dict[str, str]:
    """Organisms of enough shipped proteins -> how a list calls them."""
    return {
        one.name: f"{one.name} · {one.n_proteins}"
        for one in data.corpus().organisms
        if one.name and one.n_proteins >= LEAST
    }


def gathered(what: str, which: str) -> Gathered | None:
    """The proteins that one side of the address means; None for 'rest'.

    Args:
        what: 'go:...', 'org:...', 'list:...' or 'rest'.
        which: 'A' or 'B', for the sentences.

    Raises:
        InputError: it names something that is not here; the sentence quotes it.
    """
    kind, _, value = what.partition(":")
    if kind == "rest" and which == "B":
        return None
    if kind == "go":
        return _of_term(value, which)
    if kind == "org":
        return _of_organism(value, which)
    if kind == "list":
        return _of_list(value, which)
    raise InputError(f"Set {which}: {what[:_QUOTED]!r} is no set; give proteins, a GO term or an organism.")


def _of_term(go_id: str, which: str) -> Gathered:
    term = data.term(go_id)
    if term is None:
        raise InputError(f"Set {which}: {go_id[:_QUOTED]!r} is not a term of this bundle's ontology.")
    members = _members(sorted(data.accessions_with_term(term.go_id)))
    return Gathered(f"proteins with “{term.name}”", members, term)


def _of_organism(name: str, which: str) -> Gathered:
    table = stored()
    accessions = table.loc[table["organism"] == name, "accession"].tolist()
    if not accessions:
        raise InputError(f"Set {which}: no protein of this bundle is of {name[:_QUOTED]!r}.")
    return Gathered(f"proteins of {words.species(name)}", _members(accessions))


def _of_list(text: str, which: str) -> Gathered:
    members = _pasted(text, which) if ">" in text else _named(text, which)
    unique = {member.sequence or member.name: member for member in members}
    return Gathered(f"your {words.count(len(unique), 'protein')}", tuple(unique.values()))


def _named(text: str, which: str) -> list[Member]:
    names = by_name()
    entries = [entry.strip() for entry in _SEPARATORS.split(text) if entry.strip()]
    parts = [part for entry in entries for part in ([entry] if entry.lower() in names else entry.split())]
    if not parts:
        raise InputError(f"Set {which} is empty: give accessions or names, one a line, or FASTA.")
    unknown = [part for part in parts if part.lower() not in names]
    if unknown:
        raise InputError(_unknown(unknown, which))
    several = next((part for part in parts if len(names[part.lower()]) > 1), None)
    if several is not None:
        found = names[several.lower()]
        shown = ", ".join(found[:4]) + (" …" if len(found) > 4 else "")
        raise InputError(
            f"Set {which}: {several!r} is the name of {len(found)} proteins here ({shown}); give the accession of the "
            "one that you mean."
        )
    return list(_members([names[part.lower()][0] for part in parts]))


def _unknown(unknown: Sequence[str], which: str) -> str:
    first = unknown[0][:_QUOTED] + ("…" if len(unknown[0]) > _QUOTED else "")
    more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
    advice = "leave it out, or paste its sequence as FASTA"
    if len(unknown[0]) >= _QUOTED and unknown[0].isalpha():
        advice = "if it is a sequence, put a line that begins with > before it"
    return f"Set {which}: {first!r}{more} is not among the {len(stored()):,} proteins of this bundle; {advice}."


def _pasted(text: str, which: str) -> list[Member]:
    records = parse_fasta_text(text)
    if len(records) > MOST_PASTED:
        raise InputError(f"Set {which} holds {len(records):,} sequences; at most {MOST_PASTED:,} are read.")
    members = []
    for place, (name, letters) in enumerate(records, start=1):
        called = name or f"sequence {place}"
        try:
            clean = reading.pasted(called, letters)
        except InputError as error:
            raise InputError(f"Set {which}, {called[:_QUOTED]!r}: {error}") from error
        members.append(Member(called, family_of(clean.sequence), clean.sequence))
    return members


@cached_by_bundle(2000)
def family_of(sequence: str) -> str:
    """The cluster of the stored protein that a sequence is, or nearly is; else one of its own."""
    found = subject.sequence_index().find(sequence, limit=1)
    if found and found[0].is_near:
        return str(stored().loc[found[0].accession, "cluster"])
    return hashlib.sha256(sequence.encode()).hexdigest()[:16]


def _members(accessions: Sequence[str]) -> tuple[Member, ...]:
    clusters = stored()["cluster"]
    return tuple(Member(accession, str(clusters[accession])) for accession in accessions)


@cached_by_bundle(16)
def pair(a: str, b: str) -> Pair:
    """Both sets, one protein a family, as the address gives them.

    Args:
        a: of set A, as `gathered` reads it.
        b: of set B.

    Raises:
        InputError: a set cannot be read, or holds too few families.
    """
    first, second = gathered(a, "A"), gathered(b, "B")
    assert first is not None, a
    notes: list[str] = []
    if second is None:
        second = rest(first)
        notes.append("Set B holds no relative of set A.")
        if first.term is not None:
            notes.append(
                f"Of proteins without any annotation of {words.NAMESPACES[first.term.namespace]} nothing is known, so "
                "they are left out of set B."
            )
    first, second, n_both = apart(first, second)
    if n_both:
        notes.append(f"{words.count(n_both, 'protein')} in both sets, left out of both.")
    drawn = [one_a_family(one, number) for number, one in enumerate((first, second))]
    for one, which in zip(drawn, "AB", strict=True):
        if one.n_families < LEAST:
            families = "1 homology family" if one.n_families == 1 else f"{one.n_families} homology families"
            raise InputError(
                f"Set {which} ({one.title}) holds {families}; at least {LEAST} are needed to tell anything apart."
            )
    both = {member.cluster for member in drawn[0].members} & {member.cluster for member in drawn[1].members}
    if both:
        notes.append(f"{len(both):,} homology families have a member in each set.")
    return Pair(drawn[0], drawn[1], tuple(notes))


def rest(other: Gathered) -> Gathered:
    """Shipped proteins that are no relatives of the other set; where a term made it, annotated ones only."""
    table, taken = stored(), {member.cluster for member in other.members}
    keep = ~table["cluster"].isin(taken).to_numpy()
    if other.term is not None:
        keep &= table["accession"].isin(data.bundle().reader.annotated(other.term.namespace)).to_numpy()
    return Gathered("all others", _members(table.loc[keep, "accession"].tolist()))


def apart(a: Gathered, b: Gathered) -> tuple[Gathered, Gathered, int]:
    """Both sets without what stands in both, and how many those are."""
    names = [{member.sequence or member.name for member in one.members} for one in (a, b)]
    both = names[0] & names[1]
    kept = [one._replace(members=tuple(m for m in one.members if (m.sequence or m.name) not in both)) for one in (a, b)]
    return kept[0], kept[1], len(both)


def one_a_family(given: Gathered, number: int) -> Drawn:
    """One protein of each family, and at most `MOST` families, drawn with a seed."""
    rng = np.random.default_rng([_SEED, number])
    shuffled = [given.members[place] for place in rng.permutation(len(given.members)).tolist()]
    by_family = {member.cluster: member for member in reversed(shuffled)}
    families = [by_family[cluster] for cluster in sorted(by_family)]
    places = sorted(rng.permutation(len(families))[:MOST].tolist())
    return Drawn(given.title, tuple(families[place] for place in places), len(given.members), len(families))


def sequences(drawn: Drawn) -> tuple[str, ...]:
    """Of the members, in their order."""
    names = [member.name for member in drawn.members if not member.sequence]
    found = {row.accession: row.sequence for row in data.bundle().reader.proteins(names)}
    return tuple(member.sequence or found[member.name] for member in drawn.members)
