"""The protein on the Sequence page, and what the store knows of it.

The stored protein that is the reader's own, or nearly so, lends its structure and its annotations, with positions
carried over to the reader's numbering. Read `learn`.
"""

from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

import numpy as np

from explorer.components.protein_view import StructureView, Track
from explorer.draw import views
from explorer.protein import matching, reading
from explorer.protein.reading import Pasted, Stored
from explorer.protein.uploads import Uploaded
from explorer.services import data
from explorer.services.cached import cached_by_bundle
from protsae.store.rows import ProteinRow
from protsae.structure.origin import CONFIDENT, confidence

NO_STRUCTURE = "no structure is stored for it; drop a file beside the box to add one"


class Subject(NamedTuple):
    """The protein on the page and what the store knows of it."""

    sequence: str
    name: str
    notes: tuple[str, ...]
    match: matching.Match | None
    known: ProteinRow | None
    """The stored protein that it is, or nearly is."""
    structure: StructureView | None
    structure_note: str
    organism: str
    """As its FASTA header has it, else that of the stored protein; '' where neither names one."""


def learn(subject: Stored | Pasted, upload: Uploaded | None) -> Subject:
    """Look the protein up in the store."""
    if isinstance(subject, Stored):
        row = data.protein(subject.accession)
        assert row is not None, subject.accession
        sequence, name, notes = row.sequence, row.accession, ()
    else:
        sequence, name, notes = subject.sequence, subject.name, subject.notes
    known, match = known_protein(sequence, subject.accession if isinstance(subject, Stored) else "")
    written = subject.organism if isinstance(subject, Pasted) else ""
    organism = written or (known.organism if known is not None else "")
    if upload is not None:
        note = f"structure from your file {upload.name}"
        return Subject(sequence, name, notes, match, known, upload.view, note, organism)
    view = stored_structure(match, known, sequence)
    note = f"structure {view.title.split(',')[0]}, from the store" if view else NO_STRUCTURE
    return Subject(sequence, name, notes, match, known, view, note, organism)


def stored(row: ProteinRow) -> Subject:
    """A protein of the store, as its own page shows it."""
    match = matching.Match(row.accession, 1.0, 1.0, row.has_structure, np.arange(1, row.length + 1))
    view = views.structure(data.structure(row.accession)) if row.has_structure else None
    return Subject(row.sequence, row.accession, (), match, row, view, "", row.organism)


def known_protein(sequence: str, accession: str = "") -> tuple[ProteinRow | None, matching.Match | None]:
    """The stored protein that a sequence is, or nearly is, and the nearest one there is.

    Args:
        sequence: upper-case one-letter code.
        accession: of the stored protein that the reader chose; a twin in the store must not take its place.
    """
    matches = sequence_index().find(sequence)
    match = matches[0] if matches else None
    if match is not None and accession:
        match = match._replace(accession=accession)
    known = data.protein(match.accession) if match is not None and match.is_near else None
    return known, match


def stored_structure(match: matching.Match | None, known: ProteinRow | None, sequence: str) -> StructureView | None:
    """The structure of the known protein, else of the nearest one that has a structure, on the reader's numbering."""
    source = (
        match if known is not None and known.has_structure else matching.best_structure(sequence_index().find(sequence))
    )
    row = data.structure(source.accession) if source is not None else None
    view = views.structure(row)
    if view is None or row is None or source is None or source.is_same:
        return view
    placed = source.carry_over([int(position) for position in row.positions])
    title = f"{view.title.split(', covers')[0]}, of {source.accession}, placed on this numbering."
    return replace(view, positions=placed, title=title)


def understood(about: Subject) -> str:
    """What the page took the input for, in one sentence."""
    nearest = data.protein(about.match.accession) if about.match is not None else None
    name = nearest.protein_name if nearest is not None else ""
    called = f"{about.name}: " if about.name and (about.match is None or about.name != about.match.accession) else ""
    what = reading.said_of_match(about.match, name)
    return f"{called}{len(about.sequence):,} residues; {what}; {about.structure_note}."


def tracks(about: Subject) -> list[Track]:
    """Where a predicted structure is in doubt, and the known protein's annotations, on the reader's numbers."""
    return [*doubtful(about.structure), *_annotated(about)]


def doubtful(view: StructureView | None) -> list[Track]:
    """Residues that a predicted structure places with low confidence; none for an experiment."""
    if view is None:
        return []
    values = confidence(view.pdb)
    low = sorted(
        int(position)
        for position, value in zip(view.positions, values, strict=False)
        if position > 0 and value < CONFIDENT
    )
    runs = [list(run) for _, run in groupby(enumerate(low), key=lambda pair: pair[1] - pair[0])]
    note = f"pLDDT below {CONFIDENT}: the model is not sure where this lies"
    return [Track(name="Low confidence", regions=[(run[0][1], run[-1][1], note) for run in runs])] if runs else []


def _annotated(about: Subject) -> list[Track]:
    if about.known is None or about.match is None:
        return []
    place = about.match.query_positions
    moved = []
    for row in data.annotations(about.known.accession):
        inside = place[row.start_pos - 1 : row.end_pos]
        inside = inside[inside > 0]
        if len(inside):
            moved.append(row._replace(start_pos=int(inside[0]), end_pos=int(inside[-1])))
    return views.tracks(moved)


@cached_by_bundle(2, shared=True, spinner="Indexing the stored sequences …")
def sequence_index() -> matching.SequenceIndex:
    """All stored sequences, indexed once per bundle."""
    table = data.bundle().reader.sequence_index()
    return matching.SequenceIndex(
        table["accession"].tolist(), table["sequence"].tolist(), table["has_structure"].tolist()
    )
