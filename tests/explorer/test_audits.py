"""Feature, beyond its label: what a dense one carries, what strongest proteins share, what a label tells."""

import shutil
from pathlib import Path

import pytest
from tiny_dense import PARTNER

from explorer.draw import label_worth
from explorer.find import unguided
from explorer.services import audits, data
from explorer.services.refs import FeatureRef
from protsae.bundle.opening import open_bundle
from protsae.store.analyses.dense import DENSEST
from protsae.store.analyses.enriched import surest_terms
from protsae.store.analyses.telling import Intervention

from .conftest import OpenPage, links_of, opener, subheaders_of, text_of


def dense_feature(tiny_bundle: Path, place: int) -> str:
    with open_bundle(tiny_bundle) as opened:
        rows = opened.reader.tuples(
            "SELECT feature FROM feature WHERE sae = 'vanilla' AND density > ? ORDER BY feature", [DENSEST]
        )
    return str(rows[place][0])


def test_a_dense_feature_says_what_it_carries(open_page: OpenPage, tiny_bundle: Path) -> None:
    app = open_page("feature", sae="vanilla", feature=dense_feature(tiny_bundle, 0))
    assert "Why so many residues?" in subheaders_of(app)
    said = text_of(app)
    assert f"whose other half is feature #{PARTNER}" in said
    assert "it tells leucine" in said
    assert "Eleven things" in str([one.label for one in app.expander])
    opened = next(link for link in links_of(app, "feature") if link.text == f"Open feature #{PARTNER}")
    assert opened.params["feature"] == str(PARTNER)

    app = open_page("feature", sae="vanilla", feature=dense_feature(tiny_bundle, 1))
    assert "none of eleven things that dense features are known to carry explains it" in text_of(app)


def test_a_sparse_feature_is_not_asked_why_it_is_dense(open_page: OpenPage, tiny_bundle: Path) -> None:
    with open_bundle(tiny_bundle) as opened:
        rows = opened.reader.tuples("SELECT feature FROM feature WHERE sae = 'vanilla' ORDER BY density", [])
    app = open_page("feature", sae="vanilla", feature=str(rows[0][0]))
    assert "Why so many residues?" not in subheaders_of(app)


def test_an_unguided_feature_says_what_its_strongest_proteins_share(open_page: OpenPage, tiny_bundle: Path) -> None:
    with open_bundle(tiny_bundle) as opened:
        row = next(one for one in surest_terms(opened.reader) if one.sae == "vanilla")
    app = open_page("feature", sae=row.sae, feature=str(row.feature))

    assert not app.exception
    assert "What do its strongest proteins share?" in subheaders_of(app)
    assert f"they share {row.name} (12 times as often as by chance)." in text_of(app)
    assert "0 of 15, luck 0.5 (p 1)" in text_of(app), "what test does not confirm is in the table alone"
    assert "(terms dealt at random: 0)" in text_of(app)
    assert any(link.params.get("q") == row.term for link in links_of(app, "find"))

    guided = open_page("feature", sae="protsae_mfo", feature="0")
    assert "What do its strongest proteins share?" not in subheaders_of(guided)


def test_a_term_leads_to_unguided_features_whose_strongest_proteins_carry_it(
    open_page: OpenPage, tiny_bundle: Path
) -> None:
    with open_bundle(tiny_bundle) as opened:
        row = next(one for one in surest_terms(opened.reader) if one.sae == "vanilla")
    app = open_page("find", q=row.term)

    assert not app.exception
    assert any("Strongest proteins carry it" in one.label for one in app.expander)
    linked = {(link.params["sae"], link.params["feature"]) for link in links_of(app, "feature")}
    found = audits.features_enriched_for(row.term)
    assert (row.sae, row.feature) in {(one.sae, one.feature) for one in found}
    assert {(one.sae, str(one.feature)) for one in found[: unguided.MOST]} <= linked


def test_a_label_is_held_against_where_its_feature_fires(open_page: OpenPage) -> None:
    app = open_page("feature", sae="protsae_mfo", feature="0")
    said = text_of(app)
    assert not app.exception
    assert "Does the label tell where it fires?" in subheaders_of(app)
    assert "92 % of the test proteins in which it fires most (a tenth of them) carry the label, 31 % of those" in said
    assert "(null 0.50): cysteine 2 before" in said
    assert "no more alike than others" in said
    assert "1.2 Å over 5 structures, null 4.6 Å (z -1.0)" in said
    assert "1.0 of 3, null 2.6 (z -4.5); 80 % of it in Saccharomyces cerevisiae, which has 40 %" in said

    few = text_of(open_page("feature", sae="protsae_mfo", feature="3"))
    assert "too few of one to say how well its label tells them apart" in few
    assert "0.71" not in few

    assert "clearly more alike than others" in text_of(open_page("feature", sae="vanilla", feature="20"))


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("letter C", "cysteine"),
        ("letter W at +1", "tryptophan 1 after"),
        ("group aromatic", "aromatic amino acids"),
        ("first 10", "the first 10 residues"),
        ("site Binding site", "annotated binding site"),
        ("", ""),
    ],
)
def test_a_rule_is_said_in_words(rule: str, said: str) -> None:
    assert label_worth.rule(rule) == said


def test_a_label_ranks_by_what_its_proteins_share_and_moves_when_its_feature_is_raised(open_page: OpenPage) -> None:
    row = next(one for one in data.steerability() if one.sae == "protsae_mfo")
    ref = FeatureRef(row.sae, row.feature)
    found, told = audits.intervention(ref), audits.telling(ref)
    assert found is not None
    assert told is not None
    assert told.label_id == row.go_id
    assert found.score == row.difference
    assert found.null == row.random_direction - row.random_feature
    said = text_of(open_page("feature", sae=ref.sae, feature=str(ref.feature)))
    assert "0.66 (null 0.51, highest 0.57)" in said
    assert f"{found.score:+.2f} log-odds beyond a random feature" in said
    assert f"null {found.null:+.2f}), {row.n_proteins} proteins" in said
    assert f"triplets of letters say {row.kmers:+.2f}" in said


def test_what_was_not_steered_says_nothing_of_it(open_page: OpenPage) -> None:
    steered = {(row.sae, row.feature) for row in data.steerability()}
    feature = next(n for n in audits.measured("vanilla")["feature"].tolist() if ("vanilla", n) not in steered)
    assert audits.intervention(FeatureRef("vanilla", feature)) is None
    assert "log-odds beyond a random feature" not in text_of(open_page("feature", sae="vanilla", feature=str(feature)))


def test_only_an_effect_that_beats_both_controls_is_said_to_follow() -> None:
    found = Intervention("a", 1, 20, 2.5, 0.5, 0.25, 2.0, 1.0, 3.0, 0.001, True, 0.01, None)
    name, value, _ = label_worth.raised(found)
    assert name == "Raised, its label follows"
    assert value == "+2.00 log-odds beyond a random feature (+1.00 to +3.00; null -0.25), 20 proteins"
    assert label_worth.raised(found._replace(q_value=0.5))[0] == "Raised, its label"
    assert label_worth.raised(found._replace(difference=-2.0))[0] == "Raised, its label"


def test_every_feature_stands_in_one_table_in_the_order_of_the_address(open_page: OpenPage) -> None:
    app = open_page("compare", view="features", sae="vanilla", sort="alike")
    assert not app.exception
    table = app.dataframe[0].value
    assert table["Alike, z"].is_monotonic_decreasing
    assert len(table) == len(audits.measured("vanilla"))
    assert (table["Label tells"].dropna().between(0, 1)).all()
    assert "Confirmed labels tell" in text_of(app)
    assert "amino acid (L), opposite of a feature" in set(table["Dense: carries"])

    surest = open_page("compare", view="features", sae="protsae_mfo", sort="raised").dataframe[0].value
    assert surest["p"].dropna().is_monotonic_increasing
    assert surest["Raised, label"].notna().any()

    free = open_page("compare", view="features", sae="protsae_mfo", origin="free", sort="rarest")
    shown = free.dataframe[0].value
    assert shown["Fires on, %"].is_monotonic_increasing
    n_defined = (audits.measured("protsae_mfo")["kind"] == "defined").sum()
    assert len(shown) == len(audits.measured("protsae_mfo")) - n_defined

    wrong = open_page("compare", view="features", sae="nope", sort="nope", origin="nope")
    assert not wrong.exception
    assert len(wrong.dataframe[0].value)


def test_a_bundle_without_them_says_so_in_one_sentence_each(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))
    for name in ("alikeness", "breadth", "dense", "enriched", "folds", "steerability", "telling"):
        shutil.rmtree(bundle / "analyses" / name)
    open_page = opener(bundle, monkeypatch)

    every = open_page("compare", view="features", sae="vanilla")
    assert not every.exception
    for name in ("alikeness", "breadth", "dense", "enriched", "folds", "steerability", "telling"):
        assert f"analyse BUNDLE {name}" in text_of(every)
    assert len(every.dataframe[0].value)

    feature = open_page("feature", sae="vanilla", feature=dense_feature(bundle, 0))
    assert not feature.exception
    for name in ("alikeness", "breadth", "dense", "folds", "steerability", "telling"):
        assert f"analyse BUNDLE {name}" in text_of(feature)
    assert not open_page("find", q="GO:0003677").exception
