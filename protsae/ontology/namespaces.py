"""The three sub-ontologies of the Gene Ontology, their short names, and what of GO may guide an SAE.

Read `GOScope`.
"""

from collections.abc import Mapping
from typing import Final, Literal, get_args

Namespace = Literal["MFO", "BPO", "CCO"]

NAMESPACES: Mapping[str, Namespace] = {
    "molecular_function": "MFO",
    "biological_process": "BPO",
    "cellular_component": "CCO",
}
"""Name in an OBO file -> short name."""

GOScope = Literal["MFO", "BPO", "CCO", "GO"]
"""Whose terms guide an SAE: those of one sub-ontology (the paper's form), or of all three."""

WHOLE_GO: Final = "GO"
"""The scope of all three sub-ontologies."""


def members(scope: str) -> tuple[Namespace, ...]:
    """The sub-ontologies of a scope, in the usual order; none where it is no scope ('' of an unguided SAE)."""
    every: tuple[Namespace, ...] = get_args(Namespace)
    return every if scope == WHOLE_GO else tuple(namespace for namespace in every if namespace == scope)
