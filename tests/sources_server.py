"""A server on this machine that speaks as the public sources do, for tests and for looking at the explorer.

Shapes of answers are those of UniProtKB's REST interface, AlphaFold DB's and RCSB's of 2026; what stands in them is
made up, but for the sequence of human haemoglobin alpha (UniProtKB P69905, CC BY 4.0).

    with serving(Public()) as base:
        for name, value in environment(base).items():
            monkeypatch.setenv(name, value)

`python tests/sources_server.py` prints the variables and serves until it is interrupted. Read `Public`.
"""

import gzip
import json
import math
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import gemmi

RELEASE = "2026_04"
HBA = (
    "MVLSPADKTNVKAAWGKVGAHAGEYGAEALERMFLSFPTTKTYFPHFDLSHGSAQVKGHGKKVADALTNAVAHVDDMPNALSALSDLHAHKLRVDPVNFKLLSHCLLVTL"
    "AAHLPAEFTPAVHASLDKFLASVSTVLTSKYR"
)
MADE = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSG"
"""Invented, 50 residues."""

_THREE = {letter: gemmi.expand_one_letter(letter, gemmi.ResidueKind.AA) for letter in "ACDEFGHIKLMNPQRSTVWYX"}
_PREFIXES: Mapping[str, str] = {
    "PROTSAE_UNIPROT_URL": "uniprot",
    "PROTSAE_ALPHAFOLD_URL": "alphafold",
    "PROTSAE_RCSB_URL": "rcsb",
    "PROTSAE_ESM_ATLAS_URL": "esmatlas",
    "PROTSAE_QUICKGO_URL": "quickgo",
    "PROTSAE_GENE_ONTOLOGY_URL": "go",
}

Reply = tuple[int, Mapping[str, str], bytes]


def place(start: int | None, end: int | None, **more: Any) -> dict[str, Any]:
    """A feature's location, as UniProtKB writes it."""
    return {
        "start": {"value": start, "modifier": "EXACT" if start else "UNKNOWN"},
        "end": {"value": end, "modifier": "EXACT" if end else "UNKNOWN"},
        **more,
    }


def reference(database: str, id_: str, **properties: str) -> dict[str, Any]:
    """A cross-reference; underscores are left out of names."""
    pairs = [{"key": key.replace("_", ""), "value": value} for key, value in properties.items()]
    return {"database": database, "id": id_, "properties": pairs}


def entry(accession: str, sequence: str, **more: Any) -> dict[str, Any]:
    """An active entry."""
    return {
        "entryType": "UniProtKB reviewed (Swiss-Prot)",
        "primaryAccession": accession,
        "uniProtkbId": f"{accession}_TEST",
        "entryAudit": {"entryVersion": 7, "sequenceVersion": 2},
        "annotationScore": 5.0,
        "organism": {"scientificName": "Homo sapiens", "commonName": "Human", "taxonId": 9606},
        "proteinDescription": {"recommendedName": {"fullName": {"value": f"Invented protein {accession}"}}},
        "sequence": {"value": sequence, "length": len(sequence), "molWeight": 1},
        **more,
    }


def inactive(accession: str, kind: str, *to: str, **more: Any) -> dict[str, Any]:
    """An entry that was merged, demerged (split) or deleted."""
    reason: dict[str, Any] = {"inactiveReasonType": kind, **more}
    if to:
        reason["mergeDemergeTo"] = list(to)
    return {
        "entryType": "Inactive",
        "primaryAccession": accession,
        "annotationScore": 0.0,
        "inactiveReason": reason,
        "extraAttributes": {"uniParcId": "UPI0000000001"},
    }


def _entries() -> dict[str, dict[str, Any]]:
    isoforms = [
        {"name": {"value": "1"}, "isoformIds": ["Q00001-1"], "isoformSequenceStatus": "Displayed"},
        {"name": {"value": "Short"}, "isoformIds": ["Q00001-2"], "isoformSequenceStatus": "Described"},
    ]
    haemoglobin = entry(
        "P69905",
        HBA,
        uniProtkbId="HBA_HUMAN",
        proteinDescription={"recommendedName": {"fullName": {"value": "Hemoglobin subunit alpha"}}},
        genes=[{"geneName": {"value": "HBA1"}}, {"geneName": {"value": "HBA2"}}],
        features=[
            {"type": "Initiator methionine", "location": place(1, 1), "description": "Removed"},
            {"type": "Domain", "location": place(3, 142), "description": "Globin"},
            {"type": "Binding site", "location": place(59, 59), "description": "", "ligand": {"name": "O2"}},
            {
                "type": "Binding site",
                "location": place(88, 88),
                "description": "",
                "ligand": {"name": "heme b", "note": "proximal binding residue"},
            },
        ],
        uniProtKBCrossReferences=[
            reference("GO", "GO:0020037", GoTerm="F:heme binding", GoEvidenceType="IBA:GO_Central"),
            reference("GO", "GO:0005833", GoTerm="C:hemoglobin complex", GoEvidenceType="IDA:UniProtKB"),
            reference("GO", "GO:0015671", GoTerm="P:oxygen transport", GoEvidenceType="IEA:InterPro"),
            reference("PDB", "1BAB", Method="X-ray", Resolution="1.50 A", Chains="A/C=2-142"),
            reference("PDB", "2H35", Method="NMR", Resolution="-", Chains="A/C=2-142"),
            reference("PDB", "6XDT", Method="X-ray", Resolution="1.40 A", Chains="A=10-60"),
            reference("AlphaFoldDB", "P69905"),
        ],
    )
    made = entry(
        "Q00001",
        MADE,
        comments=[{"commentType": "ALTERNATIVE PRODUCTS", "isoforms": isoforms}, {"commentType": "FUNCTION"}],
        genes=[{"geneName": {"value": "mad1"}, "synonyms": [{"value": "mad"}], "orderedLocusNames": [{"value": "b1"}]}],
        features=[
            {"type": "Signal", "location": place(1, 8), "description": ""},
            {"type": "Disulfide bond", "location": place(5, 30), "description": ""},
            {"type": "Region", "location": place(None, 12), "description": "ends unknown"},
            {"type": "Region", "location": place(2, 5, sequence="Q00001-2"), "description": "of an isoform"},
        ],
    )
    old = [
        inactive("Q00002", "MERGED", "Q00001"),
        inactive("Q00003", "DEMERGED", "Q00001", "P69905"),
        inactive("Q00004", "DELETED", deletedReason="Deleted from sequence source (EMBL)"),
    ]
    return {str(one["primaryAccession"]): one for one in (haemoglobin, made, *old)}


def model(accession: str, sequence: str, **more: Any) -> dict[str, Any]:
    """A record of AlphaFold DB's prediction interface, with the field names of 2026."""
    return {
        "modelEntityId": f"AF-{accession}-F1",
        "providerId": "GDM",
        "toolUsed": "AlphaFold Monomer v2.0 pipeline",
        "entityType": "protein",
        "isComplex": False,
        "uniprotAccession": accession,
        "sequence": sequence,
        "sequenceStart": 1,
        "sequenceEnd": len(sequence),
        "globalMetricValue": 91.5,
        "modelCreatedDate": "2025-08-01T00:00:00Z",
        "latestVersion": 6,
        "allVersions": [1, 2, 3, 4, 5, 6],
        "cifUrl": f"{{alphafold}}/files/AF-{accession}-F1-model_v6.cif",
        "pdbUrl": f"{{alphafold}}/files/AF-{accession}-F1-model_v6.pdb",
        **more,
    }


@dataclass
class Public:
    """What the sources hold, how they behave, and what they were asked for."""

    entries: dict[str, dict[str, Any]] = field(default_factory=_entries)
    isoforms: dict[str, str] = field(default_factory=lambda: {"Q00001-2": MADE[10:]})
    models: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {
            "P69905": [
                model("P69905", HBA, providerId="other", latestVersion=9, cifUrl="{alphafold}/files/other.cif"),
                model("P69905-2", HBA[:40]),
                model("P69905", HBA),
                model("P69905", HBA, isComplex=True, modelEntityId="AF-0000000066503175", latestVersion=7),
            ]
        }
    )
    files: dict[str, bytes] = field(
        default_factory=lambda: {
            "/alphafold/files/AF-P69905-F1-model_v6.cif": helix_cif(HBA, "AF-P69905-F1", b_factor=91.5).encode(),
            "/go/ontology/go.obo": OBO.encode(),
            "/rcsb/download/1BAB.cif": helix_cif(HBA[1:], "1BAB", method="X-RAY DIFFRACTION").encode(),
        }
    )
    merged_by_redirect: bool = True
    """UniProtKB's interface redirects; its entries also say themselves what they were merged into."""

    page: int = 500
    """Entries an answer at most, however many are asked for."""

    drops_rows: int = 0
    """Rows of tables and annotations that are left out without a word."""

    most_rows: int = 2_000_000
    """Annotations that are given at a time at most, however many are asked for."""

    without_code: int = 0
    """Annotations that are counted and never written."""

    annotations: dict[str, list[str]] = field(default_factory=lambda: dict(_ANNOTATIONS))
    """accession -> rows of GAF."""

    replies: list[Reply] = field(default_factory=list)
    """The next answers, instead of the right ones."""

    asked: list[str] = field(default_factory=list)
    """Method and path of every request, in order."""

    bodies: list[bytes] = field(default_factory=list)
    """What was posted."""

    def answer(self, method: str, url: str, headers: Message, body: bytes, base: str) -> Reply:
        """What a request gets."""
        self.asked.append(f"{method} {url}")
        if self.replies:
            return self.replies.pop(0)
        parts = urlsplit(url)
        if method == "POST":
            self.bodies.append(body)
            return 200, {}, helix_pdb(body.decode()).encode()
        bulk = {
            "/uniprot/uniprotkb/search": self._search,
            "/uniprot/uniprotkb/accessions": self._listed,
            "/quickgo/annotation/search": self._counted,
            "/quickgo/annotation/downloadSearch": self._downloaded,
        }.get(parts.path)
        if bulk is None:
            return self._document(parts.path, base)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return bulk(asked | {"accept": headers.get("Accept", "")})

    def _document(self, path: str, base: str) -> Reply:
        if path in self.files:
            return 200, {}, self.files[path]
        if found := re.fullmatch(r"/uniprot/uniprotkb/([A-Z0-9]+)\.json", path):
            return self._entry(found[1])
        if (found := re.fullmatch(r"/uniprot/uniprotkb/([A-Z0-9-]+)\.fasta", path)) and found[1] in self.isoforms:
            return 200, _UNIPROT, f">sp|{found[1]}|X_TEST Isoform\n{self.isoforms[found[1]]}\n".encode()
        if (found := re.fullmatch(r"/alphafold/api/prediction/([A-Z0-9-]+)", path)) and found[1] in self.models:
            return 200, {}, json.dumps(self.models[found[1]]).replace("{alphafold}", f"{base}/alphafold").encode()
        return 404, {}, b'{"messages": ["Resource not found"]}'

    def _entry(self, accession: str) -> Reply:
        found = self.entries.get(accession)
        if found is None:
            return 404, _UNIPROT, b'{"messages": ["Resource not found"]}'
        reason = found.get("inactiveReason", {})
        if self.merged_by_redirect and reason.get("inactiveReasonType") == "MERGED":
            return 303, {"Location": f"/uniprot/uniprotkb/{reason['mergeDemergeTo'][0]}.json?from={accession}"}, b""
        return 200, _UNIPROT, json.dumps(found).encode()

    def _active(self) -> dict[str, dict[str, Any]]:
        return {name: found for name, found in sorted(self.entries.items()) if "inactiveReason" not in found}

    def _search(self, asked: Mapping[str, str]) -> Reply:
        taxon = re.search(r"organism_id:(\d+)", asked["query"])
        there = [e for e in self._active().values() if not taxon or e["organism"]["taxonId"] == int(taxon[1])]
        start, size = int(asked.get("cursor", "0")), min(self.page, int(asked["size"]))
        more = {"Link": f'<https://rest.uniprot.org/uniprotkb/search?cursor={start + size}&size={size}>; rel="next"'}
        heads = {"X-Total-Results": str(len(there)), **(more if start + size < len(there) else {})}
        return self._table(there[start : start + size], asked, heads)

    def _listed(self, asked: Mapping[str, str]) -> Reply:
        there = [found for name, found in self._active().items() if name in asked["accessions"].split(",")]
        return self._table(there, asked, {"X-Total-Results": str(len(there))})

    def _table(self, there: list[dict[str, Any]], asked: Mapping[str, str], heads: Mapping[str, str]) -> Reply:
        fields = asked["fields"].split(",")
        lines = ["\t".join(TITLES.get(name, name) for name in fields)]
        lines += ["\t".join(cell(found, name) for name in fields) for found in there]
        content = "\n".join(lines[: len(lines) - self.drops_rows]) + "\n"
        return 200, {**_UNIPROT, **heads, "Content-Type": "text/plain"}, content.encode()

    def _rows(self, asked: Mapping[str, str]) -> list[str]:
        return [row for accession in asked["geneProductId"].split(",") for row in self.annotations.get(accession, ())]

    def _counted(self, asked: Mapping[str, str]) -> Reply:
        return 200, {}, json.dumps({"numberOfHits": len(self._rows(asked)) + self.without_code, "results": []}).encode()

    def _downloaded(self, asked: Mapping[str, str]) -> Reply:
        if asked["accept"] != "text/gaf":
            return 400, {}, b"GPAD by default"
        rows = self._rows(asked)[: min(self.most_rows, int(asked.get("downloadLimit", "10000")))]
        head = "!gaf-version: 2.2\n!\n!Generated: 2026-11-20 00:00\n"
        return 200, {}, (head + "".join(f"{row}\n" for row in rows[: len(rows) - self.drops_rows])).encode()


TITLES: Mapping[str, str] = {
    "accession": "Entry",
    "id": "Entry Name",
    "protein_name": "Protein names",
    "gene_names": "Gene Names",
    "organism_name": "Organism",
    "length": "Length",
    "sequence": "Sequence",
    "ft_binding": "Binding site",
    "ft_domain": "Domain [FT]",
    "ft_disulfid": "Disulfide bond",
    "ft_signal": "Signal peptide",
    "xref_pdb_full": "PDB",
}
"""Of UniProtKB's columns; the others stand by their field names here."""

_KEYS = {"ft_binding": "BINDING", "ft_domain": "DOMAIN", "ft_disulfid": "DISULFID", "ft_signal": "SIGNAL"}
_TYPES = {"BINDING": "Binding site", "DOMAIN": "Domain", "DISULFID": "Disulfide bond", "SIGNAL": "Signal"}


def cell(found: Mapping[str, Any], name: str) -> str:
    """A cell of UniProtKB's table."""
    simple = {
        "accession": found["primaryAccession"],
        "id": found["uniProtkbId"],
        "protein_name": found["proteinDescription"]["recommendedName"]["fullName"]["value"],
        "gene_names": " ".join(gene["geneName"]["value"] for gene in found.get("genes", ())),
        "organism_name": f"{found['organism']['scientificName']} ({found['organism']['commonName']})",
        "length": str(found["sequence"]["length"]),
        "sequence": found["sequence"]["value"],
    }
    if name in simple:
        return simple[name]
    if name == "xref_pdb_full":
        pdb = [one for one in found.get("uniProtKBCrossReferences", ()) if one["database"] == "PDB"]
        return "".join('"' + "; ".join([one["id"], *(p["value"] for p in one["properties"])]) + '.";' for one in pdb)
    key = _KEYS.get(name, "")
    parts = []
    for feature in found.get("features", ()):
        if feature["type"] == _TYPES.get(key) and feature["location"]["start"]["value"]:
            start, end = (feature["location"][side]["value"] for side in ("start", "end"))
            ligand = feature.get("ligand", {}).get("name", "")
            label = f'; /ligand="{ligand}"' if ligand else f'; /note="{feature["description"]}"'
            parts.append(f"{key} {start if start == end else f'{start}..{end}'}{label}")
    return "; ".join(parts)


def gaf_row(accession: str, go_id: str, evidence: str, qualifier: str = "enables") -> str:
    """A row as QuickGO writes it."""
    first = ["UniProtKB", accession, "sym", qualifier, go_id, "PMID:1", evidence, "", "F", "name", "", "protein"]
    return "\t".join([*first, "taxon:9606", "20250101", "UniProt", "", ""])


_ANNOTATIONS: Mapping[str, list[str]] = {
    "P69905": [gaf_row("P69905", "GO:0020037", "IDA"), gaf_row("P69905", "GO:0005515", "IPI")],
    "Q00001": [gaf_row("Q00001", "GO:0020037", "IEA"), gaf_row("Q00001", "GO:0005515", "IPI", "NOT|enables")],
}


OBO = """format-version: 1.2
data-version: releases/2026-11-01
ontology: go

[Term]
id: GO:0003674
name: molecular_function
namespace: molecular_function

[Term]
id: GO:0005488
name: binding
namespace: molecular_function
is_a: GO:0003674 ! molecular_function

[Term]
id: GO:0020037
name: heme binding
namespace: molecular_function
is_a: GO:0005488 ! binding

[Term]
id: GO:0005515
name: protein binding
namespace: molecular_function
is_a: GO:0005488 ! binding

[Typedef]
id: part_of
name: part of
namespace: external
"""

_UNIPROT = {
    "X-UniProt-Release": RELEASE,
    "X-UniProt-Release-Date": "14-October-2026",
    "Content-Type": "application/json",
}


@contextmanager
def serving(public: Public) -> Iterator[str]:
    """Serve on this machine; gives the address, without a slash at its end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply(b"")

        def do_POST(self) -> None:
            self._reply(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def _reply(self, body: bytes) -> None:
            status, headers, content = public.answer(self.command, self.path, self.headers, body, base)
            if "gzip" in self.headers.get("Accept-Encoding", "") and status == 200:
                content, headers = gzip.compress(content), {**headers, "Content-Encoding": "gzip"}
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    base = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield base
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def environment(base: str) -> dict[str, str]:
    """The variables that put the server in the place of every source."""
    return {variable: f"{base}/{prefix}" for variable, prefix in _PREFIXES.items()}


def helix(sequence: str) -> Iterator[tuple[int, str, str, tuple[float, float, float]]]:
    """Residue number, three-letter code, atom and coordinates of a backbone wound as a helix."""
    atoms = (("N", 1.5, -28.0, -0.9), ("CA", 2.3, 0.0, 0.0), ("C", 1.7, 28.0, 1.1), ("O", 2.0, 33.0, 2.3))
    for number, letter in enumerate(sequence, start=1):
        for name, radius, turn, rise in atoms:
            angle = math.radians(100.0 * number + turn)
            yield (
                number,
                _THREE[letter],
                name,
                (radius * math.cos(angle), radius * math.sin(angle), 1.5 * number + rise),
            )


def helix_cif(sequence: str, id_: str, *, method: str = "", b_factor: float = 20.0) -> str:
    """A small mmCIF file."""
    about = f"_exptl.method '{method}'\n_refine.ls_d_res_high 1.50\n" if method else ""
    columns = "group_PDB id type_symbol label_atom_id label_alt_id label_comp_id label_asym_id label_entity_id "
    columns += "label_seq_id Cartn_x Cartn_y Cartn_z occupancy B_iso_or_equiv auth_seq_id auth_asym_id"
    lines = [
        f"ATOM {serial} {atom[0]} {atom} . {residue} A 1 {number} {x:.3f} {y:.3f} {z:.3f} 1 {b_factor:.2f} {number} A"
        for serial, (number, residue, atom, (x, y, z)) in enumerate(helix(sequence), start=1)
    ]
    heading = "".join(f"_atom_site.{column}\n" for column in columns.split())
    history = "loop_\n_pdbx_audit_revision_history.ordinal\n_pdbx_audit_revision_history.revision_date\n"
    history += "1 1998-01-21\n2 2024-10-30\n"
    return f"data_{id_}\n_entry.id {id_}\n{about}{history}loop_\n{heading}" + "\n".join(lines) + "\n"


def helix_pdb(sequence: str) -> str:
    """A small PDB file, as ESMFold writes one."""
    lines = ["HEADER                                            18-OCT-26", "TITLE     ESMFOLD V1 PREDICTION FOR INPUT"]
    lines += [
        f"ATOM  {serial:5d}  {atom:<3} {residue} A{number:4d}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.80{atom[0]:>12}"
        for serial, (number, residue, atom, (x, y, z)) in enumerate(helix(sequence), start=1)
    ]
    return "\n".join([*lines, "END"]) + "\n"


if __name__ == "__main__":
    with serving(Public()) as address:
        print("\n".join(f"export {name}={value}" for name, value in environment(address).items()), flush=True)  # noqa: T201
        while True:
            time.sleep(60)
