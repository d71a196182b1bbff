"""InterPLM: `layer_X/ae_normalized.pt` or `ae_unnormalized.pt` of the hub, and `ae.pt` of one's own trainings.

Everything is inferred from the tensors: the YAML beside them holds Python objects, which reading would run. Layer X is
the residual stream after block X; after the last block it is normed, which is no site here. Activations are those of
the file: `activation_rescale_factor` is not applied.

Read `load`.

Source: InterPLM, `interplm/sae/dictionary.py` (format only).
"""

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from protsae.errors import ArtifactError, ConfigError
from protsae.sae.loaders import tensors
from protsae.sae.loaders.facts import Foreign, Stated, Told, ask, needed_k
from protsae.sae.loaders.linear import linear_form

NAMES = ("ae_normalized.pt", "ae_unnormalized.pt")
_LAYER = re.compile(r"layer_(\d+)")


def recognises(path: Path) -> bool:
    """Whether the weights are called as on its hub."""
    return path.name in NAMES or any((path / name).is_file() for name in NAMES)


def load(path: Path, told: Told) -> Foreign:
    """Read the file, or the one of its kind in a folder.

    Raises:
        ArtifactError: a file is missing, damaged or something else.
        ConfigError: the folder holds two, or the file does not say whether TopK or BatchTopK made it.
    """
    file = _file(path)
    found = tensors.read_tensors(file)
    kind = _kind(file, found, told)
    k = needed_k(file, int(found["k"]) if "k" in found else None, told=told) if kind == "topk" else 0
    form = linear_form(file, found, kind, k=k)
    is_normed = bool(found.get("normalize_to_sqrt_d", False))
    norm = "sqrt_d" if is_normed else "none"
    sae = tensors.assembled(file, **form, input_norm=norm, source=f"InterPLM {kind.removesuffix('_apart')}")
    named = _LAYER.fullmatch(file.resolve().parent.name)
    layer = told.layer if told.layer is not None else int(named[1]) if named else None
    return Foreign(sae, Stated(layer, told.site or "resid_post", told.plm, is_normed_at_the_end=True))


def _file(path: Path) -> Path:
    if not path.is_dir():
        return path
    here = [path / name for name in (*NAMES, "ae.pt") if (path / name).is_file()]
    if not here:
        raise ArtifactError(f"{path} holds none of {', '.join((*NAMES, 'ae.pt'))}; give the file")
    if len(here) > 1:
        raise ConfigError(f"{path} holds {' and '.join(file.name for file in here)}; give one of the files")
    return here[0]


def _kind(file: Path, found: Mapping[str, Tensor], told: Told) -> str:
    if "k" in found:
        if told.kind is None:
            raise ask(file, "whether TopK or BatchTopK made it", "kind=topk or kind=batchtopk")
        return told.kind
    if "threshold" in found:
        return "jumprelu"
    return "relu" if "bias" in found else "relu_apart"
