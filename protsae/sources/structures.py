"""Structures by accession, PDB id or sequence: AlphaFold DB, RCSB PDB, and the ESM Atlas's folding service.

Each gives a file's content, ready for `protsae.structure.read.read_uploaded_structure`, with its provenance. AlphaFold
DB's answer names the addresses of its files; it renames its fields and raises its version, so both spellings are read
and no address is built.

Read `alphafold_model`, then `rcsb_entry`, then `fold`.

Source: https://alphafold.ebi.ac.uk/api-docs, https://www.rcsb.org/docs/programmatic-access/file-download-services,
https://esmatlas.com/about
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import gemmi

from protsae.accessions import parse_accession
from protsae.sources.addresses import ALPHAFOLD, ESM_ATLAS, RCSB
from protsae.sources.answers import Answer, NotFoundError, Provenance, SourceError, provenance
from protsae.sources.client import Client, Limits, whole_json

MAX_FOLDED = 400
"""Longest sequence that the folding service takes."""

MIN_FOLDED = 5
_FOLDING = Limits(connect_s=10.0, read_s=180.0, whole_s=240.0)
"""A chain of 400 residues takes it a minute or more."""

_READ_BY_ESMFOLD = frozenset("ACDEFGHIKLMNPQRSTVWYX")
_PDB_ID = re.compile(r"(?:pdb_0000)?(?P<short>[1-9][a-z0-9]{3})|pdb_[0-9a-z]{8}")


class FetchedStructure(NamedTuple):
    """A structure file and what its source says of it."""

    id: str
    """AF-P69905-F1, 1A3N, or '' for a sequence that was folded."""
    filename: str
    """With the ending of its format; no folder."""
    content: bytes
    method: str
    """AlphaFold, X-RAY DIFFRACTION, ESMFold."""
    resolution: float | None
    """Angstrom; None where the method has none."""
    mean_plddt: float | None
    """0 to 100, as the source gives it; None where it gives none."""
    start: int
    """First residue of the protein's sequence that it covers, from 1; 0 where the source does not say."""
    end: int
    sequence: str
    """That was modelled; '' where the source does not say."""
    notes: tuple[str, ...]
    provenance: Provenance


def alphafold_model(text: str, client: Client) -> FetchedStructure:
    """The newest model of a protein in AlphaFold DB, as mmCIF.

    Args:
        text: UniProt accession, also of an isoform.
        client: asks.

    Raises:
        NotFoundError: AlphaFold DB has no model of it.
        SourceError: the text is no accession, AlphaFold DB cannot be reached, or answers what is not understood.
    """
    asked = parse_accession(text)
    if asked is None:
        raise SourceError(f"{text.strip()[:40]!r} is no UniProt accession; those look like P69905 or A0A024R161.")
    accession = f"{asked.accession}-{asked.isoform}" if asked.isoform else asked.accession
    absent = (
        f"AlphaFold DB has no model of {accession}: long proteins, viruses and new entries have none; look for one in "
        "the PDB, or drop a structure file."
    )
    try:
        answer = client.get(ALPHAFOLD, f"/api/prediction/{accession}", what=f"model of {accession}")
    except NotFoundError as error:
        raise NotFoundError(absent) from error
    models = whole_json(ALPHAFOLD, answer, f"model of {accession}")
    model = _newest(models if isinstance(models, list) else [models], accession)
    if model is None:
        raise NotFoundError(absent)
    try:
        return _model(model, accession, client)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SourceError(
            f"AlphaFold DB's model of {accession} is not understood ({type(error).__name__}: {error}): the interface "
            "may have changed; update this program, or download the file and drop it."
        ) from error


def rcsb_entry(text: str, client: Client) -> FetchedStructure:
    """An entry of the Protein Data Bank, as mmCIF.

    Args:
        text: PDB id, four characters (1MBN) or extended (pdb_00001mbn).
        client: asks.

    Raises:
        NotFoundError: there is no such entry, or it is obsolete.
        SourceError: the text is no PDB id, RCSB PDB cannot be reached, or answers no mmCIF.
    """
    found = _PDB_ID.fullmatch(text.strip().lower())
    if found is None:
        raise SourceError(f"{text.strip()[:40]!r} is no PDB id; those look like 1MBN or pdb_00001mbn.")
    pdb_id = (found["short"] or found[0]).upper() if found["short"] else found[0]
    try:
        answer = client.get(RCSB, f"/download/{pdb_id}.cif", what=f"entry {pdb_id}")
    except NotFoundError as error:
        raise NotFoundError(
            f"RCSB PDB has no entry {pdb_id}: check the id; where it is obsolete its page at "
            f"https://www.rcsb.org/structure/{pdb_id} names the one that replaces it."
        ) from error
    try:
        block = gemmi.cif.read_string(answer.content.decode("latin-1").encode("ascii", "replace").decode()).sole_block()
    except (RuntimeError, ValueError) as error:
        raise SourceError(f"RCSB PDB answered no mmCIF for {pdb_id}: ask again later, or drop the file.") from error
    return _measured(pdb_id, block, answer)


def fold(sequence: str, client: Client) -> FetchedStructure:
    """A structure predicted by ESMFold for any sequence. **The sequence leaves this machine.**

    Args:
        sequence: one-letter code, upper case; letters that ESMFold does not read are sent as X, with a note.
        client: asks.

    Raises:
        SourceError: the sequence is too short or too long, or the service cannot be reached, or answers no structure.
    """
    if not MIN_FOLDED <= len(sequence) <= MAX_FOLDED:
        raise SourceError(
            f"The folding service takes {MIN_FOLDED} to {MAX_FOLDED} residues, this sequence has {len(sequence):,}: "
            "mark a part of it, or drop a structure file."
        )
    sent = "".join(letter if letter in _READ_BY_ESMFOLD else "X" for letter in sequence)
    changed = sorted({letter for letter in sequence if letter not in _READ_BY_ESMFOLD})
    notes = (f"ESMFold does not read {', '.join(changed)}; each was sent as X.",) if changed else ()
    answer = client.post(
        ESM_ATLAS, "/foldSequence/v1/pdb/", sent.encode("ascii"), what="a structure of this sequence", limits=_FOLDING
    )
    if b"\nATOM  " not in b"\n" + answer.content:
        raise SourceError("The ESM Atlas answered no structure for this sequence: ask again later, or drop a file.")
    made = provenance(ESM_ATLAS, answer, "ESMFold v1")
    return FetchedStructure(
        "", "ESMFold.pdb", answer.content, "ESMFold", None, None, 1, len(sequence), sequence, notes, made
    )


def _newest(models: Sequence[Mapping[str, Any]], accession: str) -> Mapping[str, Any] | None:
    """The model of this very protein alone: the list holds isoforms, complexes and other providers' in any order."""
    own = [
        model
        for model in models
        if isinstance(model, dict)
        and str(model.get("uniprotAccession", "")).upper() == accession
        and not model.get("isComplex")
        and (model.get("cifUrl") or model.get("pdbUrl"))
    ]
    return max(
        own,
        key=lambda model: (
            model.get("providerId", "GDM") == "GDM",
            int(model.get("latestVersion") or 0),
            str(model.get("modelCreatedDate", "")),
            int(_either(model, "sequenceEnd", "uniprotEnd") or 0),
        ),
        default=None,
    )


def _model(model: Mapping[str, Any], accession: str, client: Client) -> FetchedStructure:
    url = str(model.get("cifUrl") or model["pdbUrl"])
    _check_site(url)
    answer = client.get(ALPHAFOLD, url, what=f"model of {accession}")
    entry = str(_either(model, "modelEntityId", "entryId") or f"AF-{accession}-F1")
    created = str(model.get("modelCreatedDate") or "")[:10]
    release = f"v{model['latestVersion']}" if model.get("latestVersion") else ""
    plddt = model.get("globalMetricValue")
    return FetchedStructure(
        id=entry,
        filename=urlsplit(url).path.rsplit("/", 1)[-1] or f"{entry}.cif",
        content=answer.content,
        method=str(model.get("toolUsed") or "AlphaFold"),
        resolution=None,
        mean_plddt=None if plddt is None else float(plddt),
        start=int(_either(model, "sequenceStart", "uniprotStart") or 0),
        end=int(_either(model, "sequenceEnd", "uniprotEnd") or 0),
        sequence=str(_either(model, "sequence", "uniprotSequence") or ""),
        notes=(f"Modelled on {created}.",) if created else (),
        provenance=provenance(ALPHAFOLD, answer, release),
    )


def _either(model: Mapping[str, Any], name: str, former: str) -> Any:
    """A field by its name, else by the one that it had until 2026."""
    return model[name] if model.get(name) is not None else model.get(former)


def _check_site(url: str) -> None:
    """Files are fetched from where AlphaFold DB is, not from wherever its answer points.

    Raises:
        SourceError: the address is elsewhere.
    """
    there, own = urlsplit(url), urlsplit(ALPHAFOLD.base)
    is_sister = there.scheme == "https" and (there.hostname or "").endswith(".ebi.ac.uk")
    if (there.scheme, there.netloc) != (own.scheme, own.netloc) and not is_sister:
        raise SourceError(f"AlphaFold DB names a file at {url[:200]!r}, which is another site; it was not fetched.")


def _measured(pdb_id: str, block: gemmi.cif.Block, answer: Answer) -> FetchedStructure:
    dates = list(block.find_values("_pdbx_audit_revision_history.revision_date"))
    revised = max((gemmi.cif.as_string(date) for date in dates), default="")
    methods = [gemmi.cif.as_string(method) for method in block.find_values("_exptl.method")]
    return FetchedStructure(
        id=pdb_id,
        filename=f"{pdb_id}.cif",
        content=answer.content,
        method=", ".join(methods),
        resolution=_resolution(block),
        mean_plddt=None,
        start=0,
        end=0,
        sequence="",
        notes=(),
        provenance=provenance(RCSB, answer, f"revised {revised}" if revised else ""),
    )


def _resolution(block: gemmi.cif.Block) -> float | None:
    for tag in ("_refine.ls_d_res_high", "_em_3d_reconstruction.resolution"):
        for text in block.find_values(tag):
            value = gemmi.cif.as_number(text)
            if value > 0:
                return float(value)
    return None
