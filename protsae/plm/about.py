"""What a language model is, in words: its title, where its weights come from, under which licence.

A local folder says so in its config.json (`title`, `provenance`, `licence`) and may hold a notice file; a bundle says
so in its plm.json and holds the same notice. None of it decides a number.

Read `About`.
"""

import json
from pathlib import Path
from typing import NamedTuple

from protsae.errors import InputError

NOTICE = "plm.NOTICE.txt"
"""Licences and provenance in full, beside the weights; it goes where they go."""

WORDS = ("title", "provenance", "licence")
"""Names of the texts in config.json and plm.json."""


class About(NamedTuple):
    """What people are told of a model; '' and None where nothing is known."""

    title: str = ""
    """What pages call it."""

    provenance: str = ""
    """Where its weights come from, in a sentence or two."""

    licence: str = ""
    """Of the weights."""

    notice: Path | None = None
    """The file that must go where the weights go."""

    source: str = ""
    """Where weights that are not on this machine are downloaded from."""


def read_about(folder: Path) -> About:
    """What a local model's folder says of it.

    Raises:
        InputError: config.json gives something else than text.
    """
    config = folder / "config.json"
    try:
        values = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        values = {}
    found = {name: values[name] for name in WORDS if name in values} if isinstance(values, dict) else {}
    for name, value in found.items():
        if not isinstance(value, str):
            raise InputError(f"{config} gives {value!r} as {name}, which must be text.")
    return About(**found, notice=notice_in(folder))


def notice_in(folder: Path) -> Path | None:
    """The notice beside a model's weights, where there is one."""
    return folder / NOTICE if (folder / NOTICE).is_file() else None
