"""The evaluation on the tiny world: every row, resumed where it was killed; table and report say what the rows say."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_array

from precompute.__main__ import main
from precompute.config import RunConfig
from precompute.evaluation import function, plots
from precompute.evaluation.config import EvaluateConfig
from precompute.evaluation.context import Space
from precompute.evaluation.hierarchy import ancestors_among, conditional_information
from precompute.evaluation.pooling import pool
from precompute.evaluation.rows import PAPER, chosen_rows, plan_rows
from precompute.saes import DEFAULT_SAES, SAESpec
from protsae.bundle.building import check_bundle
from protsae.bundle.manifest import read_manifest, write_manifest
from protsae.bundle.opening import open_bundle
from protsae.ontology.graph import Ontology
from protsae.sae import TopKSAE, TopKSAEConfig
from protsae.shard_writer import ShardWriter
from protsae.shards import ShardReader
from protsae.store.analyses.evaluation import EVALUATION
from protsae.store.evaluation.methods import ONE_EACH, PARTS, TUNED
from protsae.store.evaluation.summary import Summary

QUICK = ("--epochs", "1", "--seeds", "1", "--fidelity-proteins", "4", "--workers", "1", "--device", "cpu")


@pytest.fixture(scope="module")
def bundle(copy_run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_run(tmp_path_factory.mktemp("evaluated"))


@pytest.fixture(scope="module")
def report(bundle: Path) -> Path:
    path = bundle.with_name("results.md")
    arguments = ["--parts", "main", "ablation", "--report", str(path)]
    assert main(["evaluate", str(bundle), "--quiet", *QUICK, *arguments]) == 0
    return path


@pytest.fixture
def without_results(bundle: Path, report: Path, tmp_path: Path) -> Path:
    """The evaluated bundle beside a work folder that no evaluation has seen, as on another machine."""
    for name in ("bundle", "bundle.work"):
        shutil.copytree(bundle.with_name(name), tmp_path / name, ignore=shutil.ignore_patterns("evaluate"))
    return tmp_path / "bundle"


def results(bundle: Path) -> dict[str, dict]:
    files = sorted((bundle.with_name("bundle.work") / "evaluate").glob("*/result.json"))
    found = [json.loads(path.read_text()) for path in files]
    return {result["name"]: result for result in found}


def stored(bundle: Path) -> pd.DataFrame:
    with open_bundle(bundle) as opened:
        assert opened.reader.absence(EVALUATION) == ""
        return opened.reader.analysis_table(EVALUATION, "evaluation")


def test_every_row_of_the_chosen_parts_has_run(bundle: Path, report: Path) -> None:
    found = results(bundle)
    for method in ("TopK", "ReLU + L1", "Gated", "BatchTopK", "JumpReLU", "PLM neurons", "null: random dictionary"):
        entries = found[f"main/{method}/all/seed 0"]["entries"]
        assert {entry["namespace"] for entry in entries} == {"", "MFO", "BPO", "CCO"}
    for method in ("ProtSAE", ONE_EACH, "SpLiCE", "linear probe", "null: permuted labels"):
        assert "fmax" in found[f"main/{method}/BPO/seed 0"]["entries"][0]["metrics"]
    for method in (TUNED, "ProtSAE without axioms"):
        metrics = {entry["namespace"]: entry["metrics"] for entry in found[f"main/{method}/GO/seed 0"]["entries"]}
        assert set(metrics) == {"", "MFO", "BPO", "CCO"}
        assert {"ev", "l0", "lr_masked", "participation"} <= set(metrics[""])
        assert all(
            {"fmax", "feature_auc", "feature_auc_valid", "f1"} <= set(metrics[ns]) for ns in ("MFO", "BPO", "CCO")
        )
    assert "ablation/no detach/MFO/seed 0" in found
    assert not any(name.startswith(("sparsity", "guidance")) for name in found)


def test_unguided_saes_aim_at_the_l0_that_protsae_has(bundle: Path, report: Path) -> None:
    found = results(bundle)
    l0 = found[f"main/{TUNED}/GO/seed 0"]["l0"]
    entries = found["main/TopK/all/seed 0"]["entries"]
    assert {entry["k"] for entry in entries} == {round(l0)}
    assert entries[0]["metrics"]["l0"] == pytest.approx(round(l0), rel=0.05)


def test_one_a_sub_ontology_has_the_budget_of_one_for_all(bundle: Path, report: Path) -> None:
    found = results(bundle)
    whole = found[f"main/{TUNED}/GO/seed 0"]["facts"]
    parts = [found[f"main/{ONE_EACH}/{namespace}/seed 0"]["facts"] for namespace in ("MFO", "BPO", "CCO")]
    d_sae, terms = 48, 9

    assert sum(facts["d_sae"] for facts in parts) == d_sae
    assert {facts["d_sae"] for facts in parts} == {terms // 3 + (d_sae - terms) // 3}
    assert whole["steps"] * 0.8 <= sum(facts["steps"] for facts in parts) <= whole["steps"] * 1.2 + 3


def test_the_neurons_lose_nothing_of_the_plm(bundle: Path, report: Path) -> None:
    metrics = results(bundle)["main/PLM neurons/all/seed 0"]["entries"][0]["metrics"]
    for name in ("ev", "lr_masked", "lr_masked_mean", "lr_unmasked", "lr_unmasked_mean"):
        assert metrics[name] == pytest.approx(1, abs=1e-4)


def test_the_store_holds_what_the_results_say(bundle: Path, report: Path) -> None:
    table = stored(bundle)
    main_rows = table[table["part"] == "main"]
    expected = {
        ("main", entry["method"], entry["namespace"], entry["k"], result["seed"], metric): value
        for result in results(bundle).values()
        if result["part"] == "main"
        for entry in result["entries"]
        for metric, value in entry["metrics"].items()
    }
    keys = ["part", "method", "namespace", "k", "seed", "metric"]
    assert main_rows.set_index(keys)["value"].to_dict() == expected
    ablation = table[(table["part"] == "ablation") & (table["metric"] == "auc")]
    assert set(ablation["method"]) >= {"ProtSAE", "no axioms", "no detach", "no rescale"}
    assert set(ablation["namespace"]) == {"MFO"}


def test_the_manifest_knows_the_new_store(bundle: Path, report: Path) -> None:
    check_bundle(bundle)


def test_the_report_holds_the_numbers_and_says_what_is_missing(bundle: Path, report: Path) -> None:
    text = report.read_text()
    value = results(bundle)["main/linear probe/MFO/seed 0"]["entries"][0]["metrics"]["fmax"]
    assert f"| linear probe | {value:.3f} |" in text
    assert f"**Not asked for** (`--parts`): {PARTS['sparsity'].title}; {PARTS['guidance'].title}." in text
    assert f"## {PARTS['sparsity'].title}\n" in text
    table = Summary(stored(bundle)).table("main", "function", "BPO")
    for line in table.lines:
        cells = [line.cells[m.key].text(m.digits) if m.key in line.cells else "-" for m in table.metrics]
        assert " | ".join(["", line.method, *cells, str(line.n_seeds), ""]).strip() in text
    assert (report.parent / "results" / "tradeoff.svg").read_text().startswith("<svg")
    assert str(bundle.parent) not in text


def test_a_second_run_trains_nothing(bundle: Path, report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = bundle.with_name("bundle.work") / "evaluate"
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*/result.json")}
    again = ["evaluate", str(bundle), *QUICK, "--parts", "main", "ablation", "--report", str(report)]
    assert main(again) == 0
    assert {path: path.stat().st_mtime_ns for path in folder.glob("*/result.json")} == before
    assert "0 rows" in capsys.readouterr().err
    assert not list(folder.glob("*/sae"))


def test_a_killed_run_goes_on_and_comes_to_the_same_numbers(bundle: Path, without_results: Path) -> None:
    copy = without_results
    folder = copy.with_name("bundle.work") / "evaluate"
    only = ["--afresh", "--parts", "main", "--only", "main/TopK"]
    command = [sys.executable, "-m", "precompute", "evaluate", str(copy), "--quiet", *QUICK, *only]
    process = subprocess.Popen(command)
    deadline = time.monotonic() + 120
    while process.poll() is None and not list(folder.glob("*/result.json")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(list(folder.glob("*/result.json"))) == 1
    assert main(["evaluate", str(copy), "--quiet", *QUICK, *only]) == 0
    first, second = results(bundle), results(copy)
    assert set(second) == {f"main/{TUNED}/GO/seed 0", "main/TopK/all/seed 0"}
    for name, result in second.items():
        for one, other in zip(result["entries"], first[name]["entries"], strict=True):
            one["metrics"].pop("seconds", None)
            other["metrics"].pop("seconds", None)
            assert one["metrics"] == pytest.approx(other["metrics"], abs=1e-6)


def test_a_failing_row_loses_nothing_but_what_needs_it(
    bundle: Path, report: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from precompute.evaluation import worker

    true_run = worker.run_row

    def broken(context, row, *rest):
        if row.name == "sparsity/ProtSAE k16/MFO/seed 0":
            raise ZeroDivisionError
        return true_run(context, row, *rest)

    monkeypatch.setattr(worker, "run_row", broken)
    arguments = ["--parts", "sparsity", "--report", str(report)]
    assert main(["evaluate", str(bundle), "--quiet", *QUICK, *arguments]) == 2
    error = capsys.readouterr().err
    assert "sparsity/ProtSAE k16/MFO/seed 0: ZeroDivisionError" in error
    assert "sparsity/TopK k16/MFO/seed 0: needs sparsity/ProtSAE k16/MFO/seed 0" in error
    assert "sparsity/TopK k32/MFO/seed 0" in results(bundle)
    assert (
        "Traceback"
        in next(bundle.with_name("bundle.work").glob("evaluate/sparsity-protsae-k16*/failure.txt")).read_text()
    )


def test_an_evaluation_goes_on_from_what_the_bundle_tells(
    bundle: Path, report: Path, without_results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = stored(bundle)
    n_rows = sum(result["part"] in {"main", "ablation"} for result in results(bundle).values())

    assert main(["evaluate", str(without_results), *QUICK]) == 0

    assert f"{n_rows} of them as the bundle's own evaluation tells" in capsys.readouterr().err
    assert results(without_results) == {}
    pd.testing.assert_frame_equal(stored(without_results), before)
    told = [
        path.read_text().partition("## Time")[2] for path in (report, without_results.with_name("bundle.results.md"))
    ]
    assert told[0] == told[1]


def test_proteins_and_states_are_all_that_going_on_needs(
    without_results: Path, tiny_arguments: Callable[[Path], list[str]]
) -> None:
    shutil.rmtree(without_results.with_name("bundle.work"))
    given = [*tiny_arguments(without_results), "--plm", str(without_results)]
    for stage in ("proteins", "embed"):
        assert main(["stage", stage, "--quiet", *given]) == 0

    assert main(["evaluate", str(without_results), "--quiet", *QUICK, "--only", "main/linear probe"]) == 0

    assert results(without_results) == {}


def test_states_of_another_model_are_refused(without_results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = without_results.with_name("bundle.work") / "embed" / "plan.json"
    plan = json.loads(path.read_text())
    path.write_text(json.dumps(plan | {"plm": plan["plm"] | {"layer": 9}}))

    assert main(["evaluate", str(without_results), *QUICK]) == 2

    assert "bundle.work holds states of another model than" in (said := capsys.readouterr().err)
    assert f"(layer 9, not {plan['plm']['layer']})" in said


def test_what_the_bundle_tells_can_be_computed_again(without_results: Path) -> None:
    row = "main/linear probe/MFO/seed 0"
    assert main(["evaluate", str(without_results), "--quiet", *QUICK, "--afresh", "--only", row]) == 0
    assert set(results(without_results)) == {row}
    assert set(stored(without_results)["method"]) == {"linear probe"}


def test_what_the_bundle_tells_of_other_settings_or_not_in_full_is_computed(without_results: Path) -> None:
    path = without_results / "analyses" / "evaluation" / "analysis.json"
    facts = json.loads(path.read_text())
    rows = facts["settings"]["rows"]
    del rows["main/linear probe/MFO/seed 0"]["l0"]
    rows["main/linear probe/BPO/seed 0"]["fingerprint"] = "of other settings"
    path.write_text(json.dumps(facts))
    manifest = read_manifest(without_results)
    write_manifest(without_results, manifest)

    assert main(["evaluate", str(without_results), "--quiet", *QUICK, "--only", "main/linear probe"]) == 0

    assert set(results(without_results)) == {"main/linear probe/MFO/seed 0", "main/linear probe/BPO/seed 0"}


@pytest.mark.parametrize(
    ("arguments", "quoted"),
    [
        (["nowhere"], "nowhere is no bundle (it has no manifest.json)"),
        (["BUNDLE", "--parts", "best"], "parts must be one of main, ablation, sparsity, guidance, got 'best'"),
        (["BUNDLE", "--seeds", "0"], "seeds must be at least 1, got 0"),
        (["BUNDLE", "--only", "main/none"], "no row's name begins with 'main/none'"),
        ([], "required: BUNDLE"),
    ],
)
def test_a_mistake_is_one_line(
    bundle: Path, arguments: list[str], quoted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(bundle) if argument == "BUNDLE" else argument for argument in arguments]
    assert main(["evaluate", *given]) == 2
    error = capsys.readouterr().err
    assert quoted in error
    assert error.count("\n") == 1


def test_without_the_work_folder_nothing_can_be_done(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(bundle, tmp_path / "bundle")
    assert main(["evaluate", str(tmp_path / "bundle")]) == 2
    assert "bundle.work does not exist, but the evaluation reads its embeddings" in capsys.readouterr().err
    (tmp_path / "bundle.work").mkdir()
    assert main(["evaluate", str(tmp_path / "bundle")]) == 2
    assert "holds no run.json" in capsys.readouterr().err


def run_config(saes: tuple[SAESpec, ...] = DEFAULT_SAES) -> RunConfig:
    nowhere = Path("x")
    return RunConfig(proteins=nowhere, annotations=nowhere, ontology=nowhere, out=nowhere, saes=saes)


APART = (SAESpec(name="a", architecture="protsae", namespace="MFO"), SAESpec(name="b"))
"""A bundle with the paper's form: an SAE a sub-ontology."""


def test_the_plan_puts_the_main_table_first_and_brings_what_is_needed() -> None:
    every = plan_rows(run_config(), ["MFO", "CCO"], 2, dict(PAPER), d_sae=100)
    names = [row.name for row in every]
    assert len(names) == len(set(names)) == len({row.slug for row in every})
    assert [row.method for row in every[:6]] == ["linear probe"] * 2 + [TUNED, "TopK"] + ["ProtSAE"] * 2
    place = {row.name: number for number, row in enumerate(every)}
    assert place["main/SpLiCE/MFO/seed 0"] < place["ablation/no detach/MFO/seed 0"] < place["main/ProtSAE/MFO/seed 1"]
    assert place["main/ProtSAE/MFO/seed 1"] < place["main/SpLiCE/CCO/seed 0"] < place["main/ProtSAE/CCO/seed 1"]
    assert all(place[need] < place[row.name] for row in every for need in row.needs)
    assert {row.part for row in every} == {"main", "ablation", "guidance", "sparsity"}
    assert not any(row.k > 100 for row in every)
    config = EvaluateConfig(bundle=Path("b"), only="main/Gated/all/seed 1")
    chosen = [row.name for row in chosen_rows(every, config)]
    assert chosen == [f"main/{TUNED}/GO/seed 0", "main/Gated/all/seed 1"]
    ablation = chosen_rows(every, EvaluateConfig(bundle=Path("b"), parts=("ablation",)))
    assert {row.method for row in ablation if row.part == "main"} == {"ProtSAE"}


def test_a_bundle_with_an_sae_a_sub_ontology_is_evaluated_in_its_own_form() -> None:
    paper = plan_rows(run_config(APART), ["MFO", "CCO"], 1, dict(PAPER), d_sae=100)
    tuned = plan_rows(run_config(APART), ["MFO", "CCO"], 1, {**PAPER, "positive_weight": 0.5}, d_sae=100)
    needs = {row.method: row.needs for rows in (tuned, paper) for row in rows if row.method in {"TopK", "Gated"}}

    assert not {row.method for row in paper} & {TUNED, ONE_EACH, "ProtSAE without axioms"}
    assert needs["Gated"] == ("main/ProtSAE/MFO/seed 0", "main/ProtSAE/CCO/seed 0")
    assert [row.namespace for row in tuned if row.method == TUNED] == ["MFO", "CCO"]
    assert not any(row.method == ONE_EACH or row.namespace == "GO" for row in tuned)


def test_pooling_is_the_mean_and_maximum_over_residues(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lengths = (5, 9, 3, 40)
    with ShardWriter(tmp_path) as writer:
        for number, length in enumerate(lengths):
            writer.add(f"P{number}", torch.from_numpy(rng.normal(size=(length, 8)).astype(np.float32)))
    reader = ShardReader(tmp_path)
    sae = TopKSAE(TopKSAEConfig(d_model=8, d_sae=64, k=4), seed=0)
    split = np.array(["train", "valid", "test", "test"])
    pooled = pool(sae, reader, np.arange(4), split, train_residues=100)
    x = [torch.from_numpy(reader.protein(row).astype(np.float32)) for row in range(4)]
    acts = [sae.encode(rows).detach().numpy() for rows in x]
    np.testing.assert_allclose(pooled.mean.toarray(), [a.mean(axis=0) for a in acts], atol=1e-5)
    np.testing.assert_allclose(pooled.max.toarray(), [a.max(axis=0) for a in acts], atol=1e-5)
    test = torch.cat(x[2:])
    error = (test - sae(test).x_hat).detach().double().pow(2).sum()
    variance = (test - test.mean(0)).double().pow(2).sum()
    assert pooled.ev == pytest.approx(float(1 - error / variance), abs=1e-4)
    assert pooled.l0 == pytest.approx(float((np.concatenate(acts[2:]) > 0).sum(axis=1).mean()))
    sampled = pool(sae, reader, np.arange(4), split, train_residues=2)
    assert sampled.mean[[1, 2, 3]].toarray() == pytest.approx(pooled.mean[[1, 2, 3]].toarray())
    assert (sampled.max[[0]].toarray() <= pooled.max[[0]].toarray() + 1e-6).all()


def space_of(labels: np.ndarray, split: np.ndarray) -> Space:
    m = labels.shape[1]
    rest = {"ancestors": np.zeros((m, m), dtype=bool), "information": np.ones(m)}
    blank = {"namespace": "MFO", "concepts": None, "axioms": None}
    return Space(rows=np.arange(len(labels)), labels=labels, split=split, **rest, **blank)


def test_a_perfect_feature_predicts_and_a_shuffled_one_does_not(tmp_path: Path) -> None:
    from precompute.evaluation.pooling import Pooled

    rng = np.random.default_rng(0)
    labels = rng.random((600, 3)) < 0.3
    space = space_of(labels, np.repeat(["train", "valid", "test"], 200))
    codes = csr_array(np.concatenate([rng.random((600, 3)), labels], axis=1).astype(np.float32))
    empty = np.empty((600, 0))
    pooled = Pooled(space.rows, codes, codes, empty, empty, empty, 1.0, 1.0, np.ones(6))
    found = function.predict_from_features(space, pooled, None)
    np.testing.assert_array_equal(found.features, [3, 4, 5])
    assert found.metrics["fmax"] == pytest.approx(1)
    assert found.metrics["auc"] == pytest.approx(1)
    assert found.metrics["smin"] == pytest.approx(0, abs=1e-9)
    null = function.predict_from_features(space, pooled, np.arange(3))
    assert null.metrics["auc"] == pytest.approx(0.5, abs=0.07)
    assert found.metrics["auc_valid"] == pytest.approx(1)
    shuffled = function.permuted(space, 0)
    np.testing.assert_array_equal(shuffled[:200].sum(axis=0), labels[:200].sum(axis=0))
    assert (shuffled != labels).any()


def test_a_predictor_for_all_of_go_is_read_by_the_terms_of_one_sub_ontology() -> None:
    from precompute.evaluation.pooling import Pooled

    rng = np.random.default_rng(0)
    labels = rng.random((600, 2)) < 0.3
    space = space_of(labels, np.repeat(["train", "valid", "test"], 200))
    codes = csr_array(np.zeros((600, 5), dtype=np.float32))
    pi = rng.random((600, 5)).astype(np.float32)
    pi[:, [3, 1]] = np.where(labels, 0.4, 0.1)
    pooled = Pooled(space.rows, codes, codes, pi, pi, pi, 1.0, 1.0, np.ones(5))

    assert function.predict_from_predictor(space, pooled, np.array([3, 1])).metrics["auc"] == pytest.approx(1)
    assert function.predict_from_predictor(space, pooled, np.array([0, 2])).metrics["auc"] < 0.7


def test_information_is_given_the_parents(tiny_inputs: Path) -> None:
    ontology = Ontology.read(tiny_inputs / "go.obo")
    columns = np.array(["GO:0000001", "GO:0000002", "GO:0000003"])
    labels = csr_array(np.array([[1, 0, 0], [0, 1, 1], [0, 1, 0], [0, 1, 0], [0, 1, 1], [1, 0, 0]], dtype=np.float32))
    bits = conditional_information(columns.tolist(), labels, columns, ontology)
    np.testing.assert_allclose(bits, [np.log2(6 / 2), np.log2(6 / 4), np.log2(4 / 2)])
    above = ancestors_among(columns.tolist(), ontology)
    np.testing.assert_array_equal(np.argwhere(above), [[2, 1]])


def test_pictures_escape_names_and_place_points() -> None:
    drawn = plots.scatter([plots.Point("<a>", 0, 0), plots.Point("b", 1, 1)], x_title="x & y", y_title="z")
    assert "&lt;a&gt;" in drawn
    assert "x &amp; y" in drawn
    assert drawn.count("<circle") == 4
    assert plots.lines({"a": [(2, 1), (1, 0)]}, x_title="x", y_title="y").count("<polyline") == 1
