"""What needs no feature: known answers, and the grades of features that are the label, composition, or nothing."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array, csr_array

from precompute.align.baselines import kind_baselines, term_baselines
from precompute.align.go import Aligned, align, term_tables
from precompute.align.regions import RegionTable
from precompute.corpus.proteins import Corpus, Shard
from protsae.store.grades import TERM_RULE, grade


class Planted:
    """900 proteins; term 1 follows the first share of composition, term 2 a state, term 3 nothing.

    Feature 0 is term 2 itself, feature 1 is composition, feature 2 is constant, feature 3 is chance.
    """

    def __init__(self) -> None:
        rng = np.random.default_rng(3)
        n = 900
        self.split = np.repeat(["train", "valid", "test"], n // 3)
        self.letters, self.states = rng.random((n, 21)), rng.normal(size=(n, 6)).astype(np.float32)
        noisy = self.letters[:, 0] + 0.15 * rng.normal(size=n)
        labels = np.column_stack([np.ones(n), noisy > 0.75, self.states[:, 4] < -0.8, rng.random(n) < 0.2])
        labels = np.column_stack([labels, np.zeros(n)])
        labels[[5, 305, 605], 4] = 1
        self.labels = csr_array(labels.astype(np.float32))
        self.terms = pd.DataFrame({"go_id": [f"GO:{i:07d}" for i in range(5)], "namespace": ["MFO"] * 5})
        columns = [labels[:, 2], self.letters[:, 0], np.ones(n), rng.random(n)]
        peak = csc_array(np.column_stack(columns).astype(np.float32))
        self.scores = {"max": peak, "mean": peak / 2}
        guiding = ("GO:0000002", "GO:0000001", "GO:0000003", "GO:0000004")
        self.tables = term_tables(self.labels, self.terms, self.split, guiding=guiding, seed=0)
        self.guiding = guiding

    def baselines(self) -> pd.DataFrame:
        return term_baselines(
            self.tables, self.labels, self.terms, self.split, letters=self.letters, states=self.states
        ).set_index("go_id")

    def aligned(self) -> Aligned:
        return align(self.scores, self.tables, guiding=self.guiding, seed=0)


@pytest.fixture(scope="module")
def planted() -> Planted:
    return Planted()


@pytest.fixture(scope="module")
def baselines(planted: Planted) -> pd.DataFrame:
    return planted.baselines()


def test_each_baseline_finds_what_it_can_see(baselines: pd.DataFrame) -> None:
    composition, probe, neuron = (baselines[f"{name}_auroc"] for name in ("composition", "probe", "neuron"))

    assert composition["GO:0000001"] > 0.9
    assert probe["GO:0000002"] > 0.95
    assert neuron["GO:0000002"] == 1  # the state below a bound: found with its sign turned
    for values, label in ((composition, 2), (probe, 1), (neuron, 1), (composition, 3), (probe, 3), (neuron, 3)):
        assert values[f"GO:000000{label}"] == pytest.approx(0.5, abs=0.12)


def test_calling_everything_positive_follows_from_the_share(planted: Planted, baselines: pd.DataFrame) -> None:
    share = planted.labels[planted.split == "test"].toarray()[:, 1].mean()

    assert baselines.loc["GO:0000001", "all_positive_f1"] == pytest.approx(2 * share / (1 + share))
    row = baselines.loc["GO:0000001"].to_dict()
    assert [row[name] for name in ("n_train", "n_valid", "n_test")] == [300, 300, 300]


def test_a_term_without_positives_somewhere_has_no_auroc(planted: Planted) -> None:
    labels = planted.labels.toarray()
    labels[:300, 3] = 0
    tables = term_tables(csr_array(labels), planted.terms, planted.split, guiding=planted.guiding, seed=0)
    found = term_baselines(
        tables, csr_array(labels), planted.terms, planted.split, letters=planted.letters, states=planted.states
    ).set_index("go_id")

    row = found.loc["GO:0000003"].to_dict()
    assert all(np.isnan(row[name]) for name in ("composition_auroc", "probe_auroc", "neuron_auroc"))
    assert row["all_positive_f1"] > 0


def test_without_terms_there_is_a_table_without_rows(planted: Planted, baselines: pd.DataFrame) -> None:
    empty = term_baselines(
        [], planted.labels, planted.terms, planted.split, letters=planted.letters, states=planted.states
    )

    assert len(empty) == 0
    assert empty.columns.tolist() == [baselines.index.name, *baselines.columns]


def test_the_label_is_strong_composition_weak_at_most_and_a_constant_none(
    planted: Planted, baselines: pd.DataFrame
) -> None:
    rows = planted.aligned().rows
    rows = rows.merge(baselines, left_on="go_id", right_index=True)
    rows["grade"] = grade({name: rows[name].to_numpy() for name in rows.columns}, TERM_RULE)
    grades = {(one["feature"], one["go_id"]): one["grade"] for _, one in rows.iterrows()}

    assert grades[0, "GO:0000002"] == "strong"
    assert grades[1, "GO:0000001"] == "weak"  # it is the very share that composition's regression finds
    assert grades[2, "GO:0000003"] == "none"
    assert grades[3, "GO:0000004"] == "none"  # one positive in test
    assert set(rows.loc[rows["feature"].isin([2, 3]), "grade"]) == {"none"}


def test_an_auroc_lies_within_its_interval(planted: Planted) -> None:
    rows = planted.aligned().rows.dropna(subset=["test_auroc"])

    assert (rows["test_auroc_low"] <= rows["test_auroc"]).all()
    assert (rows["test_auroc"] <= rows["test_auroc_high"]).all()
    perfect = rows[(rows["feature"] == 0) & (rows["go_id"] == "GO:0000002")].iloc[0]
    assert perfect[["test_auroc_low", "test_auroc_high"]].tolist() == [1.0, 1.0]
    constant = rows[rows["feature"] == 2]
    assert constant[["test_auroc_low", "test_auroc_high"]].to_numpy().tolist() == [[0.5, 0.5]] * len(constant)


def test_the_letter_alone_finds_what_is_a_letter() -> None:
    rng = np.random.default_rng(4)
    n, length = 60, 80
    sequence = ["".join(rng.choice(list("ACDEFGHIKL"), length)) for _ in range(n)]
    half = n // 2
    lengths = np.full(half, length)
    shards = [Shard(k, np.arange(k * half, (k + 1) * half), np.arange(half) * length, lengths) for k in (0, 1)]
    split = np.array(["train", "valid", "test"] * (n // 3))
    corpus = Corpus(np.array([f"P{i:05d}" for i in range(n)]), split, np.ones(n, dtype=bool), sequence, shards)
    rows = []
    for protein, letters in enumerate(sequence):
        own = [i for i, letter in enumerate(letters) if letter == "H"]
        anywhere = rng.choice(length, len(own), replace=False).tolist()
        rows += [(f"P{protein:05d}", "Histidine", i, i, "uniprot") for i in own]
        rows += [(f"P{protein:05d}", "Chance", i, i, "uniprot") for i in anywhere]
    annotations = pd.DataFrame(rows, columns=["accession", "kind", "start_pos", "end_pos", "source"])
    table = RegionTable.from_annotations(annotations, corpus, seed=0)

    found = kind_baselines(corpus, table).set_index("kind")

    assert found.loc["Histidine", "amino_acid_auroc"] == 1
    assert found.loc["Chance", "amino_acid_auroc"] == pytest.approx(0.5, abs=0.08)
    share = np.mean([letter == "H" for i in range(2, n, 3) for letter in sequence[i]])
    assert found["all_positive_f1"].to_numpy() == pytest.approx(2 * share / (1 + share))
