"""Ids lead out: an accession, a GO id or a PDB id that a page writes has its link to a database on that very page."""

import re
from html import unescape

import pytest
from streamlit.testing.v1 import AppTest

from explorer.draw import outward
from explorer.services import data

from .conftest import OpenPage, links_of

IDS = re.compile(r"\b(?:GO:\d{7}|Q0T\d{3}|9T\d{2})\b")
"""GO ids, and accessions and PDB ids of the made-up bundle."""
PAGES: list[tuple[str, dict[str, str]]] = [
    ("find", {}),
    ("find", {"q": "zinc ion binding", "roll": "1"}),
    ("find", {"q": "Q0T081"}),
    ("find", {"q": "binding", "list": "features"}),
    ("find", {"q": "binding", "list": "proteins"}),
    ("feature", {"sae": "protsae_mfo", "feature": "0"}),
    ("feature", {"sae": "vanilla", "feature": "20", "view": "peak"}),
    ("compare", {"go": "GO:0008270"}),
    ("map", {"find": "zinc"}),
    ("protein", {"accession": "Q0T001"}),
    ("protein", {"accession": "Q0T081"}),
    ("sequence", {"accession": "Q0T001"}),
    ("steer", {}),
]


def written(app: AppTest) -> set[str]:
    """Ids in the text of the page that no link holds; what leads to a page of the explorer is a link."""
    found: set[str] = set()
    for element in app.get("html"):
        body = str(element.proto.body)
        if "<style>" not in body:
            found |= set(IDS.findall(unescape(re.sub(r"<a\b.*?</a>|<[^>]*>", " ", body))))
    for kind in ("title", "header", "markdown", "caption"):
        for element in app.get(kind):
            found |= set(IDS.findall(re.sub(r"`[^`]*`", " ", str(getattr(element, "value", "")).replace("\\", ""))))
    for frame in app.dataframe:
        for column in frame.value.columns:
            cells = [
                cell for cell in frame.value[column] if isinstance(cell, str) and not cell.startswith(("http", "./"))
            ]
            found |= {one for cell in cells if not cell.startswith("data:") for one in IDS.findall(cell)}
    return found


def led_out(app: AppTest) -> set[str]:
    """Ids that a link of the page takes to a database."""
    urls = [
        url for element in app.get("html") for url in re.findall(r'href="(https://[^"]+)"', str(element.proto.body))
    ]
    for frame in app.dataframe:
        for column in frame.value.columns:
            urls += [cell for cell in frame.value[column] if isinstance(cell, str) and cell.startswith("https://")]
    return {one for url in urls for one in IDS.findall(url)}


@pytest.mark.parametrize(("page", "params"), PAGES)
def test_no_id_is_dead_text(open_page: OpenPage, page: str, params: dict[str, str]) -> None:
    app = open_page(page, **params)

    assert not app.exception
    assert written(app) - led_out(app) == set()


def test_links_out_are_those_of_the_id() -> None:
    names = [link.text for link in (*outward.of_protein("P00331", "1abc"), *outward.of_sequence("MKV"))]

    assert names == ["UniProt", "AlphaFold DB", "PDB 1ABC", "ESM Atlas"]
    assert outward.ids("A & P00331 <b> GO:0008270, PDB 1ABC, #12") == (
        'A &amp; <a class="ps-id" href="https://www.uniprot.org/uniprotkb/P00331" target="_blank" '
        'rel="noopener noreferrer">P00331</a> &lt;b&gt; <a class="ps-id" '
        'href="https://www.ebi.ac.uk/QuickGO/term/GO:0008270" target="_blank" rel="noopener noreferrer">GO:0008270</a>'
        ', PDB <a class="ps-id" href="https://www.rcsb.org/structure/1ABC" target="_blank" '
        'rel="noopener noreferrer">1ABC</a>, #12'
    )


def test_every_page_of_a_term_links_to_it(open_page: OpenPage) -> None:
    app = open_page("compare", go="GO:0008270")

    assert "GO:0008270" in led_out(app)
    assert data.term("GO:0008270") is not None
    assert links_of(app)
