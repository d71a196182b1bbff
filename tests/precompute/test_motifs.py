"""Motifs: a planted one is found where it stands, random peaks say nothing, and no family counts twice."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csc_array, csr_array

from precompute.__main__ import main
from precompute.corpus.codes import runs_of
from precompute.corpus.proteins import Shard
from precompute.features.motifs import Letters, Peaks, strongest
from protsae.alphabet import AMINO_ACIDS
from protsae.bundle.opening import open_bundle
from protsae.measures.motif import expected_bits
from protsae.store.analyses.motifs import MOTIFS, REACH, motif_of, read_counts, written_counts

N, LENGTH = 60, 80


def planted(seed: int = 0) -> tuple[list[str], np.ndarray]:
    """Random sequences with W two before, and H five behind, a K in the middle."""
    rng = np.random.default_rng(seed)
    sequences, places = [], rng.integers(15, 60, N)
    for place in places.tolist():
        letters = rng.choice(list(AMINO_ACIDS), LENGTH)
        letters[place], letters[place - 2], letters[place + 5] = "K", "W", "H"
        sequences.append("".join(letters))
    return sequences, places


def column(counts: np.ndarray, offset: int) -> dict[str, int]:
    return {letter: n for letter, n in zip(AMINO_ACIDS, counts[REACH + offset].tolist(), strict=True) if n}


def test_a_planted_motif_is_found_at_its_offsets() -> None:
    sequences, places = planted()
    letters = Letters(sequences)
    found = letters.motif(np.arange(N), places, np.random.default_rng(1))
    luck = expected_bits(N, tuple(letters.background.tolist()))[N]
    certain = {letter: -np.log2(letters.background[AMINO_ACIDS.index(letter)]) - luck for letter in "KWH"}

    assert column(found.counts, 0) == {"K": N}
    assert column(found.counts, -2) == {"W": N}
    assert column(found.counts, 5) == {"H": N}
    assert len(column(found.counts, 1)) > 10
    assert found.counts.sum(axis=1).tolist() == [N] * (2 * REACH + 1)
    assert found.peak_bits == pytest.approx(certain["K"])
    assert found.flank_bits == pytest.approx(certain["W"] + certain["H"], abs=0.8)
    assert abs(found.null_peak_bits) < 0.2
    assert found.null_flank_most < 2.5


def test_random_peaks_say_nothing_beside_what_their_letter_says() -> None:
    sequences, _ = planted()
    letters, rng = Letters(sequences), np.random.default_rng(2)
    flanks, peaks = [], []
    for _ in range(30):
        found = letters.motif(np.arange(N), rng.integers(0, LENGTH, N), rng)
        flanks.append(found.flank_bits - found.null_flank_bits)
        peaks.append(found.peak_bits)

    assert np.mean(flanks) == pytest.approx(0, abs=0.25)
    assert np.mean(peaks) == pytest.approx(0, abs=0.1)


def test_what_a_letters_surroundings_always_say_is_the_null() -> None:
    """Every K stands before an R, so a feature that fires on some K says nothing more by the R."""
    rng = np.random.default_rng(3)
    sequences = ["".join(rng.choice(list("ADEFGILSTV"), 60)) for _ in range(N)]
    sequences = [s[:20] + "KR" + s[22:40] + "KR" + s[42:] for s in sequences]
    found = Letters(sequences).motif(np.arange(N), np.full(N, 20), np.random.default_rng(4))

    assert found.flank_bits > 2
    assert found.flank_bits < found.null_flank_most + 1.0


def test_letters_beyond_the_ends_and_unknown_ones_are_not_counted() -> None:
    found = Letters(["MKXV", "AC"]).motif(np.array([0, 1]), np.array([0, 1]), np.random.default_rng(0))

    assert column(found.counts, 0) == {"M": 1, "C": 1}
    assert column(found.counts, -1) == {"A": 1}
    assert column(found.counts, 1) == {"K": 1}
    assert column(found.counts, 2) == {}
    assert column(found.counts, 3) == {"V": 1}
    assert found.counts.sum() == 5


def test_of_each_cluster_the_strongest_protein_counts() -> None:
    peak = np.array([[1.0, 0.0], [5.0, 0.0], [3.0, 2.0], [4.0, 0.0], [0.0, 0.0]])
    chosen = strongest(csc_array(peak), np.array([7, 7, 8, 9, 9]), most=2)

    assert [proteins.tolist() for proteins in chosen] == [[1, 3], [2]]


def test_peaks_are_collected_over_shards() -> None:
    codes = np.zeros((9, 2))
    codes[[1, 3], 0], codes[[4, 8], 0], codes[6, 1] = (0.5, 2.0), (1.0, 3.0), 1.0
    chosen = [np.array([1, 0, 2]), np.array([2])]
    peaks = Peaks(chosen, 3)
    for first, last, shard in (
        (0, 4, Shard(0, np.array([0]), np.array([0]), np.array([4]))),
        (4, 9, Shard(1, np.array([1, 2]), np.array([0, 2]), np.array([2, 3]))),
    ):
        peaks.add(runs_of(csr_array(codes[first:last]), shard.row_protein), shard)

    assert peaks.of(0).tolist() == [0, 3, 2]
    assert peaks.of(1).tolist() == [0]


def test_counts_are_text_and_come_back() -> None:
    counts = np.random.default_rng(0).integers(0, 91, (2 * REACH + 1, 20))
    text = written_counts(counts)

    assert text.isprintable()
    assert len(text) == counts.size
    assert np.array_equal(read_counts(text), counts)
    with pytest.raises(ValueError, match="0 to 90"):
        written_counts(counts + 90)


def test_a_run_adds_them_and_they_are_read(copy_run: Callable[..., Path], tmp_path: Path) -> None:
    bundle = copy_run(tmp_path)
    with open_bundle(bundle) as opened:
        rows = opened.reader.analysis_table(MOTIFS, "motif")
        first = rows.iloc[0]
        found = motif_of(opened.reader, str(first["sae"]), int(first["feature"]))
        assert found is not None
        assert found.n_sequences == first["n_sequences"]
        assert found.counts[REACH].sum() == found.n_sequences
        assert found.background.sum() == pytest.approx(1)
        assert motif_of(opened.reader, "nope", 0) is None

    before = (bundle / "analyses" / "motifs" / "motif.parquet").read_bytes()
    assert main(["analyse", str(bundle), "motifs", "--quiet"]) == 0
    assert (bundle / "analyses" / "motifs" / "motif.parquet").read_bytes() == before, "not the same twice"
