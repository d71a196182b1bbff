"""What a search text finds, section by section; how much of each is shown stands in the address.

Nothing stands in for what is not there: proteins that are merely near are under a title of their own, after a sentence
that says what this bundle lacks. Read `show`.
"""

from collections.abc import Sequence
from typing import TypeVar

import streamlit as st

from explorer.draw import corpus, markup, outward, words
from explorer.find import around, listing, organism, unguided
from explorer.protein import plausible, reading
from explorer.services import data, proteins, searching
from explorer.shell import cards, frame, links
from protsae.errors import InputError
from protsae.store.rows import AnnotationHit, ProteinHit, TermHit

T = TypeVar("T")

SHOWN = {"terms": 4, "proteins": 8, "sites": 8, "features": 8, "unused": 4}
"""Rows of each section before the reader asks for more; its name is a query parameter."""
MORE = 24
MOST_REPEATED = 80
SAME = 0.97
"""Score from which on a term is called what was typed."""
OFFLINE = "The explorer is offline and cannot fetch a protein: paste its sequence or FASTA here."
LEAST_WORD, MOST_WORDS = 4, 6
"""Letters of a word that is looked for alone where the whole text finds nothing, and how many are."""


def shortened(query: str) -> str:
    """What the page repeats of a search text."""
    return query if len(query) <= MOST_REPEATED else query[:MOST_REPEATED].rstrip() + " …"


def title(query: str) -> tuple[str, str]:
    """Headline and lead of the results."""
    if plausible.sequence_in(query) is not None:
        return "A protein sequence", "What was typed is no name, so it is not searched for."
    return f"Results for “{shortened(query)}”", "Terms, proteins, sites and features that match, best first."


def show(query: str) -> None:
    """Everything that matches, by kind: what proteins carry first, terms that none carries last."""
    letters = plausible.sequence_in(query)
    if letters is not None:
        read_it(letters)
        return
    go_id = links.go_id_in(query)
    if go_id and data.term(go_id) is None:
        frame.problem(f"{go_id} is not in this bundle's ontology.", "Check the digits, or search for the term by name.")
        return
    found = searching.search(query)
    numbered = [row for ref in links.feature_in(query, data.saes()) if (row := data.feature(ref)) is not None]
    features = [*numbered, *found.features]
    counts = (
        ("Terms", found.terms),
        ("Proteins", found.proteins),
        ("Annotations", found.annotations),
        ("Features", features),
    )
    missing = absent_protein(query, found)
    if not any(rows for _, rows in counts):
        nothing(query, missing)
        return
    st.caption(" · ".join(f"{name} {len(rows):,}" for name, rows in counts))
    if missing:
        frame.say(missing)
    organism.show(query)
    if numbered:
        cards.feature_rows(numbered)
    used = [hit for hit in found.terms if hit.n_test + hit.n_shipped > 0]
    if used:
        terms(used)
    sites(found.annotations)
    of_proteins(found.proteins)
    if found.features:
        st.header("Features by label", anchor=False)
        cards.feature_rows(some("features", found.features))
        more("features", len(found.features))
    listing.show(query, found)
    alone = not (used or found.annotations or found.proteins or features)
    unused([hit for hit in found.terms if hit.n_test + hit.n_shipped == 0], alone=alone)


def read_it(text: str) -> None:
    """The text is a sequence: the way to the page that reads one, and to its own page where it is stored."""
    try:
        found = [reading.pasted(*record) for record in reading.records(text)]
    except InputError as error:
        frame.problem(str(error), "Correct it, or paste it on the Sequence page.")
        return
    first = found[0]
    who = f" “{first.name}”" if first.name else ""
    what = f"This is a protein sequence{who} of {words.count(len(first.sequence), 'residue')}, not a name."
    if len(found) > 1:
        n = len(first.sequence)
        what = f"These are {len(found)} protein sequences, not a name; the first{who} has {n:,} residues."
    st.html(markup.empty(what, "The Sequence page reads it and lists the features that fire."))
    stored = proteins.with_sequence(first.sequence)
    if stored is not None:
        frame.link(
            links.protein(stored.accession),
            f"It is {stored.accession}, {stored.protein_name or stored.entry_name}: open its own page",
            icon=":material/biotech:",
        )
    if st.button("Read it as a sequence", type="primary", icon=":material/visibility:"):
        short = first.sequence if len(first.sequence) <= reading.LONGEST_IN_ADDRESS else None
        st.session_state["sequence_pasted"], st.session_state["sequence_seen"] = first, (None, short)
        st.session_state["sequence_box"] = text
        if len(found) > 1:
            st.session_state["sequence_records"] = reading.Records(reading.records(text))
            st.session_state["sequence_record"] = 0
        named = {"name": first.name[: reading.LONGEST_NAME]} if first.name and short else {}
        frame.go(links.Link("sequence", {"sequence": short, **named} if short else {}))


def absent_protein(query: str, found: searching.SearchResult) -> str:
    """The sentence for a query that may name one protein and none here is called so; else ''."""
    matches = {hit.match for hit in found.proteins}
    if "exact" in matches or links.go_id_in(query) or links.feature_in(query, data.saes()):
        return ""
    is_function = bool(found.annotations) or any(hit.score >= SAME for hit in found.terms)
    is_unknown = reading.is_identifier(query) or "near" in matches or not (matches or is_function)
    return f"{corpus.not_here(f'“{shortened(query)}”', data.corpus())} {OFFLINE}" if is_unknown else ""


def nothing(query: str, missing: str) -> None:
    """Nothing matches the whole text; perhaps one of its words does."""
    advice = "Try a GO term's name or id, a protein's name or accession, or a kind of site."
    frame.problem(f"Nothing matches “{shortened(query)}”.", missing or advice)
    known = outward.of_protein(query.upper())
    if known:
        st.html(markup.wrap(f"{markup.escape(query.upper())} elsewhere: {outward.html(known)}"))
    parts = [word for word in dict.fromkeys(query.split()) if len(word) >= LEAST_WORD][:MOST_WORDS]
    if len(query.split()) > 1:
        found = [word for word in parts if any(searching.search(word))]
        if found:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption("Words of it that are known:", width="content")
                for word in found:
                    frame.link(links.find(word), word)


def some(section: str, rows: Sequence[T]) -> Sequence[T]:
    """The rows of a section that are shown: the first few, or as many as the address says."""
    return rows[: shown(section)]


def shown(section: str) -> int:
    """How many rows of a section the address asks for."""
    asked = st.query_params.get(section, "")
    return max(SHOWN[section], int(asked)) if asked.isdecimal() and len(asked) < 7 else SHOWN[section]


def more(section: str, n_rows: int) -> None:
    """The way on where a section holds more rows than are shown."""
    now = shown(section)
    if now >= n_rows:
        return

    def write() -> None:
        frame.write_address(**{section: str(now + MORE)})

    left = n_rows - now
    st.button(
        f"Show {min(MORE, left):,} more of {n_rows:,}",
        key=f"more_{section}",
        on_click=write,
        type="tertiary",
        icon=":material/expand_more:",
    )


def terms(hits: list[TermHit]) -> None:
    """Terms that proteins carry: cards, then links."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.header("Gene Ontology terms", anchor=False, width="content")
        rolled = frame.flag(
            "Include narrower terms", "roll", tip="Also list the scored features of every term below the ones found."
        )
    term_cards(hits[: SHOWN["terms"]], rolled=rolled)
    rest = some("terms", hits)[SHOWN["terms"] :]
    if rest:
        term_links(rest)
    more("terms", len(hits))


def term_cards(hits: Sequence[TermHit], *, rolled: bool) -> None:
    """One card a term."""
    for index, hit in enumerate(hits):
        row = data.term(hit.go_id)
        if row is not None:
            cards.term_card(row, hit, roll_up=rolled, first=index == 0)
            around.show(row.go_id, expanded=index == 0)
            unguided.show(row.go_id)


def term_links(hits: Sequence[TermHit]) -> None:
    """One line a term."""
    with st.container(gap="xxsmall"):
        for hit in hits:
            frame.link(links.find(hit.go_id), f"{hit.name} · {hit.go_id} · {words.count(hit.n_shipped, 'protein')}")


def sites(hits: list[AnnotationHit]) -> None:
    """Kinds of annotated sites with the features that find them."""
    if not hits:
        return
    st.header("Kinds of annotated sites", anchor=False)
    for hit in some("sites", hits):
        cards.annotation_row(hit)
    more("sites", len(hits))


def of_proteins(hits: list[ProteinHit]) -> None:
    """Proteins; those that are merely near in spelling, or whose accession begins so, under a title that says it."""
    kinds = (
        ("Proteins", [hit for hit in hits if hit.match in ("exact", "name")]),
        ("Proteins whose accession begins so", [hit for hit in hits if hit.match == "accession"]),
        ("Other proteins, near in spelling", [hit for hit in hits if hit.match == "near"]),
    )
    left = shown("proteins")
    for title, rows in kinds:
        if rows and left > 0:
            st.header(title, anchor=False)
            with st.container(gap="xxsmall"):
                cards.protein_rows(rows[:left])
            left -= len(rows)
    more("proteins", len(hits))


def unused(hits: list[TermHit], *, alone: bool) -> None:
    """Terms that no protein of this bundle carries: cards where they are all there is, else links."""
    if not hits:
        return
    st.header("Terms that no protein here carries", anchor=False)
    in_full = SHOWN["unused"] if alone else 0
    term_cards(hits[:in_full], rolled=False)
    rest = some("unused", hits)[in_full:]
    if rest:
        term_links(rest)
    more("unused", len(hits))
