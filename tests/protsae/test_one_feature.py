"""One feature is read as the whole SAE reads it, whatever the architecture saves on the way."""

import sys
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

sys.path.insert(0, str(Path(__file__).parent))
from tiny_saes import NAMES, shaken

from protsae.sae import SAE, ProtSAE, ProtSAEConfig, TopKSAE, TopKSAEConfig
from protsae.sae.fast import placing
from protsae.sae.topk import keep_top_k

CONCEPTS = tuple(f"GO:{i:07d}" for i in range(6))


def saes() -> dict[str, SAE]:
    made: dict[str, SAE] = {name: shaken(name)[0] for name in NAMES}
    made["topk"] = TopKSAE(TopKSAEConfig(d_model=24, d_sae=80, k=8))
    for selection in ("joint", "apart"):
        cfg = ProtSAEConfig(d_model=24, d_sae=80, k=8, concepts=CONCEPTS, namespace="MFO", selection=selection)
        made[selection] = ProtSAE(cfg)
    return made


@pytest.fixture(params=[True, False], ids=["halves", "single"])
def halves(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """With and without a product in half precision first, whatever this machine does by itself."""
    monkeypatch.setattr(placing, "multiplies_halves", lambda: request.param)
    return request.param


@pytest.mark.usefixtures("halves")
@pytest.mark.parametrize("name", [*NAMES, "topk", "joint", "apart"])
def test_a_column_is_that_of_encode(name: str) -> None:
    sae = saes()[name]
    x = 3 * torch.randn(200, 24, generator=torch.Generator().manual_seed(1)) + 1

    with torch.no_grad():
        whole = sae.encode(x)
        for feature in (0, 3, 6, 40, 79):
            assert_close(sae.encode_feature(x, feature), whole[:, feature])
    assert whole[:, [0, 3, 6, 40, 79]].any()


@pytest.mark.usefixtures("halves")
@pytest.mark.parametrize("k", [1, 7, 40, 299, 300])
def test_a_place_is_counted_as_topk_sorts(k: int) -> None:
    random = torch.Generator().manual_seed(k)
    u, weight = torch.randn(400, 32, generator=random), torch.randn(300, 32, generator=random)
    bias = torch.randn(300, generator=random) - 1
    kept = keep_top_k((u @ weight.T + bias).relu(), k)

    for feature in (0, 1, 150, 299):
        found = placing.acts_of(u, weight, bias, feature, k)
        assert torch.equal(found > 0, kept[:, feature] > 0)
        assert_close(found, kept[:, feature])


@pytest.mark.usefixtures("halves")
def test_among_equals_the_lower_index_is_kept() -> None:
    u, weight, bias = torch.ones(3, 4), torch.ones(6, 4), torch.zeros(6)

    assert [float(placing.acts_of(u, weight, bias, feature, 3)[0]) for feature in range(6)] == [4, 4, 4, 0, 0, 0]


@pytest.mark.parametrize("error", [placing.HALF_ERROR, 0.0])
def test_half_precision_decides_nothing_that_it_cannot_tell(error: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its error bound it would be wrong in some rows."""
    monkeypatch.setattr(placing, "HALF_ERROR", error)
    random = torch.Generator().manual_seed(0)
    u, weight = torch.randn(500, 320, generator=random), torch.randn(4096, 320, generator=random) / 320**0.5
    bias = torch.zeros(4096)
    pre_acts = u.double() @ weight.double().T
    own = pre_acts[:, 9].float().clamp_min(1e-3)
    others = torch.arange(4096) != 9
    before = (pre_acts[:, others] > own.double()[:, None]).sum(1)

    kept = {k: placing._is_kept(u, weight, bias, own, 9, k=k) for k in range(52, 2052, 50)}

    assert kept[52].any()
    assert not kept[52].all()
    assert all(torch.equal(found, before < k) for k, found in kept.items()) is (error > 0)
