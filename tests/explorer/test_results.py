"""The evaluation on the Compare page: hand-worked numbers, sentences in every direction, and the view itself."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from explorer import theme
from explorer.compare import result_charts, results, results_view
from explorer.services import data
from protsae.store.evaluation.metrics import METRICS

from .conftest import OpenPage, text_of

COLUMNS = ["part", "method", "namespace", "k", "seed", "metric", "value"]


def main(method: str, metric: str, by_namespace: dict[str, list[float]], k: int = 8) -> list[tuple]:
    """Rows of the main part: one value a namespace and seed."""
    return [
        ("main", method, namespace, k, seed, metric, value)
        for namespace, values in by_namespace.items()
        for seed, value in enumerate(values)
    ]


def frame_of(*groups: list[tuple]) -> pd.DataFrame:
    return pd.DataFrame([row for group in groups for row in group], columns=COLUMNS)


def one(ours: float, theirs: float, *more: list[tuple]) -> pd.DataFrame:
    """ProtSAE and TopK on one namespace and seed."""
    return frame_of(main("ProtSAE", "auc", {"MFO": [ours]}), main("TopK", "auc", {"MFO": [theirs]}), *more)


def test_a_number_is_the_mean_over_seeds_of_the_mean_over_namespaces() -> None:
    rows = frame_of(main("ProtSAE", "auc", {"MFO": [0.8, 0.6], "BPO": [0.6, 0.2]}))
    seeds = results.per_seed(rows, "main", ["MFO", "BPO"])
    (cell,) = results.cells(seeds, "auc").values()

    assert seeds["value"].tolist() == pytest.approx([0.7, 0.4])
    assert cell.mean == pytest.approx(0.55)
    assert cell.spread == pytest.approx(0.3 / math.sqrt(2))
    assert cell.n_seeds == 2


def test_a_seed_that_lacks_a_namespace_does_not_count_in_the_mean_over_all() -> None:
    rows = frame_of(
        main("ProtSAE", "auc", {"MFO": [0.8, 0.9], "BPO": [0.6]}), main("TopK", "auc", {"MFO": [0.5], "BPO": [0.5]})
    )

    cells = results.cells(results.per_seed(rows, "main", ["MFO", "BPO"]), "auc")

    assert cells["ProtSAE"].n_seeds == 1
    assert cells["ProtSAE"].mean == pytest.approx(0.7)


def test_a_number_that_holds_for_all_namespaces_counts_in_each() -> None:
    rows = frame_of(main("TopK", "ev", {"": [0.75]}), main("ProtSAE", "ev", {"MFO": [0.5], "BPO": [0.7]}))

    for over, ours in (("MFO", 0.5), ("BPO", 0.7), (results.MEAN, 0.6)):
        cells = results.cells(results.per_seed(rows, "main", results.scope(rows, "main", over)), "ev")
        assert cells["TopK"].mean == 0.75
        assert cells["ProtSAE"].mean == pytest.approx(ours)


def test_the_best_is_marked_in_the_metrics_own_direction_and_controls_do_not_compete() -> None:
    rows = frame_of(
        main("ProtSAE", "smin", {"MFO": [20.0]}),
        main("TopK", "smin", {"MFO": [22.0]}),
        main("random dictionary", "smin", {"MFO": [1.0]}),
        main("ProtSAE", "auc", {"MFO": [0.7001]}),
        main("TopK", "auc", {"MFO": [0.7004]}),
    )
    shown = results.table(rows, "function", "MFO")

    assert shown.best["smin"] == {"ProtSAE"}
    assert shown.best["auc"] == {"ProtSAE", "TopK"}, "equal as far as three digits tell"
    assert [line.method for line in shown.lines] == ["ProtSAE", "TopK", "random dictionary"]


def test_a_method_without_judged_numbers_is_left_out_of_a_group() -> None:
    rows = one(0.8, 0.6, main("linear probe", "seconds", {"MFO": [3.0]}), main("ProtSAE", "ev", {"MFO": [0.7]}))

    assert [line.method for line in results.table(rows, "fidelity", "MFO").lines] == ["ProtSAE"]


def test_differences_pair_seeds_and_leave_out_the_rest() -> None:
    rows = frame_of(
        main("ProtSAE", "auc", {"MFO": [0.8, 0.7], "BPO": [0.1, 0.1]}),
        [("ablation", "no detach", "MFO", 8, seed, "auc", value) for seed, value in enumerate([0.5, 0.6, 0.9])],
        [("ablation", "other k", "MFO", 16, 0, "auc", 0.9)],
    )
    gaps = results.differences(rows, "ablation", results.MEAN, ["auc", "ev"])

    assert [(gap.method, gap.metric, gap.cell.n_seeds) for gap in gaps] == [("no detach", "auc", 2)]
    assert gaps[0].cell.mean == pytest.approx(-0.2)
    assert gaps[0].cell.spread == pytest.approx(0.2 / math.sqrt(2))


def test_variants_are_told_for_the_namespaces_that_all_of_them_share() -> None:
    rows = frame_of(
        main("ProtSAE", "auc", {"MFO": [0.8], "BPO": [0.6]}),
        [("guidance", "wide", namespace, 8, 0, "auc", 0.9) for namespace in ("MFO", "BPO")],
        [("guidance", "narrow", "MFO", 8, 0, "auc", 0.7)],
        [("guidance", "paper's form", "MFO", 8, 0, "auc", 0.8)],
    )

    assert results.scope(rows, "guidance", results.MEAN) == results.scope(rows, "guidance", "BPO") == ["MFO"]
    gaps = {gap.method: gap.cell.mean for gap in results.differences(rows, "guidance", "BPO", ["auc"])}
    assert gaps == {"narrow": pytest.approx(-0.1), "wide": pytest.approx(0.1)}


def test_the_sweep_stands_at_the_measured_l0_else_at_k() -> None:
    rows = pd.DataFrame(
        [
            ("sparsity", "TopK", "", 32, 0, "ev", 0.6),
            ("sparsity", "TopK", "", 16, 0, "ev", 0.5),
            ("sparsity", "ProtSAE", "MFO", 16, 0, "ev", 0.4),
            ("sparsity", "ProtSAE", "MFO", 16, 0, "l0", 19.5),
        ],
        columns=COLUMNS,
    )
    lines = results.sweep(rows, "MFO", "ev")

    assert [at for at, _ in lines["TopK"]] == [16, 32]
    assert [(at, cell.mean) for at, cell in lines["ProtSAE"]] == [(19.5, 0.4)]


@pytest.mark.parametrize(
    ("ours", "theirs", "said"), [(0.8, 0.6, "ahead of TopK"), (0.5, 0.6, "behind TopK"), (0.601, 0.604, "level with")]
)
def test_the_lead_says_who_is_ahead(ours: float, theirs: float, said: str) -> None:
    lead = results.lead(one(ours, theirs), "MFO")

    assert said in lead
    assert f"AUC {ours:.2f} (molecular function)" in lead
    assert "one seed" in lead


def test_the_lead_names_the_best_unguided_method_the_best_probe_and_controls() -> None:
    rows = frame_of(
        main("ProtSAE", "auc", {"MFO": [0.7, 0.7, 0.7]}),
        main("TopK", "auc", {"MFO": [0.5, 0.5, 0.5]}),
        main("BatchTopK", "auc", {"MFO": [0.6, 0.6, 0.75]}),
        main("linear probe", "auc", {"MFO": [0.8, 0.8, 0.8]}),
        main("SpLiCE", "auc", {"MFO": [0.4]}),
        main("null: permuted labels", "auc", {"MFO": [0.5, 0.5, 0.5]}),
        main("PLM neurons", "auc", {"MFO": [0.62]}),
    )
    lead = results.lead(rows, "MFO")

    assert "ahead of BatchTopK, the best unguided autoencoder (0.65; the same on 2 of 3 seeds)" in lead
    assert "; behind linear probe (0.80); chance (permuted labels) is 0.50; the language model's own neurons" in lead
    assert "neurons reach 0.62." in lead
    assert "SpLiCE" not in lead


@pytest.mark.parametrize(("kept", "said"), [(0.7, "less than"), (0.9, "more than"), (0.8, "as much as")])
def test_the_lead_tells_what_fidelity_was_paid(kept: float, said: str) -> None:
    rows = one(0.8, 0.6, main("ProtSAE", "lr_masked", {"MFO": [kept]}), main("TopK", "lr_masked", {"": [0.8]}))

    assert f"keeps {kept:.2f}, {said} TopK (0.80)." in results.lead(rows, "MFO")


def test_the_lead_speaks_of_the_guidance_that_the_bundle_uses() -> None:
    rows = one(0.7, 0.72, main("ProtSAE, tuned guidance", "auc", {"MFO": [0.78]}))

    lead = results.lead(rows, "MFO")

    assert "ProtSAE, tuned guidance predicts GO terms with AUC 0.78 (molecular function)" in lead
    assert "ahead of TopK, the unguided autoencoder (0.72; one seed) and ProtSAE in the paper's form (0.70)" in lead


def test_the_lead_of_a_run_that_has_just_begun() -> None:
    assert "cannot be compared" in results.lead(frame_of(main("TopK", "auc", {"MFO": [0.6]})), "MFO")
    assert "No unguided autoencoder" in results.lead(frame_of(main("ProtSAE", "auc", {"MFO": [0.6]})), "MFO")
    assert "cannot be compared" in results.lead(frame_of([("ablation", "no detach", "MFO", 8, 0, "auc", 0.5)]), "mean")


def test_files_hold_what_is_shown() -> None:
    rows = frame_of(main("ProtSAE", "auc", {"MFO": [0.8, 0.6]}), main("TopK", "fmax", {"MFO": [0.25]}))

    assert results.as_csv(results.table(rows, "function", "MFO")).splitlines() == [
        "method,labels,n_seeds,fmax,fmax_sd,auc,auc_sd",
        "ProtSAE,guided,2,,,0.7,0.141421",
        "TopK,unguided,1,0.25,,,",
    ]
    assert results.rows_csv(rows).splitlines()[1] == "main,ProtSAE,MFO,8,0,auc,0.8"
    gap = results.Gap("no detach", "auc", results.cell([-0.25]))
    assert results.gaps_csv({"ablation": [gap]}).splitlines()[1] == "ablation,no detach,auc,-0.25,,1"


def test_method_names_are_escaped() -> None:
    shown = results.table(frame_of(main("<b>x</b>", "auc", {"MFO": [0.8]})), "function", "MFO")

    assert "<td><span" in results_view.table_html(shown)
    assert "<b>x" not in results_view.table_html(shown)
    figure = result_charts.trade_off(
        {"<b>x</b>": results.cell([0.5])}, {"<b>x</b>": results.cell([0.5])}, (METRICS["ev"], METRICS["f1"])
    )
    assert figure.data[0].text == ("&lt;b&gt;x&lt;/b&gt;",)


def test_figures_keep_identity_colours_and_show_the_spread() -> None:
    cell = results.cell([0.4, 0.6])
    methods = dict.fromkeys(("ProtSAE", "ProtSAE without axioms", "TopK", "Gated"), cell)
    figure = result_charts.trade_off(methods, methods, (METRICS["lr_masked"], METRICS["feature_auc"]))
    colours = [trace.marker.color for trace in figure.data]

    assert colours == [theme.PROTSAE, theme.PROTSAE, theme.VANILLA, result_charts.GREY]
    assert [trace.marker.symbol for trace in figure.data] == ["circle", "circle-open", "circle", "circle"]
    assert figure.data[0].error_y.array[0] == pytest.approx(np.std([0.4, 0.6], ddof=1))

    gaps = [results.Gap("no detach", "auc", results.cell([-0.1, -0.3]))]
    dots = result_charts.differences(gaps, METRICS["auc"], "dark").data[0]
    assert dots.x[0] == pytest.approx(-0.2)
    assert result_charts.sweep({"TopK": [(8.0, cell)]}, METRICS["ev"]).data[0].line.color == theme.VANILLA


def test_names_of_close_points_stand_apart() -> None:
    assert result_charts.label_places(["a", "b"], [(0.0, 0.0), (1.0, 1.0)]) == ["top center", "top center"]
    crowd = [(0.5, 0.5), (0.51, 0.53), (0.0, 0.0), (1.0, 1.0)]
    assert result_charts.label_places(["lower", "upper", "x", "y"], crowd)[:2] == ["bottom center", "top center"]


def control(app: AppTest, key: str) -> list[str]:
    return app.segmented_control(key=key).options


def test_the_view_is_kept_in_the_address_and_leads_with_the_finding(open_page: OpenPage) -> None:
    app = open_page("compare", view="methods")
    said = text_of(app)

    assert not app.exception
    assert app.title[0].value == results_view.TITLE
    assert results.lead(data.evaluation(), results.MEAN) in said
    assert "AUC of features" in said
    assert "What each part of ProtSAE is for" in said
    assert len(app.get("plotly_chart")) == 1 + 2 + 2 * 3
    assert len(app.get("download_button")) == 3
    assert control(app, "choice_ns") == [
        "mean of all",
        "molecular function",
        "biological process",
        "cellular component",
    ]


def test_the_view_follows_its_controls(open_page: OpenPage) -> None:
    app = open_page("compare", go="GO:0008270")
    app.segmented_control(key="choice_view").set_value("methods").run()
    assert app.title[0].value == results_view.TITLE

    app.segmented_control(key="choice_group").set_value("fidelity").run()
    app.segmented_control(key="choice_ns").set_value("CCO").run()
    said = text_of(app)

    assert not app.exception
    assert app.query_params["group"] == "fidelity"
    assert "Loss recovered, unmasked" in said
    assert results.lead(data.evaluation(), "CCO") in said
    assert "cellular component" in said

    app.segmented_control(key="choice_view").set_value("term").run()
    assert app.title[0].value == "Zinc ion binding"


@pytest.mark.parametrize("wrong", [{"ns": "XYZ"}, {"group": "looks"}])
def test_a_wrong_address_is_said(open_page: OpenPage, wrong: dict[str, str]) -> None:
    app = open_page("compare", view="methods", **wrong)

    assert not app.exception
    assert "is not known here" in text_of(app)


def test_an_unknown_view_falls_back_to_the_term(open_page: OpenPage) -> None:
    app = open_page("compare", view="all")

    assert not app.exception
    assert "is not known here" in text_of(app)
    assert "The same proteins under both features" in text_of(app)


def test_a_bundle_that_was_not_evaluated_says_how_to(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = data.pd.DataFrame(columns=COLUMNS)
    monkeypatch.setattr(data, "evaluation", lambda: empty)
    app = open_page("compare", view="methods")

    assert not app.exception
    assert "python -m precompute evaluate BUNDLE" in text_of(app)
    assert Path(__file__).name not in text_of(app)
