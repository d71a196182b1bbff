"""Site labels: which residues a GO term's map names, and for which proteins they count."""

import numpy as np
import pandas as pd
import pytest

from precompute.align.site_terms import SITE_TERMS, Named, SiteTerm
from precompute.align.sites import label
from precompute.corpus.proteins import Corpus
from precompute.inputs import contacts, feature_columns

ZINC, ATP = "GO:0008270", "GO:0005524"
TERMS = {term.go_id: term for term in SITE_TERMS}


def corpus(*lengths: int) -> Corpus:
    n = len(lengths)
    names = np.array([f"P{number}" for number in range(n)])
    return Corpus(names, np.array(["train"] * n), np.ones(n, bool), ["A" * length for length in lengths], [])


def regions(*rows: tuple[str, str, str, int, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["accession", "kind", "label", "start_pos", "end_pos"])


def carried(*rows: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["go_id", "accession"])


def test_every_kind_is_one_that_the_inputs_write() -> None:
    written = {*feature_columns.KINDS.values(), *contacts.KINDS.values()}
    assert {named.kind for term in SITE_TERMS for named in term.named} <= written


def test_a_term_stands_once() -> None:
    assert len(TERMS) == len(SITE_TERMS)


@pytest.mark.parametrize(
    ("go_id", "kind", "text", "fits"),
    [
        (ZINC, "Binding site", "Zinc 2; catalytic", True),
        (ZINC, "Binding site", "Zn(2+)", True),
        (ZINC, "Binding site", "Magnesium", False),
        (ZINC, "Zinc finger", "C2H2-type 1", True),
        (ZINC, "Zinc finger", "dksA C4-type; degenerate", False),
        (ZINC, "Active site", "Zinc", False),
        (ATP, "Binding site", "ATP; via amide nitrogen", True),
        (ATP, "Binding site", "dATP", False),
        (ATP, "Region", "ATP-binding", True),
        (ATP, "Region", "Substrate binding", False),
        ("GO:0005506", "Binding site", "Iron-sulfur (4Fe-4S)", False),
        ("GO:0005506", "Binding site", "Iron (heme axial ligand)", True),
        ("GO:0051287", "Binding site", "NADP", False),
        ("GO:0051287", "Binding site", "NAD; via carbonyl oxygen", True),
        ("GO:0050661", "Binding site", "NADP", True),
        ("GO:0005509", "Binding site", "", False),
    ],
)
def test_labels_name_the_ligand(go_id: str, kind: str, text: str, *, fits: bool) -> None:
    assert any(named.fits(kind, text) for named in TERMS[go_id].named) is fits


def test_residues_count_where_the_protein_carries_the_term() -> None:
    terms = (
        SiteTerm("GO:1", "one", (Named("Binding site", "zinc"), Named("Zinc finger"))),
        SiteTerm("GO:2", "two", ()),
    )
    found = label(
        corpus(5, 4, 6),
        regions(
            ("P1", "Binding site", "Zinc 1", 1, 1),
            ("P1", "Zinc finger", "", 0, 2),
            ("P2", "Binding site", "Zinc", 3, 3),
            ("P0", "Binding site", "Iron", 0, 0),
        ),
        carried(("GO:1", "P0"), ("GO:1", "P1"), ("GO:9", "P2"), ("GO:2", "P1")),
        terms,
    )
    assert found.first.tolist() == [0, 5, 9, 15]
    assert found.residues.toarray()[:, 0].nonzero()[0].tolist() == [5, 6, 7]
    assert found.residues.max() == 1, "a residue that two annotations name counts once"
    assert found.residues[:, [1]].nnz == 0
    assert found.annotated.tolist() == [[False, False], [True, False], [False, False]]


def test_no_annotation_at_all_gives_empty_labels() -> None:
    found = label(corpus(3), regions(), carried(), SITE_TERMS[:2])
    assert found.residues.shape == (3, 2)
    assert found.residues.nnz == 0
    assert not found.annotated.any()
