"""Mutation scans and variants: a planted feature loses what its residue carried, and nothing where it reads nothing."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from toy_plm import ToyPLM

from protsae.alphabet import AMINO_ACIDS
from protsae.errors import InputError
from protsae.measures.feature_reader import FeatureReader
from protsae.measures.mutation import masked_marginal, scan_position, wild_type_marginals
from protsae.measures.variants import Substitution, Variant, parse_variants
from protsae.sae import TopKSAE, TopKSAEConfig

SEQUENCE = "MKTAYIAKHRQISFVKSHFS"
HISTIDINES = (9, 18)


class PlantedPLM(ToyPLM):
    """Residues do not see one another, so that a feature of a letter depends on that letter alone."""

    def _run(self, x: torch.Tensor, first: int, last: int) -> torch.Tensor:
        del first, last
        return x


@pytest.fixture
def planted() -> FeatureReader:
    """Feature 0 reads histidine: 2 there, and nothing elsewhere; feature 1 reads nothing."""
    plm = PlantedPLM()
    table = plm._table
    sae = TopKSAE(TopKSAEConfig(d_model=12, d_sae=2, k=1))
    reads = torch.linalg.pinv(table[:20]) @ torch.eye(20)[AMINO_ACIDS.index("H")]
    others = [place for place in range(20) if place != AMINO_ACIDS.index("H")]
    bias = -float((table[others] @ reads).max())
    with torch.no_grad():
        sae.W_enc.copy_(torch.stack([reads, -0 * reads], dim=sae.W_enc.shape.index(2)))
        sae.b_enc.copy_(torch.tensor([bias, -1.0]))
        sae.b_dec.zero_()
    return FeatureReader(plm, plm.spec(layer=1, site="resid_post"), sae, 0)


def test_the_scan_finds_the_residues_that_the_feature_reads(planted: FeatureReader) -> None:
    wild = planted.read([SEQUENCE])[0].numpy()
    histidine = AMINO_ACIDS.index("H")

    at_9 = scan_position(planted, SEQUENCE, 9, wild)
    at_1 = scan_position(planted, SEQUENCE, 1, wild)

    assert [place + 1 for place in np.flatnonzero(wild)] == list(HISTIDINES)
    assert at_9.mean[histidine] == pytest.approx(wild.mean())
    assert np.delete(at_9.mean, histidine) == pytest.approx(wild.mean() / 2)
    assert at_9.peak == pytest.approx(wild.max())  # the other histidine keeps it
    assert at_1.mean[histidine] == pytest.approx(1.5 * wild.mean())
    assert np.delete(at_1.mean, histidine) == pytest.approx(wild.mean())


def test_what_is_hidden_is_not_read(planted: FeatureReader) -> None:
    shown, hidden = planted.read([SEQUENCE, SEQUENCE], masked=[[], [8]])

    assert shown[8] > 0
    assert hidden[8] == pytest.approx(shown[0]) or hidden[8] != shown[8]
    assert torch.equal(shown[9:], hidden[9:])


def test_a_long_chain_is_masked_in_the_window_that_it_lies_in(planted: FeatureReader) -> None:
    long = "A" * 60 + "H" + "A" * 40

    shown, hidden = planted.read([long, long], masked=[[], [60]])

    assert shown.nonzero().flatten().tolist() == [60]
    assert hidden[60] != shown[60]


def test_there_is_no_such_feature(planted: FeatureReader) -> None:
    with pytest.raises(InputError, match="no feature 7"):
        FeatureReader(planted._plm, planted._spec, planted._sae, 7)


def test_marginals_are_log_odds_against_the_wild_type() -> None:
    plm = ToyPLM()
    logits = plm.logits(SEQUENCE, masked=[8])[8].double()
    expected = logits - logits[AMINO_ACIDS.index("H")]

    assert masked_marginal(plm, SEQUENCE, 9) == pytest.approx(expected.numpy())
    assert masked_marginal(plm, SEQUENCE, 9)[AMINO_ACIDS.index("H")] == 0
    whole = plm.logits(SEQUENCE)[8].double()
    assert wild_type_marginals(plm, SEQUENCE)[8] == pytest.approx((whole - whole[AMINO_ACIDS.index("H")]).numpy())


def test_a_long_chain_is_seen_through_windows() -> None:
    plm = ToyPLM()
    long = SEQUENCE * 5

    assert wild_type_marginals(plm, long).shape == (100, 20)
    assert np.isfinite(masked_marginal(plm, long, 100)).all()


def test_variants_are_read_in_every_common_spelling() -> None:
    found = parse_variants("H9A, his9ala;p.His9Gly\nM1L/H18Y h9g", SEQUENCE)

    assert [variant.name for variant in found] == ["H9A", "H9G", "M1L/H18Y"]
    assert found[2] == Variant((Substitution("M", 1, "L"), Substitution("H", 18, "Y")))
    assert found[2].of(SEQUENCE) == "LKTAYIAKHRQISFVKSYFS"
    assert parse_variants("  ", SEQUENCE) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("H64A", "“H64A” names residue 64, but this protein has residues 1 to 20"),
        ("H8A", r"“H8A” expects H at position 8, but this sequence has K there \(H9 is next to it\)"),
        ("A4A", "“A4A” changes nothing"),
        ("H9A/H9G", "“H9A/H9G” changes residue 9 twice"),
        ("H9X", "“H9X” puts in X"),
        ("delF508", "“delF508” is no substitution"),
        ("<b>x</b>", "“<b>x</b>” is no substitution|“<b>x” is no substitution|“<b>x</b>”"),
        ("H9A " * 201, "201 variants, more than the limit of 200"),
        ("H0A", "names residue 0"),
    ],
)
def test_a_variant_that_does_not_fit_is_quoted(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_variants(text, SEQUENCE)
