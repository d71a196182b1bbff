"""UniProtKB: one entry by its accession, with sequence, names, features, isoforms, GO annotations and PDB entries.

An accession may carry an isoform (P04637-2) or the version of its sequence (P04637.4). One that was merged leads to the
entry that took it in; one that was deleted or split is refused with what UniProtKB says of it. Positions count from 1.

Read `uniprot_entry`.

Source: https://www.uniprot.org/help/api_retrieve_entries, /help/deleted_accessions
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from protsae.accessions import UniProtId, parse_accession
from protsae.sources.addresses import UNIPROT
from protsae.sources.answers import Answer, NotFoundError, Provenance, SourceError, provenance
from protsae.sources.client import Client, whole_json

_ASPECTS: Mapping[str, str] = {"F": "MFO", "P": "BPO", "C": "CCO"}
_NAMES: Mapping[str, str] = {"Signal": "Signal peptide"}
"""Feature types that the interface and the columns call differently."""

_TWO_ENDED = frozenset({"Disulfide bond", "Cross-link"})
_RESOLUTION = re.compile(r"(\d+(?:\.\d+)?) ?A")
_SPAN = re.compile(r"(\d+)-(\d+)")
MAX_MERGES = 5


class EntryFeature(NamedTuple):
    """A stretch of residues that UniProtKB says something about."""

    kind: str
    """As the columns of its exports are called: Binding site, Domain, Signal peptide."""
    label: str
    """Note or ligand; '' where there is neither."""
    start: int
    end: int
    """Last residue, included."""

    @property
    def places(self) -> tuple[tuple[int, int], ...]:
        """Stretches that are marked: a bond marks its two ends, not what lies between them."""
        if self.kind in _TWO_ENDED and self.end > self.start:
            return ((self.start, self.start), (self.end, self.end))
        return ((self.start, self.end),)


class Isoform(NamedTuple):
    """One of a gene's proteins."""

    id: str
    """P04637-2; asked for, it gives its own sequence."""
    name: str
    is_canonical: bool
    """Its sequence is the entry's."""


class GoAnnotation(NamedTuple):
    """A GO term that UniProtKB lists."""

    go_id: str
    name: str
    aspect: str
    """MFO | BPO | CCO"""
    evidence: str
    """Code, e.g. IDA."""
    assigned_by: str


class PdbReference(NamedTuple):
    """A PDB entry that holds the protein, or a part of it."""

    pdb_id: str
    method: str
    resolution: float | None
    """Angstrom; None where the method has none."""
    chains: str
    """As UniProtKB writes them, e.g. A/C=2-142."""
    n_residues: int
    """Of the protein that its best chain spans, modelled or not; 0 where that is not said."""


class UniProtEntry(NamedTuple):
    """An entry, as far as it is used here."""

    accession: str
    """The entry's own, with the isoform's number where one was asked for."""
    entry_name: str
    is_reviewed: bool
    protein_name: str
    gene_names: tuple[str, ...]
    organism: str
    taxon_id: int
    sequence: str
    sequence_version: int
    features: tuple[EntryFeature, ...]
    n_unplaced: int
    """Features without a place in this sequence: ends unknown, or of another isoform."""
    isoforms: tuple[Isoform, ...]
    go: tuple[GoAnnotation, ...]
    pdb: tuple[PdbReference, ...]
    """Those that span most of the protein first, of these the sharpest."""
    notes: tuple[str, ...]
    """What a reader should know of what was asked for, one sentence each."""
    provenance: Provenance

    def fasta(self) -> str:
        """As UniProt writes it."""
        kind = "sp" if self.is_reviewed else "tr"
        genes = f" GN={self.gene_names[0]}" if self.gene_names else ""
        about = f"{self.protein_name} OS={self.organism} OX={self.taxon_id}{genes}"
        return (
            f">{kind}|{self.accession}|{self.entry_name} {about}\n"
            + "\n".join(self.sequence[i : i + 60] for i in range(0, len(self.sequence), 60))
            + "\n"
        )


def uniprot_entry(text: str, client: Client) -> UniProtEntry:
    """The entry of an accession.

    Args:
        text: accession, also with isoform or version.
        client: asks.

    Raises:
        NotFoundError: there is no such entry, or it was deleted or split (`successors`).
        SourceError: the text is no accession, UniProtKB cannot be reached, or answers what is not understood.
    """
    asked = parse_accession(text)
    if asked is None:
        raise SourceError(
            f"{text.strip()[:40]!r} is no UniProt accession; those look like P69905, A0A024R161 or P04637-2."
        )
    answer, found, notes = _current(asked, client)
    try:
        entry = _entry(found, answer, notes)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SourceError(
            f"UniProtKB's entry {asked.accession} is not understood ({type(error).__name__}: {error}): the interface "
            "may have changed; update this program, or paste the sequence."
        ) from error
    if asked.version and int(asked.version) != entry.sequence_version and not asked.isoform:
        note = f"You asked for version {asked.version} of the sequence; UniProtKB now has {entry.sequence_version}."
        entry = entry._replace(notes=(*entry.notes, note))
    return _isoform(entry, asked, client) if asked.isoform else entry


def _current(asked: UniProtId, client: Client) -> tuple[Answer, Mapping[str, Any], tuple[str, ...]]:
    """The answer that holds an active entry, and what has become of the accession on the way."""
    accession, notes = asked.accession, ()
    for _ in range(MAX_MERGES):
        answer = client.get(UNIPROT, f"/uniprotkb/{accession}.json", what=f"entry {accession}")
        found = whole_json(UNIPROT, answer, f"entry {accession}")
        if not isinstance(found, dict) or "primaryAccession" not in found:
            raise SourceError(f"UniProtKB answered no entry for {accession}: ask again later, or paste the sequence.")
        reason = found.get("inactiveReason")
        primary = str(found["primaryAccession"])
        if reason is None and found.get("entryType") != "Inactive":
            if primary != asked.accession:
                notes = (f"{asked.accession} was merged into {primary}, whose entry this is.",)
            return answer, found, notes
        accession = _successor(accession, reason or {}, found)
    raise SourceError(
        f"UniProtKB leads from {asked.accession} through more than {MAX_MERGES} entries; ask for another."
    )


def _successor(accession: str, reason: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """The one entry that has taken in an inactive one.

    Raises:
        NotFoundError: there is none, or there are several.
    """
    successors = tuple(map(str, reason.get("mergeDemergeTo") or ()))
    if len(successors) == 1:
        return successors[0]
    if successors:
        raise NotFoundError(
            f"UniProtKB has split {accession} into {', '.join(successors[:10])}: ask for one of them.", successors
        )
    why = str(reason.get("deletedReason") or "").strip()
    archive = (found.get("extraAttributes") or {}).get("uniParcId", "")
    raise NotFoundError(
        f"UniProtKB has deleted {accession}{f' ({why})' if why else ''}: paste its sequence"
        f"{f', which UniParc keeps as {archive}' if archive else ''}."
    )


def _entry(found: Mapping[str, Any], answer: Answer, notes: tuple[str, ...]) -> UniProtEntry:
    sequence = str(found["sequence"]["value"])
    features = [_feature(feature, len(sequence)) for feature in found.get("features") or ()]
    references = found.get("uniProtKBCrossReferences") or ()
    organism = found.get("organism") or {}
    audit = found.get("entryAudit") or {}
    placed = tuple(feature for feature in features if feature is not None)
    return UniProtEntry(
        accession=str(found["primaryAccession"]),
        entry_name=str(found.get("uniProtkbId", "")),
        is_reviewed="unreviewed" not in str(found.get("entryType", "")).lower(),
        protein_name=_protein_name(found.get("proteinDescription") or {}),
        gene_names=tuple(_gene_names(found)),
        organism=str(organism.get("scientificName", "")),
        taxon_id=int(organism.get("taxonId", 0)),
        sequence=sequence,
        sequence_version=int(audit.get("sequenceVersion", 0)),
        features=placed,
        n_unplaced=len(features) - len(placed),
        isoforms=tuple(_isoforms(found)),
        go=tuple(_go(reference) for reference in references if reference.get("database") == "GO"),
        pdb=tuple(sorted(map(_pdb, (r for r in references if r.get("database") == "PDB")), key=best_first)),
        notes=notes,
        provenance=provenance(UNIPROT, answer, answer.headers.get("x-uniprot-release", "")),
    )


def _protein_name(description: Mapping[str, Any]) -> str:
    names = [description.get("recommendedName"), *(description.get("submissionNames") or ())]
    return next((str(name["fullName"]["value"]) for name in names if name), "")


def _gene_names(found: Mapping[str, Any]) -> Iterator[str]:
    for gene in found.get("genes") or ():
        names = [gene["geneName"]] if gene.get("geneName") else []
        for kind in ("synonyms", "orderedLocusNames", "orfNames"):
            names += gene.get(kind) or ()
        yield from (str(name["value"]) for name in names)


def _feature(feature: Mapping[str, Any], n_residues: int) -> EntryFeature | None:
    place = feature["location"]
    start, end = place["start"].get("value"), place["end"].get("value")
    if place.get("sequence") or start is None or end is None or not 1 <= start <= end <= n_residues:
        return None
    kind = str(feature["type"])
    label = feature.get("description") or (feature.get("ligand") or {}).get("name") or ""
    return EntryFeature(_NAMES.get(kind, kind), str(label).strip(), int(start), int(end))


def _isoforms(found: Mapping[str, Any]) -> Iterator[Isoform]:
    for comment in found.get("comments") or ():
        if comment.get("commentType") == "ALTERNATIVE PRODUCTS":
            for isoform in comment.get("isoforms") or ():
                is_canonical = isoform.get("isoformSequenceStatus") == "Displayed"
                name = str((isoform.get("name") or {}).get("value", ""))
                yield from (Isoform(str(one), name, is_canonical) for one in isoform.get("isoformIds") or ())


def _properties(reference: Mapping[str, Any]) -> dict[str, str]:
    return {str(one["key"]): str(one["value"]) for one in reference.get("properties") or ()}


def _go(reference: Mapping[str, Any]) -> GoAnnotation:
    about = _properties(reference)
    aspect, _, name = about.get("GoTerm", "").partition(":")
    evidence, _, assigned_by = about.get("GoEvidenceType", "").partition(":")
    return GoAnnotation(str(reference["id"]), name, _ASPECTS.get(aspect, ""), evidence, assigned_by)


def _pdb(reference: Mapping[str, Any]) -> PdbReference:
    about = _properties(reference)
    return pdb_reference(
        str(reference["id"]), about.get("Method", ""), about.get("Resolution", ""), about.get("Chains", "")
    )


def pdb_reference(pdb_id: str, method: str, resolution: str, chains: str) -> PdbReference:
    """A PDB entry as UniProtKB writes it of a protein: '2.00 A', 'A/C=2-142, B=1-30'."""
    sharp = _RESOLUTION.fullmatch(resolution.strip())
    spans = [int(end) - int(start) + 1 for start, end in _SPAN.findall(chains)]
    return PdbReference(pdb_id, method, float(sharp[1]) if sharp else None, chains, max(spans, default=0))


def best_first(reference: PdbReference) -> tuple[int, float, str]:
    """Key that sorts entries: those that span most of the protein first, of these the sharpest."""
    sharpness = float("inf") if reference.resolution is None else reference.resolution
    return -reference.n_residues, sharpness, reference.pdb_id


def _isoform(entry: UniProtEntry, asked: UniProtId, client: Client) -> UniProtEntry:
    """The entry with an isoform's own sequence; features are numbered along the canonical one and stay there."""
    name = f"{entry.accession}-{asked.isoform}"
    known = {isoform.id: isoform for isoform in entry.isoforms}
    if name not in known:
        there = f"it has {', '.join(list(known)[:20])}" if known else "it has one sequence only"
        raise NotFoundError(f"UniProtKB's entry {entry.accession} has no isoform {name}: {there}.", tuple(known))
    if known[name].is_canonical:
        return entry._replace(accession=name)
    answer = client.get(UNIPROT, f"/uniprotkb/{name}.fasta", what=f"isoform {name}")
    text = answer.content.decode("utf-8", "replace")
    sequence = "".join(line.strip() for line in text.splitlines()[1:])
    if not text.startswith(">") or not sequence.isalpha():
        raise SourceError(f"UniProtKB answered no FASTA for isoform {name}: ask again later, or paste the sequence.")
    note = f"This is isoform {known[name].name or name}; UniProtKB numbers its features along the canonical sequence."
    return entry._replace(
        accession=name,
        sequence=sequence,
        features=(),
        n_unplaced=entry.n_unplaced + len(entry.features),
        notes=(*entry.notes, note),
        provenance=provenance(UNIPROT, answer, answer.headers.get("x-uniprot-release", entry.provenance.release)),
    )
