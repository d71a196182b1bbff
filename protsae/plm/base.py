"""What a protein language model can do here, whatever its architecture: the only type that callers know.

    harvest_at        sequences -> residue activations [n_residues, d_model] at several places, in one forward pass
    harvest           the same at one place
    state             the lower half of a forward pass, up to a layer and site
    onward            from a cached state a few layers up, with an edit spliced in
    logits_from       the upper half, from a cached state, with an edit spliced in
    amino_acid_effect how a direction of the residual stream pushes the twenty amino-acid logits

Special tokens are added and dropped by the model; none is ever handed out as a residue. A model says which sites it
offers (`sites`), and refuses others before it reads a sequence; one without a head that predicts letters (`predicts`)
reads only. A new architecture is one module beside
`esm2_plm.py` and one entry in `registry.py`.

Read `PLM`, then `registry.load_plm`.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from protsae.errors import ConfigError
from protsae.plm.sites import Place, Site, check_site
from protsae.plm.spec import PLMSpec

Edit = Callable[[Float[Tensor, "n_residues d_model"]], Float[Tensor, "n_residues d_model"]]
"""Takes the residues' activations (fp32, on the model's device), returns what to put in their place."""

REFERENCE_PROTEINS = (
    "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG",
    (
        "MVLSEGEWQLVLHVWAKVEADVAGHGQDILIRLFKSHPETLEKFDRFKHLKTEAEMKASEDLKKHGVTVLTALGAILKKKGHHEAELKPLAQSHATKHKIPIKYLEFISEAI"
        "IHVLHSRHPGDFGADAQGAMNKALELFRKDIAAKYKELGYQG"
    ),
    (
        "MRSLLILVLCFLPLAALGKVFGRCELAAAMKRHGLDNYRGYSLGNWVCAAKFESNFNTQATNRNTDGSTDYGILQINSRWWCNDGRTPGSRNLCNIPCSALLSSDITASVNC"
        "AKKIVSDGNGMNAWVAWRNRCKGTDVQAWIRGCRL"
    ),
)
"""Ubiquitin, sperm whale myoglobin, hen lysozyme: residues at which the LM head is linearised."""


class PLMState(NamedTuple):
    """What stands at a layer and site for one sequence, on the model's device: the layers above can start from it."""

    stream: Float[Tensor, "n_tokens d_model"]
    layer: int
    site: Site
    n_before: int = 1
    """Special tokens before the first residue."""

    n_after: int = 1
    """Special tokens after the last residue."""

    below: Float[Tensor, "n_tokens d_model"] | None = None
    """At `attn_out` and `mlp_out` the residual stream that `stream` is added to."""

    @property
    def activations(self) -> Float[Tensor, "n_residues d_model"]:
        """The residues' rows, without the special tokens'."""
        return self.stream[self.n_before : len(self.stream) - self.n_after]

    def edited(self, edit: Edit) -> Float[Tensor, "n_tokens d_model"]:
        """The stream with an edit of the residues spliced in; the special tokens keep theirs."""
        last = len(self.stream) - self.n_after
        return torch.cat([self.stream[: self.n_before], edit(self.activations.clone()), self.stream[last:]])


@runtime_checkable
class PLM(Protocol):
    """A language model, opened at the residual stream. Stateless between calls, so threads may share one."""

    name: str
    """What results and bundles call it."""

    weights: Path | None
    """The file that it was read from, if any."""

    device: torch.device
    max_residues: int
    """Longest sequence that goes through at once."""

    @property
    @abstractmethod
    def d_model(self) -> int:
        """Width of the residual stream."""
        ...

    @property
    @abstractmethod
    def num_layers(self) -> int:
        """Blocks in all."""
        ...

    @property
    @abstractmethod
    def sites(self) -> tuple[Site, ...]:
        """Sites at which every block can be read and edited."""
        ...

    @property
    def predicts(self) -> bool:
        """Whether it has a head that predicts amino acids; without one `logits_from` and `amino_acid_effect` refuse."""
        return True

    @abstractmethod
    def spec(self, *, layer: int, site: Site, weights: str | None = None) -> PLMSpec:
        """What `plm.json` says of this model; its hash is that of the file it was read from.

        Raises:
            ConfigError: the model has no such layer or site.
        """
        ...

    @abstractmethod
    def tokenise(self, sequence: str, masked: Sequence[int] = ()) -> Int[Tensor, " n_tokens"]:
        """Token ids of one sequence, special tokens included.

        Args:
            sequence: upper-case letters.
            masked: 0-based positions that are replaced by the mask token.

        Raises:
            InputError: the sequence is empty or has a letter that the model does not know.
        """
        ...

    @abstractmethod
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
        """Activations of many sequences as (index, fp32 on the CPU at each place), each index once, longest first.

        Every sequence goes through the model once, whatever the number of places.

        Args:
            sequences: any order, any length; those over `max_residues` go through in overlapping windows.
            places: layers, from 1, and sites; the blocks above the highest are not computed.
            tokens_per_batch: at most so many tokens go through at once (or one window, if it alone is longer).
            progress: takes the number of residues just done.
            masked: of each sequence the 0-based positions that are replaced by the mask token; none where empty.
            precise: False lets the model multiply in half precision where that is faster on this machine; states then
                differ by about 1 %.

        Raises:
            InputError: a sequence is empty or has a letter that the model does not know.
            ConfigError: the model has no such layer or site.
        """
        ...

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
        """Activations at one place, the first of `sites` where no site is named; see `harvest_at`.

        Raises:
            InputError: a sequence is empty or has a letter that the model does not know.
            ConfigError: the model has no such layer or site.
        """
        found = self.harvest_at(
            sequences,
            [Place(layer, self.site_at(layer, site))],
            tokens_per_batch=tokens_per_batch,
            progress=progress,
            masked=masked,
            precise=precise,
        )
        return ((index, states[0]) for index, states in found)

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
        """Activations of a sequence with one residue replaced by each of some letters, in their order.

        Args:
            sequence: any length.
            at: 0-based position that is replaced.
            letters: what replaces it.
            layer: from 1.
            site: the first of `sites` where None.
            tokens_per_batch: see `harvest_at`.
            precise: see `harvest_at`.

        Raises:
            InputError: the sequence is empty or has a letter that the model does not know.
            ConfigError: the model has no such layer or site.
        """
        mutants = [f"{sequence[:at]}{letter}{sequence[at + 1 :]}" for letter in letters]
        harvested = self.harvest(
            mutants, layer=layer, site=site, tokens_per_batch=tokens_per_batch, precise=precise
        )  # all are of one length, so they come in their order
        return (states for _, states in harvested)

    @abstractmethod
    def state(self, sequence: str, *, layer: int, site: Site | None = None, masked: Sequence[int] = ()) -> PLMState:
        """The lower half of a forward pass, for `logits_from` to go on from.

        Args:
            sequence: at most `max_residues` long.
            layer: block at which to stop, from 1.
            site: one of `sites`, the first of them where None.
            masked: 0-based positions that are replaced by the mask token.

        Raises:
            InputError: the sequence is empty, too long, or has a letter that the model does not know.
            ConfigError: the model has no such layer or site.
        """
        ...

    @abstractmethod
    def onward(self, state: PLMState, *, layer: int, site: Site | None = None, edit: Edit | None = None) -> PLMState:
        """A state taken further up, for edits at several layers.

        Args:
            state: where to start from; it is not changed.
            layer: block at which to stop, at or above the state's.
            site: one of `sites`, the first of them where None.
            edit: replaces the residues' activations in `state`, as in `logits_from`.

        Raises:
            ConfigError: the model has no such layer or site.
        """
        ...

    @abstractmethod
    def logits_from(self, state: PLMState, *, edit: Edit | None = None) -> Float[Tensor, "n_residues 20"]:
        """The upper half of a forward pass: logits in the order of AMINO_ACIDS, fp32 on the CPU.

        Args:
            state: where to start from; it is not changed.
            edit: replaces the residues' activations; the special tokens keep theirs. An edit that returns its argument
                changes no bit of the result.

        Raises:
            ConfigError: the model has no head.
        """
        ...

    @abstractmethod
    def amino_acid_effect(
        self, directions: Float[Tensor, "n d_model"], *, reference: Sequence[str] = REFERENCE_PROTEINS
    ) -> Float[Tensor, "n 20"]:
        """How a direction of the residual stream pushes the twenty amino-acid logits, each row centred on zero.

            effect = J direction,   J = mean over residues of d logits / d x

        where x is the stream after the last block, so this is the direct path through the LM head, linearised exactly
        at the residues of `reference`; what later blocks make of the direction is left out. Unit: logits per unit
        length of the direction.

        Args:
            directions: in the PLM's own units.
            reference: proteins whose residues J is averaged over.

        Raises:
            ConfigError: the model has no head.
        """
        ...

    def site_at(self, layer: int, site: Site | None = None) -> Site:
        """The site itself, or the first that the model offers where None; refuses a place that it does not have.

        Raises:
            ConfigError: the model has no such layer or site.
        """
        chosen = self.sites[0] if site is None else site
        check_site(layer, chosen, self.num_layers, self.sites)
        return chosen

    def embed(self, sequence: str, *, layer: int, site: Site | None = None) -> Float[Tensor, "n_residues d_model"]:
        """Activations of one sequence of any length at `site`, or at the first of `sites`, fp32 on the CPU.

        Raises:
            InputError: the sequence is empty or has a letter that the model does not know.
            ConfigError: the model has no such layer or site.
        """
        return next(iter(self.harvest([sequence], layer=layer, site=site)))[1]

    def logits(
        self,
        sequence: str,
        *,
        masked: Sequence[int] = (),
        edit: Edit | None = None,
        layer: int | None = None,
        site: Site | None = None,
    ) -> Float[Tensor, "n_residues 20"]:
        """Logits of the twenty amino acids at every residue, in the order of AMINO_ACIDS, fp32 on the CPU.

        Args:
            sequence: at most `max_residues` long.
            masked: 0-based positions that are replaced by the mask token.
            edit: replaces the residues' activations at `layer` and `site`, see `logits_from`.
            layer: block of the edit, from 1; needed only with one.
            site: site of the edit, the first of `sites` where None.

        Raises:
            InputError: the sequence is empty, too long, or has a letter that the model does not know.
            ConfigError: the model has no such layer or site, or an edit came without a layer.
        """
        if edit is not None and layer is None:
            raise ConfigError("An edit needs the layer at which it is made, got layer None.")
        state = self.state(sequence, layer=layer or self.num_layers, site=site, masked=masked)
        return self.logits_from(state, edit=edit)
