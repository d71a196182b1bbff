"""Tensor shapes in the signatures of model code are checked while the library's tests run."""

from jaxtyping import install_import_hook

MODEL_CODE = [
    "protsae.absorption",
    "protsae.batches",
    "protsae.entanglement",
    "protsae.fidelity",
    "protsae.function_metrics",
    "protsae.guidance",
    "protsae.losses",
    "protsae.metrics",
    "protsae.perturbation",
    "protsae.plm_effect",
    "protsae.plm_packed",
    "protsae.sae.base",
    "protsae.sae.batchtopk",
    "protsae.sae.gated",
    "protsae.sae.geometry",
    "protsae.sae.jumprelu",
    "protsae.sae.relu",
    "protsae.sae.sparse_threshold",
    "protsae.sae.threshold",
    "protsae.sae.topk",
    "protsae.sparse_probing",
    "protsae.validation",
]

install_import_hook(MODEL_CODE, "beartype.beartype")
