"""Steer: strength 0 changes nothing, differences are outlined, every answer stands beside its control."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from explorer.services import data
from explorer.services.refs import FeatureRef
from explorer.shell.bound import number
from explorer.steer import charts, runs, steerable
from explorer.steer.diff import diff_html
from explorer.steer.runs import Dose, Plan
from protsae.steering.steer import Reading, SteerConfig, SteerResult

from .conftest import OpenPage, figures_of, html_of, links_of, param, text_of, traces, views_of


@pytest.fixture
def plan(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setenv("PROTSAE_BUNDLE", str(tiny_bundle))
    return Plan("protsae_mfo", 5, str(data.bundle().reader.sequence_index()["sequence"][0]), SteerConfig())


def result(strength: float, before: float, after: float, changed: list[int]) -> SteerResult:
    original = "MKVLAAGITR"
    steered = "".join("W" if i in changed else letter for i, letter in enumerate(original))
    logp = np.log(np.full((4, 20), 0.05))
    return SteerResult(
        strength=strength,
        original=original,
        steered=steered,
        masked=np.array([1, 3, 5, 7]),
        changed=np.array(changed, dtype=int),
        logp_before=logp,
        logp_after=logp,
        log_odds=np.ones(len(changed)),
        before=(Reading(5, before, before, None),),
        after=(Reading(5, after, after, None),),
        perplexity_before=9.0,
        perplexity_after=10.0,
    )


def test_strength_zero_is_the_original_residue_for_residue(plan: Plan) -> None:
    same = runs.answer(plan, 0.0)

    assert same.steered == plan.sequence
    assert same.n_changed == 0
    assert same.before == same.after


def test_a_guided_feature_brings_its_ancestors_unless_they_are_left_alone(plan: Plan) -> None:
    table = data.bundle().reader.feature_table(plan.sae).set_index("feature")
    term_of = table["go_id"].to_dict()
    above = {row.go_id for row in data.bundle().reader.ancestors(term_of[plan.feature])}
    raised = runs.raised(plan)

    assert next(iter(raised)) == plan.feature
    assert raised[plan.feature] == table.loc[plan.feature, "p99_act"]
    assert {term_of[feature] for feature in list(raised)[1:]} <= above
    assert len(raised) > 1
    alone = plan._replace(config=SteerConfig(include_ancestors=False))
    assert list(runs.raised(alone)) == [plan.feature]


def test_the_strength_is_no_part_of_what_is_computed_once(plan: Plan) -> None:
    strong = plan._replace(config=SteerConfig(strength=3.0))

    assert runs._without_strength(strong) == runs._without_strength(plan)


def test_the_curve_passes_through_the_original_at_zero(plan: Plan) -> None:
    doses = runs.curve(plan)

    assert [dose.strength for dose in doses] == list(runs.STRENGTHS)
    zero = next(dose for dose in doses if dose.strength == 0)
    assert zero.n_changed == zero.n_changed_random == 0
    assert zero.steered == zero.random_feature == zero.random_direction
    assert len(traces(charts.dose_response(doses, "guided", "light", 1.0))) == 3


def test_a_judge_that_was_not_pushed_is_asked(plan: Plan) -> None:
    check = runs.independent(plan, runs.answer(plan, 2.0))

    assert check is not None
    assert check.term.sae == "vanilla"
    assert runs.independent(plan._replace(sae="vanilla"), runs.answer(plan, 2.0)) is None


@pytest.mark.parametrize(
    ("given", "control", "said"),
    [
        (result(0, 1, 1, []), result(0, 1, 1, []), "At strength 0 nothing is pushed"),
        (result(1, 1, 1, []), result(1, 1, 1, []), "the push alters the model's choice at none of 4 hidden residues"),
        (result(1, 1, 3, [1, 3]), result(1, 1, 1.1, [1]), "so the change is specific"),
        (result(1, 1, 3, [1, 3]), result(1, 1, 2.9, [1]), "so the change is not specific"),
        (result(1, 3, 1, [1]), result(1, 3, 3, []), "do not carry the concept"),
        (result(-1, 3, 1, [1]), result(-1, 3, 3, []), "falls from 3 to 1, and a random feature"),
    ],
)
def test_the_sentence_reads_the_result_beside_its_control(
    plan: Plan, given: SteerResult, control: SteerResult, said: str
) -> None:
    row = data.feature(plan.ref)
    assert row is not None

    assert said in runs.sentence(row, given, control)


def test_the_curve_is_read_in_words() -> None:
    def dose(strength: float, steered: float, random: float) -> Dose:
        by_feature, control = (Reading(0, value, value, None) for value in (steered, random))
        return Dose(strength, by_feature, control, control, 3, 3)

    flat = [dose(s, 1.0, 1.0) for s in (0.0, 1.0, 5.0)]
    rising = [dose(0.0, 1.0, 1.0), dose(1.0, 4.0, 1.1), dose(5.0, 5.0, 1.2)]
    assert "does not make the new sequence carry more" in runs.read_curve(flat)
    assert "more than a random feature ever does (5 against 1.2)" in runs.read_curve(rising)
    assert "already within the natural range" in runs.read_curve(rising)


def test_differences_are_outlined_in_both_lines_and_nothing_else() -> None:
    html = diff_html("MKVLAAGITRMKVLA", "MKVLAAGITRMKWLA")

    assert html.count("<b>") == 2
    assert "MKVLAAGITR MK<b>V</b>LA" in html
    assert "MKVLAAGITR MK<b>W</b>LA" in html
    assert "120 residues in lines without a change" in diff_html("M" * 121, "M" * 120 + "K")


def test_log_odds_stand_at_their_residue() -> None:
    marked = traces(charts.log_odds(result(1, 1, 3, [1, 7]), "dark"))[1]

    assert marked["x"] == [2, 8]
    assert marked["customdata"] == ["K2W", "I8W"]


def test_numbers_from_the_address_are_brought_into_range() -> None:
    assert number("2.5", 1.0, -2.0, 5.0) == 2.5
    assert number("99", 1.0, -2.0, 5.0) == 5.0
    assert number("nan", 1.0, -2.0, 5.0) == 1.0
    assert number("rubbish", 3, 1, 8) == 3
    assert isinstance(number("4.0", 3, 1, 8), int)


def test_the_page_opens_on_the_feature_that_raises_its_function_most_surely(open_page: OpenPage) -> None:
    app = open_page("steer", sae="protsae_mfo")
    validated = {term.feature for term in data.validated()}
    rows = [row for row in data.steerability() if row.sae == "protsae_mfo" and row.is_steerable]

    assert not app.exception
    chosen = app.selectbox(key="steer_feature").value
    assert chosen in validated
    assert chosen == max(rows, key=lambda row: row.difference_low).feature
    options = app.selectbox(key="steer_feature").options
    assert ["raises its function" in option for option in options[: len(rows) + 5]] == [True] * len(rows) + [False] * 5
    assert "So it raises its own function more than controls do" in text_of(app)
    assert f"moves the term's log-odds by {rows[0].effect:+.2f}" in text_of(app)
    assert "No feature of" not in text_of(app)
    assert links_of(app, "feature")[0].params["feature"] == str(chosen)
    assert [metric.label for metric in app.metric] == ["Residues changed", "Peak of the feature", "Perplexity there"]
    assert [row["label"] for row in views_of(app)[0]["rows"]] == ["steered", "original"]
    assert [tab.label for tab in app.tabs] == ["Difference", "Log-odds", "Controls", "Dose-response"]


def test_at_strength_zero_the_page_says_that_nothing_changes(open_page: OpenPage) -> None:
    app = open_page("steer", strength="0", sae="protsae_mfo", feature="5")

    assert not app.exception
    assert app.slider(key="bound_strength").value == 0
    assert "At strength 0 nothing is pushed" in text_of(app)
    assert app.metric[0].value.startswith("0 of")
    assert "The two sequences are identical" in text_of(app)
    assert views_of(app)[0]["marks"] == []
    assert views_of(app)[0]["rows"][0]["values"] == views_of(app)[0]["rows"][1]["values"]


def test_the_slider_writes_the_address(open_page: OpenPage) -> None:
    app = open_page("steer", sae="protsae_mfo", feature="5")
    app = app.slider(key="bound_strength").set_value(3.0).run()

    assert param(app, "strength") == "3"
    app = app.slider(key="bound_strength").set_value(1.0).run()
    assert "strength" not in app.query_params


def test_the_dose_response_runs_on_demand(open_page: OpenPage) -> None:
    app = open_page("steer", sae="protsae_mfo", feature="5")
    before = figures_of(app)
    app = app.button(key="steer_curve").click().run()
    curve = figures_of(app)[-1]["data"]

    assert not app.exception
    assert len(figures_of(app)) == len(before) + 1
    assert [line["name"] for line in curve] == [
        "this feature",
        "random feature of equal density",
        "random direction of equal length",
    ]
    assert all(line["x"] == list(runs.STRENGTHS) for line in curve)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"protein": "NOPE"}, "has no protein 'NOPE'"),
        ({"sae": "protsae_mfo", "feature": "9999"}, "is no feature of protsae_mfo"),
        ({"go": "GO:9999999"}, "No feature is guided by 'GO:9999999'"),
        ({"sequence": "MKV*LAAGIT"}, "stop codon"),
        ({"sequence": "MKVLAAGITRHW" * 100}, "at most 1,022 at once"),
    ],
)
def test_wrong_addresses_get_a_sentence(open_page: OpenPage, params: dict[str, str], said: str) -> None:
    app = open_page("steer", **params)

    assert not app.exception
    assert sum(said in block.replace("&#x27;", "'") for block in html_of(app, "ps-empty")) == 1


def test_a_go_term_in_the_address_opens_its_guided_feature(open_page: OpenPage) -> None:
    app = open_page("steer", go="GO:0008270")

    assert not app.exception
    box = app.selectbox(key="steer_feature")
    assert box.index is not None
    assert "zinc ion binding" in box.options[box.index]


def test_where_no_feature_raises_its_function_the_page_says_so_and_opens_as_others_do(open_page: OpenPage) -> None:
    app = open_page("steer", sae="vanilla")
    tested = [row for row in data.steerability() if row.sae == "vanilla"]
    shown = app.selectbox(key="steer_feature").value

    assert not app.exception
    assert shown == data.default_feature("vanilla").feature
    assert f"No feature of Vanilla raises its own function more than a random feature does ({len(tested)} tested)." in (
        text_of(app)
    )


def test_of_a_bundle_in_which_none_does_the_sentence_is_about_the_bundle(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row._replace(q_value=0.5) for row in data.steerability()]
    monkeypatch.setattr(data, "steerability", lambda: rows)

    assert steerable.none_raises("vanilla") == (
        f"No feature of this bundle raises its own function more than a random feature does ({len(rows)} tested)."
    )
    assert steerable.best("protsae_mfo") == []
    assert steerable.default_feature("protsae_mfo") == data.default_feature("protsae_mfo")
    assert "not shown to raise its own function" in steerable.sentence(FeatureRef(rows[0].sae, rows[0].feature))
    assert "was not measured" in steerable.sentence(FeatureRef("vanilla", 63))


def test_a_bundle_without_the_analysis_says_so_in_one_sentence(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    shutil.rmtree(copy / "analyses" / "steerability")
    monkeypatch.setenv("PROTSAE_BUNDLE", str(copy))

    assert steerable.sentence(FeatureRef("protsae_mfo", 0)) == "This bundle has no analysis 'steerability'."
    assert steerable.none_raises("protsae_mfo") == ""
    assert steerable.default_feature("protsae_mfo") == data.default_feature("protsae_mfo")
