"""Checkpoints of SAEs, one format a file. Read `registry.py`: it says what a new format needs.

`own` is this project's (cfg.json and sae.safetensors). Those of SAELens, dictionary_learning, InterPLM, InterProt,
ESMC and BioNeMo are brought into the common form of `protsae/sae/imported.py`. `foreign` names those that are known by
their files but not read.
"""

from protsae.sae.loaders.facts import Foreign, Stated, Told
from protsae.sae.loaders.registry import FOREIGN, Format, load_foreign, load_sae

__all__ = ["FOREIGN", "Foreign", "Format", "Stated", "Told", "load_foreign", "load_sae"]
