"""Several layers of one PLM in one command: a bundle for each, OUT-L3, OUT-L4, ...; what no layer changes is made once.

A stage that depends on the layer neither by a setting nor by a stage before it is done in the first bundle's work
folder; the others get its files (hard links where the file system can).

Read `one_a_layer`, then `share_stages`.
"""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from precompute.config import RunConfig
from precompute.pipeline.runner import Stage
from protsae.files import PARTIAL


def one_a_layer(config: RunConfig) -> tuple[RunConfig, ...]:
    """The runs that a configuration asks for: itself, or one for each of its `layers`."""
    if not config.layers:
        return (config,)
    out = config.out
    layers = dict.fromkeys(config.layers)
    return tuple(replace(config, layers=(), layer=n, out=out.with_name(f"{out.name}-L{n}")) for n in layers)


def without_layer(stages: Sequence[Stage]) -> tuple[str, ...]:
    """Names of the stages whose results are the same whatever the layer."""
    free: list[str] = []
    for stage in stages:
        if not {"layer", "out"} & set(stage.settings) and set(stage.after) <= set(free):
            free.append(stage.name)
    return tuple(free)


def share_stages(done: Path, other: Path, names: Sequence[str]) -> None:
    """Give a work folder the finished stages of another one; what it has itself stays.

    Args:
        done: the work folder that has them.
        other: the work folder that shall have them.
        names: of the stages.
    """
    other.mkdir(parents=True, exist_ok=True)
    for name in names:
        if (done / name / "done.json").is_file() and not (other / name).exists():
            partial = other / (name + PARTIAL)
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(done / name, partial, copy_function=_link)
            partial.rename(other / name)


def _link(source: str, target: str) -> object:
    """Share a file, or copy it; the files of a finished stage are replaced, never written into."""
    with suppress(OSError):
        return os.link(source, target)
    return shutil.copy2(source, target)
