"""A protein language model: sequences -> residue activations [n_residues, d_model], and back in with edits.

Any ESM-2: by fair-esm's name (8M to 15B), a local fair-esm `.pt`, or a folder with config.json and safetensors. Special
tokens are added and dropped here; none leaves this file. On a CPU it computes in fp32, on CUDA in bf16 with the
residual stream, the LM head and all results in fp32.

Read `PLM.harvest`, then `PLM.state` and `PLM.logits_from`: what lies below an edit is computed once, the layers above
it again for every edit. The forward pass is in `packed.py` and `esm2.py`.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import torch
from esm.model.esm2 import ESM2
from jaxtyping import Float
from torch import Tensor

from protsae.alphabet import AMINO_ACIDS
from protsae.errors import ArtifactError, ConfigError, InputError
from protsae.files import sha256
from protsae.plm import esm2
from protsae.plm import packed as plm_packed
from protsae.plm.effect import REFERENCE_PROTEINS, mean_jacobian
from protsae.plm.esm2 import Site
from protsae.plm.packed import Packed
from protsae.plm.spec import PLMSpec, check_site
from protsae.plm.tokens import Tokenizer
from protsae.plm.weights import Shape, check_sha256, pick_device, read_model, read_safetensors
from protsae.plm.windows import batches, windows

__all__ = ["PLM", "Edit", "PLMSpec", "PLMState"]

Edit = Callable[[Float[Tensor, "n_residues d_model"]], Float[Tensor, "n_residues d_model"]]

MAX_RESIDUES = 1022
"""Residues in ESM-2's training crops: 1,024 tokens without <cls> and <eos>."""


class PLMState(NamedTuple):
    """One sequence's residual stream at a layer and site, on the model's device: the layers above can start from it."""

    stream: Float[Tensor, "n_tokens d_model"]
    layer: int
    site: Site

    @property
    def activations(self) -> Float[Tensor, "n_residues d_model"]:
        """The residues' rows, without the special tokens'."""
        return self.stream[1:-1]


class PLM:
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

    @classmethod
    def load(cls, name_or_path: str | Path, *, device: str = "auto") -> Self:
        """An ESM-2 by fair-esm's name, from a local fair-esm `.pt`, or from a folder with config.json and safetensors.

        A named model that this machine does not have yet is downloaded.

        Raises:
            InputError: nothing of that name exists, or its download failed.
            ArtifactError: the files are damaged or hold something else.
            ConfigError: this machine has no such device.
        """
        loaded = read_model(name_or_path)
        return cls(loaded.model, name=loaded.name, weights=loaded.weights, device=device)

    @classmethod
    def from_bundle(cls, folder: Path, *, device: str = "auto") -> tuple[Self, PLMSpec]:
        """The language model that a bundle was made with, and where its SAEs sit.

        Raises:
            BundleError: `plm.json` is missing or unusable.
            ArtifactError: the weights are missing, damaged, of another shape, or not those of the bundle.
            InputError: a model that is not in the bundle cannot be found or downloaded.
        """
        spec = PLMSpec.read(folder / "plm.json")
        if spec.weights is None:
            plm = cls.load(spec.name, device=device)
            check_sha256(plm.weights, spec.weights_sha256)
        else:
            path = folder / Path(spec.weights).name
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
        return plm, spec

    def spec(self, *, layer: int, site: Site, weights: str | None = None) -> PLMSpec:
        """What `plm.json` says of this model; its hash is that of the file it was read from.

        Raises:
            ConfigError: the model has no such layer or site.
        """
        return PLMSpec(
            name=self.name,
            layer=layer,
            site=site,
            num_layers=self.num_layers,
            embed_dim=self.d_model,
            attention_heads=self._model.attention_heads,
            weights=weights,
            weights_sha256=sha256(self.weights) if self.weights else "",
        )

    def embed(self, sequence: str, *, layer: int, site: Site = "resid_mid") -> Float[Tensor, "n_residues d_model"]:
        """Activations of one sequence of any length, fp32 on the CPU.

        Raises:
            InputError: the sequence is empty or has a letter that the model does not know.
            ConfigError: the model has no such layer or site.
        """
        return next(self.harvest([sequence], layer=layer, site=site))[1]

    def harvest(
        self,
        sequences: Sequence[str],
        *,
        layer: int,
        site: Site = "resid_mid",
        tokens_per_batch: int = 8192,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[tuple[int, Float[Tensor, "n_residues d_model"]]]:
        """Activations of many sequences as (index, fp32 on the CPU), each index once, longest first.

        Args:
            sequences: any order, any length; those over `max_residues` go through in overlapping windows.
            layer: block to read, from 1; the blocks above it are not computed.
            site: `resid_mid` or `resid_post`.
            tokens_per_batch: at most so many tokens go through at once (or one window, if it alone is longer).
            progress: takes the number of residues just done.

        Raises:
            InputError: a sequence is empty or has a letter that the model does not know.
            ConfigError: the model has no such layer or site.
        """
        check_site(layer, site, self.num_layers)
        pieces = [
            (index, window)
            for index in sorted(range(len(sequences)), key=lambda i: (-len(sequences[i]), i))
            for window in windows(len(sequences[index]), self.max_residues)
        ]
        kept: list[Tensor] = []
        for batch in batches(pieces, tokens_per_batch):
            tokens = [self._tokenizer.encode(sequences[index][w.start : w.stop]) for index, w in batch]
            states = self._run(tokens, (layer, site)).cpu().split([len(t) for t in tokens])
            for (index, window), state in zip(batch, states, strict=True):
                first = window.start - 1
                kept.append(state[window.keep_start - first : window.keep_stop - first])
                if window.keep_stop == len(sequences[index]):
                    yield index, torch.cat(kept)
                    kept = []
            if progress:
                progress(sum(w.keep_stop - w.keep_start for _, w in batch))

    def state(self, sequence: str, *, layer: int, site: Site = "resid_mid", masked: Sequence[int] = ()) -> PLMState:
        """The lower half of a forward pass, for `logits_from` to go on from.

        Args:
            sequence: at most `max_residues` long.
            layer: block at which to stop, from 1.
            site: `resid_mid` or `resid_post`.
            masked: 0-based positions that are replaced by <mask>.

        Raises:
            InputError: the sequence is empty, too long, or has a letter that the model does not know.
            ConfigError: the model has no such layer or site.
        """
        check_site(layer, site, self.num_layers)
        if len(sequence) > self.max_residues:
            raise InputError(
                f"The sequence has {len(sequence):,} residues, but the language model {self.name} predicts residues "
                f"of at most {self.max_residues:,} at once: give a part of it."
            )
        return PLMState(self._run([self._tokenizer.encode(sequence, masked)], (layer, site)), layer, site)

    @torch.no_grad()
    def logits_from(self, state: PLMState, *, edit: Edit | None = None) -> Float[Tensor, "n_residues 20"]:
        """The upper half of a forward pass: logits in the order of AMINO_ACIDS, fp32 on the CPU.

        Args:
            state: where to start from; it is not changed.
            edit: takes the residues' activations (fp32, on the model's device), returns what to put in their place.
                The special tokens keep theirs. An edit that returns its argument changes no bit of the result.
        """
        x = state.stream
        if edit is not None:
            x = torch.cat([x[:1], edit(state.activations.clone()), x[-1:]])
        with self._autocast():
            top = plm_packed.run(
                self._model, self._fused, Packed.resume(self._model, x), start=(state.layer, state.site)
            )
        return esm2.lm_logits(self._model, top[1:-1])[:, self._amino_acids].cpu()

    def logits(
        self,
        sequence: str,
        *,
        masked: Sequence[int] = (),
        edit: Edit | None = None,
        layer: int | None = None,
        site: Site = "resid_mid",
    ) -> Float[Tensor, "n_residues 20"]:
        """Logits of the twenty amino acids at every residue, in the order of AMINO_ACIDS, fp32 on the CPU.

        Args:
            sequence: at most `max_residues` long.
            masked: 0-based positions that are replaced by <mask>.
            edit: replaces the residues' activations at `layer` and `site`, see `logits_from`.
            layer: block of the edit, from 1; needed only with one.
            site: site of the edit.

        Raises:
            InputError: the sequence is empty, too long, or has a letter that the model does not know.
            ConfigError: the model has no such layer or site, or an edit came without a layer.
        """
        if edit is not None and layer is None:
            raise ConfigError("An edit needs the layer at which it is made, got layer None.")
        return self.logits_from(
            self.state(sequence, layer=layer or self.num_layers, site=site, masked=masked), edit=edit
        )

    def amino_acid_effect(
        self, directions: Float[Tensor, "n d_model"], *, reference: Sequence[str] = REFERENCE_PROTEINS
    ) -> Float[Tensor, "n 20"]:
        """How a direction of the residual stream pushes the twenty amino-acid logits, each row centred on zero.

            effect = J direction,   J = mean over residues of d logits / d x

        where x is the stream after the last block, so this is the direct path through the final layer norm and the LM
        head, linearised exactly at the residues of `reference`; what later blocks make of the direction is left out.
        Unit: logits per unit length of the direction.

        Args:
            directions: in the PLM's own units.
            reference: proteins whose residues J is averaged over.
        """
        states = [self.embed(protein, layer=self.num_layers, site="resid_post") for protein in reference]
        jacobian = mean_jacobian(self._model, torch.cat(states).to(self.device), self._amino_acids)
        effect = directions.to(self.device, torch.float32) @ jacobian.T
        return (effect - effect.mean(dim=-1, keepdim=True)).cpu()

    @torch.no_grad()
    def _run(self, tokens: list[Tensor], stop: tuple[int, Site]) -> Float[Tensor, "n_tokens d_model"]:
        with self._autocast():
            packed = Packed.embed(self._model, [t.to(self.device) for t in tokens])
            return plm_packed.run(self._model, self._fused, packed, stop=stop).float()

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda")
