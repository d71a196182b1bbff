"""The library: sparse autoencoders of protein language models, guided by the Gene Ontology, and bundles of them.

    protsae.open_bundle("assets/demo")     a finished bundle, from Python; see `protsae/api/opened.py`
    protsae.Suite.open(path)               a suite of SAEs over layers, sites and widths; see `protsae/api/suite.py`
    protsae.load_sae(path)                 an SAE of any format that is read; see `protsae/sae/loaders/`

These names are looked up when they are first used, so that `import protsae` loads neither torch nor DuckDB.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from protsae.api.opened import OpenBundle, open_bundle
    from protsae.api.suite import Suite
    from protsae.sae.loaders import load_sae

_HOMES = {
    "OpenBundle": "protsae.api.opened",
    "Suite": "protsae.api.suite",
    "open_bundle": "protsae.api.opened",
    "load_sae": "protsae.sae.loaders",
}

__all__ = ["OpenBundle", "Suite", "load_sae", "open_bundle"]


def __getattr__(name: str) -> Any:
    """One of the public names, from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module 'protsae' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
