"""Several layers and sites of one PLM in one command: a bundle for each, OUT/R3, OUT/A3, ...; the rest is made once.

A stage that depends on layer and site neither by a setting nor by a stage before it is done in the first bundle's work
folder; the others get its files (hard links where the file system can).

Read `one_a_place`, then `share_stages`.
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
from protsae.plm.registry import outline_of
from protsae.plm.sites import Place, Site, site_named


def one_a_place(config: RunConfig) -> tuple[RunConfig, ...]:
    """The runs that a configuration asks for: itself, or one for each of its layers and sites, in a folder OUT.

    Raises:
        ConfigError: the PLM has no such layer.
    """
    if not config.is_suite:
        return (config,)
    layers = config.layers or (config.layer_of(outline_of(config.plm).num_layers),)
    sites: list[Site] = [site_named(site) for site in config.sites or (config.site,)]
    places = dict.fromkeys(Place(layer, site) for layer in layers for site in sites)
    whole = replace(config, layers=(), sites=())
    return tuple(replace(whole, layer=p.layer, site=p.site, out=config.out / p.name) for p in places)


def without_place(stages: Sequence[Stage]) -> tuple[str, ...]:
    """Names of the stages whose results are the same whatever the layer and the site."""
    free: list[str] = []
    for stage in stages:
        if not {"layer", "site", "out"} & set(stage.settings) and set(stage.after) <= set(free):
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
