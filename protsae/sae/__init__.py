"""Sparse autoencoders, one architecture a file. Read `base.py` first.

`topk` (the vanilla SAE) and `protsae` (guided by the Gene Ontology); to compare with them `relu` (with an L1 penalty),
`gated`, `jumprelu`, `batchtopk`, `ordered` (by nested dropout), `gba` (biases that follow firing rates) and `splice`
(class means of the concepts, nothing trained). `imported` is what other programs have trained.
"""

from protsae.sae.base import SAE
from protsae.sae.batchtopk import BatchTopKSAE, BatchTopKSAEConfig
from protsae.sae.ensemble import EnsembleSAE, EnsembleSAEConfig
from protsae.sae.gated import GatedSAE, GatedSAEConfig
from protsae.sae.gba import GBASAE, GBASAEConfig
from protsae.sae.imported import ImportedSAE, ImportedSAEConfig
from protsae.sae.jumprelu import JumpReLUSAE, JumpReLUSAEConfig
from protsae.sae.loaders import load_sae
from protsae.sae.ordered import OrderedSAE, OrderedSAEConfig
from protsae.sae.passes import ForwardOutput, GuidedOutput
from protsae.sae.protsae import ProtSAE
from protsae.sae.protsae_config import ProtSAEConfig
from protsae.sae.relu import ReLUSAE, ReLUSAEConfig
from protsae.sae.splice import SpLiCESAE, SpLiCESAEConfig
from protsae.sae.topk import TopKSAE, TopKSAEConfig

__all__ = [
    "GBASAE",
    "SAE",
    "BatchTopKSAE",
    "BatchTopKSAEConfig",
    "EnsembleSAE",
    "EnsembleSAEConfig",
    "ForwardOutput",
    "GBASAEConfig",
    "GatedSAE",
    "GatedSAEConfig",
    "GuidedOutput",
    "ImportedSAE",
    "ImportedSAEConfig",
    "JumpReLUSAE",
    "JumpReLUSAEConfig",
    "OrderedSAE",
    "OrderedSAEConfig",
    "ProtSAE",
    "ProtSAEConfig",
    "ReLUSAE",
    "ReLUSAEConfig",
    "SpLiCESAE",
    "SpLiCESAEConfig",
    "TopKSAE",
    "TopKSAEConfig",
    "load_sae",
]
