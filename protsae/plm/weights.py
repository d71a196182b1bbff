"""Weights of ESM-2: by fair-esm's name, from fair-esm's `.pt`, or from safetensors with fair-esm's parameter names.

No file is unpickled beyond tensors and one `argparse.Namespace`. The contact head is not loaded, the LM head's matrix
is the embedding's, and rotary frequencies are computed, so files may lack all three. Only `fetch` uses the network.

Read `read_model`, then `build`. What is no ESM-2 of fair-esm's is named in `foreign.py`.
"""

import argparse
import json
import pickle
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from esm.data import Alphabet
from esm.model.esm2 import ESM2
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from protsae.errors import ArtifactError, InputError
from protsae.files import sha256
from protsae.plm import esm2
from protsae.plm.about import About
from protsae.plm.download import Progress, download
from protsae.plm.foreign import of_hugging_face, what_it_is
from protsae.plm.sites import SITES, Outline
from protsae.plm.spec import FILE as PLM_FILE

FAIR_ESM_MODELS = (
    "esm2_t6_8M_UR50D",
    "esm2_t12_35M_UR50D",
    "esm2_t30_150M_UR50D",
    "esm2_t33_650M_UR50D",
    "esm2_t36_3B_UR50D",
    "esm2_t48_15B_UR50D",
)
"""The ESM-2 models that fair-esm names, smallest first."""

WIDTHS = {"8M": 320, "35M": 480, "150M": 640, "650M": 1280, "3B": 2560, "15B": 5120}
"""Dimensions of the residual stream, by the size in the name."""

MD5 = {
    "esm2_t6_8M_UR50D": "8039fc9cee7f71cd2633b13b5a38ff50",
    "esm2_t12_35M_UR50D": "a894ddb31522e511e1273abb23b5f974",
    "esm2_t30_150M_UR50D": "229fcf8f9f3d4d442215662ca001b906",
    "esm2_t33_650M_UR50D": "ba6d997e29db07a2ad9dca20e024b102",
    "esm2_t36_3B_UR50D": "d37a0d0dbe7431e48a72072b9180b16b",
    "esm2_t48_15B_UR50D": "af61a9c0b792ae50e244cde443b7f4ac",
}
"""Of fair-esm's files; it names none itself. Source: `EvolutionaryScaleModeling` of TorchDrug."""

_URL = "https://dl.fbaipublicfiles.com/fair-esm/models/{name}.pt"
_NOT_NEEDED = re.compile(r"contact_head\.|lm_head\.weight$|.*rot_emb\.inv_freq$")


class Shape(NamedTuple):
    """What tells one ESM-2 from another, apart from its weights."""

    num_layers: int
    embed_dim: int
    attention_heads: int
    token_dropout: bool = True


class LoadedModel(NamedTuple):
    """An ESM-2 on the CPU in fp32, and where it came from."""

    model: ESM2
    name: str
    weights: Path


def read_model(name_or_path: str | Path) -> LoadedModel:
    """An ESM-2 by fair-esm's name, from a local fair-esm `.pt`, or from a folder with config.json and safetensors.

    Raises:
        InputError: nothing of that name exists, or its weights are not on this machine.
        ArtifactError: the files are damaged or hold something else.
    """
    path = Path(name_or_path)
    if path.is_dir():
        config, weights = files_of(path)
        return LoadedModel(read_safetensors(weights, _read_shape(config)), path.name, weights)
    if path.is_file():
        return LoadedModel(build(*_read_pt(_as_pt(path)), path), path.stem, path)
    name = _known(str(name_or_path))
    cached = cached_path(name)
    if not cached.is_file():
        raise InputError(
            f"The weights of {name} are not on this machine: fetch them once with `python -m protsae.plm {name}`, or "
            "give the path of a local .pt file."
        )
    return LoadedModel(build(*_read_pt(cached), cached), name, cached)


def outline(name_or_path: str | Path) -> Outline:
    """Blocks, sites and width of an ESM-2, from its name or its configuration; of a `.pt` tensors are only mapped.

    Raises:
        InputError: nothing of that name exists, or its configuration cannot be read.
        ArtifactError: the files are damaged or hold something else.
    """
    path = Path(name_or_path)
    if path.is_dir():
        shape = _read_shape(_config_of(path))
    elif path.is_file():
        shape = _read_pt(_as_pt(path), mapped=zipfile.is_zipfile(path))[0]
    else:
        _, layers, size, _ = _known(str(name_or_path)).split("_")
        return Outline(int(layers.removeprefix("t")), SITES, WIDTHS[size])
    return Outline(shape.num_layers, SITES, shape.embed_dim)


def fetch(name: str, sha256: str = "", progress: Progress | None = None) -> None:
    """Download a named model's weights to where fair-esm keeps them, unless they are there.

    A file of fair-esm's is an archive with a CRC-32 of every tensor; these are checked beside its MD5. The contact
    head's own file is not needed.

    Raises:
        InputError: there is no such model, or the download failed.
        ArtifactError: what came is damaged or has another SHA-256.
    """
    source = about(name).source
    md5 = MD5.get(name, "")
    download(source, cached_path(name), sha256=sha256, md5=md5, check=_check_archive, progress=progress)


def about(name: str) -> About:
    """What a model of fair-esm's is.

    Raises:
        InputError: there is no such model.
    """
    return About(
        title=f"ESM-2 {_known(name).split('_')[2]}",
        provenance="Meta's own weights, trained on UniRef50 (Lin et al. 2023, doi:10.1126/science.ade2574).",
        licence="MIT (Meta Platforms, Inc. and affiliates)",
        source=_URL.format(name=name),
    )


def cached_path(name: str) -> Path:
    """Where fair-esm, and so this project, keeps the weights of a named model."""
    return Path(torch.hub.get_dir()) / "checkpoints" / f"{name}.pt"


def build(shape: Shape, state: Mapping[str, Tensor], source: Path) -> ESM2:
    """fair-esm's ESM2 with these weights, in fp32 and without gradients.

    Args:
        shape: of the model.
        state: parameters by fair-esm's names, any floating type.
        source: quoted in errors.

    Raises:
        ArtifactError: a parameter is missing, unknown, or of another shape.
    """
    with torch.device("meta"):
        model = ESM2(*shape[:3], Alphabet.from_architecture("ESM-1b"), shape.token_dropout)
    what = f"an ESM-2 of {shape.num_layers} layers, width {shape.embed_dim} and {shape.attention_heads} heads"
    expected = {name: value.shape for name, value in model.state_dict().items() if not _NOT_NEEDED.match(name)}
    given = {name: value for name, value in state.items() if not _NOT_NEEDED.match(name)}
    for name in sorted(expected.keys() ^ given.keys()):
        verb = "lacks" if name in expected else "has an unknown"
        raise ArtifactError(f"{source} does not hold {what}: it {verb} parameter {name}.")
    for name, size in expected.items():
        if given[name].shape != size:
            raise ArtifactError(
                f"{source} does not hold {what}: {name} is {list(given[name].shape)} where {list(size)} is needed."
            )
    setattr(model, "contact_head", nn.Identity())  # noqa: B010
    model.load_state_dict({name: value.float() for name, value in given.items()}, strict=False, assign=True)
    model.lm_head.weight = model.embed_tokens.weight
    _compute_frequencies(model)
    return model.eval().requires_grad_(requires_grad=False)


def read_safetensors(path: Path, shape: Shape) -> ESM2:
    """An ESM-2 of a known shape from a safetensors file with fair-esm's parameter names.

    Raises:
        ArtifactError: the file is missing, damaged, or does not fit the shape.
    """
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ArtifactError(f"{path} cannot be read as safetensors ({error}): copy or build it again.") from error
    return build(shape, state, path)


def check_sha256(path: Path | None, expected: str) -> None:
    """Refuse weights other than the ones a bundle was made with; '' expects nothing.

    Raises:
        ArtifactError: the file's SHA-256 differs.
    """
    if expected and path is not None and sha256(path) != expected:
        raise ArtifactError(
            f"{path} is not the language model that this bundle was made with (its SHA-256 differs): copy the bundle "
            "again, or build it anew with this model."
        )


def _known(name: str) -> str:
    if name not in FAIR_ESM_MODELS:
        raise InputError(
            f"There is no language model {name!r}: give a folder, a fair-esm .pt file or one of "
            f"{', '.join(FAIR_ESM_MODELS)}."
        )
    return name


def _as_pt(path: Path) -> Path:
    if path.suffix != ".pt":
        raise InputError(f"{path} is neither a fair-esm .pt file nor a folder with config.json and safetensors.")
    return path


def _config_of(folder: Path) -> Path:
    """Where a local model's shape stands: in a bundle's plm.json, or in config.json."""
    return folder / PLM_FILE if (folder / PLM_FILE).is_file() else folder / "config.json"


def files_of(folder: Path) -> tuple[Path, Path]:
    """config.json and the weights of a local model."""
    files = sorted(folder.glob("*.safetensors"))
    if len(files) != 1:
        raise InputError(f"{folder} must hold config.json and one .safetensors file, but holds {len(files)} of them.")
    return folder / "config.json", files[0]


def _read_shape(config: Path) -> Shape:
    try:
        values = json.loads(config.read_text(encoding="utf-8"))
        advice = of_hugging_face(values)
        if advice is not None:
            raise InputError(f"{config} {advice}")
        shape = Shape(
            *(int(values[key]) for key in ("num_layers", "embed_dim", "attention_heads")),
            token_dropout=bool(values.get("token_dropout", True)),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"{config} must be JSON with num_layers, embed_dim and attention_heads ({type(error).__name__}: {error})."
        ) from error
    return _checked(shape, config)


def _read_pt(path: Path, *, mapped: bool = False) -> tuple[Shape, dict[str, Tensor]]:
    """Shape and parameters in a file of fair-esm's."""
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):
            saved: Any = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        raise ArtifactError(f"{path} is not a plain weights file of fair-esm's, so it was not opened.") from error
    except (OSError, RuntimeError, ValueError, EOFError) as error:
        raise ArtifactError(f"{path} is damaged or no weights file: get it anew from where it came.") from error
    if not isinstance(saved, Mapping):
        raise ArtifactError(f"{path} {what_it_is(saved)}")
    try:
        args = saved["cfg"]["model"]
        shape = Shape(
            args.encoder_layers, args.encoder_embed_dim, args.encoder_attention_heads, token_dropout=args.token_dropout
        )
        state = {re.sub(r"^encoder\.(sentence_encoder\.)?", "", name): v for name, v in saved["model"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{path} {what_it_is(saved)}") from error
    return _checked(shape, path), state


def _checked(shape: Shape, source: Path) -> Shape:
    if min(shape[:3]) < 1 or shape.embed_dim % (2 * shape.attention_heads):
        raise ArtifactError(
            f"{source} describes no ESM-2: {shape.num_layers} layers, width {shape.embed_dim}, "
            f"{shape.attention_heads} heads."
        )
    return shape


def _check_archive(path: Path) -> None:
    """Refuse an archive whose members differ from their CRC-32; files in torch's older format have none."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        damaged = str(error)
    if damaged is not None:
        raise ArtifactError(f"What was downloaded is damaged ({damaged}), so it was not kept: ask again.")


def _compute_frequencies(model: ESM2) -> None:
    for layer in esm2.blocks(model):
        head_dim = layer.self_attn.head_dim
        inv_freq = 1.0 / (10000 ** (torch.arange(0, head_dim, 2).float() / head_dim))
        layer.get_submodule("self_attn.rot_emb").register_buffer("inv_freq", inv_freq)
