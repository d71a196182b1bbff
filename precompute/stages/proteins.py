"""Sequences, annotations and ontology in; checked, split and closed tables out.

Proteins are split by homology cluster (`precompute/inputs/homology.py`). GO annotations are closed under is_a and
part_of; the three roots, which say nothing, are left out. Proteins are passed through one at a time; what stays in
memory is their table and the direct annotations.

Writes proteins/{proteins, annotation, protein_go, go_term, go_synonym, go_edge}.parquet with the columns of
`protsae/store/schema.sql` (residues from 0, see `precompute/pipeline/tables.py`), proteins with `is_shipped` besides.

Read `run`.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from precompute.config import RunConfig
from precompute.inputs.contacts import read_contacts
from precompute.inputs.gaf import read_annotations
from precompute.inputs.homology import Split, cluster_with_mmseqs, read_clusters, split_of
from precompute.inputs.records import ProteinRecord, Region
from precompute.inputs.structure_files import find_structures
from precompute.inputs.uniprot import read_proteins
from precompute.pipeline.tables import TableWriter, write_table
from protsae.errors import InputError
from protsae.ontology.graph import CLOSURE_RELATIONS, Ontology

SHIPPED_FIRST: Mapping[Split, int] = {"test": 0, "valid": 1, "train": 2}
"""Order in which proteins without a structure are shipped: held-out evidence first."""

ANY = ""
"""Key of the count of proteins that carry any term at all."""

MAX_REPORTED = 20
"""Sentences about sequences whose letters were changed."""

CHUNK = 5_000
"""Proteins whose closed annotations are held in memory."""

_TEXT = pa.string()
_ANNOTATION = pa.schema(
    [(name, _TEXT) for name in ("accession", "kind", "label")]
    + [("start_pos", pa.int32()), ("end_pos", pa.int32()), ("source", _TEXT)]
)
_PROTEIN_GO = pa.schema([("go_id", _TEXT), ("accession", _TEXT), ("is_direct", pa.bool_()), ("evidence", _TEXT)])

Evidence = Mapping[str, Mapping[str, str]]


def run(config: RunConfig, work: Path, report: Callable[[str], None]) -> dict[str, int | float | str]:
    """Write the tables and count what is in them.

    Raises:
        InputError: an input cannot be used as it is.
    """
    folder = work / "proteins"
    report("reading the ontology")
    ontology = Ontology.read(config.ontology)
    if ontology.n_merged:
        report(f"{ontology.n_merged:,} terms that the ontology has merged into others of their name count as these")
    report("reading proteins")
    asked = frozenset(record.accession for path in _files(config) for record in read_proteins(path))
    report(f"reading annotations of {len(asked):,} proteins")
    found = read_annotations(config.annotations, asked, ontology)
    dropped = Counter[str]()
    proteins, n_regions, changed = _read(config, folder, found.evidence, dropped)
    for note in changed[:MAX_REPORTED]:
        report(note)
    if found.n_moved:
        report(f"{found.n_moved:,} annotations moved from merged or replaced terms to those that took their place")
    _split(config, proteins)
    n_structures = _choose_shipped(config, proteins, found.evidence)
    report("closing annotations")
    counts = _write_closed(folder / "protein_go.parquet", proteins, found.evidence, ontology)
    _write_ontology(folder, ontology, counts)
    write_table(folder / "proteins.parquet", proteins)
    splits = Counter(proteins["split"])
    return {
        "proteins": len(proteins),
        "residues": int(proteins["length"].to_numpy().sum()),
        **{split: splits[split] for split in ("train", "valid", "test")},
        "clusters": len(set(proteins["cluster"])),
        "with_structure": n_structures,
        "shipped": int(proteins["is_shipped"].to_numpy().sum()),
        "annotated": counts["all"][ANY],
        "go_terms": len(counts["all"]) - 1,
        "gaf_rows": found.n_rows,
        "gaf_not": found.n_negated,
        "gaf_nothing_known": found.n_without_data,
        "gaf_of_isoforms": found.n_of_parts,
        "gaf_other_proteins": found.n_other_proteins,
        "gaf_unknown_terms": found.n_unknown_terms,
        "gaf_moved_terms": found.n_moved,
        "sequences_changed": len(changed),
        "regions": n_regions,
        **dropped,
    }


def _files(config: RunConfig) -> list[Path]:
    return [config.proteins, *(() if config.more_proteins is None else (config.more_proteins,))]


def _read(
    config: RunConfig, folder: Path, evidence: Evidence, dropped: Counter[str]
) -> tuple[pd.DataFrame, int, list[str]]:
    """The proteins' table without split, and what was changed in their letters; `dropped` counts what is passed over.

    Their residue annotations go straight to the disk.
    """
    rows, n_regions, changed = [], 0, []
    columns = ["accession", "entry_name", "protein_name", "gene_names", "organism", "sequence"]
    with TableWriter(folder / "annotation.parquet", _ANNOTATION) as writer:
        records = _records(config, evidence, dropped)
        while chunk := list(islice(records, CHUNK)):
            n_regions += _append(writer, ((record.accession, record.regions) for record in chunk), "uniprot")
            rows += [record[: len(columns)] for record in chunk]
            changed += [f"{record.accession}: {' '.join(record.notes)}" for record in chunk if record.notes]
        proteins = pd.DataFrame(rows, columns=columns)
        proteins["length"] = proteins["sequence"].str.len()
        if config.contacts is not None:
            lengths = dict(zip(proteins["accession"], proteins["length"], strict=True))
            n_regions += _append(writer, read_contacts(config.contacts, lengths, dropped).items(), "structure")
    return proteins, n_regions, changed


def _records(config: RunConfig, evidence: Evidence, dropped: Counter[str]) -> Iterator[ProteinRecord]:
    """All proteins of the first file; of the second those that teach or show something and are not in the first."""
    seen: set[str] = set()
    for record in read_proteins(config.proteins, dropped):
        seen.add(record.accession)
        yield record
    if config.more_proteins is None:
        return
    every = frozenset(seen).union(record.accession for record in read_proteins(config.more_proteins))
    shown = frozenset() if config.structures is None else find_structures(config.structures, every).keys()
    for record in read_proteins(config.more_proteins, dropped):
        if record.accession not in seen and (record.accession in evidence or record.accession in shown):
            yield record


def _append(writer: TableWriter, regions: Iterable[tuple[str, Iterable[Region]]], source: str) -> int:
    rows = [(accession, *region, source) for accession, found in regions for region in found]
    if rows:
        writer.append(pd.DataFrame(rows, columns=_ANNOTATION.names))
    return len(rows)


def _split(config: RunConfig, proteins: pd.DataFrame) -> None:
    """Add columns cluster and split."""
    if config.clusters is None:
        clusters = cluster_with_mmseqs(dict(zip(proteins["accession"], proteins["sequence"], strict=True)))
    else:
        clusters = read_clusters(config.clusters)
    missing = [accession for accession in proteins["accession"] if accession not in clusters]
    if len(missing) == len(proteins) and not set(missing).isdisjoint(clusters.values()):
        raise InputError(
            f"{config.clusters} names the proteins in its second column only: its columns stand the other way round; "
            "write accession, cluster"
        )
    if missing:
        raise InputError(
            f"{config.clusters or 'MMseqs2'} has no cluster for {len(missing)} of {len(proteins)} proteins, "
            f"e.g. {missing[0]}; add them (a protein alone is its own cluster) or leave --clusters out"
        )
    proteins["cluster"] = [clusters[accession] for accession in proteins["accession"]]
    proteins["split"] = [split_of(cluster, seed=config.seed) for cluster in proteins["cluster"]]


def _choose_shipped(config: RunConfig, proteins: pd.DataFrame, evidence: Evidence) -> int:
    """Add column is_shipped; returns how many proteins have a structure.

    Those with a structure come first, then the annotated ones: test, valid, train, in each the best-studied first.
    """
    accessions = frozenset(proteins["accession"])
    known = frozenset() if config.structures is None else frozenset(find_structures(config.structures, accessions))
    order = sorted(
        zip(proteins["accession"], proteins["split"], strict=True),
        key=lambda pair: (
            pair[0] not in known,
            pair[0] not in evidence,
            SHIPPED_FIRST[pair[1]],
            -sum(code == "EXP" for code in evidence.get(pair[0], {}).values()),
            hashlib.sha256(f"{config.seed}:{pair[0]}".encode()).digest(),
        ),
    )
    shipped = {accession for accession, _ in order[: config.shipped]}
    proteins["is_shipped"] = proteins["accession"].isin(list(shipped))
    return len(known)


def _write_closed(
    path: Path, proteins: pd.DataFrame, evidence: Evidence, ontology: Ontology
) -> dict[str, Counter[str]]:
    """Write the closed annotations; count proteins per term, and with ANY, in train, valid, test, shipped and all."""
    roots = frozenset(ontology.roots())
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("train", "valid", "test", "shipped", "all")}
    with TableWriter(path, _PROTEIN_GO) as writer:
        rows: list[tuple[str, str, bool, str]] = []
        columns = zip(proteins["accession"], proteins["split"], proteins["is_shipped"], strict=True)
        for number, (accession, split, is_shipped) in enumerate(columns, start=1):
            direct = evidence.get(accession, {})
            closed = ontology.close(direct) - roots
            rows += [(go_id, accession, go_id in direct, direct.get(go_id, "")) for go_id in sorted(closed)]
            for name in (split, "all", *(["shipped"] if is_shipped else [])):
                counts[name].update({ANY, *closed} if closed else ())
            if number % CHUNK == 0 or number == len(proteins):
                writer.append(pd.DataFrame(rows, columns=_PROTEIN_GO.names))
                rows = []
    return counts


def _write_ontology(folder: Path, ontology: Ontology, counts: Mapping[str, Counter[str]]) -> None:
    terms: list[dict[str, Any]] = []
    synonyms: list[tuple[str, str, str]] = []
    for go_id, term in sorted(ontology.terms.items()):
        n = counts["all"][go_id]
        terms.append(
            {
                "go_id": go_id,
                "name": term.name,
                "namespace": term.namespace,
                "is_obsolete": term.is_obsolete,
                "information_content": math.log2(counts["all"][ANY] / n) if n else None,
                **{f"n_{name}": counts[name][go_id] for name in ("train", "valid", "test", "shipped")},
            }
        )
        synonyms += [(go_id, text, scope) for text, scope in term.synonyms]
        synonyms += [(go_id, alt_id, "ALT_ID") for alt_id in term.alt_ids]
    edges = [(e.child, e.parent, e.relation) for e in ontology.edges() if e.relation in CLOSURE_RELATIONS]
    write_table(folder / "go_term.parquet", pd.DataFrame(terms))
    write_table(folder / "go_synonym.parquet", _text_table(synonyms, ["go_id", "synonym", "scope"]))
    write_table(folder / "go_edge.parquet", _text_table(edges, ["child", "parent", "relation"]))


def _text_table(rows: list[tuple[str, str, str]], columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns, dtype=str)
