"""How well labels tell where features fire: a perfect one 1, a shuffled one a half, a broad one recall alone."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from precompute.__main__ import main
from precompute.features.sampled import Sample
from precompute.features.telling import LEAST, TENTHS, chosen_rules, detection, fuzzing, rules
from protsae.bundle.opening import open_bundle
from protsae.store.analyses.telling import TELLING, telling_of

N = 400
NONE = np.zeros(N, dtype=bool)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def peaks(rng: np.random.Generator) -> np.ndarray:
    """A hundred firing proteins, then three hundred silent ones."""
    return np.concatenate([rng.uniform(0.5, 1, 100), np.zeros(300)])


def test_a_perfect_label_tells_all_and_a_shuffled_one_nothing(rng: np.random.Generator) -> None:
    peak = peaks(rng)
    perfect = detection(peak, peak > 0, NONE, NONE, rng)
    assert (perfect.n_firing, perfect.n_silent) == (100, 300)
    assert perfect.detection == 1
    assert (perfect.strongest, perfect.weakest, perfect.false_share) == (1, 1, 0)
    assert perfect.null_detection == pytest.approx(0.5, abs=0.03)
    assert perfect.null_high is not None
    assert perfect.null_high < 0.65
    assert perfect.neighbour is None
    assert perfect.relatives is None

    shuffled = [detection(peak, rng.permutation(peak > 0), NONE, NONE, rng).detection for _ in range(200)]
    assert np.mean([value for value in shuffled if value is not None]) == pytest.approx(0.5, abs=0.01)


def test_a_broad_label_has_recall_and_false_alarms(rng: np.random.Generator) -> None:
    peak = peaks(rng)
    broad = detection(peak, np.arange(N) < 340, NONE, NONE, rng)
    assert (broad.strongest, broad.weakest) == (1, 1)
    assert broad.false_share == pytest.approx(0.8)
    assert broad.detection == pytest.approx(0.6)


def test_every_tenth_counts_alike(rng: np.random.Generator) -> None:
    peak = np.concatenate([np.linspace(1, 0.1, 105), np.zeros(295)])
    strong_only = np.arange(N) < 11
    found = detection(peak, strong_only, NONE, NONE, rng)
    assert (found.strongest, found.weakest) == (1, 0)
    assert found.detection == pytest.approx((1 / TENTHS + 1) / 2), "the strongest tenth alone would say 1"


def test_a_twin_makes_it_hard_and_so_do_relatives(rng: np.random.Generator) -> None:
    peak = peaks(rng)
    carries = np.arange(N) < 150
    twin = (np.arange(N) >= 100) & (np.arange(N) < 150)
    found = detection(peak, carries, twin, ~carries, rng)
    assert found.neighbour == pytest.approx(0.5), "its silent carriers are those of the twin"
    assert found.relatives == pytest.approx(1)
    assert found.detection is not None
    assert found.detection > 0.9


def test_too_few_proteins_tell_nothing(rng: np.random.Generator) -> None:
    peak = np.zeros(N)
    peak[: LEAST - 1] = 1
    found = detection(peak, peak > 0, NONE, NONE, rng)
    assert found.n_firing == LEAST - 1
    assert found.detection is None
    assert detection(np.ones(N), NONE, NONE, NONE, rng).detection is None


def made_up(seed: int) -> tuple[Sample, dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    sample = Sample(np.arange(50), np.full(50, 60), rng.integers(0, 20, 3000))
    return sample, {"Motif": np.repeat(rng.random(500) < 0.1, 6)}


def test_the_planted_rule_is_chosen_and_told_on_other_residues() -> None:
    values, chosen = [], np.zeros(0, int)
    for seed in (0, 1):
        sample, sites = made_up(seed)
        found = rules(sample, sites)
        place = {name: number for number, name in enumerate(found.name)}
        noise = np.random.default_rng(seed + 9).random(3000) < 0.05
        names = ("letter C at -2", "site Motif", "group aromatic", "first 10")
        fires = np.column_stack([*(found.holds[:, place[name]] > 0 for name in names), noise])
        told = fuzzing(csr_array(fires.astype(np.float32)), sample.group, found.holds)
        if seed == 0:
            chosen, is_own = chosen_rules(told, [None, None, place["site Motif"], None, None])
            assert [found.name[rule] for rule in chosen[:4]] == [names[0], names[1], "site Motif", names[3]]
            assert is_own.tolist() == [False, False, True, False, False]
        values.append(told[np.arange(5), chosen])
        shifted = fuzzing(
            csr_array(fires.astype(np.float32)),
            sample.group,
            found.holds[sample.shifted(np.random.default_rng(3))],
        )[np.arange(5), chosen]
        assert shifted[:3] == pytest.approx(np.full(3, 0.5), abs=0.08)

    assert values[1][[0, 1, 3]] == pytest.approx(np.ones(3))
    assert values[1][2] == pytest.approx(0.5, abs=0.05), "a label's residues where the feature does not fire"
    assert values[1][4] == pytest.approx(0.5, abs=0.1), "chosen among many on train, it says nothing on test"


def test_fuzzing_is_what_counting_gives() -> None:
    sample, sites = made_up(4)
    found = rules(sample, sites)
    fires = np.random.default_rng(5).random((3000, 2)) < 0.02
    told = fuzzing(csr_array(fires.astype(np.float32)), sample.group, found.holds)
    inside = np.isin(sample.group, sample.group[fires[:, 1]])
    rule = found.holds[:, 3] > 0
    own, others = rule[fires[:, 1]], rule[inside & ~fires[:, 1]]
    assert told[1, 3] == pytest.approx((own.mean() + 1 - others.mean()) / 2)
    rare = csr_array(np.eye(3000, 1, dtype=np.float32))
    assert np.isnan(fuzzing(rare, sample.group, found.holds)).all()


def test_letters_before_and_after_stay_in_their_protein() -> None:
    sample = Sample(np.arange(2), np.array([3, 3]), np.array([4, 0, 0, 4, 0, 0]))
    found = rules(sample, {})
    assert found.holds[:, found.name.index("letter C at -1")].tolist() == [0, 1, 0, 0, 1, 0]
    assert found.holds[:, found.name.index("letter C at +1")].tolist() == [0, 0, 0, 0, 0, 0]


def test_a_run_adds_them_and_they_are_read(copy_run: Callable[..., Path], tmp_path: Path) -> None:
    bundle = copy_run(tmp_path)
    with open_bundle(bundle) as opened:
        reader = opened.reader
        rows = reader.analysis_table(TELLING, "telling")
        labelled = reader.tuples("SELECT sae, feature FROM feature WHERE label_id <> '' ORDER BY sae, feature")
        assert list(rows[["sae", "feature"]].itertuples(index=False, name=None)) == labelled
        found = telling_of(reader, *labelled[0])
        assert found is not None
        assert found.rule_from in ("label", "train", "")
        assert telling_of(reader, "nope", 0) is None
        for column in ("detection", "neighbour", "relatives", "fuzzing", "embedding", "null_embedding"):
            assert rows[column].dropna().between(0, 1).all()

    before = (bundle / "analyses" / "telling" / "telling.parquet").read_bytes()
    assert main(["analyse", str(bundle), "telling", "--quiet"]) == 0
    assert (bundle / "analyses" / "telling" / "telling.parquet").read_bytes() == before, "not the same twice"


def test_an_sae_without_a_named_feature_has_no_rules() -> None:
    rule, is_own = chosen_rules(np.zeros((0, 3)), [])
    assert (rule.tolist(), is_own.tolist()) == ([], [])
    assert np.zeros((0, 3))[np.arange(0), np.maximum(rule, 0)].shape == (0,)
