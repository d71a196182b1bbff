"""Tensor shapes in the signatures of model code are checked while the library's tests run."""

from jaxtyping import install_import_hook

MODEL_CODE = [
    "protsae.batches",
    "protsae.function_metrics",
    "protsae.guidance",
    "protsae.losses",
    "protsae.metrics",
    "protsae.plm_effect",
    "protsae.plm_packed",
    "protsae.sae.base",
    "protsae.sae.geometry",
    "protsae.sae.topk",
    "protsae.validation",
]

install_import_hook(MODEL_CODE, "beartype.beartype")
