"""A language model whose forward pass is walked site by site, and what follows from that, once for every such model.

    harvest_at     many sequences, many places, one forward pass
    state, onward  up to a place and further, with edits
    logits_from    to the top

A model gives `begin` (the walk of tokens) and `resume` (the walk of a residual stream that was left somewhere). At
`attn_out` and `mlp_out` a step also carries the stream that the update is added to, so an edit there goes on exactly.

Read `Step`, then `WalkedPLM`.
"""

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from protsae.errors import ConfigError, InputError
from protsae.plm.base import PLM, Edit, PLMState
from protsae.plm.sites import JOINS, Place, Site
from protsae.plm.windows import batches, windows


class Step(NamedTuple):
    """One site of a forward pass."""

    place: Place
    x: Float[Tensor, "*rows d_model"]
    """What stands there: tokens end to end, or one padded row a sequence."""

    below: Float[Tensor, "*rows d_model"] | None = None
    """At `attn_out` and `mlp_out` the residual stream that `x` is added to."""


class WalkedPLM(PLM):
    """What `PLM` asks for, from walks. Stateless between calls."""

    n_before: int
    """Special tokens before the first residue."""

    n_after: int
    """Special tokens after the last."""

    @abstractmethod
    def begin(self, tokens: list[Tensor]) -> Iterator[Step]:
        """The walk of sequences of tokens of any lengths, on the model's device."""
        ...

    @abstractmethod
    def resume(self, x: Float[Tensor, "n_tokens d_model"], place: Place) -> Iterator[Step]:
        """The walk of one sequence's residual stream from `place`, itself left out; empty at the top."""
        ...

    def head(self, top: Float[Tensor, "n_residues d_model"]) -> Float[Tensor, "n_residues 20"]:
        """Logits in the order of AMINO_ACIDS from the last block's residual stream.

        Raises:
            ConfigError: the model has no head.
        """
        del top
        raise no_head(self.name)

    def precision(self, *, precise: bool) -> AbstractContextManager[object]:
        """How the model multiplies; see `harvest_at`."""
        del precise
        return nullcontext()

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
        """Activations of many sequences at many places; see `PLM.harvest_at`."""
        wanted = [Place(layer, self.site_at(layer, site)) for layer, site in places]
        order = sorted(range(len(sequences)), key=lambda i: (-len(sequences[i]), i))
        pieces = [(index, w) for index in order for w in windows(len(sequences[index]), self.max_residues)]
        kept: list[list[Tensor]] = [[] for _ in wanted]
        for batch in batches(pieces, tokens_per_batch):
            tokens = [
                self.tokenise(sequences[index][w.start : w.stop], w.inside(masked[index]) if masked else ())
                for index, w in batch
            ]
            states = self._states(tokens, wanted, precise=precise)
            for place, (index, window) in enumerate(batch):
                first = window.start - self.n_before
                for here, state in zip(kept, states, strict=True):
                    here.append(state[place][window.keep_start - first : window.keep_stop - first])
                if window.keep_stop == len(sequences[index]):
                    yield index, [torch.cat(here) for here in kept]
                    kept = [[] for _ in wanted]
            if progress:
                progress(sum(w.keep_stop - w.keep_start for _, w in batch))

    @torch.no_grad()
    def _states(self, tokens: list[Tensor], places: Sequence[Place], *, precise: bool) -> list[Sequence[Tensor]]:
        """At each place the states of each sequence, special tokens included, fp32 on the CPU."""
        lengths = [len(t) for t in tokens]
        with self.precision(precise=precise):
            found = met(self.begin([t.to(self.device) for t in tokens]), set(places))
            rows = [_end_to_end(found[place].x, lengths).float().cpu() for place in places]
        return [here.split(lengths) for here in rows]

    @torch.no_grad()
    def state(self, sequence: str, *, layer: int, site: Site | None = None, masked: Sequence[int] = ()) -> PLMState:
        """The lower half of a forward pass; see `PLM.state`."""
        place = Place(layer, self.site_at(layer, site))
        if len(sequence) > self.max_residues:
            raise InputError(
                f"The sequence has {len(sequence):,} residues, but the language model {self.name} predicts residues "
                f"of at most {self.max_residues:,} at once: give a part of it."
            )
        tokens = self.tokenise(sequence, masked)
        with self.precision(precise=True):
            step = met(self.begin([tokens.to(self.device)]), {place})[place]
            return self._kept(step, len(tokens))

    @torch.no_grad()
    def onward(self, state: PLMState, *, layer: int, site: Site | None = None, edit: Edit | None = None) -> PLMState:
        """A state taken further up; see `PLM.onward`."""
        place = Place(layer, self.site_at(layer, site))
        if place == (state.layer, state.site):
            return state if edit is None else state._replace(stream=state.edited(edit))
        x, start = _joined(state, edit)
        if place == start:
            return state._replace(stream=x, layer=layer, site=place.site, below=None)
        with self.precision(precise=True):
            step = met(self.resume(x, start), {place})[place]
            return self._kept(step, len(x))

    @torch.no_grad()
    def logits_from(self, state: PLMState, *, edit: Edit | None = None) -> Float[Tensor, "n_residues 20"]:
        """The upper half of a forward pass; see `PLM.logits_from`."""
        if not self.predicts:
            raise no_head(self.name)
        x, start = _joined(state, edit)
        with self.precision(precise=True):
            for step in self.resume(x, start):
                if step.below is None:
                    x = step.x
            x = _end_to_end(x, [len(state.stream)])
        return self.head(x[state.n_before : len(x) - state.n_after]).cpu()

    def _kept(self, step: Step, n_tokens: int) -> PLMState:
        x, below = (None if t is None else _end_to_end(t, [n_tokens]).float() for t in (step.x, step.below))
        assert x is not None
        return PLMState(x, step.place.layer, step.place.site, self.n_before, self.n_after, below)


def no_head(name: str) -> ConfigError:
    """Why nothing can be predicted or steered."""
    return ConfigError(
        f"The language model {name} only reads: it has no head that predicts amino acids, so there are no likelihoods "
        "and nothing can be steered."
    )


def met(steps: Iterable[Step], places: Collection[Place]) -> dict[Place, Step]:
    """What stands at each of the places, in one forward pass that ends at the last of them."""
    found: dict[Place, Step] = {}
    for step in steps:
        if step.place in places:
            found[step.place] = step
            if len(found) == len(places):
                break
    return found


def _joined(state: PLMState, edit: Edit | None) -> tuple[Tensor, Place]:
    """The residual stream that a state goes on as, and where that is."""
    x = state.stream if edit is None else state.edited(edit)
    if state.below is None:
        return x, Place(state.layer, state.site)
    return state.below + x, Place(state.layer, JOINS[state.site])


def _end_to_end(x: Tensor, lengths: Sequence[int]) -> Tensor:
    """Tokens of all sequences in one row, padding left out."""
    return x if x.dim() == 2 else torch.cat([row[:length] for row, length in zip(x, lengths, strict=True)])
