"""Where things stand in a bundle. Nothing in it may lead out: names are checked, links are refused.

Read `sae_folder`.
"""

from pathlib import Path

from protsae.errors import BundleError
from protsae.files import inside
from protsae.plm.about import NOTICE as PLM_NOTICE
from protsae.plm.spec import FILE as PLM
from protsae.store.analyses.contract import FOLDER as ANALYSES

STORE = "store.duckdb"
PLM_WEIGHTS = "plm.safetensors"
MANIFEST = "manifest.json"
SAES = "sae"
SAE_FILES = ("cfg.json", "sae.safetensors")

__all__ = [
    "ANALYSES",
    "MANIFEST",
    "PLM",
    "PLM_NOTICE",
    "PLM_WEIGHTS",
    "SAES",
    "SAE_FILES",
    "STORE",
    "refuse_links",
    "sae_folder",
]


def sae_folder(bundle: Path, name: str) -> Path:
    """Folder of one SAE.

    Raises:
        BundleError: the name leads out of the bundle.
    """
    if "/" in name:
        raise BundleError(f"the SAE's name {name!r} leads out of {bundle}; get the bundle from a source you trust")
    return inside(bundle, SAES, name)


def refuse_links(bundle: Path) -> None:
    """Refuse a bundle that holds a symbolic link, whatever it leads to.

    Raises:
        BundleError: it holds one.
    """
    for path in bundle.rglob("*"):
        if path.is_symlink():
            raise BundleError(f"{path} is a symbolic link, which a bundle may not hold; put the file itself there")
