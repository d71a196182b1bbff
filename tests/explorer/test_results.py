"""The evaluation on the Compare page: hand-worked numbers, sentences in every direction, and the view itself."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from explorer.compare import result_charts, results, results_view
from explorer.services import data
from precompute.evaluation.rows import ABLATIONS, GUIDANCE
from protsae import palette
from protsae.store.evaluation.methods import KINDS, METHODS, Method, meaning_of
from protsae.store.evaluation.metrics import GROUPS, METRICS, OVERVIEW
from protsae.store.evaluation.standings import standings
from protsae.store.evaluation.summary import MEAN, Gap, Spread, Summary, spread

from .conftest import OpenPage, text_of, traces

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


def lead(rows: pd.DataFrame, over: str) -> str:
    return results.lead(Summary(rows), over)


@pytest.mark.parametrize(
    ("ours", "theirs", "words"), [(0.8, 0.6, "ahead of TopK"), (0.5, 0.6, "behind TopK"), (0.601, 0.604, "level with")]
)
def test_the_lead_says_who_is_ahead(ours: float, theirs: float, words: str) -> None:
    sentence = lead(one(ours, theirs), "MFO")

    assert words in sentence
    assert f"AUC {ours:.2f} (molecular function)" in sentence
    assert "one seed" in sentence


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
    sentence = lead(rows, "MFO")

    assert sentence == (
        "On proteins of unseen families, ProtSAE predicts GO terms with AUC 0.70 (molecular function): ahead of "
        "BatchTopK, the best unguided autoencoder (0.65; the same on 2 of 3 seeds); behind linear probe (0.80); chance "
        "(permuted labels) is 0.50; the language model's own neurons reach 0.62."
    )


@pytest.mark.parametrize(("kept", "words"), [(0.798, "less than"), (0.802, "more than")])
def test_the_lead_says_what_fidelity_was_paid(kept: float, words: str) -> None:
    rows = one(0.8, 0.6, main("ProtSAE", "lr_masked", {"MFO": [kept]}), main("TopK", "lr_masked", {"": [0.8]}))

    assert f"keeps {kept:.3f}, {words} TopK (0.800)." in lead(rows, "MFO")


def test_a_fidelity_whose_digits_are_the_same_is_not_compared() -> None:
    rows = one(0.8, 0.6, main("ProtSAE", "lr_masked", {"MFO": [0.9981]}), main("TopK", "lr_masked", {"": [0.9979]}))

    assert "keeps" not in lead(rows, "MFO")


def test_what_is_behind_is_said_as_what_is_ahead() -> None:
    rows = frame_of(
        *(
            main(method, metric, {"MFO": [value - 0.001, value + 0.001]})
            for method, numbers in {
                "ProtSAE, tuned guidance": {"auc": 0.8, "entanglement": 3.5, "perturbation": 0.001, "share_live": 0.9},
                "ProtSAE": {"auc": 0.5, "entanglement": 0.1},
                "TopK": {"auc": 0.7, "entanglement": 2.1, "perturbation": 0.023, "share_live": 0.9},
                "Gated": {"auc": 0.6, "entanglement": 1.5, "perturbation": 0.011, "share_live": 0.8},
                "SpLiCE": {"auc": 0.99, "entanglement": 0.0},
            }.items()
            for metric, value in numbers.items()
        )
    )
    summary = Summary(rows)

    assert results.beside_unguided(summary, "ProtSAE, tuned guidance", "MFO") == (
        "ProtSAE, tuned guidance, beside the best unguided autoencoder in each: ahead in AUC (0.800; TopK 0.700); not "
        "told apart in Alive (0.900; TopK 0.900); behind in Entanglement (3.50; Gated 1.50) and Targeted perturbation "
        "(0.001; TopK 0.023)."
    )
    assert results.guided_forms(summary, "MFO") == ["ProtSAE", "ProtSAE, tuned guidance"]
    assert results.beside_unguided(summary, "ProtSAE", "MFO").endswith(
        "ahead in Entanglement (0.10; Gated 1.50); behind in AUC (0.500; TopK 0.700)."
    )


def test_seeds_that_disagree_tell_nothing_apart() -> None:
    rows = frame_of(main("ProtSAE", "auc", {"MFO": [0.8, 0.5, 0.8]}), main("TopK", "auc", {"MFO": [0.6, 0.6, 0.6]}))

    assert [one.place for one in standings(Summary(rows), "ProtSAE", ("auc",), "MFO")] == ["level"]
    assert standings(Summary(rows), "TopK", ("auc",), "MFO") == []


def test_along_the_sparsities_the_sentence_counts_where_the_papers_form_is_better() -> None:
    rows = frame_of(
        [("sparsity", "ProtSAE", "MFO", k, 0, "auc", value) for k, value in ((16, 0.5), (32, 0.7), (64, 0.6), (8, 1))],
        [("sparsity", "TopK", "MFO", k, 0, "auc", 0.6) for k in (16, 32, 64, 128)],
    )

    said = results.along_sparsity(Summary(rows), METRICS["auc"], "MFO")
    assert said == "AUC: ProtSAE is better than TopK at 1 of 3 settings."
    assert results.along_sparsity(Summary(rows), METRICS["ev"], "MFO") == ""


def test_the_view_opens_with_every_kind_of_number_and_plain_words_for_every_method(open_page: OpenPage) -> None:
    app = open_page("compare", view="methods")
    shown = Summary(data.evaluation()).columns("main", OVERVIEW)
    html = results_view.table_html(shown, own="ProtSAE", meanings=True)
    keys = {metric.key for metric in shown.metrics}

    assert app.header[0].value == "Every method, all kinds of numbers side by side"
    assert html in "".join(element.proto.body for element in app.get("html"))
    assert {METRICS[key].group for key in OVERVIEW} == set(GROUPS)
    assert {"auc", "entanglement", "perturbation", "site_ap", "share_live"} <= set(OVERVIEW)
    assert keys == set(OVERVIEW) & set(data.evaluation()["metric"])
    assert all(method.meaning and method.meaning in html.replace("&#x27;", "'") for method in used_methods())
    assert html.count("this bundle&#x27;s") == 1
    assert "n = 2" in html
    assert "Training time, s" in results_view.table_html(Summary(data.evaluation()).table("main", "fidelity"))


def used_methods() -> list[Method]:
    return [method for name, method in METHODS.items() if name in {"ProtSAE", "TopK", "linear probe"}]


def test_every_method_and_variant_that_is_planned_has_a_meaning() -> None:
    assert [name for name in METHODS if not meaning_of(name)] == []
    for name in (*ABLATIONS, *GUIDANCE, "paper's form", "lambda (1, 1)", "graded force, w = .75, protein means"):
        assert meaning_of(name), name
    assert "weighs 10 and the ontology's structure .1" in meaning_of("lambda (10, .1)")
    assert meaning_of("graded force, w = .5").count("; ") == 1
    assert meaning_of("never heard of") == ""


def test_an_evaluation_of_two_parts_shows_no_empty_chart(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = data.evaluation()
    monkeypatch.setattr(data, "evaluation", lambda: rows.loc[rows["part"].isin(["main", "ablation"])])
    app = open_page("compare", view="methods")

    assert not app.exception
    assert len(app.get("plotly_chart")) == 1 + 3
    assert "With fewer and with more active features" not in text_of(app)
    assert "Other ways to guide" not in text_of(app)
    assert "reconstruction, too, may turn the directions" in text_of(app)


def test_an_evaluation_that_has_just_begun_shows_what_it_has(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = frame_of(main("linear probe", "fmax", {"MFO": [0.5]}, k=0))
    monkeypatch.setattr(data, "evaluation", lambda: rows)
    app = open_page("compare", view="methods")

    assert not app.exception
    assert "No method has these numbers yet." in text_of(app)
    assert app.get("plotly_chart") == []


def test_the_lead_is_about_the_guidance_that_the_bundle_uses() -> None:
    rows = one(0.7, 0.72, main("ProtSAE, tuned guidance", "auc", {"MFO": [0.78]}))

    sentence = lead(rows, "MFO")

    assert "ProtSAE, tuned guidance predicts GO terms with AUC 0.78 (molecular function)" in sentence
    assert "ahead of TopK, the unguided autoencoder (0.72; one seed) and ProtSAE in the paper's form (0.70)" in sentence


def test_the_lead_of_a_run_that_has_just_begun() -> None:
    assert "cannot be compared" in lead(frame_of(main("TopK", "auc", {"MFO": [0.6]})), "MFO")
    assert "No unguided autoencoder" in lead(frame_of(main("ProtSAE", "auc", {"MFO": [0.6]})), "MFO")
    assert "cannot be compared" in lead(frame_of([("ablation", "no detach", "MFO", 8, 0, "auc", 0.5)]), "mean")


def test_files_hold_what_is_shown() -> None:
    rows = frame_of(main("ProtSAE", "auc", {"MFO": [0.8, 0.6]}), main("TopK", "fmax", {"MFO": [0.25]}))

    assert results.as_csv(Summary(rows).table("main", "function", "MFO")).splitlines() == [
        "method,labels,n_seeds,fmax,fmax_sd,auc,auc_sd",
        "ProtSAE,guided,2,,,0.7,0.141421",
        "TopK,unguided,1,0.25,,,",
    ]
    assert results.rows_csv(rows).splitlines()[1] == "main,ProtSAE,MFO,8,0,auc,0.8"
    gap = Gap("no detach", "auc", spread([-0.25]))
    assert results.gaps_csv({"ablation": [gap]}).splitlines()[1] == "ablation,no detach,auc,-0.25,,1"


def test_method_names_are_escaped() -> None:
    shown = Summary(frame_of(main("<b>x</b>", "auc", {"MFO": [0.8]}))).table("main", "function", "MFO")

    assert "<span" in results_view.table_html(shown)
    assert "<b>x" not in results_view.table_html(shown)
    figure = result_charts.trade_off(
        {"<b>x</b>": spread([0.5])}, {"<b>x</b>": spread([0.5])}, (METRICS["ev"], METRICS["f1"])
    )
    assert traces(figure)[0]["text"] == ["&lt;b&gt;x&lt;/b&gt;"]


def test_figures_keep_identity_colours_and_show_the_spread() -> None:
    cell = spread([0.4, 0.6])
    names: tuple[str, ...] = ("ProtSAE", "ProtSAE without axioms", "TopK", "Gated")
    methods: dict[str, Spread] = dict.fromkeys(names, cell)
    figure = result_charts.trade_off(methods, methods, (METRICS["lr_masked"], METRICS["feature_auc"]))
    drawn = traces(figure)
    colours = [trace["marker"]["color"] for trace in drawn]

    assert colours == [palette.GUIDED, palette.GUIDED, palette.UNGUIDED, result_charts.GREY]
    assert [trace["marker"]["symbol"] for trace in drawn] == ["circle", "circle-open", "circle", "circle"]
    assert drawn[0]["error_y"]["array"][0] == pytest.approx(np.std([0.4, 0.6], ddof=1))

    gaps = [Gap("no detach", "auc", spread([-0.1, -0.3]))]
    (dots,) = traces(result_charts.differences(gaps, METRICS["auc"], "dark"))
    assert dots["x"][0] == pytest.approx(-0.2)
    (line,) = traces(result_charts.sweep({"TopK": [(8.0, cell)]}, METRICS["ev"]))
    assert line["line"]["color"] == palette.UNGUIDED


def test_a_method_that_nobody_listed_needs_no_edit_of_the_explorer(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = data.evaluation()
    added = rows.loc[(rows["part"] == "main") & (rows["method"] == "TopK")].assign(method="Matryoshka")
    monkeypatch.setattr(data, "evaluation", lambda: pd.concat([rows, added], ignore_index=True))
    app = open_page("compare", view="methods")
    shown = Summary(data.evaluation()).table("main", "function")
    html = results_view.table_html(shown)

    assert not app.exception
    assert html in "".join(element.proto.body for element in app.get("html"))
    assert KINDS["other"].sentence in html
    assert f'<span class="ps-dot" style="background:{result_charts.GREY}"></span>Matryoshka </td>' in html
    assert [line.method for line in shown.lines].index("Matryoshka") == len(shown.lines) - 1
    assert not any("Matryoshka" in best for best in shown.best.values())
    figure = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert {t["text"][0]: t["marker"]["color"] for t in figure["data"]}["Matryoshka"] == result_charts.GREY


def test_a_method_far_below_the_others_is_drawn_at_the_edge_with_its_value() -> None:
    means = {"TopK": 0.99, "Gated": 0.98, "BatchTopK": 0.985, "JumpReLU": 0.992, "Ordered": 0.988, "SpLiCE": 0.5}
    x = {name: Spread(mean, float("nan"), 1) for name, mean in means.items()}

    figure = result_charts.trade_off(x, x, (METRICS["lr_masked"], METRICS["feature_auc"]))
    drawn = {trace["text"][0]: trace for trace in traces(figure)}

    assert set(drawn) == {*means} - {"SpLiCE"} | {"SpLiCE, at 0.50"}
    assert drawn["SpLiCE, at 0.50"]["x"][0] == result_charts.fence(list(means.values())) > 0.9
    assert "0.500" in drawn["SpLiCE, at 0.50"]["hovertemplate"]
    assert drawn["TopK"]["x"][0] == 0.99


def test_names_of_close_points_stand_apart() -> None:
    assert result_charts.label_places(["a", "b"], [(0.0, 0.0), (1.0, 1.0)]) == ["top center", "top center"]
    crowd = [(0.5, 0.5), (0.51, 0.53), (0.0, 0.0), (1.0, 1.0)]
    assert result_charts.label_places(["lower", "upper", "x", "y"], crowd)[:2] == ["bottom center", "top center"]


def control(app: AppTest, key: str) -> list[str]:
    return app.segmented_control(key=key).options


def test_the_view_is_kept_in_the_address_and_leads_with_the_finding(open_page: OpenPage) -> None:
    app = open_page("compare", view="methods")
    text = text_of(app)

    assert not app.exception
    assert app.title[0].value == results_view.TITLE
    assert lead(data.evaluation(), MEAN) in text
    assert "AUC of features" in text
    assert "What each part of ProtSAE is for" in text
    assert len(app.get("plotly_chart")) == 1 + 2 + 2 * 3
    assert len(app.get("download_button")) == 4
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
    text = text_of(app)

    assert not app.exception
    assert app.query_params["group"] == "fidelity"
    assert "Loss recovered, unmasked" in text
    assert lead(data.evaluation(), "CCO") in text
    assert "cellular component" in text

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
