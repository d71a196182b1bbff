"""What a bundle can be exported to, and the one door to it.

To add a tool write a module beside this one and one function here, and enter it in `TARGETS`. Read `export`.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch

from protsae.api.opened import OpenBundle
from protsae.bundle.layout import ANALYSES
from protsae.bundle.manifest import read_manifest
from protsae.errors import ConfigError, InputError
from protsae.export import cards, neuronpedia, protspace, saelens
from protsae.files import whole, write_text
from protsae.measures.reconstruction import ErrorSums
from protsae.sae.base import SAE
from protsae.sae.batchtopk import BatchTopKSAE
from protsae.sae.convert import to_jumprelu
from protsae.sae.jumprelu import JumpReLUSAE
from protsae.sae.relu import ReLUSAE
from protsae.store.parquet import write_tables
from protsae.store.rows import SAERow

REFERENCE = 800
"""Proteins of the training split, one a family: their residues keep the mean L0 of a JumpReLU conversion, and its
decoder is fitted to them."""

REFERENCE_RESIDUES = 100
"""Of each, at most, drawn at random."""

UNSEEN = 100
"""Proteins of the test split on which it is measured what the conversion costs."""

_PIECE = 1024


class Asked(NamedTuple):
    """What is exported, and where to."""

    bundle: OpenBundle
    saes: list[SAERow]
    out: Path


def export(bundle: OpenBundle, target: str, out: Path, saes: list[str] | None = None) -> list[Path]:
    """Write a bundle, or some of its SAEs, in another tool's files; returns what was written.

    Args:
        bundle: open.
        target: one of `TARGETS`.
        out: folder, made if it does not exist.
        saes: names; None for all.

    Raises:
        ConfigError: there is no such target, or the tool has no form for one of the SAEs.
        InputError: there is no such SAE, or `out` is no folder.
    """
    if target not in TARGETS:
        raise ConfigError(f"there is no export to {target!r}; those that there are: {', '.join(TARGETS)}")
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} exists and is no folder; choose another --out")
    here = {row.name: row for row in bundle.saes()}
    unknown = [name for name in saes or [] if name not in here]
    if unknown:
        raise InputError(f"There is no SAE {unknown[0]!r}: this bundle has {', '.join(here)}.")
    out.mkdir(parents=True, exist_ok=True)
    return TARGETS[target](Asked(bundle, [here[name] for name in saes or here], out))


def _saelens(asked: Asked) -> list[Path]:
    written = []
    for row in asked.saes:
        sae = asked.bundle.sae(row.name)
        if isinstance(sae, ReLUSAE | JumpReLUSAE | BatchTopKSAE):  # exactly one: their thresholds are stored
            sae = to_jumprelu(sae, torch.zeros(1, sae.d_model))
        written.append(_folder(asked, row, sae, asked.out / row.name))
    return written


def _jumprelu(asked: Asked) -> list[Path]:
    """One folder an SAE; what the conversion costs on families it never saw stands in its cfg.json and its card."""
    reference = _states(asked.bundle, "train", REFERENCE, most=REFERENCE_RESIDUES)
    unseen = _states(asked.bundle, "test", UNSEEN)
    written = []
    for row in asked.saes:
        sae = asked.bundle.sae(row.name)
        made = to_jumprelu(sae, reference)
        before, after = (explained(one, unseen) for one in (sae, made))
        cost = {"explained_variance_before": before, "explained_variance_after": after, "n_reference": len(reference)}
        cost["l0_unseen"] = mean_l0(made, unseen)
        folder = _folder(asked, row, made, asked.out / row.name, **cost)
        told = (
            f"As JumpReLU it explains {after:.3f} of the variance of unseen proteins' states, before {before:.3f}, "
            f"with {cost['l0_unseen']:.1f} features a residue.\n"
        )
        write_text(folder / "README.md", _model_card(asked, row) + told)
        written.append(folder)
    return written


@torch.no_grad()
def explained(sae: SAE, x: torch.Tensor) -> float:
    """Explained variance of residues in the PLM's own units."""
    errors = ErrorSums.zeros(sae.d_model)
    for piece in x.split(_PIECE):
        errors = errors.plus(ErrorSums.of(piece.numpy(), sae(piece).x_hat.numpy()))
    return errors.explained_variance


def _folder(asked: Asked, row: SAERow, sae: SAE, folder: Path, **measured: float) -> Path:
    plm = asked.bundle.plm
    place = f"{plm.site}.{plm.layer}"
    facts: dict[str, Any] = {
        "model_name": plm.name,
        "hook_name": place,
        "prepend_bos": True,
        "exclude_special_tokens": True,
    }
    facts |= {"protsae_layer": plm.layer, "protsae_site": plm.site, "l0": row.l0}
    saelens.folder_of(folder, sae, facts | measured)
    write_text(folder / "README.md", _model_card(asked, row))
    return folder


@torch.no_grad()
def mean_l0(sae: SAE, x: torch.Tensor) -> float:
    """Features that fire on a residue, in the mean."""
    return sum(int((sae.encode(piece) > 0).sum()) for piece in x.split(_PIECE)) / len(x)


def _states(bundle: OpenBundle, split: str, n: int, *, most: int = 0) -> torch.Tensor:
    """[n_residues, d_model] of proteins of a split, one a family; at most so many of each, in their order."""
    proteins = bundle.reader.sequences_of(split, n)
    if not proteins:
        raise InputError(f"{bundle.folder} ships no protein of the {split} split, on which the conversion is measured")
    states, generator = [], torch.Generator().manual_seed(0)
    for sequence in proteins:
        own = bundle.embed(sequence)
        kept = torch.randperm(len(own), generator=generator)[: most or None].sort().values
        states.append(own[kept])
    return torch.cat(states)


def _neuronpedia(asked: Asked) -> list[Path]:
    written = []
    plm = asked.bundle.plm
    for row in asked.saes:
        folder = asked.out / row.name
        folder.mkdir(exist_ok=True)
        source = f"{plm.layer}-{row.name}".lower()
        for number, body in enumerate(neuronpedia.batches(asked.bundle.reader, row.name, plm.name.lower(), source)):
            written.append(folder / f"batch-{number}.json")
            write_text(written[-1], json.dumps(body))
    return written


def _protspace(asked: Asked) -> list[Path]:
    written = []
    for row in asked.saes:
        path = asked.out / f"{row.name}.parquetbundle"
        with whole(path) as partial:
            partial.write_bytes(protspace.bundle_of(asked.bundle.reader, row.name))
        written.append(path)
    return written


def _parquet(asked: Asked) -> list[Path]:
    tables = [asked.out / f"{table}.parquet" for table in write_tables(asked.bundle.reader, asked.out)]
    analyses = sorted((asked.bundle.folder / ANALYSES).glob("*/*.parquet"))
    for path in analyses:
        target = asked.out / ANALYSES / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        tables.append(target)
    return tables


def _cards(asked: Asked) -> list[Path]:
    written = [asked.out / "DATA.md"]
    bundle = asked.bundle
    write_text(written[0], cards.data_card(bundle.reader, bundle.plm, _manifest(bundle)))
    for row in asked.saes:
        written.append(asked.out / f"{row.name}.md")
        write_text(written[-1], _model_card(asked, row))
    return written


def _model_card(asked: Asked, row: SAERow) -> str:
    bundle = asked.bundle
    return cards.model_card(bundle.reader, bundle.plm, _manifest(bundle), row)


def _manifest(bundle: OpenBundle) -> dict[str, Any]:
    return read_manifest(bundle.folder)


TARGETS: dict[str, Callable[[Asked], list[Path]]] = {
    "saelens": _saelens,
    "jumprelu": _jumprelu,
    "neuronpedia": _neuronpedia,
    "protspace": _protspace,
    "parquet": _parquet,
    "cards": _cards,
}
"""By the name that --to takes."""
