"""InterProt: `esm2_plm1280_l24_sae4096.safetensors`, or a Lightning `.ckpt` with the prefix `sae_model.`.

    z     = (x - mean) / (std + 1e-5)
    acts  = relu(TopK((z - b_pre) @ w_enc + b_enc))
    x_hat = (acts @ w_dec + b_pre) std + mean

k is in no file. Layer l is the residual stream after block l; after the last block it is normed, which is no site here.
ESM-2's token dropout, which divides embeddings by .88, was off when they were trained and is on when they are served.

Read `load`.

Source: InterProt, `interprot/sae_model.py` (format only).
"""

import re
from pathlib import Path

from protsae.sae.loaders import tensors
from protsae.sae.loaders.facts import Foreign, Stated, Told, needed_k

_PREFIX = "sae_model."
_LAYER = re.compile(r"_l(\d+)_")
_NAMED = re.compile(r"plm\d+_l\d+_sae\d+")


def recognises(path: Path) -> bool:
    """Whether the file is called as InterProt's are."""
    return path.is_file() and _NAMED.search(path.name) is not None


def load(path: Path, told: Told) -> Foreign:
    """Read the file.

    Raises:
        ArtifactError: it is missing, damaged or something else.
        ConfigError: k was not told.
    """
    content = tensors.read_torch(path).get("state_dict") if path.suffix == ".ckpt" else tensors.read_tensors(path)
    found = {name.removeprefix(_PREFIX): value for name, value in (content or {}).items()}
    W_enc, W_dec, b_enc, b_pre = tensors.take(path, found, "w_enc", "w_dec", "b_enc", "b_pre")  # noqa: N806
    form = {"activation": "topk", "k": needed_k(path, told=told), "input_norm": "z_score", "source": "InterProt topk"}
    sae = tensors.assembled(path, W_enc=W_enc, W_dec=W_dec, b_enc=b_enc, b_dec=b_pre, **form)
    named = _LAYER.search(path.name)
    layer = told.layer if told.layer is not None else int(named[1]) if named else None
    return Foreign(sae, Stated(layer, told.site or "resid_post", told.plm, is_normed_at_the_end=True))
