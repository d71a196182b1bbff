"""Two proteins side by side: aligned, on one scale, and what cannot be aligned is said."""

import numpy as np
import pytest

from explorer.protein import matching
from explorer.sequence import beside
from explorer.services import data, live

from .conftest import OpenPage, param, text_of, views_of
from .test_sequence import first_protein, store

__all__ = ["store"]


def test_a_mutant_lies_residue_on_residue(open_page: OpenPage) -> None:
    protein = first_protein()
    letter = "W" if protein.sequence[9] != "W" else "A"
    mutant = f"{protein.sequence[:9]}{letter}{protein.sequence[10:]}"
    app = open_page("sequence", tab="beside", accession=protein.accession, beside=f">mine\n{mutant}")

    assert not app.exception
    assert f"mine: {protein.length:,} residues, 99 % identical over 100 %" in text_of(app)
    view = next(view for view in views_of(app) if any(row["label"] == "… in mine" for row in view["rows"]))
    first, second = view["rows"][:2]
    assert first["scale"] == second["scale"]
    sae, feature = first["code"].split(" ")
    assert second["values"] == pytest.approx(live.by_feature(mutant, sae).dense(int(feature)).tolist(), rel=1e-3)
    assert param(app, "beside") == f">mine\n{mutant}"


def test_what_is_left_out_is_hatched_and_counted() -> None:
    match = matching.aligned("MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ", "MKTAYIAKQRGGGGGGQISFVKSHFSRQLEERLG", "x")
    other = beside.Other("x", "M" * 34, match)

    on_first = other.on_first(np.arange(1.0, 35), 33)

    assert on_first[:10].tolist() == list(range(1, 11))
    assert on_first[10] == 17
    assert np.isnan(on_first[28:]).all()
    assert (match.query_positions == 0).sum() == 6


def test_the_table_tells_both_and_the_most_different_first(store) -> None:
    rows = [data.protein(accession) for accession in data.bundle().reader.sequence_index()["accession"][:2]]
    assert rows[0] is not None
    assert rows[1] is not None
    sae = data.guided_saes()[0].name

    table = beside.compared(rows[0].sequence, rows[1].sequence, sae)
    same = beside.compared(rows[0].sequence, rows[0].sequence, sae)

    assert (np.diff(table["difference"].abs()) <= 0).all()
    top = int(table["feature"][0])
    assert table["second_peak"][0] == pytest.approx(live.by_feature(rows[1].sequence, sae).dense(top).max())
    assert not same["difference"].any()


def test_a_wrong_text_is_one_sentence(open_page: OpenPage) -> None:
    app = open_page(
        "sequence", tab="beside", accession=first_protein().accession, beside=">a\nMKTAYIAKQR\n>b\nMKTAYIAKQRQ"
    )

    assert not app.exception
    assert "The box holds several proteins" in text_of(app)
