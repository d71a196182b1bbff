"""The first answer to a sequence: the surest calls, one a branch, each beside its null, or nothing."""

from pathlib import Path

import pytest

from explorer.draw import verdicts
from explorer.protein import predictions
from explorer.protein.predictions import Call
from explorer.sequence.answer import answer
from explorer.services import data
from protsae.store.analyses.calibration import Band
from protsae.store.rows import ProteinRow

from .conftest import OpenPage, html_of, views_of

BELOW = {"GO:1": {"GO:2", "GO:3"}, "GO:4": {"GO:3"}}
"""GO:1 and GO:4 lie above GO:3; GO:5 is a stranger."""


@pytest.fixture
def call(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """A firm call of which nothing was measured."""
    monkeypatch.setenv("PROTSAE_BUNDLE", str(tiny_bundle))
    monkeypatch.setattr(verdicts, "is_validated", lambda _: True)
    monkeypatch.setattr(predictions, "relatives", lambda go_id: (frozenset(), frozenset(BELOW.get(go_id, ()))))
    one = predictions.calls(stored()[0].sequence)[0]
    return one._replace(term=one.term._replace(threshold=-1.0, test_precision=0.9), band=None)


def carried(call: Call, go_id: str, information: float, hits: int, n: int, *, positive: int = 10) -> Call:
    """The call of a term that `hits` of `n` proteins with its signal carry, and `positive` of 1,000 in all."""
    band = Band(go_id, call.term.feature, 0, 0.0, n, hits, 1000, positive)
    return call._replace(
        term=call.term._replace(go_id=go_id, term_name=f"<b>{go_id}"), information=information, band=band
    )


def stored() -> list[ProteinRow]:
    """The bundle's proteins."""
    reader = data.bundle().reader
    return reader.proteins(list(reader.sequence_index()["accession"]))


def ids(found: list[Call]) -> list[str]:
    return [one.term.go_id for one in found]


def test_what_says_more_and_what_is_surer_comes_first(call: Call) -> None:
    vague = carried(call, "GO:6", 1.0, 30, 35)
    sure = carried(call, "GO:5", 7.0, 30, 35)
    lucky = carried(call, "GO:7", 7.0, 1, 1)

    assert ids(predictions.surest([vague, lucky, sure])) == ["GO:5", "GO:7", "GO:6"]
    assert ids(predictions.surest([vague, lucky, sure], most=1)) == ["GO:5"]


def test_of_a_branch_one_term_is_said(call: Call) -> None:
    above, below, beside, strange = (
        carried(call, go_id, information, 30, 35)
        for go_id, information in (("GO:1", 6.0), ("GO:3", 7.0), ("GO:4", 5.0), ("GO:5", 4.0))
    )

    assert ids(predictions.surest([above, below, beside, strange])) == ["GO:3", "GO:5"]
    assert ids(predictions.surest([above, beside, strange])) == ["GO:1", "GO:5"]


def test_nothing_is_said_that_is_not_above_chance_or_was_not_measured(call: Call) -> None:
    as_chance = carried(call, "GO:5", 7.0, 30, 100, positive=300)
    unseen = carried(call, "GO:5", 7.0, 0, 0)
    not_called = carried(call, "GO:5", 7.0, 30, 35)
    not_called = not_called._replace(term=not_called.term._replace(threshold=call.score + 1))

    assert predictions.surest([call, as_chance, unseen, not_called]) == []
    assert answer([], None) == ""


def test_a_line_tells_counts_null_and_what_the_training_knew(call: Call) -> None:
    found = predictions.surest([carried(call, "GO:5", 7.0, 30, 35)])

    assert "carried by 30 of 35 unseen proteins with such a signal, by 1 % of all" in answer(found, "test")
    assert "&lt;b&gt;GO:5" in answer(found, None)
    assert "<b>" not in answer(found, None)
    assert "no evidence" in answer(found, "train")
    assert "flatters" in answer(found, "valid")
    assert "(" not in answer(found, "test").split(":")[0]


def test_the_sentence_tells_rates_at_these_signals_and_what_is_no_better_than_chance(call: Call) -> None:
    sure, lucky = carried(call, "GO:5", 7.0, 30, 40), carried(call, "GO:7", 9.0, 25, 100, positive=250)

    said = predictions.sentence([sure, lucky], None, 300)
    assert "at signals like these 50 % of the calls were right on average there, 13 % would be by chance." in said
    assert "1 of them is not surely above chance" in said
    assert "whole proteins" not in said
    assert ids(sorted([lucky, sure], key=predictions._order)) == ["GO:5", "GO:7"]
    assert "chance, and" not in predictions.sentence([sure], None, 300)
    assert "right on average." in predictions.sentence([call._replace(band=None)], None, 300)


def test_rates_of_whole_proteins_say_nothing_of_a_peptide(call: Call, open_page: OpenPage) -> None:
    assert "Few are as short as these 10 residues" in predictions.sentence(
        [carried(call, "GO:5", 7.0, 30, 40)], None, 10
    )

    protein = next(row for row in stored() if predictions.surest(predictions.calls(row.sequence)))
    app = open_page("sequence", sequence=protein.sequence[: predictions.WHOLE - 1])
    assert not html_of(app, "ps-answer")
    assert not app.exception


def test_the_answer_stands_on_the_page_and_its_features_come_first(open_page: OpenPage) -> None:
    app = open_page("sequence")
    protein = next(row for row in stored() if predictions.surest(predictions.calls(row.sequence)))
    surest = predictions.surest(predictions.calls(protein.sequence))

    app = open_page("sequence", accession=protein.accession)

    said = " ".join(html_of(app, "ps-answer"))
    assert all(one.term.term_name in said for one in surest)
    shown = [row["code"] for row in views_of(app)[0]["rows"]]
    assert shown[: len(surest)] == [f"{one.term.sae} {one.term.feature}" for one in surest]
