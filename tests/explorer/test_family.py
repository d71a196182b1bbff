"""The sections `Family` and `Missing annotations?` of the Feature page, on made-up trees and lists."""

import csv
import io

import pytest
from tiny_families import TREE
from tiny_shortlist import ELSEWHERE

from explorer.draw import candidates
from explorer.services import data, families, shortlists
from explorer.services.refs import FeatureRef
from protsae.store.analyses.families import FAMILIES
from protsae.store.analyses.shortlist import SHORTLIST

from .conftest import OpenPage, links_of, subheaders_of, text_of


def test_a_tree_has_its_feature_between_parent_and_children(open_page: OpenPage) -> None:
    app = open_page("feature", sae="vanilla", feature="17")
    text = text_of(app)
    linked = [int(link.params["feature"]) for link in links_of(app, "feature") if link.params.get("sae") == "vanilla"]

    assert "Family" in subheaders_of(app)
    assert [feature for feature in linked if feature in (16, 30, 32)][-3:] in ([16, 30, 32], [16, 32, 30])
    assert "this feature" in text
    assert "2 narrower features together fire on 93 % of its residues (with their amino acids alone they would" in text
    assert "83 % of its residues lie in the one above (chance 12 %, amino acids alone 21 %)" in text
    assert "lie closer in the ontology than chance: mean similarity 0.62" in text
    assert "drawn at random, have 0.20 (95 % of draws below 0.40; q = 0.002)" in text


def test_the_tree_is_as_the_store_has_it(open_page: OpenPage) -> None:
    open_page("find")
    found = families.family_of(FeatureRef("vanilla", 25))

    assert found is not None
    assert {one.feature: one.parent for one in found.members} == TREE
    assert [one.feature for one in found.path(25)] == [16, 18, 25]
    order = [one.feature for one in found.in_order()]
    assert order[0] == 16
    assert sorted(order) == sorted(TREE)
    assert all(order.index(one.feature) > order.index(one.parent) for one in found.members if one.parent is not None)


def test_a_deep_family_is_cut_until_all_is_asked_for(open_page: OpenPage) -> None:
    cut = open_page("feature", sae="vanilla", feature="18")
    whole = open_page("feature", sae="vanilla", feature="18", family="1")

    assert not any("Hangs on" in frame.value for frame in cut.dataframe)
    (table,) = [frame.value for frame in whole.dataframe if "Hangs on" in frame.value]
    assert len(table) == len(TREE)
    assert table["Explained by"].tolist().count("one family") == 1


def test_twins_are_one_finding(open_page: OpenPage) -> None:
    assert "Nearly the same residues make #40 (71 %) fire" in text_of(open_page("feature", sae="vanilla", feature="41"))


def test_absorption_is_told_of_both_features(open_page: OpenPage) -> None:
    open_page("find")
    table = data.bundle().reader.analysis_table(FAMILIES, "absorbed").iloc[0]
    general = text_of(open_page("feature", sae=table["sae"], feature=str(table["feature"])))
    specific = text_of(open_page("feature", sae=table["sae"], feature=str(table["child"])))

    assert f"it calls 20 % where #{table['child']} calls them; of the others" in general
    assert f"#{table['feature']} stands for" in specific
    assert "(with shuffled calls 4.0 %; q = 0.001)" in general


def test_a_feature_without_relatives_says_so(open_page: OpenPage) -> None:
    text = text_of(open_page("feature", sae="vanilla", feature="50"))

    assert "No other feature shares most of its residues" in text or "more than a tenth of all residues" in text


@pytest.mark.parametrize(("analysis", "sentence"), [(FAMILIES, "families"), (SHORTLIST, "shortlist")])
def test_a_bundle_without_the_analysis_says_so(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, analysis: object, sentence: str
) -> None:
    open_page("find")
    reader = data.bundle().reader
    monkeypatch.setattr(reader, "absence", lambda asked: f"No {asked.name}." if asked is analysis else "")

    assert f"No {sentence}." in text_of(open_page("feature", sae="vanilla", feature="17"))


def named() -> FeatureRef:
    """A feature that a GO term names which holds."""
    return next(FeatureRef(row.sae, row.feature) for row in data.validated() if row.sae == "protsae_mfo")


def test_the_list_has_its_evidence_and_how_good_it_is(open_page: OpenPage) -> None:
    open_page("find")
    ref = named()
    app = open_page("feature", sae=ref.sae, feature=str(ref.feature))
    text = text_of(app)
    (table,) = [frame.value for frame in app.dataframe if "How surprising" in frame.value]

    assert "Of 12 annotated proteins that it calls, 4 lack" in text
    assert "were the term dealt out at random, 9 would" in text
    assert "finds 60 % of them (drawn at random 10 %, by amino-acid composition 20 %)" in text
    assert table["How surprising"].tolist() == [
        "probably just family: a relative has the term",
        "probably just a wider term: its parent is annotated (binding)",
        "a sibling term is annotated: perhaps that is what fires (binding)",
        "annotated, but with nothing near (binding)",
        "nothing annotated in this sub-ontology",
    ]
    assert table["Right at this score"].tolist() == ["no test protein", "1 of 2", "2 of 4", "3 of 6", "4 of 8"]
    assert table["Relatives with it"].tolist()[:2] == ["2 of 3: Q0T081, Q0T091", "0 of 3"]
    assert table["Site evidence"].tolist()[:2] == ["none", "Metal contact 4"]
    assert table["UniProt"].tolist()[-1] == f"https://www.uniprot.org/uniprotkb/{ELSEWHERE}"
    assert "4 of 5 are shipped with this bundle" in text
    assert "discover" not in text.lower()


def test_files_name_protein_term_score_and_bundle(open_page: OpenPage) -> None:
    open_page("find")
    found = shortlists.shortlist_of(named())
    assert found is not None
    shipped = shortlists.sequences([row.accession for row in found.rows])
    fasta = candidates.fasta(found.rows, shipped, found.facts, "binding", "tiny")
    lines = list(csv.DictReader(io.StringIO(candidates.table_csv(found.rows, found.facts))))

    first = found.rows[0]
    assert fasta.count(">") == 4
    assert fasta.splitlines()[0] == (
        f">{first.accession} {first.protein_name} | candidate for {found.facts.go_id} binding | score 1.75 of "
        f"{found.facts.sae} {found.facts.feature} | bundle tiny"
    )
    assert "".join(fasta.split(">")[1].splitlines()[1:]) == shipped[first.accession]
    assert [line["accession"] for line in lines] == [row.accession for row in found.rows]
    assert lines[0]["go_id"] == found.facts.go_id


def test_a_feature_without_a_held_term_has_no_list(open_page: OpenPage) -> None:
    text = text_of(open_page("feature", sae="vanilla", feature="50"))

    assert "called after no GO term that holds" in text
