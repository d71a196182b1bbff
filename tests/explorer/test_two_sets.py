"""Compare, two sets of proteins: what is read, what is drawn, what is found, and what is said of a mistake."""

import numpy as np
import pytest

from explorer.compare import protein_sets, sets_view
from explorer.compare.protein_sets import Gathered, Member
from explorer.services import cached, data, live, set_scores
from explorer.services.set_scores import Plan
from protsae.errors import InputError

from .conftest import OpenPage, figures_of, html_of, links_of, param, subheaders_of, text_of

ZINC, ATP = "go:GO:0008270", "go:GO:0005524"


@pytest.fixture(autouse=True)
def small_sets(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The made-up bundle has few families."""
    monkeypatch.setattr(protein_sets, "LEAST", 2)
    cached.forget()
    open_page("find")


def test_nothing_runs_before_it_is_asked_for(open_page: OpenPage) -> None:
    app = open_page("compare", view="sets", a=ZINC, b="rest")

    assert not app.exception
    assert app.title[0].value == sets_view.TITLE
    assert subheaders_of(app) == []
    assert app.button(key="sets_start").label == "Compare the sets"
    assert "one protein of each is run" in text_of(app)


def run_through(open_page: OpenPage, **params: str):
    app = open_page("compare", view="sets", **params)
    plan = plan_of(params["a"], params["b"])
    set_scores.run(plan, seconds=1e9)
    return app.run(), plan


def plan_of(a: str, b: str) -> Plan:
    pair = protein_sets.pair(a, b)
    return Plan(data.saes()[0].name, protein_sets.sequences(pair.a), protein_sets.sequences(pair.b))


def test_what_was_run_is_shown_with_its_null_its_list_and_its_files(open_page: OpenPage) -> None:
    app, plan = run_through(open_page, a=ZINC, b=ATP, cut="all")
    tested = set_scores.tested(plan, "max")
    shown = app.dataframe[0].value

    assert not app.exception
    assert subheaders_of(app) == ["Features that differ"]
    assert shown["Feature"].tolist() == tested.features["feature"].tolist()
    assert shown["AUROC"].to_numpy() == pytest.approx(tested.features["auroc"].to_numpy())
    assert "where the same proteins are dealt at random, 20 times" in text_of(app)
    assert len(figures_of(app)) == 1
    assert [button.proto.label for button in app.get("download_button")] == [
        "Features (CSV)",
        "Proteins run (CSV)",
        "Proteins run (FASTA)",
    ]


def test_the_button_starts_and_stop_ends_the_run(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sets_view.slices, "SLICE_SECONDS", 1e-9)
    app = open_page("compare", view="sets", a=ZINC, b="org:Fabula ficta")
    app.button(key="sets_start").click().run()
    assert "sets_stop" in [button.key for button in app.button]
    assert any("Protein 1 of" in str(element.proto) for element in app.get("progress"))
    app.button(key="sets_stop").click().run()

    assert "sets_start" in [button.key for button in app.button]


def test_scores_are_what_the_model_says_live() -> None:
    protein = data.protein("Q0T011")
    assert protein is not None
    name = data.saes()[0].name
    found = set_scores.scores(protein.sequence, name)
    acts = live.encode(protein.sequence, name).acts.toarray()

    assert found.feature.tolist() == np.flatnonzero(acts.max(axis=0)).tolist()
    assert found.peak == pytest.approx(acts.max(axis=0)[found.feature])
    assert found.mean == pytest.approx(acts.mean(axis=0)[found.feature], rel=1e-5)


def test_the_list_follows_cutoff_and_direction(open_page: OpenPage) -> None:
    _, plan = run_through(open_page, a=ZINC, b=ATP)
    tested = set_scores.tested(plan, "mean")

    assert (sets_view.listed(tested, plan.sae, "all", "a")["auroc"] > 0.5).all()
    assert (sets_view.listed(tested, plan.sae, "all", "b")["auroc"] < 0.5).all()
    assert (sets_view.listed(tested, plan.sae, "0.01", "both")["q"] <= 0.01).all()
    named = sets_view.listed(tested, plan.sae, "all", "both")
    assert set(named["grade"]) <= {"strong", "weak", "not validated"}
    assert "position" in " ".join(named["mostly"]) or "amino" in " ".join(named["mostly"])


def test_a_set_is_a_list_a_term_an_organism_or_the_rest() -> None:
    term = protein_sets.gathered(ZINC, "A")
    listed = protein_sets.gathered("list: q0t001, Q0T011\nQ0T001", "A")
    organism = protein_sets.gathered("org:Fabula ficta", "A")
    assert term is not None
    assert listed is not None
    assert organism is not None

    assert {member.name for member in term.members} == set(data.accessions_with_term("GO:0008270"))
    assert [member.name for member in listed.members] == ["Q0T001", "Q0T011"]
    assert len(organism.members) == 26
    assert protein_sets.gathered("rest", "B") is None
    others = protein_sets.rest(term)
    clusters = {member.cluster for member in term.members}
    assert not clusters & {member.cluster for member in others.members}


def test_names_and_genes_are_read_as_one_means_them() -> None:
    row = data.protein("Q0T001")
    assert row is not None
    for name in (row.accession, row.entry_name.lower(), row.protein_name, row.gene_names.split()[1]):
        found = protein_sets.gathered(f"list:{name}", "A")
        assert found is not None
        assert [member.name for member in found.members] == ["Q0T001"]


def test_fasta_of_a_stored_protein_takes_its_family_and_a_strangers_has_its_own() -> None:
    row = data.protein("Q0T001")
    assert row is not None
    found = protein_sets.gathered(f"list:>mine\n{row.sequence}\n>other\n{'MKV' * 15}", "A")
    assert found is not None

    assert [member.name for member in found.members] == ["mine", "other"]
    assert found.members[0].cluster == row.cluster
    assert found.members[1].cluster not in set(protein_sets.stored()["cluster"])


@pytest.mark.parametrize(
    ("a", "sentence"),
    [
        ("list:Q0T001 nonsense9 more9", "'nonsense9' (and 1 more) is not among the 40 proteins of this bundle"),
        ("list:", "Set A is empty"),
        ("list:" + "MKVA" * 15, "put a line that begins with > before it"),
        ("list:>bad\nMK1$", "Set A, 'bad'"),
        ("go:GO:9999999", "'GO:9999999' is not a term"),
        ("org:Homo nemo", "no protein of this bundle is of 'Homo nemo'"),
        ("thing", "'thing' is no set"),
        ("rest", "'rest' is no set"),
        ("list:madeUp0", "holds 1 homology family; at least 2 are needed"),
    ],
)
def test_a_mistake_is_one_sentence_that_quotes_it(a: str, sentence: str, open_page: OpenPage) -> None:
    with pytest.raises(InputError, match=r"Set A") as raised:
        protein_sets.pair(a, "rest")

    assert sentence in str(raised.value)
    assert str(raised.value).count("\n") == 0


def test_a_mistake_is_shown_and_the_other_set_is_kept(open_page: OpenPage) -> None:
    app = open_page("compare", view="sets", a="list:nonsense9", b=ATP)

    assert not app.exception
    assert "nonsense9" in html_of(app, "ps-empty")[0]
    assert param(app, "b") == ATP


def test_a_name_of_several_proteins_asks_for_the_accession(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protein_sets, "by_name", lambda: {"rpob": ["Q0T001", "Q0T011"]})
    with pytest.raises(InputError, match=r"'rpoB' is the name of 2 proteins here \(Q0T001, Q0T011\)"):
        protein_sets.gathered("list:rpoB", "B")


def test_a_family_is_drawn_once_and_a_large_set_is_sampled_the_same_way_each_time() -> None:
    members = tuple(Member(f"P{number}", f"c{number // 3}") for number in range(900))
    drawn = protein_sets.one_a_family(Gathered("many", members), 0)

    assert (drawn.n_given, drawn.n_families, len(drawn.members)) == (900, 300, protein_sets.MOST)
    assert len({member.cluster for member in drawn.members}) == protein_sets.MOST
    assert protein_sets.one_a_family(Gathered("many", members), 0) == drawn
    assert "150 families are drawn" in sets_view.of_set(drawn)


def test_what_stands_in_both_sets_is_left_out_of_both() -> None:
    one = Gathered("one", (Member("P1", "a"), Member("P2", "b")))
    other = Gathered("other", (Member("P2", "b"), Member("P3", "c")))
    a, b, both = protein_sets.apart(one, other)

    assert ([m.name for m in a.members], [m.name for m in b.members], both) == (["P1"], ["P3"], 1)


def test_the_view_is_reached_from_a_term(open_page: OpenPage) -> None:
    app = open_page("compare", go="GO:0008270")
    app.segmented_control(key="choice_view").set_value("sets").run()

    assert param(app, "view") == "sets"
    assert app.title[0].value == sets_view.TITLE
    assert links_of(app, "compare") == []
