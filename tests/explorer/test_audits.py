"""Feature, beyond its label: what a dense one carries."""

from pathlib import Path

from tiny_dense import PARTNER

from protsae.bundle.opening import open_bundle
from protsae.store.analyses.dense import DENSEST

from .conftest import OpenPage, links_of, subheaders_of, text_of


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
    assert "Ten things" in str([one.label for one in app.expander])
    opened = next(link for link in links_of(app, "feature") if link.text == f"Open feature #{PARTNER}")
    assert opened.params["feature"] == str(PARTNER)

    app = open_page("feature", sae="vanilla", feature=dense_feature(tiny_bundle, 1))
    assert "none of ten things that dense features are known to carry explains it" in text_of(app)


def test_a_sparse_feature_is_not_asked_why_it_is_dense(open_page: OpenPage, tiny_bundle: Path) -> None:
    with open_bundle(tiny_bundle) as opened:
        rows = opened.reader.tuples("SELECT feature FROM feature WHERE sae = 'vanilla' ORDER BY density", [])
    app = open_page("feature", sae="vanilla", feature=str(rows[0][0]))
    assert "Why so many residues?" not in subheaders_of(app)
