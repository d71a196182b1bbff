"""Tensor shapes in the signatures of model code are checked while the library's tests run."""

from jaxtyping import install_import_hook

MODEL_CODE = [
    "protsae.measures.absorption",
    "protsae.training.batches",
    "protsae.measures.entanglement",
    "protsae.measures.fidelity",
    "protsae.measures.function",
    "protsae.training.guidance",
    "protsae.sae.losses",
    "protsae.measures.metrics",
    "protsae.measures.perturbation",
    "protsae.plm.effect",
    "protsae.plm.packed",
    "protsae.sae.base",
    "protsae.sae.batchtopk",
    "protsae.sae.gated",
    "protsae.sae.geometry",
    "protsae.sae.jumprelu",
    "protsae.sae.relu",
    "protsae.sae.fast.threshold",
    "protsae.sae.threshold",
    "protsae.sae.topk",
    "protsae.measures.sparse_probing",
    "protsae.training.validation",
]

install_import_hook(MODEL_CODE, "beartype.beartype")
