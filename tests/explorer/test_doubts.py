"""A feature that one simple fact explains bears its badge, or the cell of a table, wherever it is listed."""

from streamlit.testing.v1 import AppTest

from explorer.draw import confounded
from explorer.services import data
from explorer.services.explained import explained
from explorer.services.refs import FeatureRef
from explorer.shell import doubts

from .conftest import OpenPage, html_of

PLANTED = {25: "mostly position", 27: "one family", 28: "mostly length", 29: "mostly organism"}
"""What `tiny_alignments.CONFOUNDED` makes of features of every SAE, in words."""


def badges(app: AppTest) -> str:
    return "\n".join(html_of(app, "ps-badge"))


def test_one_look_up_says_what_the_feature_page_says(open_page: OpenPage) -> None:
    app = open_page("feature", sae="vanilla", feature="27")
    found = explained("vanilla")

    assert set(found) == {25, 26, 27, 28, 29}
    assert doubts.column(("vanilla", feature) for feature in (24, *PLANTED)) == ["", *PLANTED.values()]
    for fact in data.feature_confounds(FeatureRef("vanilla", 27)):
        assert fact.explains == (fact == found[27].fact)
    assert doubts.badge("vanilla", 27) in html_of(app, "ps-badge")[0]


def test_amino_acids_are_named_up_to_three(open_page: OpenPage) -> None:
    open_page("find")
    fact = explained("vanilla")[26].fact
    some, many = [0.0] * 20, [2.0] * 20
    some[8] = 3.0

    assert confounded.text(fact, some) == "mostly on histidine"
    assert confounded.text(fact, many) == "mostly amino acid"


def test_find_lists_it_with_its_badge(open_page: OpenPage) -> None:
    assert ">mostly position<" in badges(open_page("find", q="vanilla #25"))
    assert "mostly" not in badges(open_page("find", q="vanilla #24"))
    (term,) = [row.go_id for row in data.feature_terms(FeatureRef("vanilla", 25)) if row.is_best_for_term][:1]
    assert ">mostly position<" in badges(open_page("find", q=term))


def test_the_feature_page_marks_neighbours_and_relatives(open_page: OpenPage) -> None:
    shown = badges(open_page("feature", sae="vanilla", feature="18"))

    assert ">mostly position<" in shown  # 25 hangs on it


def test_a_neighbour_bears_it(open_page: OpenPage) -> None:
    open_page("find")
    ref, near = next(
        (ref, row)
        for ref in (FeatureRef("vanilla", feature) for feature in range(64) if feature not in explained("vanilla"))
        for row in data.neighbours(ref)
        if row.other_sae == "vanilla" and row.rank <= 4 and row.other_feature in PLANTED
    )

    assert f">{PLANTED[near.other_feature]}<" in badges(open_page("feature", sae="vanilla", feature=str(ref.feature)))


def test_the_map_s_lists_have_it(open_page: OpenPage) -> None:
    open_page("find")
    row = data.feature(FeatureRef("vanilla", 25))
    assert row is not None
    app = open_page("map", sae="vanilla", find=row.label)

    cells = [cell for frame in app.dataframe for cell in frame.value[confounded.COLUMN]]
    assert "mostly position" in cells or ">mostly position<" in badges(app)


def test_the_sequence_page_has_a_column_for_it(open_page: OpenPage) -> None:
    open_page("find")
    example = data.examples(FeatureRef("vanilla", 28), "top")[0]
    table = open_page("sequence", accession=example.accession, sae="vanilla", feature="28").dataframe[0].value

    cells = dict(zip(table["Feature"].str.extract(r"feature=(\d+)")[0], table[confounded.COLUMN], strict=True))
    assert cells["28"] == "mostly length"
    assert {cell for feature, cell in cells.items() if int(feature) not in explained("vanilla")} == {""}


def test_the_steer_page_has_it_in_the_list_and_beside_the_feature(open_page: OpenPage) -> None:
    app = open_page("steer", sae="vanilla", feature="29")

    assert ">mostly organism<" in badges(app)
    assert any(option.endswith("mostly organism") for option in app.selectbox(key="steer_feature").options)


def test_compare_s_cards_and_table_have_it(open_page: OpenPage) -> None:
    open_page("find")
    term = next(
        row
        for feature in PLANTED
        for row in data.feature_terms(FeatureRef("vanilla", feature))
        if row.is_best_for_term and data.guided_saes(row.namespace)
    )
    app = open_page("compare", go=term.go_id)
    table = app.dataframe[0].value.set_index("go_id")

    assert PLANTED[term.feature] in badges(app)
    assert table.loc[term.go_id, "baseline_explained"] == PLANTED[term.feature]
