"""Neuronpedia: bodies of `POST /api/feature/upload-batch`, at most 128 features each, one JSON file a body.

Top and bottom logits are the direct effect of a feature on the twenty amino acids. An explanation is the feature's
label, and its method says whether it held on unseen proteins. The site must know the language model and the source
before it takes them, which its maintainers do.

Read `batches`.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from protsae.alphabet import AMINO_ACIDS
from protsae.store.reader import StoreReader
from protsae.store.rows import ExampleRow, FeatureRow

FEATURES, TOKENS, LOGITS, TEXT, EXAMPLES = 128, 1024, 10, 512, 20
"""Limits of one body, of an example, of a list, of an explanation; the last is ours."""


def batches(reader: StoreReader, sae: str, model: str, source: str) -> Iterator[dict[str, Any]]:
    """The bodies, every feature that fires once.

    Args:
        reader: of the bundle.
        sae: name of the SAE.
        model: what the site calls the language model.
        source: what the site calls the SAE; lower case.
    """
    features: list[dict[str, Any]] = []
    for index in reader.feature_table(sae)["feature"].tolist():
        row = reader.feature(sae, index)
        if row is None or row.max_act <= 0:
            continue
        features.append(_feature(row, reader.examples(sae, index, limit=EXAMPLES)))
        if len(features) == FEATURES:
            yield {"modelId": model, "source": source, "features": features}
            features = []
    if features:
        yield {"modelId": model, "source": source, "features": features}


def _feature(row: FeatureRow, examples: list[ExampleRow]) -> dict[str, Any]:
    order = np.argsort(-row.aa_effect, kind="stable")
    logits = [{"token": AMINO_ACIDS[i], "value": round(float(row.aa_effect[i]), 5)} for i in order.tolist()]
    return {
        "index": row.feature,
        "density": row.density,
        "topLogits": logits[:LOGITS],
        "bottomLogits": logits[: -LOGITS - 1 : -1],
        "explanations": [_explanation(row)] if row.label else [],
        "activations": [_activation(example, row.max_act) for example in examples],
    }


def _explanation(row: FeatureRow) -> dict[str, str]:
    held = "no confirmed label" if row.label_grade == "none" else f"{row.label_grade} on held-out proteins"
    return {"text": row.label[:TEXT], "methodName": f"protsae {row.label_origin}: {held}", "modelName": "none"}


def _activation(example: ExampleRow, max_act: float) -> dict[str, Any]:
    """The protein, or of a long one the stretch about its peak."""
    values = np.zeros(len(example.sequence))
    values[example.positions - 1] = example.acts
    start = int(np.clip(example.peak_pos - 1 - TOKENS // 2, 0, max(0, len(values) - TOKENS)))
    here = slice(start, start + TOKENS)
    return {
        "tokens": list(example.sequence[here]),
        "values": np.round(values[here], 5).tolist(),
        "quantileMin": 0.0,
        "quantileMax": max_act,
        "quantileFraction": round(example.peak_act / max_act, 5),
    }
