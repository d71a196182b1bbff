"""What is known of a checkpoint beside its weights: what its files say, and what the reader of them is told.

A fact that decides the result and that no file states is asked for in one sentence, never guessed. Read `Told`.
"""

from pathlib import Path
from typing import Literal, NamedTuple

from protsae.errors import ConfigError
from protsae.sae.imported import ImportedSAE

Kind = Literal["topk", "batchtopk"]
"""Which of two rules made a checkpoint whose tensors are the same for both."""


class Told(NamedTuple):
    """What whoever opens a checkpoint says of it; empty fields are looked for in its files."""

    k: int | None = None
    """Features that TopK keeps per residue."""
    layer: int | None = None
    """Block whose states it reads, from 1."""
    site: str = ""
    """Where in the block, one of protsae.plm.sites.SITES."""
    plm: str = ""
    """Language model whose states it reads."""
    scale: float | None = None
    """What states are multiplied by before they go in, where the file says only that there is such a factor."""
    kind: Kind | None = None


class Stated(NamedTuple):
    """What the files of a checkpoint say, together with what was told."""

    layer: int | None = None
    site: str = ""
    plm: str = ""
    is_normed_at_the_end: bool = False
    """Its program reads the last block's states after the model's final layer norm, which is no site here."""


class Foreign(NamedTuple):
    """A checkpoint of another program, read."""

    sae: ImportedSAE
    stated: Stated


def ask(path: Path, what: str, how: str) -> ConfigError:
    """The sentence that asks for a fact.

    Args:
        path: of the checkpoint.
        what: that its files do not say, e.g. "how many features TopK keeps".
        how: to say it, e.g. "k=64".
    """
    return ConfigError(f"{path} does not say {what}; say it, as in {how}")


def needed_k(path: Path, *stated: object, told: Told) -> int:
    """k, as told or else as the first of `stated` that is a number.

    Raises:
        ConfigError: nobody says it.
    """
    for value in (told.k, *stated):
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    raise ask(path, "how many features TopK keeps per residue", "k=64")
