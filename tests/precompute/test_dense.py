"""What dense features carry: each tag from a planted case, none from features that fire at random."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.stats import spearmanr

from precompute.__main__ import main
from precompute.analyses.dense import _of_structures
from precompute.corpus.codes import CSR
from precompute.features.dense import (
    HYDROPATHY,
    Told,
    along,
    between_proteins,
    disorder,
    partners,
    reaching,
    signals,
    spearman,
    told,
)
from precompute.features.sampled import Sample
from protsae.bundle.opening import open_bundle
from protsae.store.analyses.dense import DENSE, DENSEST, TAGS, dense_tags

N_PROTEINS, LENGTH = 60, 80


def made_up(seed: int) -> tuple[Sample, dict[str, np.ndarray]]:
    """Random proteins, a third of whose residues lie in stretches of helix."""
    rng = np.random.default_rng(seed)
    n = N_PROTEINS * LENGTH
    sample = Sample(np.arange(N_PROTEINS), np.full(N_PROTEINS, LENGTH), rng.integers(0, 20, n))
    return sample, {"helix": np.repeat(rng.random(n // 8) < 0.33, 8)}


def planted(sample: Sample, helix: np.ndarray, seed: int) -> CSR:
    """Columns: position, first residues, a letter, all but a letter, hydropathy, helix, protein, three at random."""
    rng = np.random.default_rng(seed)
    n = len(sample.letters)
    noise = rng.random(n) * 0.2
    of_protein = rng.random(N_PROTEINS)[sample.group]
    columns = [
        sample.place + noise,
        (sample.place < 10) + noise * (rng.random(n) < 0.3),
        (sample.letters == 7) + noise * (rng.random(n) < 0.2),
        (sample.letters != 7) * (0.1 + noise),
        HYDROPATHY[sample.letters] + 5 + noise,
        helix * (0.5 + noise),
        of_protein + noise * 0.3,
        *((rng.random((3, n)) < 0.15) * rng.random((3, n))),
    ]
    return csr_array(np.column_stack(columns))


def held(rows: list[list[Told]]) -> list[dict[str, str]]:
    return [{one.tag: one.detail for one in own if one.holds} for own in rows]


def test_each_signal_is_found_where_it_was_planted_and_nothing_where_it_was_not() -> None:
    both = []
    for seed in (0, 1):
        sample, elements = made_up(seed)
        known = np.ones(len(sample.letters), dtype=bool)
        both.append((planted(sample, elements["helix"], seed), signals(sample, elements, known)))
    rows = told(both[0], both[1], sample, np.random.default_rng(0))
    found = held(rows)

    assert found[0]["position"] in ("from the start", "along the chain", "from the end")
    assert found[1] == {"terminus": "first"}
    assert found[2] == {"amino_acid": "G"}
    assert found[3] == {"amino_acid": "G"}
    assert next(one.value for one in rows[3] if one.tag == "amino_acid") < -0.5
    assert "hydrophobicity" in found[4]
    assert found[5] == {"structure": "helix"}
    assert found[6:] == [{}, {}, {}, {}], "constant within proteins is no place; random firing carries nothing"
    assert all(one.by_chance < 0.1 for own in rows[7:] for one in own)


def test_disorder_is_what_a_structure_leaves_out_between_what_it_resolves() -> None:
    sample = Sample(np.arange(40), np.full(40, 60), np.random.default_rng(6).integers(0, 20, 2400))
    resolved = np.setdiff1d(np.arange(10, 50), np.arange(25, 32))
    found = disorder(sample, dict.fromkeys(range(40), resolved))
    inside = (sample.place >= 10) & (sample.place < 50)
    missing = (sample.place >= 25) & (sample.place < 32)
    assert (found.known["unresolved"] == inside).all()
    assert (found.values[:, 0] == missing).all()

    rng = np.random.default_rng(7)
    acts = csr_array(np.column_stack([missing * rng.random(2400), (rng.random(2400) < 0.2) * rng.random(2400)]))
    rows = told((acts, found), (acts, found), sample, np.random.default_rng(0))
    assert held(rows) == [{"disorder": "unresolved"}, {}]
    assert rows[0][0].value == pytest.approx(1)
    assert rows[1][0].value == pytest.approx(0, abs=0.15)
    assert _of_structures([], [found, found], sample, 3, 0) == [[], [], []], "no protein has a structure"
    nothing = disorder(sample, {})
    assert _of_structures([acts, acts], [found, nothing], sample, 2, 0) == [[], []]
    assert not nothing.known["unresolved"].any()


def test_the_share_between_proteins_is_that_of_an_analysis_of_variance() -> None:
    sample, elements = made_up(2)
    acts = planted(sample, elements["helix"], 2)
    shares = between_proteins(acts, sample.group)

    column = acts.toarray()[:, 6].reshape(N_PROTEINS, LENGTH)
    assert shares[6] == pytest.approx(LENGTH * column.mean(axis=1).var() * N_PROTEINS / (column.var() * column.size))
    assert shares[6] > 0.5
    assert shares[7:] == pytest.approx(np.full(3, N_PROTEINS / len(sample.letters)), abs=0.01)


def test_rank_correlation_of_sparse_columns_is_scipys() -> None:
    rng = np.random.default_rng(3)
    acts = (rng.random((200, 3)) < 0.2) * rng.random((200, 3))
    values = rng.integers(0, 9, (200, 2)).astype(float)

    found = spearman(csr_array(acts), values)
    expected = [[spearmanr(acts[:, i], values[:, j]).statistic for j in range(2)] for i in range(3)]
    assert found == pytest.approx(np.array(expected))
    assert (spearman(csr_array((200, 1)), values) == 0).all()


def test_an_antipode_and_a_copy_are_told_apart() -> None:
    rng = np.random.default_rng(4)
    encoder, decoder = rng.normal(size=(30, 64)), rng.normal(size=(30, 64))
    encoder[4], decoder[4] = -encoder[3], -decoder[3]
    encoder[6], decoder[6] = encoder[5], 2 * decoder[5]
    encoder[8], decoder[8] = -encoder[7], decoder[7]

    found = partners(encoder, decoder, np.array([3, 4, 5, 7]))
    assert found["antipodal"].feature[:2].tolist() == [4, 3]
    assert found["antipodal"].score[:2] == pytest.approx([1, 1])
    assert found["duplicate"].feature[2] == 6
    assert found["duplicate"].score[2] == pytest.approx(1)
    assert found["antipodal"].score[2:].max() < 0.5
    assert found["duplicate"].score[[0, 1, 3]].max() < 0.5, "opposite in one of the two is neither"


def test_components_and_what_the_amino_acids_read() -> None:
    rng = np.random.default_rng(5)
    effect = rng.normal(size=(64, 20))
    effect -= effect.mean(axis=1, keepdims=True)
    left = np.linalg.svd(effect, full_matrices=True)[0]
    directions = np.stack([left[:, 0], left[:, 40], (left[:, 0] + left[:, 40])])

    share, random_share = reaching(directions, effect)
    assert share == pytest.approx([1, 0, 0.5], abs=1e-9)
    assert random_share == 19 / 64
    assert reaching(rng.normal(size=(4000, 64)), effect)[0].mean() == pytest.approx(random_share, abs=0.01)
    assert Told("silent", "", 0.0, random_share).holds
    assert not Told("silent", "", 0.5, random_share).holds
    assert along(directions, -3 * left[:, [40]].T) == pytest.approx(np.array([[0], [1], [0.5**0.5]]), abs=1e-9)


def test_a_shift_keeps_proteins_and_closes_the_chain() -> None:
    sample, _ = made_up(6)
    moved = sample.shifted(np.random.default_rng(0))

    assert sorted(moved.tolist()) == list(range(len(sample.letters)))
    assert (sample.group[moved] == sample.group).all()
    assert set(((sample.place[moved] - sample.place) % LENGTH)[:LENGTH].tolist()) == {(moved[0]) % LENGTH}


def test_a_run_adds_them_and_they_are_read(copy_run: Callable[..., Path], tmp_path: Path) -> None:
    bundle = copy_run(tmp_path)
    with open_bundle(bundle) as opened:
        reader = opened.reader
        rows = reader.analysis_table(DENSE, "dense_tag")
        dense = reader.tuples("SELECT sae, feature FROM feature WHERE density > ? ORDER BY sae, feature", [DENSEST])
        assert [(a, b) for a, b in rows[["sae", "feature"]].drop_duplicates().itertuples(index=False)] == dense
        first = dense_tags(reader, *dense[0])
        assert {one.tag for one in first} >= set(TAGS) - {"structure", "disorder"}
        assert [one.holds for one in first] == sorted((one.holds for one in first), reverse=True)
        assert dense_tags(reader, "nope", 0) == []

    before = (bundle / "analyses" / "dense" / "dense_tag.parquet").read_bytes()
    assert main(["analyse", str(bundle), "dense", "--quiet"]) == 0
    assert (bundle / "analyses" / "dense" / "dense_tag.parquet").read_bytes() == before, "not the same twice"
