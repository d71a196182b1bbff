"""One feature is read as the whole SAE reads it, whatever the architecture saves on the way."""

import sys
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

sys.path.insert(0, str(Path(__file__).parent))
from tiny_saes import NAMES, shaken

from protsae.sae import SAE, ProtSAE, ProtSAEConfig, TopKSAE, TopKSAEConfig

CONCEPTS = tuple(f"GO:{i:07d}" for i in range(6))


def saes() -> dict[str, SAE]:
    made: dict[str, SAE] = {name: shaken(name)[0] for name in NAMES}
    made["topk"] = TopKSAE(TopKSAEConfig(d_model=24, d_sae=80, k=8))
    for selection in ("joint", "apart"):
        cfg = ProtSAEConfig(d_model=24, d_sae=80, k=8, concepts=CONCEPTS, namespace="MFO", selection=selection)
        made[selection] = ProtSAE(cfg)
    return made


@pytest.mark.parametrize("name", [*NAMES, "topk", "joint", "apart"])
def test_a_column_is_that_of_encode(name: str) -> None:
    sae = saes()[name]
    x = 3 * torch.randn(200, 24, generator=torch.Generator().manual_seed(1)) + 1

    with torch.no_grad():
        whole = sae.encode(x)
        for feature in (0, 3, 6, 40, 79):
            assert_close(sae.encode_feature(x, feature), whole[:, feature])
    assert whole[:, [0, 3, 6, 40, 79]].any()
