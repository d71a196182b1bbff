"""The formats of SAE checkpoints, and the door through which an SAE is opened whatever its format.

To add a format (SAELens, say) write `protsae/sae/loaders/saelens.py` with two functions,

    recognises(path) -> bool      cheap, from names of files and keys of the configuration; never raises
    load(path) -> SAE             an SAE of one of this project's architectures, in the PLM's own units

give it one entry in `FORMATS`, and take its entry out of `foreign.KINDS`. Nothing else knows formats.

Read `load_sae`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from protsae.errors import ArtifactError, ConfigError
from protsae.sae.base import SAE
from protsae.sae.loaders import foreign, own


class Format(NamedTuple):
    """One way to write an SAE to disk."""

    recognises: Callable[[Path], bool]
    load: Callable[[Path], SAE]


FORMATS: dict[str, Format] = {"own": Format(own.recognises, own.load)}
"""By name, in the order in which they are asked."""


def load_sae(path: Path, format_name: str | None = None) -> SAE:
    """Read a saved SAE; parameters come as float32 on the CPU.

    Args:
        path: of the checkpoint, mostly a folder.
        format_name: one of `FORMATS`; None to find out.

    Raises:
        ArtifactError: a file is missing, damaged, does not fit the others, or is of a format that is not read; the
            sentence names it.
        ConfigError: there is no such format.
    """
    path = Path(path)
    if format_name is not None:
        if format_name not in FORMATS:
            raise ConfigError(f"There is no format {format_name!r} of SAEs: the formats are {', '.join(FORMATS)}.")
        return FORMATS[format_name].load(path)
    for known in FORMATS.values():
        if known.recognises(path):
            return known.load(path)
    found = foreign.kind_of(path)
    if found is not None:
        raise ArtifactError(
            f"{path} is {found}, which is not read here: train an SAE with `python -m precompute run`, or put its "
            "weights into an SAE of protsae.sae (TopKSAE, JumpReLUSAE, ...) and `save` it."
        )
    return own.load(path)
