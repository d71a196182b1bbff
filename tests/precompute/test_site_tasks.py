"""Which terms are judged on what, what baselines find where the answer is planted, and the analysis of a run."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from tiny_sites import COMMON, RARE, TERMS, World

from precompute.align import site_tasks
from precompute.align.site_baselines import letter, neuron, probe, window
from precompute.align.site_tasks import SiteTasks, choose_features, of_features, score
from precompute.align.site_terms import Named, SiteTerm
from precompute.align.sites import label, site_labels
from precompute.analyses.sites import compute
from precompute.pipeline.finished import read_run
from precompute.stages import sites
from protsae.store.analyses.files import read_analysis, write_analysis
from protsae.store.analyses.sites import SITES


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


def test_a_run_gets_its_tables(copy_run: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = read_run(copy_run(tmp_path), "a test")
    planted = (SiteTerm(COMMON, "molecular_function 1", (Named("Motif", "planted"),)),)
    monkeypatch.setattr(sites, "site_labels", lambda work, corpus: site_labels(work, corpus, planted))
    for part in site_tasks.LEAST:
        monkeypatch.setitem(site_tasks.LEAST, part, 1)

    sites.run(run, run.work, lambda _: None)

    tables, settings = compute(run, run.work, lambda _: None)
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
    tables, _ = compute(run, run.work, lambda _: None)
    assert len(tables["feature_site"]) == len(tables["site_baseline"]) == 0
    assert len(tables["sae_liveness"]) > 1
