"""Checkpoints of `torch.nn.Linear`s: dictionary_learning's, and InterPLM's, which began there.

    relu         encoder.weight [n, d], encoder.bias, decoder.weight [d, n], bias [d], which is subtracted
    relu_apart   encoder.*, decoder.weight, decoder.bias, which is not
    topk         encoder.*, decoder.weight, b_dec, which is subtracted, and k
    batchtopk    the same with a threshold in the place of k; or W_enc [d, n] and W_dec [n, d]
    jumprelu     W_enc, W_dec or encoder.*, decoder.*; threshold [n]; the decoder's bias is not subtracted
    gated        encoder.weight, decoder.weight, decoder_bias, which is subtracted, r_mag, gate_bias, mag_bias

Read `linear_form`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from protsae.errors import ArtifactError
from protsae.sae.loaders.tensors import take

_BIAS = {"relu": "bias", "relu_apart": "decoder.bias", "topk": "b_dec", "batchtopk": "b_dec", "gated": "decoder_bias"}


def linear_form(file: Path, found: Mapping[str, Tensor], kind: str, *, k: int = 0) -> dict[str, Any]:
    """What `tensors.assembled` needs, but for where it comes from.

    Args:
        file: of the checkpoint, for errors.
        found: its tensors.
        kind: one of those above.
        k: with topk.

    Raises:
        ArtifactError: a tensor is missing, or the threshold was never set.
    """
    form: dict[str, Any] = {"subtracts_b_dec": kind not in {"relu_apart", "jumprelu"}}
    if "W_enc" in found:
        form["W_enc"], form["W_dec"], form["b_dec"] = take(file, found, "W_enc", "W_dec", "b_dec")
        (form["b_enc"],) = take(file, found, "b_enc")
    else:
        bias = _BIAS.get(kind, "decoder.bias")
        encoder, decoder, form["b_dec"] = take(file, found, "encoder.weight", "decoder.weight", bias)
        form["W_enc"], form["W_dec"] = encoder.T, decoder.T
        if kind != "gated":
            (form["b_enc"],) = take(file, found, "encoder.bias")
    if kind in {"relu", "relu_apart"}:
        return form | {"activation": "relu"}
    if kind == "topk":
        return form | {"activation": "topk", "k": k}
    if kind == "gated":
        names = ("gate_bias", "r_mag", "mag_bias")
        extra = dict(zip(("b_gate", "r_mag", "b_mag"), take(file, found, *names), strict=True))
        return form | {"activation": "gated", "extra": extra}
    (threshold,) = take(file, found, "threshold")
    if kind == "batchtopk" and float(threshold.min()) < 0:
        raise ArtifactError(f"{file} holds the threshold {float(threshold.min()):g}, so its training never set one")
    return form | {"activation": "threshold", "extra": {"threshold": threshold}}
