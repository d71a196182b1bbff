"""Which terms are judged on what, what baselines find where the answer is planted, and the analysis of a run."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_array

from precompute.align import site_tasks
from precompute.align.site_baselines import Inputs, letter, neuron, probe, window
from precompute.align.site_tasks import SiteTasks, choose_features, of_features, score
from precompute.align.site_terms import Named, SiteTerm
from precompute.align.sites import label, site_labels
from precompute.analyses import sites
from precompute.config import RunConfig
from precompute.corpus.codes import CSR
from precompute.corpus.proteins import Corpus
from precompute.pipeline.finished import read_run
from protsae.shards import ShardReader, ShardWriter
from protsae.store.analysis import SITES
from protsae.store.analysis_files import read_analysis, write_analysis

COMMON, RARE = "GO:0000001", "GO:0000002"
TERMS = (SiteTerm(COMMON, "common", (Named("Site"),)), SiteTerm(RARE, "rare", (Named("Motif"),)))
N, D_MODEL = 90, 8


class World:
    """Ninety proteins; the site is a W behind a G, and in the states a step along the third axis."""

    def __init__(self, folder: Path) -> None:
        rng = np.random.default_rng(0)
        sequences, rows, states = [], [], {}
        for number in range(N):
            letters = rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), int(rng.integers(40, 60)))
            places = rng.choice(np.arange(1, 39, 2), 3, replace=False)
            letters[letters == "G"] = "A"
            letters[places], letters[places - 1] = "W", "G"
            x = rng.normal(0, 0.3, (len(letters), D_MODEL))
            x[places, 2] += 5
            sequences.append("".join(letters))
            states[f"P{number}"] = x.astype(np.float32)
            rows += [(f"P{number}", "Site", "", place, place) for place in places.tolist()]
        rows.append(("P0", "Motif", "", 0, 3))
        names = np.array(list(states))
        self.corpus = Corpus(names, np.array(["train", "valid", "test"] * (N // 3)), np.ones(N, bool), sequences, [])
        regions = pd.DataFrame(rows, columns=["accession", "kind", "label", "start_pos", "end_pos"])
        carried = pd.DataFrame({"go_id": COMMON, "accession": names})
        carried = pd.concat([carried, pd.DataFrame({"go_id": [RARE], "accession": ["P0"]})])
        self.tasks = SiteTasks.of(label(self.corpus, regions, carried, TERMS), self.corpus, seed=0)
        with ShardWriter(folder) as writer:
            for name, x in states.items():
                writer.add(name, torch.from_numpy(x))
        self.inputs = Inputs(self.corpus, ShardReader(folder))

    def codes(self, part: str) -> Iterator[tuple[int, CSR]]:
        """Feature 4 fires on the sites, the others anywhere."""
        for protein in self.tasks.proteins(part).tolist():
            on = self.tasks.label(protein)[:, 0]
            dense = np.random.default_rng(protein).random((len(on), 6)) * (np.arange(len(on)) % 3 == 0)[:, None]
            dense[:, 4] = on * 2.0
            yield protein, csr_array(dense)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("states"))


def test_only_terms_with_enough_proteins_in_every_split_are_judged(world: World) -> None:
    assert world.tasks.go_id == (COMMON,)
    assert [len(world.tasks.proteins(part)) for part in ("train", "valid", "test")] == [30, 30, 30]
    assert world.tasks.only([RARE]).n == 0


def test_of_many_proteins_some_are_drawn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(site_tasks.MOST, "test", 7)
    regions = pd.DataFrame({"accession": world.corpus.accession, "kind": "Site", "label": "", "start_pos": 1})
    labels = label(
        world.corpus,
        regions.assign(end_pos=2),
        pd.DataFrame({"go_id": COMMON, "accession": world.corpus.accession}),
        TERMS,
    )
    tasks = SiteTasks.of(labels, world.corpus, seed=1)
    assert len(tasks.proteins("test")) == 7
    assert len(tasks.proteins("valid")) == 30
    assert (world.corpus.split[tasks.proteins("test")] == "test").all()


def test_the_feature_of_the_site_is_chosen_and_scores_one(world: World) -> None:
    feature, ap = choose_features(world.tasks, world.codes("valid"), 6)
    assert feature.tolist() == [4]
    assert ap.tolist() == [1]
    codes = (of_features(world.codes(part), feature) for part in ("valid", "test"))
    (found,) = score(world.tasks, *codes, floor=0, seed=0)
    assert (found.ap, found.auroc, found.f1, found.n_proteins) == (1, 1, 1, 30)
    assert found.null_ap < 0.3


def test_baselines_find_what_they_can_see(world: World) -> None:
    found = {one.__name__: one(world.tasks, world.inputs, seed=0)[0] for one in (letter, window, probe, neuron)}
    assert found["probe"].ap > 0.99
    assert found["neuron"].ap > 0.99
    assert found["window"].ap > 0.97, "the G before it tells this W from others"
    assert found["letter"].ap < found["window"].ap
    assert found["letter"].ap > 2 * found["letter"].null_ap


def test_a_window_ends_with_the_chain(world: World) -> None:
    rows = world.inputs.window(0).reshape(len(world.corpus.sequence[0]), 15, 21)
    assert rows.sum(axis=2)[0].tolist() == [0] * 7 + [1] * 8
    assert (rows[:, 7] == world.inputs.letters(0)).all()


def test_a_run_gets_its_tables(finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run: RunConfig = read_run(finished_run, "a test")
    planted = (SiteTerm(COMMON, "molecular_function 1", (Named("Motif", "planted"),)),)
    monkeypatch.setattr(sites, "site_labels", lambda work, corpus: site_labels(work, corpus, planted))
    for part in site_tasks.LEAST:
        monkeypatch.setitem(site_tasks.LEAST, part, 1)

    tables, settings = sites.compute(run, run.work, lambda _: None)

    write_analysis(tmp_path / "sites", SITES, tables, bundle_id="one", created_by="test", settings=settings)
    stored = read_analysis(tmp_path / "sites", SITES, bundle_id="one")
    features = stored["feature_site"].to_pandas()
    saes = stored["sae_liveness"].to_pandas()
    guided = features[features["is_guiding"]]
    assert len(guided) == 1, "one SAE is guided by the term"
    assert len(features) == 1 + saes["guided_density"].isna().sum(), "and every SAE without guidance has its best"
    assert set(stored["site_baseline"].to_pandas()["baseline"]) == {"letter", "window", "probe", "neuron"}
    assert features["ap"].between(0, 1).all()
    assert saes["share_live"].between(0, 1).all()
    assert (saes["n_residues"] > 0).all()


def test_a_run_without_named_residues_has_empty_tables(finished_run: Path) -> None:
    run = read_run(finished_run, "a test")
    tables, _ = sites.compute(run, run.work, lambda _: None)
    assert len(tables["feature_site"]) == len(tables["site_baseline"]) == 0
    assert len(tables["sae_liveness"]) > 1
