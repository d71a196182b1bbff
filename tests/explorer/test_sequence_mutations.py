"""The Sequence page's mutations and what a feature relies on: asked for, stopped, gone on with, and wrong input."""

import numpy as np
import pytest

from explorer.draw import substitutions
from explorer.sequence import relied, scans
from explorer.services import data, live, mutating, relying
from explorer.services.mutating import Question, Row
from explorer.services.slices import Known
from protsae.alphabet import AMINO_ACIDS
from protsae.errors import InputError
from protsae.measures.variants import parse_variants

from .conftest import OpenPage, figures_of, html_of, param, text_of, views_of
from .test_sequence import first_protein, store

__all__ = ["store"]


def guided() -> str:
    return data.guided_saes()[0].name


def click(app, label: str):
    next(button for button in app.button if button.label.startswith(label)).click()
    return app.run()


def begun(app, *keys: str) -> None:
    """Let a scan or an attribution run to its end, as the page's timer would."""
    for key in keys:
        question = next(iter(app.session_state[f"{key}_begun"]))
        (mutating.scan if key == "scan" else relying.reliance)(question, 600)
        if f"{key}_running" in app.session_state:
            del app.session_state[f"{key}_running"]


def test_nothing_is_computed_before_it_is_asked_for(open_page: OpenPage) -> None:
    app = open_page("sequence", tab="mutations", accession=first_protein().accession)

    assert not app.exception
    assert f"Scan all {19 * first_protein().length:,} substitutions" in [button.label for button in app.button]
    assert figures_of(app) == []


def test_a_scan_is_stopped_gone_on_with_and_drawn(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutating, "SLICE_SECONDS", 1e-6)  # a few positions a slice, however fast the machine is
    app = click(open_page("sequence", tab="mutations", accession=first_protein().accession), "Scan all")
    question = next(iter(app.session_state["scan_begun"]))

    app = click(app, "Stop")
    n = len(mutating.scan(question).items)
    assert 0 < n < first_protein().length
    assert f"Go on from position {n + 1}" in " ".join(button.label for button in app.button)
    mutating.scan(question, 600)
    app = app.run()

    assert not app.exception
    drawn = next(trace for trace in figures_of(app)[0]["data"] if trace["type"] == "heatmap")
    known = mutating.scan(question)
    assert known.is_whole
    z = np.array(drawn["z"], float).reshape(20, -1)
    letters = [AMINO_ACIDS.index(letter) for letter in substitutions.BY_CHEMISTRY]
    expected = np.stack([row.values["mean"] for row in known.items])
    base = expected[0, AMINO_ACIDS.index(question.sequence[0])]
    assert base == pytest.approx(
        live.by_feature(question.sequence, question.sae).dense(question.feature or 0).mean(), rel=0.03
    )
    assert z == pytest.approx(100 * (expected.T[letters] - base) / base, abs=0.01)


def test_the_likelihood_is_scanned_too(open_page: OpenPage) -> None:
    app = open_page("sequence", tab="mutations", accession=first_protein().accession, scan="likelihood", likely="wild")
    app = click(app, "Scan all")
    begun(app, "scan")
    app = app.run()

    assert not app.exception
    assert "Residue seen (wild-type marginal): log-odds" in text_of(app)


def test_the_file_of_a_scan_has_every_known_substitution_once(store) -> None:
    found = [Row(position, {"mean": np.full(20, float(position))}) for position in (1, 2)]
    table = scans.table(3, Known(found, 3), "mean")

    lines = substitutions.scan_csv("ACD", [("mean", table)], [("sae", "protsae")]).splitlines()

    assert lines[0] == "variant,wild,position,mutant,mean,sae"
    assert len(lines) == 1 + 2 * 19
    assert "A1R,A,1,R,1,protsae" in lines
    assert not [line for line in lines if line.startswith(("A1A", "D3"))]


def test_variants_stand_in_the_address_and_one_is_shown_in_full(open_page: OpenPage) -> None:
    protein = first_protein()
    one = f"{protein.sequence[2]}3{'W' if protein.sequence[2] != 'W' else 'A'}"
    two = f"{protein.sequence[4]}5{'P' if protein.sequence[4] != 'P' else 'G'}"
    app = open_page("sequence", tab="mutations", accession=protein.accession)
    app.text_area(key="sequence_variants").set_value(f"{one}, {two}\n{one}/{two}").run()

    assert not app.exception
    assert param(app, "variants") == f"{one}, {two} {one}/{two}"
    table = next(element.value for element in app.dataframe if "Likelihood, masked" in element.value)
    assert table["Variant"].tolist() == [one, two, f"{one}/{two}"]
    effect = mutating.effect(protein.sequence, guided(), parse_variants(one, protein.sequence)[0])
    assert table["Likelihood, masked"][0] == pytest.approx(effect.masked)
    assert table["Features lost"][0] == sum(change.peak == 0 for change in effect.changes)
    shown = [view for view in views_of(app) if view["marks"]]
    if effect.changes:
        assert shown[0]["marks"] == [3]


def test_a_wrong_variant_is_one_sentence_and_stays_in_the_box(open_page: OpenPage) -> None:
    protein = first_protein()
    wrong = "W" if protein.sequence[2] != "W" else "A"
    app = open_page("sequence", tab="mutations", accession=protein.accession, variants=f"{wrong}3G")

    assert not app.exception
    assert f"“{wrong}3G” expects {wrong} at position 3, but this sequence has {protein.sequence[2]}" in text_of(app)
    assert app.text_area(key="sequence_variants").value == f"{wrong}3G"


def test_html_in_a_variant_is_text(open_page: OpenPage) -> None:
    app = open_page("sequence", tab="mutations", accession=first_protein().accession, variants="<img/src=x>")

    assert not app.exception
    assert "<img" not in "".join(html_of(app, "ps-empty"))


def test_what_a_feature_relies_on(open_page: OpenPage) -> None:
    protein = first_protein()
    app = click(open_page("sequence", tab="relies", accession=protein.accession), "Find out")
    begun(app, "relied")
    app = app.run()

    assert not app.exception
    question = next(iter(app.session_state["relied_begun"]))
    found = relying.reliance(question)
    assert found is not None
    assert found.is_whole
    assert f"Context index {found.context_index:.2f}" in text_of(app)
    view = next(view for view in views_of(app) if view["rows"][0]["code"] == "reliance")
    assert view["marks"] == [question.focus]
    lines = relied.windows_csv(found).splitlines()
    assert len(lines) == 1 + len(found.windows)


def test_a_silent_feature_is_not_explained(store) -> None:
    protein = first_protein()
    silent = next(
        feature
        for feature in range(data.sae(guided()).d_sae)
        if not live.by_feature(protein.sequence, guided()).dense(feature)[0] > 0
    )

    with pytest.raises(InputError, match="is silent at"):
        relying.reliance(relying.Question(protein.sequence, 1, guided(), silent), 1)


def test_the_belief_in_a_residue_is_explained(store) -> None:
    found = relying.reliance(relying.Question(first_protein().sequence, 5, guided(), None), 600)

    assert found is not None
    assert found.is_whole
    assert found.insertion[-1] == pytest.approx(1, abs=1e-4)
    assert 0 < found.whole < 1


def test_where_nothing_falls_no_residue_is_named() -> None:
    change = np.ones((2, 20))

    assert substitutions.most_sensitive("AC", change) == []
    assert substitutions.lowest_words([], "%") == ""
    change[1] = -3
    assert substitutions.most_sensitive("AC", change) == [("C2", -3.0)]
    assert Question("AC", "a", 1) != Question("AC", "a", None)
