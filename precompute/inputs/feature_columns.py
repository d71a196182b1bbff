"""UniProt's feature columns: text such as `BINDING 83; /ligand="Zn(2+)"; /evidence="..."; DISULFID 12..34` to regions.

Uncertain ends (`<1..34`, `1..>120`) are taken at the position given; unknown ones (`?..45`) and those on other isoforms
(`P12345-2:5..8`) have no place in the sequence: they are left out and counted. A disulfide bond marks its two ends, not
what lies between them. METAL, NP_BIND and CA_BIND, which UniProt made part of BINDING in 2022, are binding sites here,
too.

Read `parse_features`.

Source: https://www.uniprot.org/help/sequence_annotation
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from precompute.inputs.records import Region

MAX_LABEL = 60

KINDS: Mapping[str, str] = {
    "ACT_SITE": "Active site",
    "BINDING": "Binding site",
    "DNA_BIND": "DNA binding",
    "SITE": "Site",
    "TRANSMEM": "Transmembrane",
    "INTRAMEM": "Intramembrane",
    "TOPO_DOM": "Topological domain",
    "SIGNAL": "Signal peptide",
    "TRANSIT": "Transit peptide",
    "PROPEP": "Propeptide",
    "MOD_RES": "Modified residue",
    "LIPID": "Lipidation",
    "CARBOHYD": "Glycosylation",
    "DISULFID": "Disulfide bond",
    "HELIX": "Helix",
    "STRAND": "Beta strand",
    "TURN": "Turn",
    "COILED": "Coiled coil",
    "COMPBIAS": "Compositional bias",
    "DOMAIN": "Domain",
    "MOTIF": "Motif",
    "REGION": "Region",
    "REPEAT": "Repeat",
    "ZN_FING": "Zinc finger",
}
"""UniProt's key -> what the column and the explorer call it."""

FORMER_KINDS: Mapping[str, str] = {
    "METAL": "Metal binding",
    "NP_BIND": "Nucleotide binding",
    "CA_BIND": "Calcium binding",
}
"""Keys that UniProt had until 2022 and has since made binding sites, and what their columns were called."""

HEADINGS = frozenset(
    {name.lower() for name in (*KINDS.values(), *FORMER_KINDS.values())}
    | {f"ft_{key.lower()}" for key in (*KINDS, *FORMER_KINDS)}
    | {"domain [ft]"}
)
"""How exports head the columns of features, in lower case."""

_FEATURE = re.compile(r'(?:^|; *)(?P<key>[A-Z_]+) (?P<place>[^;"]+)(?P<notes>(?:; */\w+="(?:[^"]|"")*")*)')
_NOTE = re.compile(r'/(\w+)="((?:[^"]|"")*)"')
_PLACE = re.compile(r"[<>]?(\d+)(?:\.\.[<>]?(\d+))?")


UNPLACED = "regions_without_a_place"
"""What is counted of the features."""


def parse_features(text: str, n_residues: int, dropped: Counter[str] | None = None) -> Iterator[Region]:
    """The regions of one cell, in its order.

    Args:
        text: the cell.
        n_residues: length of the sequence; a region that leaves it is left out.
        dropped: counts what is left out.
    """
    unplaced = 0
    for feature in _FEATURE.finditer(text):
        kind = KINDS["BINDING"] if feature["key"] in FORMER_KINDS else KINDS.get(feature["key"])
        place = _PLACE.fullmatch(feature["place"].strip())
        if kind is None:
            continue
        start, end = (int(place[1]) - 1, int(place[2] or place[1]) - 1) if place is not None else (-1, -1)
        if not 0 <= start <= end < n_residues:
            unplaced += 1
            continue
        label = _label(feature["notes"])
        if kind == "Disulfide bond" and end > start:
            yield Region(kind, label, start, start)
            yield Region(kind, label, end, end)
        else:
            yield Region(kind, label, start, end)
    if dropped is not None:
        dropped[UNPLACED] += unplaced


def _label(notes: str) -> str:
    found = dict(_NOTE.findall(notes))
    label = (found.get("note") or found.get("ligand") or "").replace('""', '"').strip()
    return label if len(label) <= MAX_LABEL else label[: MAX_LABEL - 1].rstrip() + "…"
