"""The three sub-ontologies of the Gene Ontology and their short names."""

from collections.abc import Mapping
from typing import Literal

Namespace = Literal["MFO", "BPO", "CCO"]

NAMESPACES: Mapping[str, Namespace] = {
    "molecular_function": "MFO",
    "biological_process": "BPO",
    "cellular_component": "CCO",
}
"""Name in an OBO file -> short name."""
