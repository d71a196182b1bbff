"""Sites of a block: what each holds, edits spliced in at each, and many places from one forward pass."""

import pytest
import torch
from esm2_files import random_model
from torch.testing import assert_close

from protsae.errors import ConfigError
from protsae.measures.fidelity import FidelityBench
from protsae.plm import packed
from protsae.plm.esm2_plm import ESM2PLM
from protsae.plm.sites import LETTERS, SITES, Place, Site, check_site, site_named
from protsae.sae import TopKSAE, TopKSAEConfig
from protsae.steering.steer import SteerConfig, Steering

SEQUENCES = ["MKTAYIAKQR", "MLSDEDFKAVFGMTRSAFANLPLWKQQNLKKEKGLF", "ACDEF"]
SEQUENCE = SEQUENCES[1]


@pytest.fixture
def plm() -> ESM2PLM:
    return ESM2PLM(random_model(), name="toy", device="cpu")


def test_the_updates_are_what_the_stream_gains(plm: ESM2PLM) -> None:
    places = every_place(plm)
    stream = {(layer, str(site)): plm.embed(SEQUENCE, layer=layer, site=site) for layer, site in places}
    before = stream[1, "resid_post"]
    assert_close(before + stream[2, "attn_out"], stream[2, "resid_mid"])
    assert_close(stream[2, "resid_mid"] + stream[2, "mlp_out"], stream[2, "resid_post"])
    assert_close(stream[1, "resid_mid"] + stream[1, "mlp_out"], before)
    assert not torch.allclose(stream[2, "attn_out"], stream[2, "mlp_out"])


@pytest.mark.parametrize("site", SITES)
def test_an_edit_that_returns_its_argument_changes_no_bit(plm: ESM2PLM, site: Site) -> None:
    plain = plm.logits(SEQUENCE, layer=1)
    assert torch.equal(plm.logits(SEQUENCE, layer=1, site=site, edit=torch.clone), plain)
    assert not torch.equal(plm.logits(SEQUENCE, layer=1, site=site, edit=lambda x: x + 1), plain)


@pytest.mark.parametrize("site", ["attn_out", "mlp_out"])
def test_an_edit_of_an_update_is_an_edit_of_the_stream_that_it_joins(plm: ESM2PLM, site: Site) -> None:
    """Adding d to what a half of a block adds is adding d to the stream behind that half."""
    joined: Site = "resid_mid" if site == "attn_out" else "resid_post"
    direction = torch.randn(plm.d_model, generator=torch.Generator().manual_seed(0))
    at_update, at_stream = (
        plm.logits(SEQUENCE, layer=1, site=where, edit=lambda x: x + direction) for where in (site, joined)
    )
    assert_close(at_update, at_stream, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("site", SITES)
def test_a_state_taken_further_is_the_state_there(plm: ESM2PLM, site: Site) -> None:
    low = plm.state(SEQUENCE, layer=1, site=site)
    for above in ("attn_out", "resid_post"):
        high = plm.onward(low, layer=2, site=above)
        assert_close(high.activations, plm.embed(SEQUENCE, layer=2, site=above))
        assert_close(plm.logits_from(high), plm.logits(SEQUENCE))
    assert torch.equal(plm.onward(low, layer=1, site=site).stream, low.stream)
    joined = plm.onward(low, layer=1, site="resid_post")
    assert_close(joined.activations, plm.embed(SEQUENCE, layer=1, site="resid_post"))


def test_many_places_come_from_one_forward_pass(plm: ESM2PLM, monkeypatch: pytest.MonkeyPatch) -> None:
    places = every_place(plm)
    apart = {place: dict(plm.harvest(SEQUENCES, layer=place.layer, site=place.site)) for place in places}
    passed: list[int] = []
    attention = packed._attention
    monkeypatch.setattr(packed, "_attention", lambda *given: passed.append(len(given[2].x)) or attention(*given))
    together = dict(plm.harvest_at(SEQUENCES, places))

    assert passed == [sum(len(s) + 2 for s in SEQUENCES)] * plm.num_layers  # every block once, over all tokens
    for index, states in together.items():
        for place, x in zip(places, states, strict=True):
            assert torch.equal(x, apart[place][index]), place


def test_blocks_above_the_highest_place_are_not_computed(plm: ESM2PLM, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    attention = packed._attention
    monkeypatch.setattr(packed, "_attention", lambda *given: calls.append(given) or attention(*given))
    list(plm.harvest_at(SEQUENCES, [Place(1, "attn_out"), Place(1, "resid_mid")]))
    assert len(calls) == 1


@pytest.mark.parametrize("site", SITES)
def test_fidelity_and_steering_cut_in_at_every_site(plm: ESM2PLM, site: Site) -> None:
    bench = FidelityBench(plm, SEQUENCES, layer=1, site=site, mean_state=torch.zeros(plm.d_model))
    same, none = bench.measure(lambda x: x).masked, bench.measure(torch.zeros_like).masked
    assert same.ce_sae == same.ce_clean
    assert none.ce_sae == same.ce_zero != same.ce_clean
    sae = TopKSAE(TopKSAEConfig(d_model=plm.d_model, d_sae=64, k=4), seed=0)
    sae.fit_input(torch.zeros(plm.d_model), float(plm.d_model))
    for reach in ("layer", "above"):
        steering = Steering(plm, plm.spec(layer=1, site=site), sae, SEQUENCE, SteerConfig(reach=reach))
        assert steering.run({3: 1.0}, strength=0.0).steered == SEQUENCE
        assert len(steering.run({3: 1.0}, strength=20.0).steered) == len(SEQUENCE)


def test_places_have_names_and_sites_have_letters() -> None:
    assert [Place(4, site).name for site in SITES] == ["H4", "R4", "A4", "M4"]
    assert [site_named(letter) for letter in LETTERS.values()] == list(SITES)
    assert site_named("a") == site_named("attn_out") == "attn_out"
    with pytest.raises(
        ConfigError, match=r"there is no site 'Q'; those that there are: H \(resid_mid\), R \(resid_post\)"
    ):
        site_named("Q")
    with pytest.raises(ConfigError, match="site must be one of resid_post for this language model, got 'attn_out'"):
        check_site(1, "attn_out", 3, ("resid_post",))


def every_place(plm: ESM2PLM) -> list[Place]:
    return [Place(layer, site) for layer in range(1, plm.num_layers + 1) for site in SITES]
