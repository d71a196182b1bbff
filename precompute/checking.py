"""Whether all that a run needs is there, before anything is computed. Read `check_inputs`."""

from dataclasses import fields
from pathlib import Path

from precompute.config import RunConfig
from precompute.location import check_location
from precompute.mmseqs import find_mmseqs
from protsae.bundle.layout import MANIFEST
from protsae.device import pick_device
from protsae.errors import InputError
from protsae.parallel.together import check_room
from protsae.plm.registry import model_names, outline_of, weights_file
from protsae.plm.sites import check_site, site_named


def check_inputs(config: RunConfig) -> None:
    """Check that every input and the device are there before anything is computed.

    Raises:
        InputError: a file or folder is missing, of the wrong kind or empty, `out` cannot be a folder, or there are no
            clusters and no MMseqs2 to make them.
        ConfigError: this machine lacks such a device, or enough of them, or shards cannot be kept where they shall be.
    """
    check_room(config.train_processes, pick_device(config.device))
    for field in fields(config):
        path = getattr(config, field.name)
        if not isinstance(path, Path) or field.name == "out":
            continue
        if field.name == "structures":
            if not path.is_dir():
                raise InputError(f"--structures {path} is not a folder")
        elif not path.is_file():
            raise InputError(
                f"--{field.name} {path} does not exist" if not path.exists() else f"--{field.name} {path} is no file"
            )
        elif path.stat().st_size == 0:
            raise InputError(f"--{field.name} {path} is empty")
    if config.clusters is None:
        find_mmseqs()
    _check_plm(config)
    _check_out(config)
    if config.shards_at:
        check_location(config.shards_at)


def _check_out(config: RunConfig) -> None:
    for folder in (config.out, config.work):
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{folder} exists and is no folder; choose another --out")
    if config.is_suite and (config.out / MANIFEST).exists():
        raise InputError(f"{config.out} is a bundle; several layers or sites need a folder, so choose another --out")


def _check_plm(config: RunConfig) -> None:
    """Check that there is such a language model and that it offers the layer and site; its weights are not read."""
    names = model_names()
    if not config.plm:
        small = f"--plm {names[0]} downloads the smallest ESM-2 (30 MB)"
        raise InputError(
            f"no language model is given, --plm is {config.plm!r}; {small}, --help says what else it takes"
        )
    if not Path(config.plm).exists() and config.plm not in names:
        raise InputError(
            f"--plm {config.plm} is no file, no folder, no bundle and none of the names {', '.join(names)}"
        )
    weights = weights_file(config.plm)
    if weights is not None and not weights.is_file():
        raise InputError(f"--plm {config.plm} lacks {weights.name}; copy it again")
    outline = outline_of(config.plm)
    for layer in config.layers or (config.layer_of(outline.num_layers),):
        for site in config.sites or (config.site,):
            check_site(layer, site_named(site), outline.num_layers, outline.sites)
