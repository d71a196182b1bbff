"""The SAEs of a run from other seeds, and what is noted of them on the way."""

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from precompute.__main__ import main
from precompute.analyses import seeds as seed_analysis
from precompute.corpus.trained import read_trained
from precompute.training import onsets
from precompute.training.onsets import Part, Sample, looks
from precompute.training.seeds import repeats
from protsae.measures.stability import best, random_directions
from protsae.sae import ReLUSAE, ReLUSAEConfig, load_sae
from protsae.store.analyses.onsets import onset_looks
from protsae.store.analyses.onsets import onsets as told
from protsae.store.analyses.seeds import feature_seeds, sae_seeds, term_seeds
from protsae.store.reader import StoreReader


@pytest.fixture(scope="module")
def again(copy_run: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Work folder of a run whose SAEs were trained from one more seed."""
    work = copy_run(tmp_path_factory.mktemp("seeds")).with_name("bundle.work")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onsets, "MIN_POSITIVES", 1)
        assert main(["seeds", "--work", str(work), "--members", "2", "--quiet"]) == 0
    return work


def test_every_sae_is_trained_again_from_another_start(again: Path) -> None:
    made = repeats(again, 2)

    assert [(one.sae.name, one.seed) for one in made] == [(sae.name, 1) for sae in read_trained(again)]
    for one in made:
        own, other = one.sae.load(), one.load()
        assert own.cfg == other.cfg
        assert not torch.allclose(own.W_dec, other.W_dec, atol=0.1)


def test_what_is_trained_is_kept_and_more_seeds_are_added(again: Path) -> None:
    before = {one.folder: (one.folder / "sae.safetensors").stat().st_mtime_ns for one in repeats(again, 2)}

    assert main(["seeds", "--work", str(again), "--members", "3", "--quiet"]) == 0

    assert {folder: (folder / "sae.safetensors").stat().st_mtime_ns for folder in before} == before
    assert all(one.folder.is_dir() for one in repeats(again, 3))


def test_the_same_seed_gives_the_same_weights(again: Path, copy_run: Callable[..., Path], tmp_path: Path) -> None:
    work = copy_run(tmp_path).with_name("bundle.work")
    assert main(["seeds", "--work", str(work), "--members", "2", "--quiet"]) == 0
    for one, other in zip(repeats(work, 2), repeats(again, 2), strict=True):
        assert torch.equal(load_sae(one.folder).W_dec, load_sae(other.folder).W_dec)


def test_looks_are_kept_from_before_the_training_to_its_end(again: Path) -> None:
    for one in repeats(again, 2):
        paths = sorted((one.folder / "onset").iterdir())
        steps = [int(path.stem.removeprefix("step-")) for path in paths]
        assert steps[0] == 0
        assert steps == sorted(looks(steps[-1]))
        with np.load(paths[-1]) as found:
            assert len(found["go_id"]) == len(found["auroc"]) == len(found["null_auroc"])


def test_looks_spread_evenly_over_the_logarithm() -> None:
    assert sorted(looks(1)) == [0, 1]
    steps = sorted(looks(2850))
    assert (steps[0], steps[1], steps[-1]) == (0, 4, 2850)
    assert len(steps) == onsets.LOOKS
    assert max(after / before for before, after in itertools.pairwise(steps[1:])) < 1.6


def test_a_planted_feature_is_found_and_a_shuffled_label_is_not() -> None:
    rng = np.random.default_rng(0)
    n_proteins, n_residues, d_model = 200, 12, 8
    parts = []
    for _ in range(2):
        labels = rng.random((n_proteins, 1)) < 0.4
        x = rng.normal(size=(n_proteins, n_residues, d_model)) * 0.2
        x[:, :, 5] += 3 * labels
        order = rng.permutation(n_proteins)
        known = np.ones_like(labels)
        flat = x.reshape(-1, d_model).astype(np.float16)
        parts.append(Part(flat, np.arange(n_proteins) * n_residues, labels, labels[order], known, known))
    sae = ReLUSAE(ReLUSAEConfig(d_model=d_model, d_sae=d_model, k=4))
    with torch.no_grad():
        sae.W_enc.copy_(torch.eye(d_model))
        sae.W_dec.copy_(torch.eye(d_model))

    found = Sample(np.array(["GO:1"]), np.array([0]), *parts).score(sae)

    assert found.feature.tolist() == [5]
    assert found.auroc[0] == 1
    assert abs(found.null_auroc[0] - 0.5) < 0.15
    assert 0 < found.error < 1


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--members", "1"], "members must be at least 2, got 1"),
        (["--members", "2"], "holds no run.json; give the work folder of a run, BUNDLE.work"),
    ],
)
def test_what_cannot_work_is_refused(
    flags: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["seeds", "--work", str(tmp_path), *flags]) == 2
    assert sentence in capsys.readouterr().err


def test_an_ontology_that_is_gone_can_be_named(again: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["seeds", "--work", str(again), "--ontology", str(tmp_path / "go.obo")]
    assert main(flags) == 2
    assert "does not exist; give the file with --ontology" in capsys.readouterr().err


def test_both_analyses_of_other_seeds_are_added(
    copy_run: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onsets, "MIN_POSITIVES", 1)
    monkeypatch.setattr(seed_analysis, "MEMBERS", 3)
    bundle = copy_run(tmp_path)

    for name in ("onsets", "seeds"):
        assert main(["analyse", str(bundle), name, "--quiet"]) == 0

    with StoreReader.open(bundle / "store.duckdb") as reader:
        for sae in reader.saes():
            rows = feature_seeds(reader, sae.name)
            assert len(rows) == sae.d_sae
            assert {row.n_seeds for row in rows} == {3}
            assert all(1 <= row.n_found <= 3 for row in rows)
            curve = onset_looks(reader, sae.name)
            assert curve[0].step == 0
            assert curve[-1].unexplained < curve[0].unexplained
        whole = {row.sae: row for row in sae_seeds(reader)}
        assert {row.n_others for row in whole.values()} == {2}
        assert whole["protsae"].guided_cosine is not None
        assert whole["vanilla"].guided_cosine is None
        assert {row.sae for row in told(reader)} == set(whole)
        assert all(
            (row.auroc_low <= row.auroc <= row.auroc_high)
            for (go_id,) in reader.tuples("SELECT DISTINCT go_id FROM term_seed")
            if (row := term_seeds(reader, "protsae", go_id)) is not None
        )


def test_equal_dictionaries_are_found_and_random_ones_of_the_same_spread_are_not() -> None:
    own = random_directions(300, 24, 0) * np.linspace(0.2, 3, 24, dtype=np.float32)
    own /= np.linalg.norm(own, axis=1, keepdims=True)

    null = seed_analysis.alike(own, 1)

    np.testing.assert_allclose(np.linalg.norm(null, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(null.T @ null / 300, own.T @ own / 300, atol=0.06)
    assert best(own, own[::-1].copy())[1] == pytest.approx(1, abs=1e-5)
    luck = best(own, null)[1]
    assert luck.mean() > best(own, random_directions(300, 24, 2))[1].mean()
    assert (luck > 0.95).mean() < 0.05


@pytest.mark.parametrize("mode", ["bag", "boost"])
def test_an_ensemble_is_written_as_an_sae_and_measured(
    mode: str, again: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["ensemble", "--work", str(again), "--sae", "vanilla", "--mode", mode, "--members", "2"]

    assert main(flags) == 0

    ensemble = load_sae(again / "ensembles" / f"vanilla-{mode}")
    assert ensemble.d_sae == 2 * read_trained(again)[1].d_sae
    assert "2 members" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("sae", "mode", "sentence"),
    [("none", "bag", "the run has no SAE 'none'; it has protsae, vanilla"), ("protsae", "boost", "protsae is guided")],
)
def test_what_makes_no_ensemble_is_refused(
    sae: str, mode: str, sentence: str, again: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ensemble", "--work", str(again), "--sae", sae, "--mode", mode, "--quiet"]) == 2
    assert sentence in capsys.readouterr().err


def test_a_training_that_nobody_looked_at_has_no_looks(tmp_path: Path) -> None:
    kept = onsets.read_looks(tmp_path)

    assert (len(kept.step), len(kept.go_id)) == (0, 0)
