"""Judges that steering did not touch, how bad a substitution is, and how surprised the model is: by hand."""

import math

import numpy as np
import pytest
import torch
from toy_plm import ToyPLM

from protsae.alphabet import AMINO_ACIDS
from protsae.errors import InputError
from protsae.steering.judges import KmerJudge, kmers
from protsae.steering.perplexity import pseudo_perplexity, surprisal
from protsae.steering.substitutions import substitutions


def test_substitutions_are_told_apart_by_blosum62() -> None:
    found = substitutions("MKVLWX", "MRVPGX")

    assert [one.name for one in found] == ["K2R", "L4P", "W5G"]
    assert [one.score for one in found] == [2, -3, -2]
    assert [one.kind for one in found] == ["conservative", "radical", "radical"]
    assert substitutions("MKV", "MKV") == []


def test_kmers_of_a_sequence_are_those_without_odd_letters() -> None:
    n = len(AMINO_ACIDS)
    assert kmers("AAA").tolist() == [0]
    assert kmers("ARNA").tolist() == sorted([1 * n + 2, n * n + 2 * n])
    assert kmers("AAXAA").tolist() == []
    assert kmers("AA").tolist() == []
    assert len(kmers("AAAAAA")) == 1


def test_similarity_is_the_mean_cosine_to_carriers_minus_that_to_others() -> None:
    carriers, others = ["AAAR", "CCCC"], ["WWWW"]
    judge = KmerJudge.of(carriers, others)

    def cosine(a: str, b: str) -> float:
        own, theirs = set(kmers(a).tolist()), set(kmers(b).tolist())
        return len(own & theirs) / math.sqrt(len(own) * len(theirs))

    for sequence in ("AAAA", "CCCW", "WWWW", "DEFG"):
        expected = np.mean([cosine(sequence, one) for one in carriers]) - cosine(sequence, others[0])
        assert judge.similarity(sequence) == pytest.approx(expected)
    assert judge.similarity("AA") == 0
    with pytest.raises(InputError, match="with the term and without it, got 0 and 1"):
        KmerJudge.of([], others)


def test_the_judge_knows_a_planted_motif_and_nothing_where_there_is_none() -> None:
    rng = np.random.default_rng(0)

    def drawn(motif: str) -> str:
        return "".join(rng.choice(list(AMINO_ACIDS), 80)) + motif

    planted = KmerJudge.of([drawn("HPWKC") for _ in range(40)], [drawn("") for _ in range(40)])
    null = KmerJudge.of([drawn("") for _ in range(40)], [drawn("") for _ in range(40)])

    def gain(judge: KmerJudge) -> float:
        return float(np.mean([judge.similarity(x + "HPWKC") - judge.similarity(x) for x in map(drawn, [""] * 40)]))

    assert gain(planted) > 0.02
    assert abs(gain(null)) < gain(planted) / 10


def test_pseudo_perplexity_hides_one_residue_at_a_time() -> None:
    plm, sequence = ToyPLM(), "MKVLAW"
    found = [surprisal(plm, sequence, place) for place in range(len(sequence))]

    expected = [
        -float(plm.logits(sequence, masked=[i]).log_softmax(-1)[i, AMINO_ACIDS.index(a)])
        for i, a in enumerate(sequence)
    ]
    assert found == pytest.approx(expected)
    assert pseudo_perplexity(found) == pytest.approx(math.exp(np.mean(expected)))
    assert pseudo_perplexity([math.log(20.0), None]) == pytest.approx(20)
    assert math.isnan(pseudo_perplexity([None]))


def test_an_odd_letter_has_no_surprisal() -> None:
    class Odd(ToyPLM):
        def tokenise(self, sequence, masked=()):
            return super().tokenise(sequence.replace("X", "A"), masked)

    assert surprisal(Odd(), "MXK", 1) is None
    assert torch.is_tensor(Odd().tokenise("MXK"))
