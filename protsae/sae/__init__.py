"""Sparse autoencoders: `topk` (the vanilla SAE) and `protsae` (guided by the Gene Ontology). Read `base.py` first."""

from protsae.sae.base import SAE, ForwardOutput, GuidedOutput, load_sae
from protsae.sae.protsae import ProtSAE, ProtSAEConfig
from protsae.sae.topk import TopKSAE, TopKSAEConfig

__all__ = [
    "SAE",
    "ForwardOutput",
    "GuidedOutput",
    "ProtSAE",
    "ProtSAEConfig",
    "TopKSAE",
    "TopKSAEConfig",
    "load_sae",
]
