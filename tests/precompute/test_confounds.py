"""Confounds: hand-worked counts and scores, planted explanations that are found, and chance that explains nothing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array, csr_array
from sklearn.metrics import f1_score, roc_auc_score

from precompute.align.ranks import always_f1
from precompute.corpus.proteins import Corpus, Shard
from precompute.features import confounds
from precompute.features.confounds import Checked, Counts, Scores
from precompute.features.facts import FACTS, ProteinFact, Proteins
from precompute.stages.confounds import OfProteins, check, count_residues, of_proteins


def test_positions_count_from_the_nearer_end() -> None:
    short = confounds.position_levels(np.array([4]))
    longer = confounds.position_levels(np.array([40]))

    assert short.tolist() == [0, 1, 18, 19]
    assert longer[:10].tolist() == list(range(10))
    assert longer[30:].tolist() == list(range(10, 20))
    assert longer[10:30].tolist() == [20 + place // 4 for place in range(10, 30)]
    assert confounds.position_levels(np.array([4, 40])).tolist() == short.tolist() + longer.tolist()
    assert confounds.position_levels(np.array([], dtype=int)).tolist() == []


def test_lengths_fall_into_bins_that_train_fills_equally() -> None:
    length = np.array([*range(100), 1000, 0])
    split = np.array([0] * 100 + [1, 2])
    level = confounds.length_levels(length, split)

    assert np.bincount(level[:100]).tolist() == [5] * confounds.LENGTH_BINS
    assert level[100:].tolist() == [confounds.LENGTH_BINS - 1, 0]


def test_a_protein_fires_where_it_exceeds_half_of_the_maximum() -> None:
    peak = csc_array(np.array([[4.0, 1.0], [2.0, 0.0], [2.1, 0.6]]))
    assert confounds.strong(peak, np.array([4.0, 1.0])).toarray().tolist() == [[1, 1], [0, 0], [1, 1]]


def test_hand_worked_counts_and_scores() -> None:
    counts = Counts.zeros(3, 2)
    #        train: level 0 fires 2 of 2, level 1 1 of 2, level 2 0 of 1; valid and test one of each, level 1 twice
    split = np.array([0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2])
    level = np.array([0, 0, 1, 1, 2, 0, 1, 2, 0, 1, 1, 2])
    fires = np.array([1, 1, 1, 0, 0, 1, 0, 0, 1, 1, 0, 0])
    counts.add(csr_array(np.stack([fires, np.zeros(12)], axis=1)[:7]), split[:7], level[:7])
    counts.add(csr_array(np.stack([fires, np.zeros(12)], axis=1)[7:]), split[7:], level[7:])

    assert counts.total.tolist() == [[2, 2, 1], [1, 1, 1], [1, 2, 1]]
    assert counts.firing[:, :, 0].tolist() == [[2, 1, 0], [1, 0, 0], [1, 1, 0]]
    found = confounds.score_levels(counts)
    assert found.f1[0] == pytest.approx(2 / 3)  # called: level 0; TP 1, called 1, positives 2
    assert found.auroc[0] == pytest.approx(3.5 / 4)  # level 0 beats both silent; level 1 ties with one, beats the other
    assert found.n_firing.tolist() == [2, 0]
    assert found.f1[1] == 0
    assert np.isnan(found.auroc[1])


def test_scores_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    level, split = rng.integers(0, 6, 3000), np.repeat([0, 1, 2], 1000)
    fires = rng.random(3000) < np.array([0.9, 0.1, 0.5, 0.0, 0.3, 0.05])[level]
    counts = Counts.zeros(7, 1)
    counts.add(csr_array(fires[:, None].astype(np.int8)), split, level)
    found = confounds.score_levels(counts)

    rate = np.array([fires[(split == 0) & (level == own)].mean() for own in range(6)])[level]
    best = max(np.unique(rate), key=lambda t: f1_score(fires[split == 1], rate[split == 1] >= t))
    assert found.f1[0] == pytest.approx(f1_score(fires[split == 2], rate[split == 2] >= best))
    assert found.auroc[0] == pytest.approx(roc_auc_score(fires[split == 2], rate[split == 2]))


def test_the_null_is_that_of_shuffled_levels() -> None:
    rng = np.random.default_rng(0)
    level, split = rng.integers(0, 4, 30_000), np.repeat([0, 1, 2], 10_000)
    counts = Counts.zeros(4, 2)
    counts.add(csr_array(np.stack([level == 0, level < 3], axis=1).astype(np.int8)), split, level)

    assert confounds.score_levels(counts).f1.tolist() == [1, 1]
    null = confounds.shuffled_levels(counts, rng)
    assert null == pytest.approx(always_f1(np.array([0.25, 0.75])), abs=0.02)
    shuffled = rng.permutation(level[:10_000])
    assert f1_score(level[:10_000] == 0, np.isin(shuffled, [0, 1, 2, 3])) == pytest.approx(null[0], abs=0.02)


def test_families_predict_by_their_other_members() -> None:
    family = np.array([0, 0, 0, 0, 1, 1, 1, 2, 3])
    fires = np.zeros((9, 3), dtype=np.int8)
    fires[:4, 0] = 1  # all of one family
    fires[[0, 4], 1] = 1  # one of each of two families
    fires[[7, 8], 2] = 1  # two without relatives
    found = confounds.score_families(csr_array(fires), family)

    assert found.scores.f1.tolist() == [1, 0, 0]
    assert found.scores.auroc[0] == 1
    assert found.scores.auroc[1] < 0.5
    assert found.scores.auroc[2] == pytest.approx((2 * 7) / (2 * 7))
    assert found.largest.tolist() == [1, 0.5, 0.5]
    assert found.scores.n_firing.tolist() == [4, 2, 2]


def planted(seed: int = 0) -> tuple[Corpus, np.ndarray, OfProteins]:
    """300 proteins of 60 residues with dense codes [n_residues, 6]: a feature for each fact, and one for none."""
    rng = np.random.default_rng(seed)
    n, length = 300, 60
    sequence = ["".join(rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), length)) for _ in range(n)]
    family = np.where(np.arange(n) < 20, 0, np.arange(n))
    levels = {"length": rng.integers(0, 4, n), "organism": rng.integers(0, 3, n)}
    facts = OfProteins(np.arange(n) % 3, levels, {"family": family})
    codes = np.zeros((n, length, 6), dtype=np.float32)
    codes[..., 0] = np.array([list(s) for s in sequence]) == "C"
    codes[:, :2, 1] = 1
    somewhere = rng.integers(0, length, n)
    for feature, chosen in ((2, levels["length"] == 3), (3, family == 0), (4, levels["organism"] == 1)):
        codes[chosen, somewhere[chosen], feature] = 1
    codes[..., 5] = rng.random((n, length)) < 0.03
    corpus = Corpus(
        np.arange(n).astype(str), np.array(confounds.SPLITS)[facts.split], np.ones(n, dtype=bool), sequence,
        [Shard(0, np.arange(n), np.arange(n) * length, np.full(n, length))],
    )  # fmt: skip
    return corpus, codes, facts


def test_what_is_planted_is_found_and_noise_is_not() -> None:
    corpus, codes, facts = planted()
    shards = iter([(corpus.shards[0], csr_array(codes.reshape(-1, 6)))])
    residues = count_residues(shards, corpus, facts.split, 6)
    strong = confounds.strong(csc_array(codes.max(axis=1)), codes.max(axis=(0, 1)))
    table, named = check(residues, strong, facts, np.zeros(6), np.random.default_rng(0))

    assert named.tolist() == [*("amino_acid", "position", "length", "family", "organism"), None]
    assert len(table) == 6 * len(FACTS)
    own = table.loc[(table["confound"] == "length") & (table["feature"] == 2)].iloc[0]
    assert (own["f1"], own["auroc"]) == (1, 1)
    assert own["null_f1"] == pytest.approx(always_f1(strong[facts.split == 2][:, [2]].mean()), abs=0.05)
    noise = table.loc[(table["feature"] == 5) & table["confound"].isin(["amino_acid", "position"])]
    assert (noise["auroc"].sub(0.5).abs() < 0.1).all()
    again, _ = check(residues, strong, facts, np.zeros(6), np.random.default_rng(0))
    pd.testing.assert_frame_equal(table, again)


def checked(f1: float, auroc: float = 0.9, null: float = 0.1, n: int = 50) -> Checked:
    return Checked(Scores(np.array([auroc]), np.array([f1]), np.array([n])), np.array([null]))


@pytest.mark.parametrize(
    ("facts", "largest", "go_f1", "expected"),
    [
        ({"length": checked(0.7)}, 0, 0.6, "length"),
        ({"length": checked(0.7)}, 0, 0.8, None),
        ({"length": checked(0.49)}, 0, 0.0, None),
        ({"length": checked(0.7, auroc=0.79)}, 0, 0.0, None),
        ({"length": checked(0.7, auroc=np.nan)}, 0, 0.0, None),
        ({"length": checked(0.9, null=0.85)}, 0, 0.0, None),
        ({"length": checked(0.7, n=9)}, 0, 0.0, None),
        ({"length": checked(0.95, null=0.8), "organism": checked(0.9)}, 0, 0.0, "organism"),
        ({"length": checked(1.0), "position": checked(0.6)}, 0, 0.0, "position"),
        ({"family": checked(0.9, n=5)}, 0.5, 0.0, "family"),
        ({"family": checked(0.9)}, 0.4, 0.0, None),
    ],
)
def test_the_rule(facts: dict[str, Checked], largest: float, go_f1: float, expected: str | None) -> None:
    kinds = {
        name: one._replace(
            of_residues=name in ("amino_acid", "position"), largest=np.array([largest]) if name == "family" else None
        )
        for name, one in facts.items()
    }
    assert confounds.strongest(kinds, np.array([go_f1])).tolist() == [expected]


def test_a_new_fact_is_one_entry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def first_letter(proteins: Proteins) -> np.ndarray:
        return pd.factorize(proteins.table["organism"].str[0])[0]

    corpus, codes, _ = planted()
    split = np.array([confounds.SPLITS.index(name) for name in corpus.split])
    kingdom = np.array(["Animal", "Bacterium"])[np.random.default_rng(3).integers(0, 2, len(split))]
    codes[..., 5] = 0
    codes[kingdom == "Bacterium", 30, 5] = 1
    (tmp_path / "proteins").mkdir()
    names = [f"{name} {number}" for number, name in enumerate(kingdom)]
    table = pd.DataFrame({"cluster": corpus.accession, "organism": names})
    table.to_parquet(tmp_path / "proteins" / "proteins.parquet")
    monkeypatch.setitem(FACTS, "kingdom", ProteinFact(first_letter))

    facts = of_proteins(tmp_path, corpus)
    residues = count_residues(iter([(corpus.shards[0], csr_array(codes.reshape(-1, 6)))]), corpus, split, 6)
    strong = confounds.strong(csc_array(codes.max(axis=1)), codes.max(axis=(0, 1)))
    rows, named = check(residues, strong, facts, np.zeros(6), np.random.default_rng(0))

    assert set(rows["confound"]) == {"amino_acid", "position", "length", "organism", "family", "kingdom"}
    assert named[5] == "kingdom"
