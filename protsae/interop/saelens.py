"""ProtSAE as an architecture of SAELens, so that `SAE.load_from_disk` gives its guided features.

    import protsae.interop.saelens as ours
    from sae_lens import SAE

    ours.register()
    sae = SAE.load_from_disk("exported/protsae")
    sae.encode(x)[:, :sae.cfg.n_defined]      # features of sae.cfg.concepts, in this order
    sae.concept_probs(x)                      # what its concept predictor says

Input and output are the language model's own states; `protsae/export/saelens.py` writes the folder. Read `register`.
"""

import functools
import json
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from protsae.errors import ConfigError
from protsae.sae.protsae import ProtSAE
from protsae.sae.protsae_config import ProtSAEConfig

ARCHITECTURE = "protsae"


@functools.cache
def register() -> None:
    """Make `protsae` known to SAELens; done once a process.

    Raises:
        ConfigError: SAELens is not installed.
    """
    try:
        lens, registry = import_module("sae_lens.saes.sae"), import_module("sae_lens.registry")
    except ImportError as error:
        raise ConfigError("SAELens is not installed: pip install 'sae-lens>=6.54,<7'") from error
    registry.register_sae_class(ARCHITECTURE, _sae_class(lens), _config_class(lens))


def _config_class(lens: Any) -> type:
    base_config: Any = lens.SAEConfig

    @dataclass
    class ProtSAELensConfig(base_config):
        """A ProtSAE's own configuration beside SAELens's."""

        protsae: str = "{}"
        """cfg.json of the ProtSAE, as text."""

        @classmethod
        def architecture(cls) -> str:
            return ARCHITECTURE

        @property
        def ours(self) -> ProtSAEConfig:
            """The ProtSAE's own configuration."""
            fields = json.loads(self.protsae)
            return ProtSAEConfig(**fields | {"concepts": tuple(fields["concepts"])})

        @property
        def concepts(self) -> tuple[str, ...]:
            """GO ids of features 0, 1, ..."""
            return self.ours.concepts

        @property
        def n_defined(self) -> int:
            """Guided features; they come first."""
            return self.ours.n_defined

    return ProtSAELensConfig


def _sae_class(lens: Any) -> type:
    base: Any = lens.SAE

    class ProtSAELens(base):
        """A ProtSAE that reads and writes the language model's own states."""

        def initialize_weights(self) -> None:
            super().initialize_weights()
            m, d_in = self.cfg.n_defined, self.cfg.d_in
            for name, shape in (("b_enc", (self.cfg.d_sae,)), ("W_pred", (d_in, m)), ("b_pred", (m,))):
                self.register_parameter(name, nn.Parameter(torch.zeros(shape, dtype=self.dtype, device=self.device)))

        @functools.cached_property
        def _rule(self) -> ProtSAE:
            """The very class of ours, for its choice of active features; it holds no weights."""
            with torch.device("meta"):
                return ProtSAE(self.cfg.ours)

        def encode(self, x: Tensor) -> Tensor:
            """Activations; guided features first."""
            sae_in = self.process_sae_in(x)
            rows = sae_in.reshape(-1, sae_in.shape[-1])
            pre = self.hook_sae_acts_pre(rows @ self.W_enc + self.b_enc)
            acts, _ = self._rule.sparsify(pre, rows @ self.W_pred + self.b_pred)
            return self.hook_sae_acts_post(acts.reshape(*sae_in.shape[:-1], -1))

        def decode(self, feature_acts: Tensor) -> Tensor:
            """Reconstructed states."""
            recons = self.hook_sae_recons(feature_acts @ self.W_dec + self.b_dec)
            return self.run_time_activation_norm_fn_out(recons)

        def concept_probs(self, x: Tensor) -> Tensor:
            """Probability of each concept, in the order of `cfg.concepts`."""
            return (self.process_sae_in(x) @ self.W_pred + self.b_pred).sigmoid()

    return ProtSAELens
