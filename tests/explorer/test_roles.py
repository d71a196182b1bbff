"""An SAE is known by its role: bundles whose names mislead, with several SAEs of one kind, or with an imported one."""

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from tiny_bundle import ONE_FOR_ALL, VANILLA, TinySAE, build_tiny_bundle, concepts, guided

from explorer import theme
from explorer.compare import term_table
from explorer.draw import charts, words
from explorer.protein import predictions
from explorer.services import data
from explorer.shell import links
from explorer.steer import runs
from explorer.steer.runs import Plan
from protsae import palette
from protsae.steering.steer import SteerConfig
from protsae.store.analyses.confounds import ConfoundRow
from protsae.store.rows import DifferenceRow

from .conftest import APP, traces

ZINC = "GO:0008270"
BUNDLES = {
    "two unguided": (
        guided("vanilla", "Guide", "MFO"),
        TinySAE("protsae_a", "Plain A", "unguided"),
        TinySAE("protsae_b", "Plain B", "unguided"),
    ),
    "three guided": (
        guided("x1", "ProtSAE wide", "MFO"),
        guided("x2", "ProtSAE deep", "MFO"),
        guided("x3", "ProtSAE thin", "MFO"),
        VANILLA,
    ),
    "none guided": (
        TinySAE("protsae_a", "Plain A", "unguided"),
        TinySAE("protsae_b", "Plain B", "unguided"),
        TinySAE("protsae_c", "Plain C", "imported"),
    ),
    "one for all": ONE_FOR_ALL,
    "one for all beside one": (*ONE_FOR_ALL, guided("m", "ProtSAE MFO", "MFO")),
    "an imported one": (guided("g", "ProtSAE MFO", "MFO"), TinySAE("unguided", "InterPLM, layer 4", "imported")),
}
PAGES = ("find", "feature", "compare", "map", "sequence", "steer")

Open = Callable[..., AppTest]


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("roles")
    return {name: build_tiny_bundle(folder / name.replace(" ", "_"), saes) for name, saes in BUNDLES.items()}


@pytest.fixture
def use(bundles: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda name: monkeypatch.setenv("PROTSAE_BUNDLE", str(bundles[name]))


@pytest.fixture
def visit(use: Callable[[str], None]) -> Open:
    """`visit('two unguided', 'feature', sae='protsae_b')`: the page of that bundle, after its first run."""

    def open_at(bundle: str, page: str, **params: str) -> AppTest:
        use(bundle)
        app = AppTest.from_file(str(APP), default_timeout=60)
        if page != "find":
            app.run()
            app.switch_page(f"app_pages/{page}.py")
        for name, value in params.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return open_at


def marks(app: AppTest) -> list[tuple[str, str]]:
    """Roles of the identity marks with the bold or plain name behind each, in the order of the page."""
    html = "\n".join(str(element.proto.body) for element in app.get("html"))
    found = re.findall(r'ps-dot" style="background:var\(--ps-(\w+)\)"></span>(?:<b>)?([^<·]+)', html)
    return [(role, unescape(name).strip()) for role, name in found]


def opened(app: AppTest, start: str) -> list[tuple[str, str]]:
    """Label and address of the links that start so."""
    found = [(link.proto.label.replace("\\", ""), link.proto.query_string) for link in app.get("page_link")]
    return [(label, query) for label, query in found if label.startswith(start)]


def keys(app: AppTest) -> set[str]:
    return {element.key for element in app.selectbox if element.key}


@pytest.mark.parametrize("bundle", BUNDLES)
@pytest.mark.parametrize("page", PAGES)
def test_every_page_stands_and_lists_all_in_order(visit: Open, bundle: str, page: str) -> None:
    app = visit(bundle, page)
    what = {"MFO": "molecular function", "GO": "Gene Ontology, all three"}
    saes = sorted(BUNDLES[bundle], key=lambda one: one.role != "guided")
    shown = [f"{one.display_name} · {what.get(one.namespace, one.role)}" for one in saes]

    assert list(app.selectbox(key="choice_sae").options) == shown


@pytest.mark.parametrize(
    ("bundle", "sae", "mark"),
    [
        ("two unguided", "vanilla", ("guided", "Guide")),
        ("two unguided", "protsae_b", ("unguided", "Plain B")),
        ("three guided", "x3", ("guided", "ProtSAE thin")),
        ("three guided", "vanilla", ("unguided", "Vanilla")),
        ("an imported one", "unguided", ("imported", "InterPLM, layer 4")),
    ],
)
def test_a_feature_bears_the_name_and_the_colour_of_its_sae(
    visit: Open, bundle: str, sae: str, mark: tuple[str, str]
) -> None:
    app = visit(bundle, "feature", sae=sae, feature="20")
    others = [one.display_name for one in BUNDLES[bundle] if one.name != sae]
    html = "\n".join(str(element.proto.body) for element in app.get("html"))

    assert marks(app)[0] == mark
    assert [
        c.value[3:] for c in app.caption if c.value.startswith("In ") and c.value != "In this autoencoder"
    ] == others
    assert set(re.findall(r'class="at" style="[^"]*var\(--ps-(\w+)\)', html)) <= {mark[0]}


@pytest.mark.parametrize(
    ("bundle", "address", "expected"),
    [
        ("two unguided", {}, [("guided", "Guide"), ("unguided", "Plain A")]),
        ("two unguided", {"sae": "protsae_b"}, [("guided", "Guide"), ("unguided", "Plain B")]),
        ("two unguided", {"against": "protsae_b"}, [("guided", "Guide"), ("unguided", "Plain B")]),
        ("three guided", {}, [("guided", "ProtSAE wide"), ("unguided", "Vanilla")]),
        ("three guided", {"sae": "x3"}, [("guided", "ProtSAE thin"), ("unguided", "Vanilla")]),
        ("three guided", {"sae": "x3", "guided": "x2"}, [("guided", "ProtSAE deep"), ("unguided", "Vanilla")]),
        ("an imported one", {}, [("guided", "ProtSAE MFO"), ("imported", "InterPLM, layer 4")]),
        ("one for all", {}, [("guided", "ProtSAE"), ("unguided", "Vanilla")]),
        ("one for all beside one", {"sae": "m"}, [("guided", "ProtSAE MFO"), ("unguided", "Vanilla")]),
    ],
)
def test_compare_sets_the_two_that_are_asked_for_side_by_side(
    visit: Open, bundle: str, address: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    app = visit(bundle, "compare", go=ZINC, **address)
    names = {one.display_name: one.name for one in BUNDLES[bundle]}
    guided, unguided = (names[name] for _, name in expected)
    table = data.compare_table(guided, unguided, "MFO")
    shown = app.dataframe[0].value.set_index("go_id")
    f1 = ["guided_f1", "baseline_f1"]

    assert marks(app)[:2] == expected
    assert [label.rsplit(" #", 1)[0] for label, _ in opened(app, "Open ")][:2] == [
        f"Open {name}" for _, name in expected
    ]
    assert [query.split("&")[0] for _, query in opened(app, "Open ")][:2] == [f"sae={names[n]}" for _, n in expected]
    assert set(shown.index) >= set(table["go_id"]) == set(concepts("MFO"))
    assert shown.loc[[ZINC], f1].to_numpy().tolist() == table.loc[table["go_id"] == ZINC, f1].to_numpy().tolist()
    assert f"{expected[1][0]} feature on" in "".join(str(element.proto.body) for element in app.get("html"))


@pytest.mark.parametrize(
    ("bundle", "chooser", "options"),
    [
        ("two unguided", "choice_against", ["Plain A · unguided", "Plain B · unguided"]),
        (
            "three guided",
            "choice_guided",
            [f"ProtSAE {name} · molecular function" for name in ("wide", "deep", "thin")],
        ),
        ("an imported one", None, []),
        ("one for all", None, []),
    ],
)
def test_compare_lets_choose_only_where_there_are_several(
    visit: Open, bundle: str, chooser: str | None, options: list[str]
) -> None:
    app = visit(bundle, "compare", go=ZINC)

    assert keys(app) & {"choice_against", "choice_guided"} == ({chooser} if chooser else set())
    if chooser:
        assert list(app.selectbox(key=chooser).options) == options


@pytest.mark.parametrize("bundle", ["one for all", "one for all beside one"])
def test_compare_groups_terms_by_their_own_sub_ontology(visit: Open, bundle: str) -> None:
    app = visit(bundle, "compare")
    choosers: list[Any] = list(app.get("button_group"))
    found = {}
    for namespace in ("MFO", "BPO", "CCO"):
        app = visit(bundle, "compare", ns=namespace, terms=namespace)
        found[namespace] = set(app.dataframe[0].value["go_id"])

    assert [chooser.label for chooser in choosers][1] == "Ontology"
    assert found == {namespace: set(concepts(namespace)) for namespace in found}


def test_an_address_of_a_bundle_with_an_sae_a_sub_ontology_says_what_there_is(visit: Open) -> None:
    app = visit("one for all", "feature", sae="protsae_mfo", feature="3")
    html = "".join(str(element.proto.body) for element in app.get("html"))

    assert "This bundle has no autoencoder 'protsae_mfo'; it has protsae, vanilla." in unescape(html)


def test_a_choice_goes_into_the_address_and_stays_with_the_next_protein(visit: Open) -> None:
    app = visit("two unguided", "compare", go=ZINC)
    app.selectbox(key="choice_against").set_value("protsae_b").run()

    assert app.query_params["against"] in ("protsae_b", ["protsae_b"])
    assert marks(app)[:2] == [("guided", "Guide"), ("unguided", "Plain B")]
    proteins = [link.proto.query_string for link in app.get("page_link") if "protein=" in link.proto.query_string]
    assert proteins
    assert all("against=protsae_b" in query for query in proteins)


def test_an_sae_that_cannot_be_compared_is_said(visit: Open) -> None:
    app = visit("two unguided", "compare", go=ZINC, against="vanilla")
    html = "".join(str(element.proto.body) for element in app.get("html"))

    assert "against='vanilla' is not known here; choose protsae_a, protsae_b." in unescape(html)
    assert marks(app)[:2] == [("guided", "Guide"), ("unguided", "Plain A")]


@pytest.mark.parametrize(
    ("bundle", "sae", "maps"),
    [
        ("two unguided", "", ["Guide", "Plain A"]),
        ("two unguided", "protsae_b", ["Guide", "Plain B"]),
        ("three guided", "x2", ["ProtSAE deep", "Vanilla"]),
        ("an imported one", "", ["ProtSAE MFO", "InterPLM, layer 4"]),
        ("one for all", "", ["ProtSAE", "Vanilla"]),
    ],
)
def test_the_map_shows_one_of_each_side(visit: Open, bundle: str, sae: str, maps: list[str]) -> None:
    app = visit(bundle, "map", **({"sae": sae} if sae else {}))
    roles = {one.display_name: one.role for one in BUNDLES[bundle]}

    assert len([one for one in app.get("bidi_component") if '"part": "map"' in one.proto.json]) == 2
    assert marks(app) == [(roles[name], name) for name in maps]


@pytest.mark.parametrize(
    ("bundle", "shown", "also"),
    [
        ("two unguided", [("guided", "Guide"), ("unguided", "Plain A")], ["protsae_b"]),
        ("three guided", [("guided", "ProtSAE wide"), ("unguided", "Vanilla")], ["x2", "x3"]),
        ("an imported one", [("guided", "ProtSAE MFO"), ("imported", "InterPLM, layer 4")], []),
        ("one for all", [("guided", "ProtSAE"), ("unguided", "Vanilla")], []),
    ],
)
def test_a_term_shows_a_feature_of_each_side_and_links_to_the_rest(
    visit: Open, bundle: str, shown: list[tuple[str, str]], also: list[str]
) -> None:
    app = visit(bundle, "find", q=ZINC)
    names = {one.name: one.display_name for one in BUNDLES[bundle]}
    listed = [(row.sae, row.feature) for row in data.alternatives(ZINC)]

    assert marks(app) == shown
    assert [sae for sae, _ in listed] == also
    for sae, feature in listed:
        assert [query for _, query in opened(app, f"{names[sae]} #{feature} · F1")] == [f"sae={sae}&feature={feature}"]
    assert ("Also:" in [caption.value for caption in app.caption]) == bool(also)


def test_a_kind_of_site_shows_the_best_feature_of_each_role(visit: Open) -> None:
    visit("two unguided", "find", q="Binding site")

    for name, roles in (("two unguided", ["guided", "unguided"]), ("an imported one", ["guided", "imported"])):
        app = visit(name, "find", q="Binding site")
        found = data.annotation_features("Binding site")
        rows = data.bundle().reader.annotation_features("Binding site")
        assert [data.sae(row.sae).role for row in found] == roles
        for row in found:
            same = [other.test_f1 for other in rows if data.sae(other.sae).role == data.sae(row.sae).role]
            assert row.test_f1 == max(same)
            assert opened(app, f"{data.sae(row.sae).display_name} #{row.feature} · F1")


@pytest.mark.parametrize("preferred", ["x1", "x3", "vanilla"])
def test_terms_are_called_once_though_three_saes_are_guided_by_them(use: Callable[[str], None], preferred: str) -> None:
    use("three guided")
    sequence = str(data.bundle().reader.sequence_index()["sequence"][0])
    found = predictions.calls(sequence, preferred)

    assert len(found) == len({call.term.go_id for call in found}) == 9
    assert {call.term.sae for call in found} == {"x1" if preferred == "vanilla" else preferred}


@pytest.mark.parametrize(
    ("bundle", "preferred", "callers"),
    [
        ("one for all", "", {"MFO": "protsae", "BPO": "protsae", "CCO": "protsae"}),
        ("one for all beside one", "", {"MFO": "protsae", "BPO": "protsae", "CCO": "protsae"}),
        ("one for all beside one", "m", {"MFO": "m", "BPO": "protsae", "CCO": "protsae"}),
    ],
)
def test_every_namespace_has_one_caller(
    use: Callable[[str], None], bundle: str, preferred: str, callers: dict[str, str]
) -> None:
    use(bundle)
    sequence = str(data.bundle().reader.sequence_index()["sequence"][0])
    found = predictions.calls(sequence, preferred)

    assert data.callers(preferred) == callers
    assert len(found) == len({call.term.go_id for call in found}) == len(concepts("GO"))
    assert all(call.term.sae == callers[call.term.namespace] for call in found)


def test_steering_raises_ancestors_in_the_feature_s_own_sae(use: Callable[[str], None]) -> None:
    use("one for all beside one")
    reader = data.bundle().reader
    sequence = str(reader.sequence_index()["sequence"][0])
    for sae, scope in (("protsae", "GO"), ("m", "MFO")):
        guides = concepts(scope)
        above = {row.go_id for row in reader.ancestors(ZINC)}
        raised = runs.raised(Plan(sae, guides.index(ZINC), sequence, SteerConfig()))
        assert {guides[feature] for feature in raised} <= above | {ZINC}
        assert len(raised) > 1


@pytest.mark.parametrize(
    ("bundle", "sae", "judge"), [("two unguided", "vanilla", "protsae_a"), ("an imported one", "g", "unguided")]
)
def test_the_judge_of_steering_is_no_guided_sae(use: Callable[[str], None], bundle: str, sae: str, judge: str) -> None:
    use(bundle)
    plan = Plan(sae, 5, str(data.bundle().reader.sequence_index()["sequence"][0]), SteerConfig())
    check = runs.independent(plan, runs.answer(plan, 0.0))

    assert check is not None
    assert check.term.sae == judge
    assert runs.independent(plan._replace(sae=judge), runs.answer(plan, 0.0)) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("guide #3", [("vanilla", 3)]),
        ("plain b 3", [("protsae_b", 3)]),
        ("Plain-B #3", [("protsae_b", 3)]),
        ("mfo 3", [("vanilla", 3)]),
        ("unguided 3", [("protsae_a", 3), ("protsae_b", 3)]),
        ("protsae 3", [("vanilla", 3)]),
        ("topk #3", [("protsae_a", 3), ("protsae_b", 3)]),
        ("#3", [("vanilla", 3), ("protsae_a", 3), ("protsae_b", 3)]),
    ],
)
def test_a_search_finds_a_feature_by_what_its_sae_is(
    use: Callable[[str], None], text: str, found: list[tuple[str, int]]
) -> None:
    use("two unguided")

    assert [tuple(ref) for ref in links.feature_in(text, data.saes())] == found


def test_go_and_a_number_is_a_term_and_no_feature(use: Callable[[str], None]) -> None:
    use("one for all")

    assert links.feature_in("go 27", data.saes()) == []
    assert [tuple(ref) for ref in links.feature_in("protsae 27", data.saes())] == [("protsae", 27)]


def test_the_first_page_says_only_what_the_bundle_holds() -> None:
    assert words.kinds_of_saes({"guided", "unguided"}) == (
        "Some were guided by Gene Ontology terms (ProtSAE), others were left alone (vanilla)."
    )
    assert words.kinds_of_saes({"guided", "imported"}).endswith("others were trained elsewhere (imported).")
    assert words.kinds_of_saes({"unguided"}) == ""


def test_words_and_colours_follow_the_role(use: Callable[[str], None]) -> None:
    use("an imported one")
    pair = data.term_pair(ZINC)
    assert pair.guided is not None
    assert pair.baseline is not None
    ahead = pair.baseline._replace(test_f1=0.99, test_f1_low=0.98)
    table = data.compare_table("g", "unguided", "MFO")
    colours = {role: theme.identity(role, "light") for role in ("guided", "unguided", "imported")}

    gap = DifferenceRow("GO:0008270", "g", 0, "i", 1, -0.3, -0.4, -0.2)
    assert words.comparison(pair.guided, ahead, gap, "imported").startswith("The imported feature is ahead")
    assert words.comparison(None, ahead, None, "imported").startswith("Only the imported autoencoder")
    assert "the imported feature on" in term_table.summary(table, term_table.MEASURES["f1"], "imported")
    assert len(set(colours.values())) == 3
    bars = traces(charts.difference(table, "light", role="imported"))[0]
    assert set(bars["marker"]["color"]) == {colours["guided"], colours["imported"], palette.ORIGINS["none"]}


def test_without_a_guided_sae_two_of_a_kind_are_mapped_and_nothing_is_compared(visit: Open) -> None:
    compare = visit("none guided", "compare")

    assert marks(visit("none guided", "map", sae="protsae_c")) == [("unguided", "Plain A"), ("imported", "Plain C")]
    assert marks(visit("none guided", "map", sae="protsae_b")) == [("unguided", "Plain A"), ("unguided", "Plain B")]
    assert compare.title[0].value == "Guided against unguided"
    html = "".join(str(element.proto.body) for element in compare.get("html"))
    assert "This bundle does not hold both kinds of autoencoder." in html
    assert marks(visit("none guided", "find", q=ZINC)) == [("unguided", "Plain A")]


@pytest.mark.parametrize(
    ("name", "shown", "badge"),
    [
        ("signal_peptide", "Signal peptide", "mostly signal peptide"),
        ("pH", "pH", "mostly pH"),
        ("family", "Family", "one family"),
    ],
)
def test_a_confound_needs_no_words_of_its_own(name: str, shown: str, badge: str) -> None:
    found = words.confound_words(name)

    assert (found.name, found.badge) == (shown, badge)
    assert words.confound(ConfoundRow(name, 0.9, 0.8, 0.1, explains=True)).endswith(", with F1 0.80 (luck gives 0.10).")


def test_a_new_confound_is_shown_on_the_feature_that_it_explains(visit: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    visit("an imported one", "find")
    fact = ConfoundRow("signal_peptide", 0.9, 0.8, 0.1, explains=True)
    monkeypatch.setattr(data, "feature_confounds", lambda _: [fact])
    app = visit("an imported one", "feature", sae="unguided", feature="25")
    html = "".join(str(element.proto.body) for element in app.get("html"))

    assert "<td>Signal peptide</td>" in html
    assert ">mostly signal peptide<" in html
    assert "Signal peptide alone predicts where it fires, with F1 0.80" in html
