"""Steer: strength 0 changes nothing, random features stand beside every answer, the page opens on an example."""

import json
import re
import shutil
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from explorer.services import data, judges, live, slices
from explorer.services.refs import FeatureRef
from explorer.services.slices import Slices
from explorer.shell.bound import number
from explorer.steer import address, also, charts, curve, doses, locks, many, opening, report, runs, steerable
from explorer.steer.opening import Example, Outcome
from explorer.steer.runs import Plan
from protsae.errors import InputError
from protsae.steering.recipe import Recipe, replay
from protsae.steering.steer import SteerConfig
from protsae.store.rows import AnnotationRow

from .conftest import OpenPage, figures_of, html_of, links_of, param, text_of, traces, views_of


@pytest.fixture
def plan(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setenv("PROTSAE_BUNDLE", str(tiny_bundle))
    return Plan("protsae_mfo", 5, str(data.bundle().reader.sequence_index()["sequence"][0]), SteerConfig())


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
    found = doses.curve(plan, seconds=600).items

    assert [dose.strength for dose in found] == list(doses.STRENGTHS)
    zero = next(dose for dose in found if dose.strength == 0)
    assert set(zero.told) == set(doses.ARMS)
    assert {told.n_changed for told in zero.told.values()} == {0}
    assert len(set(zero.told.values())) == 1
    assert any(dose.told["feature"].n_changed for dose in found)
    one = next(dose for dose in found if dose.strength == 1)
    result = runs.answer(plan, 1.0)
    assert one.told["feature"].reading == result.after[0]
    go_id = judges.term_of(plan.ref)
    assert go_id is not None
    probe = judges.probe(go_id)
    assert probe is not None
    mean = live.embed(result.steered).double().mean(dim=0).numpy()
    assert one.told["feature"].log_odds == pytest.approx(float(mean @ probe.weight) + probe.row.bias)
    figure = charts.dose_response(found[:3], "guided", "light", 1.0)
    drawn = traces(figure)
    assert [line["x"] for line in drawn] == 3 * len(doses.ARMS) * [list(doses.STRENGTHS[:3])]
    assert drawn[0]["y"] == [dose.told["feature"].log_odds for dose in found[:3]]
    assert drawn[-len(doses.ARMS)]["y"] == [dose.told["feature"].reading.mean_act for dose in found[:3]]
    shapes = json.loads(str(figure.to_json()))["layout"]["shapes"]
    assert [(shape["type"], shape["xref"]) for shape in shapes] == [
        (kind, axis) for axis in ("x", "x2", "x3") for kind in ("rect", "line")
    ]
    lines = curve.csv(found).splitlines()
    assert len(lines) == 1 + len(found) * len(doses.ARMS)
    assert lines[0].startswith("strength,pushed,log_odds_probe,kmers_sd")


def test_a_feature_is_ranked_among_random_features_of_which_none_is_raised_with_it(plan: Plan) -> None:
    random = runs.random_features(plan, 1.0, seconds=600)
    raised = set(runs.raised(plan))

    assert random.is_whole
    assert len({push.features[0] for push in random.items}) == random.total > 5
    assert all(not raised & set(push.features) and len(push.features) == len(raised) for push in random.items)
    assert {push.after.feature for push in random.items} == {plan.feature}


def test_what_one_slice_computed_the_next_one_finds() -> None:
    ran: list[int] = []

    def run(place: int) -> int:
        ran.append(place)
        return 10 * place

    many = Slices(3, run)

    assert many.known() == ([], 3)
    assert many.known(1e-9) == ([0], 3)
    assert many.known() == ([0], 3)
    assert many.known(600) == ([0, 10, 20], 3)
    assert many.known(600).is_whole
    assert ran == [0, 1, 2]


def test_a_judge_that_was_not_pushed_is_asked(plan: Plan) -> None:
    check = runs.independent(plan, runs.answer(plan, 2.0))

    assert check is not None
    assert check.term.sae == "vanilla"
    assert runs.independent(plan._replace(sae="vanilla"), runs.answer(plan, 2.0)) is None


def test_numbers_from_the_address_are_brought_into_range() -> None:
    assert number("2.5", 1.0, -2.0, 5.0) == 2.5
    assert number("99", 1.0, -2.0, 5.0) == 5.0
    assert number("nan", 1.0, -2.0, 5.0) == 1.0
    assert number("rubbish", 3, 1, 8) == 3
    assert isinstance(number("4.0", 3, 1, 8), int)


def test_the_page_opens_on_a_feature_that_raises_its_function(open_page: OpenPage) -> None:
    app = open_page("steer", sae="protsae_mfo")
    validated = {term.feature for term in data.validated()}
    rows = [row for row in data.steerability() if row.sae == "protsae_mfo" and row.is_steerable]

    assert not app.exception
    chosen = app.selectbox(key="steer_feature").value
    assert chosen in validated
    assert chosen in {row.feature for row in rows}
    assert chosen == opening.opening("protsae_mfo").ref.feature
    options = app.selectbox(key="steer_feature").options
    assert ["raises its function" in option for option in options[: len(rows) + 5]] == [True] * len(rows) + [False] * 5
    assert f"So it raises its own function more than {steerable.BOTH} do (by " in text_of(app)
    assert "by the weaker of both tests, on proteins that did not choose it" in text_of(app)
    assert f"moves the term's log-odds by {rows[0].effect:+.2f}" in text_of(app)
    assert "No feature of" not in text_of(app)
    assert links_of(app, "feature")[0].params["feature"] == str(chosen)
    assert [metric.label for metric in app.metric] == [
        *("Residues changed", "Mean over the chain", "Peak", "Perplexity there")
    ]
    assert [row["label"] for row in views_of(app)[0]["rows"]] == ["steered", "original"]
    assert [tab.label for tab in app.tabs] == list(address.TABS.values())


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


def test_the_verdict_stands_beside_twenty_random_features_that_are_tried_in_slices(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "SLICE_SECONDS", 1e-9)
    app = open_page("steer", sae="protsae_mfo", feature="5", strength="5")

    assert not app.exception
    assert "Beside random features: 1 of 20 tried" in [bar.proto.text for bar in app.get("progress")]
    assert app.metric[0].delta == ""
    for _ in range(20):
        app = app.run()
    (said,) = html_of(app, "ps-lead")[1:]
    assert not app.get("progress")
    assert app.metric[0].delta.startswith("random features: ")
    assert re.search(r"specific\.</b>.* of 20 random features|does not carry more of it", said)


def test_the_dose_response_grows_on_demand(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page("steer", sae="protsae_mfo", feature="5", tab="dose")
    before = figures_of(app)
    monkeypatch.setattr(slices, "SLICE_SECONDS", 1e-9)
    app = app.button(key="steer_curve").click().run()

    assert not app.exception
    assert f"Strength 1 of {len(doses.STRENGTHS)}" in [bar.proto.text for bar in app.get("progress")]
    assert len(figures_of(app)[-1]["data"][0]["x"]) == 1
    for _ in range(len(doses.STRENGTHS)):
        app = app.run()
    curve = figures_of(app)[-1]["data"]
    assert len(figures_of(app)) == len(before) + 1
    assert [line["name"] for line in curve[: len(doses.ARMS)]] == list(doses.ARMS.values())
    assert all(line["x"] == list(doses.STRENGTHS) for line in curve)
    assert len(html_of(app, "ps-lead")) == 3


def test_a_page_drawn_anew_by_a_timer_stands_where_its_reader_left_it() -> None:
    def script() -> None:
        import streamlit as st

        from explorer.shell import frame
        from explorer.steer.address import Drawn

        if "drawn" not in st.session_state:
            st.session_state["drawn"] = True
            st.query_params.from_dict({"feature": "5", "strength": "1.25", "gone": "1"})  # of the timer's request
            moved = {"key": "bound_strength", "on_change": lambda: frame.write_address(strength="3")}
            others = lambda: frame.write_address(also="7:2")  # noqa: E731
            Drawn({"feature": "59", "protein": "P1"}, moved, others).anew()

    app = AppTest.from_function(script).run()

    assert not app.exception
    assert {name: param(app, name) for name in app.query_params} == {
        "feature": "59",
        "protein": "P1",
        "strength": "3",
        "also": "7:2",
    }


def test_a_sequence_of_ones_own_is_the_first_place_to_steer(open_page: OpenPage) -> None:
    app = open_page("steer")

    assert app.selectbox(key="steer_protein").options[0] == "A sequence of my own"
    assert app.selectbox(key="steer_protein").index != 0


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


def test_where_no_feature_raises_its_function_the_page_leads_with_it(open_page: OpenPage) -> None:
    app = open_page("steer", sae="vanilla")
    tested = [row for row in data.steerability() if row.sae == "vanilla"]
    shown = app.selectbox(key="steer_feature").value

    assert not app.exception
    assert shown == opening.opening("vanilla").ref.feature
    assert "No feature of Vanilla" in html_of(app, "ps-lead")[1]
    assert f"No feature of Vanilla raises its own function more than {steerable.BOTH} do ({len(tested)} tested)." in (
        text_of(app)
    )


def test_of_a_bundle_in_which_none_does_the_sentence_is_about_the_bundle(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row._replace(q_value=0.5) for row in data.steerability()]
    monkeypatch.setattr(data, "steerability", lambda: rows)

    assert steerable.none_raises("vanilla") == (
        f"No feature of this bundle raises its own function more than {steerable.BOTH} do ({len(rows)} tested)."
    )
    assert steerable.best("protsae_mfo") == []
    assert all(example.protein for example in opening.candidates("protsae_mfo"))
    assert "not shown to raise its own function" in steerable.sentence(FeatureRef(rows[0].sae, rows[0].feature))
    assert "was not measured" in steerable.sentence(FeatureRef("vanilla", 63))


def test_a_bundle_without_the_analysis_says_so_in_one_sentence(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    shutil.rmtree(copy / "analyses" / "steerability")
    monkeypatch.setenv("PROTSAE_BUNDLE", str(copy))

    assert steerable.sentence(FeatureRef("protsae_mfo", 0)) == (
        "Not computed for this bundle: whether raising a validated feature raises its own function on held-out "
        "proteins, more than a random feature and a random direction do. `python -m precompute analyse BUNDLE "
        "steerability` adds it."
    )
    assert steerable.none_raises("protsae_mfo") == ""
    examples = list(opening.candidates("protsae_mfo"))
    grades = {term.feature: term for term in data.validated() if term.sae == "protsae_mfo"}
    assert len({example.protein for example in examples}) == len(examples) > 1
    for example in examples:
        assert example.protein in data.accessions_with_term(grades[example.ref.feature].go_id)


def test_the_page_says_how_its_example_was_chosen_and_what_speaks_against_it() -> None:
    example = Example(FeatureRef("vanilla", 3), "P0")

    def said(n_tried: int, by_several: bool, rises: bool, share: float) -> str:
        return opening.sentence(example._replace(n_tried=n_tried, outcome=Outcome(by_several, rises, share)))

    assert opening.sentence(example) == ""
    assert "the first of 4 examples tried whose concept rises" in said(4, True, True, 0.5)
    assert "the first example tried whose concept rises" in said(1, True, True, 0.5)
    best = "the best of 3 examples tried at strength 1, though it does not convince: its concept "
    assert f"{best}rises, but only to 27 % of its 99th percentile in natural proteins;" in said(3, True, True, 0.27)
    assert f"{best}rises, but by one letter;" in said(3, False, True, 0.9)
    assert f"{best}does not rise in mean and peak; random features were not looked at." in said(3, False, False, 0.9)


def test_the_page_opens_on_the_most_convincing_example_and_tries_no_more_than_it_must(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    feature, other, third = (Example(FeatureRef(plan.sae, number), f"P{number}") for number in (5, 9, 11))
    came = {feature: Outcome(False, True, 0.9), other: Outcome(True, True, 0.2), third: Outcome(True, True, 0.6)}
    ran: list[Example] = []
    monkeypatch.setattr(opening, "outcome", lambda example: ran.append(example) or came[example])

    def opens(*examples: Example) -> Example | None:
        ran.clear()
        return opening.most_convincing(examples)

    assert opens(feature, other) == other._replace(n_tried=2, outcome=came[other])
    assert opens(feature, third, other) == third._replace(n_tried=2, outcome=came[third])
    assert ran == [feature, third]
    assert opens(feature) == feature._replace(n_tried=1, outcome=came[feature])
    assert opens() is None


def test_features_that_an_amino_acid_explains_are_tried_last(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    density = live.features(plan.sae)["density"].to_numpy()
    sparse, middle, dense = sorted((5, 9, 11), key=lambda feature: density[feature])
    monkeypatch.setattr(steerable, "best", lambda _: [dense, sparse, middle])
    monkeypatch.setattr(opening, "weakest_first", lambda _: iter(["P0"]))

    def features() -> list[int]:
        return [example.ref.feature for example in opening.candidates(plan.sae)]

    assert features() == [dense, middle, sparse]
    letter = SimpleNamespace(fact=SimpleNamespace(confound="amino_acid"))
    monkeypatch.setattr(opening, "explained", lambda _: {dense: letter})
    assert features() == [middle, sparse, dense]
    monkeypatch.setattr(opening, "explained", lambda _: dict.fromkeys((dense, middle), letter))
    assert features() == [sparse, dense, middle]


def test_a_recipe_of_the_page_replays_to_what_it_showed(plan: Plan) -> None:
    warm = plan._replace(config=SteerConfig(temperature=1.0, locked=(3, 4), seed=7), also=((9, -1.0), (11, 2.0)))
    shown = runs.answer(warm, 2.5)
    told = Recipe.read(many.recipe(warm, 2.5).text())

    (again,) = replay(told, *live.language_model(), live.sae(warm.sae))

    assert again.written.steered == shown.steered
    assert set(told.always) == {9, 11}
    assert told.always[9] < 0 < told.always[11]
    assert "sequence" not in json.loads(told.line())


def test_other_features_are_pushed_with_a_strength_of_their_own(open_page: OpenPage) -> None:
    app = open_page("steer", sae="protsae_mfo", feature="5", also="9:-1,11:2,5:3,99999:1,x:2")

    assert not app.exception
    assert app.text_input(key="steer_also").value == "#9, #11"
    assert app.slider(key="steer_also_protsae_mfo_9").value == -1
    app = app.slider(key="steer_also_protsae_mfo_11").set_value(3.0).run()
    assert param(app, "also") == "9:-1,11:3"
    app = app.text_input(key="steer_also").set_value("#12").run()
    assert param(app, "also") == "12:1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("zinc", "'zinc' is no feature"),
        ("#9999", "#9999 never fires here"),
        ("GO:9999999", "is guided by 'GO:9999999'"),
    ],
)
def test_what_is_no_other_feature_is_quoted_back(open_page: OpenPage, text: str, said: str) -> None:
    app = open_page("steer", sae="protsae_mfo", feature="5")
    app = app.text_input(key="steer_also").set_value(text).run()

    assert not app.exception
    assert any(said in warning.value for warning in app.warning)
    with pytest.raises(InputError, match="At most 5 other features"):
        also.named("1,2,3,4,6,7,8,9", FeatureRef("protsae_mfo", 5))


def test_locked_residues_are_read_offered_and_kept(open_page: OpenPage) -> None:
    assert locks.read(" 3, 5-7;K9 12 - 13", 20) == (3, 5, 6, 7, 9, 12, 13)
    assert locks.written([3, 5, 6, 7, 9]) == "3, 5-7, 9"
    assert locks.read(locks.written([1, 2, 9]), 9) == (1, 2, 9)
    app = open_page("steer", sae="protsae_mfo", feature="5", lock="2, 4-6", strength="5", warm="1", refill="all")

    assert not app.exception
    marks = set(views_of(app)[0]["marks"])
    assert marks
    assert not marks & {2, 4, 5, 6}


@pytest.mark.parametrize(
    ("text", "said"), [("x3y", "'x3y' is no residue"), ("900-901", "does not lie in residues 1 to")]
)
def test_a_wrong_lock_is_quoted_back_and_locks_nothing(open_page: OpenPage, text: str, said: str) -> None:
    app = open_page("steer", sae="protsae_mfo", feature="5", lock=text)

    assert not app.exception
    assert any(said in warning.value for warning in app.warning)
    (beside,) = [block for block in html_of(app, "ps-empty") if "Nothing is locked until then." in block]
    assert said in unescape(beside)


def test_what_the_address_has_amiss_of_the_settings_is_said_beside_the_result(open_page: OpenPage) -> None:
    wrong = {"method": "magic", "ratio": "7", "rounds": "1.5", "warm": "x", "to": "9999", "seed": "nan"}
    app = open_page("steer", sae="protsae_mfo", feature="5", strength="0", **wrong)
    said = unescape(" ".join(html_of(app, "ps-empty")))

    assert not app.exception
    for sentence in (
        "method='magic' is not known here", "ratio='7' does not lie in 0.05 to 1.", "rounds='1.5' is no whole number.",
        "warm='x' is no number.", "to='9999' does not lie in 1 to", "seed='nan' is no number.",
    ):  # fmt: skip
        assert said.count(sentence) == 2, sentence  # in the popover, and where it need not be opened
    assert not html_of(open_page("steer", sae="protsae_mfo", feature="5", strength="0", seed="3", to="4"), "ps-empty")


@pytest.mark.parametrize(
    ("strength", "said", "shown"),
    [
        ("nan", "strength='nan' is no number.", 1),
        ("rubbish", "strength='rubbish' is no number.", 1),
        ("99", "strength='99' does not lie in -2 to 5.", 5),
    ],
)
def test_a_strength_that_is_none_is_quoted_back_until_the_slider_moves(
    open_page: OpenPage, strength: str, said: str, shown: float
) -> None:
    app = open_page("steer", sae="protsae_mfo", feature="5", strength=strength)

    (block,) = html_of(app, "ps-empty")
    assert said in unescape(block)
    assert f"Shown instead: {shown:g}." in block
    for _ in range(20):  # a timer draws the page anew once all random features are known
        app = app.run()
    assert html_of(app, "ps-empty") == [block]
    app = app.slider(key="bound_strength").set_value(0.0).run()
    assert not html_of(app, "ps-empty")
    assert param(app, "strength") == "0"


def test_what_annotation_names_is_offered_for_locking() -> None:
    def named(kind: str, start: int, end: int) -> AnnotationRow:
        return AnnotationRow("P1", kind, "", start, end, "UniProt")

    rows = [
        named("Domain", 1, 90),
        named("Binding site", 10, 12),
        named("Active site", 40, 40),
        named("Motif", 99, 120),
    ]

    assert locks.offered(rows, 100) == [
        ("Active site", (40,)),
        ("Motif", (99, 100)),
        ("Binding site", (10, 11, 12)),
    ]


def test_samples_are_written_in_slices_and_ranked(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page("steer", sae="protsae_mfo", feature="5", strength="5", tab="samples")
    assert "every sample is the same" in text_of(app)
    app = open_page("steer", sae="protsae_mfo", feature="5", strength="5", warm="1.5", refill="all", tab="samples")
    monkeypatch.setattr(slices, "SLICE_SECONDS", 1e-9)
    app = app.button(key="steer_samples").click().run()
    assert "Sample 1 of 10" in [bar.proto.text for bar in app.get("progress")]
    for _ in range(12):
        app = app.run()

    assert not app.exception
    assert "different sequences of 10, ranked by" in text_of(app)


def test_judges_that_steering_did_not_touch_stand_beside_the_verdict(open_page: OpenPage) -> None:
    app = open_page("steer", sae="protsae_mfo", feature="5", strength="5", tab="judges")

    assert not app.exception
    assert "that steering did not touch: probe " in text_of(app)
    app = app.button(key="steer_perplexity").click().run()
    assert any("Residue " in bar.proto.text for bar in app.get("progress"))
    for _ in range(4):
        app = app.run()
    assert "Pseudo-perplexity" in [metric.label for metric in app.metric]


def test_nothing_hidden_is_scanned_on_demand(open_page: OpenPage) -> None:
    app = open_page("steer", sae="protsae_mfo", feature="5", strength="2", tab="odds")

    def heatmaps() -> int:
        return sum(trace["type"] == "heatmap" for figure in figures_of(app) for trace in figure["data"])

    assert heatmaps() == 0
    app = app.toggle(key="steer_scan").set_value(True).run()

    assert not app.exception
    assert heatmaps() == 1
    assert param(app, "scan") == "1"
    app = open_page("steer", **{name: param(app, name) for name in app.query_params})
    assert heatmaps() == 1
    assert app.toggle(key="steer_scan").value
    app = app.toggle(key="steer_scan").set_value(False).run()
    assert heatmaps() == 0
    assert (param(app, "scan"), param(app, "tab")) == (None, "odds")


@pytest.mark.parametrize("tab", list(address.TABS))
def test_a_tab_comes_back_from_the_address_and_no_other_is_computed(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, tab: str
) -> None:
    asked: list[str] = []
    for module, name in ((report, "differ"), (report, "changed_residues"), (report, "compare"), (report, "response")):
        monkeypatch.setattr(module, name, lambda *_, name=name: asked.append(name))
    monkeypatch.setattr(report.judged, "judges_table", lambda *_: asked.append("judges"))
    monkeypatch.setattr(many, "samples", lambda *_: asked.append("samples"))
    app = open_page("steer", sae="protsae_mfo", feature="5", strength="3", **({"tab": tab} if tab else {}))

    drawn = {"": "differ", "odds": "changed_residues", "controls": "compare", "dose": "response"}
    assert not app.exception
    assert set(asked) == {drawn.get(tab, tab)}
    assert param(app, "tab") == (tab or None)


def test_an_unknown_tab_opens_the_first_and_is_quoted_back(open_page: OpenPage) -> None:
    app = open_page("steer", sae="protsae_mfo", feature="5", strength="0", tab="nowhere", many="7")
    said = unescape(" ".join(html_of(app, "ps-empty")))

    assert not app.exception
    assert "The two sequences are identical" in text_of(app)
    assert "tab='nowhere' is not known here; choose odds, judges, controls, dose, samples." in said
    assert "Shown instead: Difference." in said
    assert "many='7' is not known here; choose 10, 30, 100." in said


def test_how_many_samples_stands_in_the_address(open_page: OpenPage) -> None:
    app = open_page("steer", sae="protsae_mfo", feature="5", strength="5", warm="1", tab="samples", many="30")
    assert app.selectbox(key="steer_many").value == 30

    app = app.selectbox(key="steer_many").set_value(100).run()
    assert (param(app, "many"), param(app, "tab"), param(app, "warm")) == ("100", "samples", "1")
