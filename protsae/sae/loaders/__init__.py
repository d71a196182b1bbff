"""Checkpoints of SAEs, one format a file. Read `registry.py`: it says what a new format needs.

`own` is this project's (cfg.json and sae.safetensors). `foreign` names the formats of other programs that are known by
their files but not read; a loader for one of them is a file beside `own.py`.
"""

from protsae.sae.loaders.registry import Format, load_sae

__all__ = ["Format", "load_sae"]
