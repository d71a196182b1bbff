"""ESM-2 as a `PLM` (see `base.py`): fair-esm's weights, opened at every site of its blocks.

Any ESM-2: by fair-esm's name (8M to 15B), a local fair-esm `.pt`, or a folder with config.json and safetensors. On a
CPU it computes in fp32, on CUDA in bf16 with the residual stream, the LM head and all results in fp32.

Read `WalkedPLM` (`walked.py`) first: what lies below an edit is computed once, the layers above it again for every
edit. The forward pass is in `packed.py` and `esm2.py`.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import torch
from esm.model.esm2 import ESM2
from jaxtyping import Float, Int
from torch import Tensor

from protsae.alphabet import AMINO_ACIDS
from protsae.device import multiplies_halves, pick_device
from protsae.errors import ArtifactError
from protsae.files import inside, sha256
from protsae.plm import esm2
from protsae.plm import packed as plm_packed
from protsae.plm.base import REFERENCE_PROTEINS
from protsae.plm.effect import mean_jacobian
from protsae.plm.packed import Packed
from protsae.plm.sites import SITES, Place, Site
from protsae.plm.spec import PLMSpec
from protsae.plm.substituted import REACHED, after_first_attention
from protsae.plm.tokens import Tokenizer
from protsae.plm.walked import Step, WalkedPLM, met
from protsae.plm.weights import Shape, check_sha256, read_model, read_safetensors

ARCHITECTURE = "esm2"
"""What `plm.json` and a local model's config.json call it."""

MAX_RESIDUES = 1022
"""Residues in ESM-2's training crops: 1,024 tokens without <cls> and <eos>."""


class ESM2PLM(WalkedPLM):
    """ESM-2, opened at every site of its blocks. Stateless between calls, so threads may share one."""

    n_before = n_after = 1

    def __init__(
        self,
        model: ESM2,
        *,
        name: str,
        weights: Path | None = None,
        device: str | torch.device = "auto",
        max_residues: int = MAX_RESIDUES,
    ) -> None:
        """Take over a loaded model.

        Args:
            model: fair-esm's ESM2 with its weights.
            name: what results and bundles call it.
            weights: the file it was read from, if any.
            device: `auto` (CUDA where there is one), or as torch names devices.
            max_residues: longest sequence that goes through at once.

        Raises:
            ConfigError: this machine has no such device.
        """
        self.name = name
        self.weights = weights
        self.max_residues = max_residues
        self.device = pick_device(device)
        self._model = model.to(self.device).eval().requires_grad_(requires_grad=False)
        self._fused = plm_packed.fuse_qkv(self._model)
        self._tokenizer = Tokenizer(model.alphabet)
        self._amino_acids = self._tokenizer.ids(AMINO_ACIDS).to(self.device)

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""
        return self._model.embed_dim

    @property
    def num_layers(self) -> int:
        """Blocks in all."""
        return self._model.num_layers

    @property
    def sites(self) -> tuple[Site, ...]:
        """The residual stream after attention and at the block's end, and what attention and the MLP add to it."""
        return SITES

    @classmethod
    def load(cls, name_or_path: str | Path, *, device: str = "auto") -> Self:
        """An ESM-2 by fair-esm's name, from a local fair-esm `.pt`, or from a folder with config.json and safetensors.

        Raises:
            InputError: nothing of that name exists, or its weights are not on this machine.
            ArtifactError: the files are damaged or hold something else.
            ConfigError: this machine has no such device.
        """
        loaded = read_model(name_or_path)
        return cls(loaded.model, name=loaded.name, weights=loaded.weights, device=device)

    @classmethod
    def open(cls, folder: Path, spec: PLMSpec, *, device: str = "auto") -> Self:
        """The ESM-2 that a bundle describes.

        Raises:
            ArtifactError: the weights are missing, damaged, of another shape, or not those of the bundle.
            InputError: a model that is not in the bundle cannot be found on this machine.
        """
        if spec.weights is None:
            plm = cls.load(spec.what_to_load(), device=device)
            check_sha256(plm.weights, spec.weights_sha256)
        else:
            path = inside(folder, spec.weights)
            if not path.is_file():
                raise ArtifactError(f"{path} is missing: copy the bundle again.")
            check_sha256(path, spec.weights_sha256)
            model = read_safetensors(path, Shape(spec.num_layers, spec.embed_dim, spec.attention_heads))
            plm = cls(model, name=spec.name, weights=path, device=device)
        found = plm.spec(layer=spec.layer, site=spec.site)
        for key in ("num_layers", "embed_dim", "attention_heads"):
            if getattr(found, key) != getattr(spec, key):
                raise ArtifactError(
                    f"The bundle needs a {spec.name} with {key} {getattr(spec, key)}, but {plm.weights} has "
                    f"{getattr(found, key)}."
                )
        return plm

    def spec(self, *, layer: int, site: Site, weights: str | None = None) -> PLMSpec:
        """What `plm.json` says of this model; its hash is that of the file it was read from.

        Raises:
            ConfigError: the model has no such layer or site.
        """
        return PLMSpec(
            architecture=ARCHITECTURE,
            name=self.name,
            layer=layer,
            site=self.site_at(layer, site),
            num_layers=self.num_layers,
            embed_dim=self.d_model,
            attention_heads=self._model.attention_heads,
            weights=weights,
            weights_sha256=sha256(self.weights) if self.weights else "",
        )

    def tokenise(self, sequence: str, masked: Sequence[int] = ()) -> Int[Tensor, " n_tokens"]:
        """<cls>, one token a residue, <eos>; see `PLM.tokenise`."""
        return self._tokenizer.encode(sequence, masked)

    def begin(self, tokens: list[Tensor]) -> Iterator[Step]:
        """Every site of a forward pass, tokens end to end."""
        return plm_packed.walk(self._model, self._fused, Packed.embed(self._model, tokens))

    def resume(self, x: Float[Tensor, "n_tokens d_model"], place: Place) -> Iterator[Step]:
        """Every site above `place`."""
        return plm_packed.walk(self._model, self._fused, Packed.resume(self._model, [x]), start=place)

    def harvest_substitutions(
        self,
        sequence: str,
        at: int,
        letters: Sequence[str],
        *,
        layer: int,
        site: Site | None = None,
        tokens_per_batch: int = 8192,
        precise: bool = True,
    ) -> Iterator[Float[Tensor, "n_residues d_model"]]:
        """What one substitution does, the first block's attention computed once for all; see the protocol."""
        place = Place(layer, self.site_at(layer, site))
        if len(sequence) > self.max_residues or place in (Place(1, "attn_out"), REACHED):
            yield from super().harvest_substitutions(
                sequence, at, letters, layer=layer, site=site, tokens_per_batch=tokens_per_batch, precise=precise
            )
            return
        tokens = self.tokenise(sequence).to(self.device)
        others = self._tokenizer.ids("".join(letters)).to(self.device)
        at_once = max(1, tokens_per_batch // len(tokens))
        with torch.no_grad(), self.precision(precise=precise):
            for streams in after_first_attention(
                self._model, self._fused[0], tokens, at + self.n_before, others, at_once=at_once
            ):
                packed = Packed.resume(self._model, list(streams))
                steps = plm_packed.walk(self._model, self._fused, packed, start=REACHED)
                for state in met(steps, {place})[place].x.float().cpu().split(packed.lengths):
                    yield state[self.n_before : len(state) - self.n_after]

    def head(self, top: Float[Tensor, "n_residues d_model"]) -> Float[Tensor, "n_residues 20"]:
        """Logits of the twenty amino acids."""
        return esm2.lm_logits(self._model, top)[:, self._amino_acids]

    def amino_acid_effect(
        self, directions: Float[Tensor, "n d_model"], *, reference: Sequence[str] = REFERENCE_PROTEINS
    ) -> Float[Tensor, "n 20"]:
        """Logits per unit length of a direction, through the final layer norm and the LM head; see the protocol."""
        states = [self.embed(protein, layer=self.num_layers, site="resid_post") for protein in reference]
        jacobian = mean_jacobian(self.head, torch.cat(states).to(self.device))
        effect = directions.to(self.device, torch.float32) @ jacobian.T
        return (effect - effect.mean(dim=-1, keepdim=True)).cpu()

    def precision(self, *, precise: bool) -> torch.autocast:
        """Half precision on CUDA, and where it is allowed and fast."""
        halves = self.device.type == "cuda" or (not precise and multiplies_halves())
        return torch.autocast(self.device.type, torch.bfloat16, enabled=halves)
