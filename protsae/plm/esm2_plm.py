"""ESM-2 as a `PLM` (see `base.py`): fair-esm's weights, opened after attention and at the end of every block.

Any ESM-2: by fair-esm's name (8M to 15B), a local fair-esm `.pt`, or a folder with config.json and safetensors. On a
CPU it computes in fp32, on CUDA in bf16 with the residual stream, the LM head and all results in fp32.

Read `ESM2PLM.harvest`, then `ESM2PLM.state` and `ESM2PLM.logits_from`: what lies below an edit is computed once, the
layers above it again for every edit. The forward pass is in `packed.py` and `esm2.py`.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

import torch
from esm.model.esm2 import ESM2
from jaxtyping import Float, Int
from torch import Tensor

from protsae.alphabet import AMINO_ACIDS
from protsae.device import multiplies_halves, pick_device
from protsae.errors import ArtifactError, InputError
from protsae.files import inside, sha256
from protsae.plm import esm2
from protsae.plm import packed as plm_packed
from protsae.plm.base import PLM, REFERENCE_PROTEINS, Edit, PLMState
from protsae.plm.effect import mean_jacobian
from protsae.plm.packed import Packed
from protsae.plm.sites import SITES, Site
from protsae.plm.spec import PLMSpec
from protsae.plm.tokens import Tokenizer
from protsae.plm.weights import Shape, check_sha256, read_model, read_safetensors
from protsae.plm.windows import batches, windows

ARCHITECTURE = "esm2"
"""What `plm.json` and a local model's config.json call it."""

MAX_RESIDUES = 1022
"""Residues in ESM-2's training crops: 1,024 tokens without <cls> and <eos>."""


class ESM2PLM(PLM):
    """ESM-2, opened at the residual stream. Stateless between calls, so threads may share one."""

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
        """After attention, and at the block's end."""
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

    def harvest(
        self,
        sequences: Sequence[str],
        *,
        layer: int,
        site: Site | None = None,
        tokens_per_batch: int = 8192,
        progress: Callable[[int], None] | None = None,
        masked: Sequence[Sequence[int]] = (),
        precise: bool = True,
    ) -> Iterator[tuple[int, Float[Tensor, "n_residues d_model"]]]:
        """Activations of many sequences; see `PLM.harvest`."""
        place = (layer, self.site_at(layer, site))
        pieces = [
            (index, window)
            for index in sorted(range(len(sequences)), key=lambda i: (-len(sequences[i]), i))
            for window in windows(len(sequences[index]), self.max_residues)
        ]
        kept: list[Tensor] = []
        for batch in batches(pieces, tokens_per_batch):
            tokens = [
                self.tokenise(sequences[index][w.start : w.stop], w.inside(masked[index]) if masked else ())
                for index, w in batch
            ]
            states = self._run(tokens, place, precise=precise).cpu().split([len(t) for t in tokens])
            for (index, window), state in zip(batch, states, strict=True):
                first = window.start - 1
                kept.append(state[window.keep_start - first : window.keep_stop - first])
                if window.keep_stop == len(sequences[index]):
                    yield index, torch.cat(kept)
                    kept = []
            if progress:
                progress(sum(w.keep_stop - w.keep_start for _, w in batch))

    def state(self, sequence: str, *, layer: int, site: Site | None = None, masked: Sequence[int] = ()) -> PLMState:
        """The lower half of a forward pass; see `PLM.state`."""
        chosen = self.site_at(layer, site)
        if len(sequence) > self.max_residues:
            raise InputError(
                f"The sequence has {len(sequence):,} residues, but the language model {self.name} predicts residues "
                f"of at most {self.max_residues:,} at once: give a part of it."
            )
        return PLMState(self._run([self.tokenise(sequence, masked)], (layer, chosen)), layer, chosen)

    @torch.no_grad()
    def onward(self, state: PLMState, *, layer: int, site: Site | None = None, edit: Edit | None = None) -> PLMState:
        """A state taken further up; see `PLM.onward`."""
        chosen = self.site_at(layer, site)
        x = state.stream if edit is None else state.edited(edit)
        with self._autocast():
            packed = Packed.resume(self._model, x)
            place = (state.layer, state.site)
            higher = plm_packed.run(self._model, self._fused, packed, start=place, stop=(layer, chosen)).float()
        return state._replace(stream=higher, layer=layer, site=chosen)

    @torch.no_grad()
    def logits_from(self, state: PLMState, *, edit: Edit | None = None) -> Float[Tensor, "n_residues 20"]:
        """The upper half of a forward pass; see `PLM.logits_from`."""
        x = state.stream if edit is None else state.edited(edit)
        with self._autocast():
            top = plm_packed.run(
                self._model, self._fused, Packed.resume(self._model, x), start=(state.layer, state.site)
            )
        return esm2.lm_logits(self._model, top[1:-1])[:, self._amino_acids].cpu()

    def amino_acid_effect(
        self, directions: Float[Tensor, "n d_model"], *, reference: Sequence[str] = REFERENCE_PROTEINS
    ) -> Float[Tensor, "n 20"]:
        """Logits per unit length of a direction, through the final layer norm and the LM head; see the protocol."""
        states = [self.embed(protein, layer=self.num_layers, site="resid_post") for protein in reference]
        jacobian = mean_jacobian(self._model, torch.cat(states).to(self.device), self._amino_acids)
        effect = directions.to(self.device, torch.float32) @ jacobian.T
        return (effect - effect.mean(dim=-1, keepdim=True)).cpu()

    @torch.no_grad()
    def _run(
        self, tokens: list[Tensor], stop: tuple[int, Site], *, precise: bool = True
    ) -> Float[Tensor, "n_tokens d_model"]:
        with self._autocast(precise=precise):
            packed = Packed.embed(self._model, [t.to(self.device) for t in tokens])
            return plm_packed.run(self._model, self._fused, packed, stop=stop).float()

    def _autocast(self, *, precise: bool = True) -> torch.autocast:
        halves = self.device.type == "cuda" or (not precise and multiplies_halves())
        return torch.autocast(self.device.type, torch.bfloat16, enabled=halves)
