"""A second, tiny language model: what the seam asks of one, and nothing of ESM-2.

    x_0 = table[letter],   x_l = x_(l-1) + tanh(x_(l-1) @ W_l + shift(x_(l-1)) @ V_l),   logits = x_L @ U

`shift` is the residue before. It has no special tokens and hands out block ends only. Read `ToyPLM`.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor

from protsae.alphabet import AMINO_ACIDS
from protsae.errors import InputError
from protsae.plm.base import PLM, REFERENCE_PROTEINS, Edit, PLMState
from protsae.plm.registry import Architecture
from protsae.plm.sites import Outline, Place, Site
from protsae.plm.spec import PLMSpec
from protsae.plm.windows import batches, windows

NAME, D_MODEL, LAYERS = "toy-3", 12, 3
MASK = len(AMINO_ACIDS)


class ToyPLM(PLM):
    """Random weights, the same every time."""

    def __init__(self) -> None:
        drawn = torch.Generator().manual_seed(0)
        self.name, self.weights, self.device, self.max_residues = NAME, None, torch.device("cpu"), 40
        self._table = torch.randn(MASK + 1, D_MODEL, generator=drawn)
        self._blocks = torch.randn(LAYERS, 2, D_MODEL, D_MODEL, generator=drawn) / D_MODEL**0.5
        self._head = torch.randn(D_MODEL, len(AMINO_ACIDS), generator=drawn)

    @property
    def d_model(self) -> int:
        return D_MODEL

    @property
    def num_layers(self) -> int:
        return LAYERS

    @property
    def sites(self) -> tuple[Site, ...]:
        return ("resid_post",)

    def spec(self, *, layer: int, site: Site, weights: str | None = None) -> PLMSpec:
        return PLMSpec(
            architecture="toy",
            name=self.name,
            layer=layer,
            site=self.site_at(layer, site),
            num_layers=LAYERS,
            embed_dim=D_MODEL,
            attention_heads=1,
            weights=weights,
        )

    def tokenise(self, sequence: str, masked: Sequence[int] = ()) -> Int[Tensor, " n_tokens"]:
        if not sequence or not set(sequence) <= set(AMINO_ACIDS):
            raise InputError(f"The toy knows the twenty amino acids, got {sequence!r}.")
        tokens = torch.tensor([AMINO_ACIDS.index(letter) for letter in sequence])
        tokens[list(masked)] = MASK
        return tokens

    def harvest_at(
        self,
        sequences: Sequence[str],
        places: Sequence[Place],
        *,
        tokens_per_batch: int = 8192,
        progress: Callable[[int], None] | None = None,
        masked: Sequence[Sequence[int]] = (),
        precise: bool = True,
    ) -> Iterator[tuple[int, list[Float[Tensor, "n_residues d_model"]]]]:
        del precise  # it knows one precision
        for layer, site in places:
            self.site_at(layer, site)
        order = sorted(range(len(sequences)), key=lambda i: (-len(sequences[i]), i))
        pieces = [(i, window) for i in order for window in windows(len(sequences[i]), self.max_residues)]
        kept: list[list[Tensor]] = [[] for _ in places]
        for batch in batches(pieces, tokens_per_batch):
            for index, w in batch:
                hidden = w.inside(masked[index]) if masked else ()
                x = self._table[self.tokenise(sequences[index][w.start : w.stop], hidden)]
                for here, (layer, _) in zip(kept, places, strict=True):
                    here.append(self._run(x, 0, layer)[w.keep_start - w.start : w.keep_stop - w.start])
                if w.keep_stop == len(sequences[index]):
                    yield index, [torch.cat(here) for here in kept]
                    kept = [[] for _ in places]
            if progress:
                progress(sum(w.keep_stop - w.keep_start for _, w in batch))

    def state(self, sequence: str, *, layer: int, site: Site | None = None, masked: Sequence[int] = ()) -> PLMState:
        chosen = self.site_at(layer, site)
        return PLMState(self._run(self._table[self.tokenise(sequence, masked)], 0, layer), layer, chosen, 0, 0)

    def onward(self, state: PLMState, *, layer: int, site: Site | None = None, edit: Edit | None = None) -> PLMState:
        x = state.stream if edit is None else state.edited(edit)
        return state._replace(stream=self._run(x, state.layer, layer), layer=layer, site=self.site_at(layer, site))

    def logits_from(self, state: PLMState, *, edit: Edit | None = None) -> Float[Tensor, "n_residues 20"]:
        x = state.stream if edit is None else state.edited(edit)
        return self._run(x, state.layer, LAYERS) @ self._head

    def amino_acid_effect(
        self, directions: Float[Tensor, "n d_model"], *, reference: Sequence[str] = REFERENCE_PROTEINS
    ) -> Float[Tensor, "n 20"]:
        del reference  # the head is linear: its slope is the same everywhere
        effect = directions @ self._head
        return effect - effect.mean(dim=-1, keepdim=True)

    def _run(self, x: Tensor, first: int, last: int) -> Tensor:
        for own, before in self._blocks[first:last]:
            x = x + torch.tanh(x @ own + torch.cat([x[:1] * 0, x[:-1]]) @ before)
        return x


def toy_architecture() -> Architecture:
    """What a registry needs to open the toy."""
    return Architecture(
        (NAME,),
        lambda _name: Outline(LAYERS, ("resid_post",)),
        lambda _name, _device: ToyPLM(),
        lambda _folder, _spec, _device: ToyPLM(),
        lambda _name, _sha256, _progress: None,
    )


def folder_of(path: Path) -> Path:
    """A local folder that says it is a toy."""
    path.mkdir()
    (path / "config.json").write_text('{"architecture": "toy"}')
    return path
