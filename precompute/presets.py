"""The paper's form, in one place. The recommended form is what every setting of `RunConfig` defaults to.

    PAPER_SWITCHES   of `ProtSAEConfig`: the model; the evaluation's ablations change one of them at a time
    PRESETS          of `RunConfig`, by the name that `--preset` takes; settings that are given win over them

Sizes (d_sae, k, layer) are no part of the form: they follow the language model.

Source: Liu et al. 2025 (arXiv:2509.05309) and the authors' released defaults.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from precompute.saes import SAESpec

PAPER_SWITCHES: Mapping[str, Any] = MappingProxyType(
    {
        "detach": True,
        "axioms": True,
        "forced_activation": True,
        "rescale": True,
        "forcing_mean": "active",
        "forcing": "after",
        "forcing_strength": "mean",
        "selection": "joint",
        "annotation": "residue",
        "site_weight": 0.0,
        "spread": 0.0,
        "detector": False,
        "predictor_l2": 0.0,
        "detector_l2": 0.0,
        "positive_weight": 0.0,
        "lambda_annot": 10.0,
        "lambda_axiom": 1.0,
    }
)
"""Switches of `ProtSAEConfig` in the paper's form."""

PAPER_SAES = (
    SAESpec(name="protsae_mfo", display_name="ProtSAE MFO", architecture="protsae", namespace="MFO"),
    SAESpec(name="protsae_bpo", display_name="ProtSAE BPO", architecture="protsae", namespace="BPO"),
    SAESpec(name="protsae_cco", display_name="ProtSAE CCO", architecture="protsae", namespace="CCO"),
    SAESpec(name="vanilla", display_name="Vanilla", match_l0=("protsae_mfo", "protsae_bpo", "protsae_cco")),
)
"""A ProtSAE for each sub-ontology, and a TopK SAE of the same width at their mean total L0."""

SWITCHES_OF_A_RUN = (
    *("lambda_annot", "lambda_axiom", "annotation", "positive_weight", "forcing_strength", "selection"),
    *("detector", "predictor_l2", "detector_l2", "rate_share", "rate_min", "rate_max", "site_weight", "spread"),
)
"""Settings of `RunConfig` that are switches of `ProtSAEConfig`, by the same name."""

PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "recommended": MappingProxyType({}),
        "paper": MappingProxyType(
            {
                **{name: PAPER_SWITCHES[name] for name in SWITCHES_OF_A_RUN if name in PAPER_SWITCHES},
                "saes": PAPER_SAES,
                "site": "resid_mid",
                "epochs": 50,
                "schedule": "drop",
                "epochs_before_drop": 5,
                "normalise": "scalar",
                "learning_rate": 5e-4,
                "guided_pace": 1.0,
                "residues_per_protein": 100,
                "batch_size": 128,
                "auxk": 0,
                "rate_bound": 0.0,
            }
        ),
    }
)
"""Preset -> setting -> value; a setting that it does not name keeps its default."""
