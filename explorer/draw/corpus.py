"""What is said of the bundle's proteins and language model: what the corpus holds, and what it cannot hold.

All of it comes from the bundle. Read `described`, then `organism_note`.
"""

import re

from explorer.draw import words
from protsae.plm.spec import PLMSpec
from protsae.store.rows import Corpus

NAMED = 4
"""Organisms that a sentence names."""
LISTED = 8
"""Organisms that a list names."""

_SENTENCE = re.compile(r"(?<=[.!?])\s")


def described(corpus: Corpus) -> str:
    """'the 4,500 proteins of this bundle (Saccharomyces cerevisiae 1,496, ...; 1,811 name no organism)'."""
    return f"the {words.count(corpus.n_shipped, 'protein')} of this bundle ({organisms(corpus)})"


def organisms(corpus: Corpus) -> str:
    """'Saccharomyces cerevisiae 1,496, Escherichia coli 950; 1,811 name no organism'."""
    named = [row for row in corpus.organisms if row.name]
    parts = [f"{words.species(row.name)} {row.n_proteins:,}" for row in named[:NAMED]]
    if len(named) > NAMED:
        parts.append(f"{len(named) - NAMED} more organisms")
    unnamed = _unnamed(corpus)
    rest = f"{unnamed:,} name no organism" if unnamed else ""
    return "; ".join(part for part in (", ".join(parts), rest) if part)


def not_here(name: str, corpus: Corpus) -> str:
    """The sentence where a protein was asked for by a name that none here bears."""
    return f"{name} is not among {described(corpus)}."


def facts(corpus: Corpus) -> list[tuple[str, str, str]]:
    """Rows for `markup.facts`: corpus, what ships, and its organisms."""
    rows = []
    if corpus.n_all:
        tip = (
            f"{corpus.n_train:,} trained the autoencoders, {corpus.n_valid:,} chose features and thresholds, and "
            f"{corpus.n_test:,} of other homology clusters tested them."
        )
        rows.append(("Corpus", words.count(corpus.n_all, "protein"), tip))
    rows.append(("Shipped", words.count(corpus.n_shipped, "protein"), "With activations and examples in this bundle."))
    rows += [
        (words.species(row.name) or "no organism named", f"{row.n_proteins:,}", "Shipped proteins of it.")
        for row in corpus.organisms[:LISTED]
    ]
    rest = corpus.organisms[LISTED:]
    if rest:
        n_proteins = sum(row.n_proteins for row in rest)
        rows.append((f"{len(rest):,} more organisms", f"{n_proteins:,}", "Shipped proteins of them."))
    return rows


def model(plm: PLMSpec) -> str:
    """One sentence on which language model it is, in the bundle's own words."""
    origin = _SENTENCE.split(plm.provenance, maxsplit=1)[0].rstrip(".")
    return f"The language model here is “{plm.shown}”{f': {origin}' if origin else ''}."


def reads_only(plm: PLMSpec) -> str:
    """Why there is nothing to predict or steer; '' where the model predicts letters."""
    if plm.predicts:
        return ""
    return (
        f"The language model “{plm.shown}” only reads: it has no head that predicts amino acids, so there are no "
        "likelihoods of mutations and nothing can be steered."
    )


def holdings(corpus: Corpus) -> str:
    """One sentence on what the corpus holds and what of it ships."""
    ships = f"{words.count(corpus.n_shipped, 'protein')} ({organisms(corpus)})"
    return (
        f"Of its corpus of {corpus.n_all:,} proteins, {ships} ship." if corpus.n_all else f"The bundle ships {ships}."
    )


def organism_note(organism: str, corpus: Corpus) -> str:
    """What is to be said of a protein's organism: '' where the corpus holds it, or where it is unknown."""
    named = {words.species(row.name).casefold() for row in corpus.organisms if row.name}
    if not organism or words.species(organism).casefold() in named:
        return ""
    known = words.join([words.species(row.name) for row in corpus.organisms if row.name][:NAMED]) or "none"
    unnamed = _unnamed(corpus)
    open_end = f"; {words.count(unnamed, 'protein')} name none, so it may be among these" if unnamed else ""
    return (
        f"Its organism, {words.species(organism)}, is not among those that the shipped proteins of the corpus name "
        f"({known}{open_end})."
    )


def family_note(split: str | None, corpus: Corpus) -> str:
    """Whether the autoencoders knew the protein's family.

    Args:
        split: of the stored protein that it is, or nearly is; None where there is none.
        corpus: of the bundle.
    """
    if split == "test":
        return "Its homology cluster was held out: no protein of it trained the autoencoders."
    if split == "valid":
        return "Its homology cluster trained no autoencoder, but helped to choose features and thresholds."
    if split == "train":
        return "It, or a near copy, is among the proteins that trained the autoencoders."
    shipped = f"{corpus.n_shipped:,} of {corpus.n_all:,}" if corpus.n_all else f"{corpus.n_shipped:,}"
    return (
        f"No near copy of it ships with this bundle ({shipped} proteins do), so whether its family is in the training "
        "corpus is not known."
    )


def _unnamed(corpus: Corpus) -> int:
    return sum(row.n_proteins for row in corpus.organisms if not row.name)
