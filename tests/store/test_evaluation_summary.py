"""The one judge of the evaluation: hand-worked means and spreads, who leads, and verdicts in every direction."""

import math
from typing import get_args

import pandas as pd
import pytest

from protsae.store.evaluation.methods import (
    KINDS,
    METHODS,
    ONE_EACH,
    PARTS,
    TUNED,
    MethodKind,
    PartKey,
    method_of,
    ordered,
    part_of,
)
from protsae.store.evaluation.summary import MEAN, Spread, Summary

COLUMNS = ["part", "method", "namespace", "k", "seed", "metric", "value"]


def main(method: str, metric: str, by_namespace: dict[str, list[float]], part: str = "main", k: int = 8) -> list[tuple]:
    """One value a namespace and seed."""
    return [
        (part, method, namespace, k, seed, metric, value)
        for namespace, values in by_namespace.items()
        for seed, value in enumerate(values)
    ]


def summary_of(*groups: list[tuple]) -> Summary:
    return Summary(pd.DataFrame([row for group in groups for row in group], columns=COLUMNS))


def test_a_number_is_the_mean_over_seeds_of_the_mean_over_namespaces() -> None:
    summary = summary_of(main("ProtSAE", "auc", {"MFO": [0.8, 0.6], "BPO": [0.6, 0.2]}))
    (cell,) = summary.cells("main", "auc").values()

    assert summary.per_seed("main", ["MFO", "BPO"])["value"].tolist() == pytest.approx([0.7, 0.4])
    assert cell == pytest.approx((0.55, 0.3 / math.sqrt(2), 2))
    assert summary.choices() == [MEAN, "MFO", "BPO"]


@pytest.mark.parametrize("gap", [[], [float("nan")], [float("inf")]])
def test_a_seed_that_lacks_a_namespace_does_not_count_in_the_mean_over_all(gap: list[float]) -> None:
    summary = summary_of(
        main("ProtSAE", "auc", {"MFO": [0.8, 0.9], "BPO": [0.6, *gap]}),
        main("TopK", "auc", {"MFO": [0.5], "BPO": [0.5]}),
        main("TopK", "absorption", {"MFO": [0.1]}),
    )

    assert summary.cells("main", "auc")["ProtSAE"][::2] == pytest.approx((0.7, 1))
    assert summary.cells("main", "absorption") == {}, "no number of BPO, so none of both"
    assert summary.cells("main", "absorption", "MFO")["TopK"].mean == 0.1


def test_a_number_that_holds_for_all_namespaces_counts_in_each() -> None:
    summary = summary_of(main("TopK", "ev", {"": [0.75]}), main("ProtSAE", "ev", {"MFO": [0.5], "BPO": [0.7]}))

    for over, ours in (("MFO", 0.5), ("BPO", 0.7), (MEAN, 0.6)):
        cells = summary.cells("main", "ev", over)
        assert cells["TopK"].mean == 0.75
        assert cells["ProtSAE"].mean == pytest.approx(ours)


def test_the_best_is_marked_in_the_metrics_own_direction_and_controls_do_not_compete() -> None:
    summary = summary_of(
        main("ProtSAE", "smin", {"MFO": [20.0]}),
        main("TopK", "smin", {"MFO": [22.0]}),
        main("null: random dictionary", "smin", {"MFO": [1.0]}),
        main("ProtSAE", "auc", {"MFO": [0.7001]}),
        main("TopK", "auc", {"MFO": [0.7004]}),
    )
    shown = summary.table("main", "function", "MFO")

    assert shown.best["smin"] == {"ProtSAE"}
    assert shown.best["auc"] == {"ProtSAE", "TopK"}, "equal as far as three digits go"
    assert [line.method for line in shown.lines] == ["ProtSAE", "TopK", "null: random dictionary"]
    assert summary.best("control", "smin") == "null: random dictionary"
    assert summary.best("fitted", "smin") is None


def test_a_method_without_judged_numbers_is_left_out_of_a_group() -> None:
    summary = summary_of(
        main("linear probe", "seconds", {"MFO": [3.0]}),
        main("ProtSAE", "ev", {"MFO": [0.7]}),
        main("ProtSAE", "auc", {"MFO": [0.8]}),
    )

    assert [line.method for line in summary.table("main", "fidelity").lines] == ["ProtSAE"]


def test_gaps_pair_seeds_and_leave_out_the_rest() -> None:
    summary = summary_of(
        main("ProtSAE", "auc", {"MFO": [0.8, 0.7], "BPO": [0.1, 0.1]}),
        main("no detach", "auc", {"MFO": [0.5, 0.6, 0.9]}, "ablation"),
        main("other k", "auc", {"MFO": [0.9]}, "ablation", k=16),
    )
    (gap,) = summary.gaps("ablation", ["auc", "ev"])

    assert (gap.method, gap.metric) == ("no detach", "auc")
    assert gap.cell == pytest.approx((-0.2, 0.2 / math.sqrt(2), 2))


def test_variants_are_held_against_the_namespaces_that_all_of_them_share() -> None:
    summary = summary_of(
        main("ProtSAE", "auc", {"MFO": [0.8], "BPO": [0.6]}),
        main("wide", "auc", {"MFO": [0.9], "BPO": [0.9]}, "guidance"),
        main("narrow", "auc", {"MFO": [0.7]}, "guidance"),
        main("paper's form", "auc", {"MFO": [0.8]}, "guidance"),
    )

    assert summary.scope("guidance") == summary.scope("guidance", "BPO") == ["MFO"]
    gaps = {gap.method: gap.cell.mean for gap in summary.gaps("guidance", ["auc"], "BPO")}
    assert gaps == {"narrow": pytest.approx(-0.1), "wide": pytest.approx(0.1)}


def test_the_sweep_stands_at_the_measured_l0_else_at_k() -> None:
    summary = summary_of(
        main("TopK", "ev", {"": [0.6]}, "sparsity", k=32),
        main("TopK", "ev", {"": [0.5]}, "sparsity", k=16),
        main("ProtSAE", "ev", {"MFO": [0.4]}, "sparsity", k=16),
        main("ProtSAE", "l0", {"MFO": [19.5]}, "sparsity", k=16),
    )
    lines = summary.sweep("ev", "MFO")

    assert [at for at, _ in lines["TopK"]] == [16, 32]
    assert [(at, cell.mean) for at, cell in lines["ProtSAE"]] == [(19.5, 0.4)]
    assert [k for k, _ in summary.settings("sparsity", "ev")["TopK"]] == [16, 32]


def test_numbers_as_text() -> None:
    assert Spread(0.5791, 0.004, 3).text() == "0.579 ± 0.004"
    assert Spread(0.5791, float("nan"), 1).text(2) == "0.58"
    assert Spread(float("nan"), float("nan"), 0).text() == "-"


@pytest.mark.parametrize(
    ("own", "other", "verdict"),
    [
        ([0.8, 0.81, 0.82], [0.6, 0.61, 0.6], "holds"),
        ([0.6, 0.61, 0.6], [0.8, 0.81, 0.82], "does not hold"),
        ([0.8, 0.6, 0.7], [0.7, 0.7, 0.7], "not resolved"),
        ([0.7, 0.7], [0.7, 0.7], "not resolved"),
        ([0.8], [0.7], "one seed, for it"),
        ([0.6], [0.7], "one seed, against it"),
        ([], [0.7], "missing"),
    ],
)
def test_verdicts_follow_the_numbers_in_both_directions(own: list[float], other: list[float], verdict: str) -> None:
    rows = summary_of(main("ProtSAE", "auc", {"MFO": own}), main("TopK", "auc", {"MFO": other}))
    ablation = summary_of(main("ProtSAE", "auc", {"MFO": own}), main("no detach", "auc", {"MFO": other}, "ablation"))

    found = {direction.claim: direction for direction in rows.directions()}
    above = found["ProtSAE is above every unsupervised SAE in AUC"]
    assert above.verdict == verdict
    assert verdict == "missing" or "missing: BatchTopK, Gated" in above.evidence
    falls = {direction.claim: direction.verdict for direction in ablation.directions()}
    assert falls["Without detach the AUC falls"] == verdict
    assert falls["Without axioms the AUC falls"] == "missing"


def test_participation_must_be_full_before_it_can_fall() -> None:
    def verdict(full: float) -> str:
        rows = summary_of(
            main("ProtSAE", "participation", {"MFO": [full, full]}),
            main("no forced activation", "participation", {"MFO": [0.1, 0.2]}, "ablation"),
        )
        return rows.directions()[-1].verdict

    assert verdict(0.99) == "holds"
    assert verdict(0.9) == "does not hold"


def test_about_equal_is_a_matter_of_size() -> None:
    def verdict(ours: float) -> str:
        rows = summary_of(main("ProtSAE", "lr_masked", {"MFO": [ours]}), main("TopK", "lr_masked", {"": [0.9]}))
        return next(found.verdict for found in rows.directions() if "about as much" in found.claim)

    assert (verdict(0.89), verdict(0.87)) == ("holds", "does not hold")


@pytest.mark.parametrize(
    ("whole", "verdict"), [(0.9, "holds"), (0.795, "holds"), (0.78, "does not hold"), (None, "missing")]
)
def test_one_sae_for_all_of_go_may_cost_a_little_on_validation_proteins(whole: float | None, verdict: str) -> None:
    apart = main(ONE_EACH, "feature_auc_valid", {"MFO": [0.7], "CCO": [0.9]})
    together = main(TUNED, "feature_auc_valid", {"MFO": [whole], "CCO": [whole]}) if whole else []
    found = summary_of(apart, together).directions()[-1]

    assert found.claim.startswith("One ProtSAE for all of GO is within 0.01 of one per sub-ontology")
    assert found.verdict == verdict
    assert not any("One ProtSAE" in each.claim for each in summary_of(main("ProtSAE", "auc", {"": [0.7]})).directions())


def test_a_method_and_a_part_that_nobody_listed_are_shown_and_not_judged() -> None:
    summary = summary_of(
        main("ProtSAE", "auc", {"MFO": [0.7]}),
        main("TopK", "auc", {"MFO": [0.6]}),
        main("Matryoshka", "auc", {"MFO": [0.9]}),
        main("half as long", "auc", {"MFO": [0.5]}, "schedules"),
    )
    shown = summary.table("main", "function")

    assert [(line.method, line.kind) for line in shown.lines][-1] == ("Matryoshka", "other")
    assert shown.best["auc"] == {"ProtSAE"}
    assert summary.best("unguided", "auc") == "TopK"
    assert summary.variant_parts() == ["schedules"]
    assert part_of("schedules").title == "Schedules"
    assert [gap.cell.mean for gap in summary.gaps("schedules", ["auc"])] == [pytest.approx(-0.2)]


def test_the_list_of_methods_is_whole() -> None:
    assert all(name == method.name for name, method in METHODS.items())
    assert all(method.kind in KINDS for method in METHODS.values())
    assert all(bool(method.result) == (method.kind == "control") for method in METHODS.values())
    assert [m.name for m in METHODS.values() if m.standing == "paper"] == ["ProtSAE"]
    assert [m.name for m in METHODS.values() if m.standing == "baseline"] == ["TopK"]
    assert tuple(PARTS) == get_args(PartKey)
    assert set(KINDS) == set(get_args(MethodKind))
    assert {part.key for part in PARTS.values() if part.change} == {"ablation", "guidance"}
    assert ordered(["zeta", "SpLiCE", "TopK", "Alpha", "PLM neurons", "ProtSAE"]) == [
        "ProtSAE",
        "TopK",
        "SpLiCE",
        "PLM neurons",
        "Alpha",
        "zeta",
    ]
    assert method_of("TopK + logistic probe").kind == method_of("linear probe").kind == "fitted"
