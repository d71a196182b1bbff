"""The formats of SAE checkpoints, and the doors through which an SAE is opened whatever its format.

    load_sae(path)          an SAE of this project's classes
    load_foreign(path)      the same of another program's checkpoint, with what its files say of layer, site and model

To add a format write a module beside this one with two functions,

    recognises(path) -> bool            cheap, from names of files and keys of the configuration; never raises
    load(path, told) -> Foreign         the SAE in the common form of `imported.py`, by `tensors.assembled`

give it one entry in `FOREIGN`, and take its entry out of `foreign.KINDS` where it has one. Nothing else knows formats.

Read `load_sae`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from protsae.errors import ArtifactError, ConfigError
from protsae.sae.base import SAE
from protsae.sae.loaders import bionemo, dictionary_learning, esmc, foreign, interplm, interprot, own, saelens
from protsae.sae.loaders.facts import Foreign, Told

OWN = "own"


class Format(NamedTuple):
    """One way of another program to write an SAE to disk."""

    recognises: Callable[[Path], bool]
    load: Callable[[Path, Told], Foreign]


FOREIGN: dict[str, Format] = {
    "interplm": Format(interplm.recognises, interplm.load),
    "interprot": Format(interprot.recognises, interprot.load),
    "esmc": Format(esmc.recognises, esmc.load),
    "bionemo": Format(bionemo.recognises, bionemo.load),
    "saelens": Format(saelens.recognises, saelens.load),
    "dictionary_learning": Format(dictionary_learning.recognises, dictionary_learning.load),
}
"""By name, in the order in which they are asked: those with the most telling names first."""


def load_sae(path: Path | str, format_name: str | None = None, told: Told | None = None) -> SAE:
    """Read a saved SAE; parameters come as float32 on the CPU.

    Args:
        path: of the checkpoint, mostly a folder.
        format_name: `own` or one of `FOREIGN`; None to find out.
        told: what the files of another program's checkpoint may not say.

    Raises:
        ArtifactError: a file is missing, damaged, does not fit the others, or is of a format that is not read; the
            sentence names it.
        ConfigError: there is no such format, or a fact is missing that decides the result.
    """
    path = Path(path)
    if format_name == OWN or (format_name is None and own.recognises(path)):
        return own.load(path)
    if format_name is None and not any(known.recognises(path) for known in FOREIGN.values()):
        _refuse_unread(path)
        return own.load(path)
    return load_foreign(path, format_name, told).sae


def load_foreign(path: Path | str, format_name: str | None = None, told: Told | None = None) -> Foreign:
    """Read another program's checkpoint; parameters come as float32 on the CPU.

    Args:
        path: of the checkpoint.
        format_name: one of `FOREIGN`; None to find out.
        told: what its files may not say.

    Raises:
        ArtifactError: a file is missing, damaged, or of a format that is not read; the sentence names it.
        ConfigError: there is no such format, or a fact is missing that decides the result.
    """
    path, told = Path(path), told or Told()
    if format_name is None:
        format_name = next((name for name, known in FOREIGN.items() if known.recognises(path)), None)
    if format_name is None:
        _refuse_unread(path)
        raise ArtifactError(f"{path} is no SAE of a known format; say which it is: {', '.join(FOREIGN)}")
    if format_name not in FOREIGN:
        names = ", ".join([OWN, *FOREIGN])
        raise ConfigError(f"There is no format {format_name!r} of SAEs: the formats are {names}.")
    if not path.exists():
        raise ArtifactError(f"{path} does not exist; give a checkpoint's folder or file")
    return FOREIGN[format_name].load(path, told)


def _refuse_unread(path: Path) -> None:
    found = foreign.kind_of(path)
    if found is not None:
        raise ArtifactError(
            f"{path} is {found}, which is not read here: give one of {', '.join(FOREIGN)}, train an SAE with "
            "`python -m precompute run`, or put its weights into an SAE of protsae.sae and `save` it."
        )
