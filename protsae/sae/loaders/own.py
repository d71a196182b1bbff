"""The project's own format: `cfg.json` and `sae.safetensors`, as `protsae/sae/artifact.py` describes them."""

from pathlib import Path

from protsae.files import read_json
from protsae.sae import base
from protsae.sae.base import SAE


def recognises(path: Path) -> bool:
    """Whether cfg.json is one that `SAE.save` writes."""
    cfg = read_json(path / "cfg.json")
    return cfg is not None and "architecture" in cfg and "d_model" in cfg


def load(path: Path) -> SAE:
    """Read both files.

    Raises:
        ArtifactError: a file is missing, damaged, of an unknown architecture, or does not fit its config.
    """
    return base.load_sae(path)
