"""Public databases on the Sequence page: nothing is asked without consent, and what comes back is named."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

sys.path.insert(0, str(Path(__file__).parents[1]))
from sources_server import HBA, Public, environment, serving

from explorer.sequence import asking
from explorer.services import outside
from protsae.errors import InputError
from protsae.structure.read import chain_lengths, read_uploaded_structure

from .conftest import OpenPage, param, text_of, views_of
from .test_sequence import give


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Public]:
    """The sources, on this machine; each test begins with an empty cache."""
    monkeypatch.setenv("PROTSAE_CACHE", str(tmp_path))
    outside.client.cache_clear()
    public = Public()
    with serving(public) as base:
        for name, value in environment(base).items():
            monkeypatch.setenv(name, value)
        yield public
    outside.client.cache_clear()


def agree(app: AppTest) -> AppTest:
    return app.toggle(key=asking.AGREED).set_value(True).run()


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label.startswith(label)).click()
    return app.run()


def test_nothing_is_asked_without_consent(open_page: OpenPage, public: Public) -> None:
    app = give(open_page("sequence"), "P69905")

    assert not app.exception
    assert public.asked == []
    assert "Nothing is fetched unless you let it" in text_of(app)
    assert "AlphaFold DB (alphafold.ebi.ac.uk)" in app.toggle(key=asking.AGREED).help


def test_an_accession_that_is_not_here_is_fetched_once_agreed(open_page: OpenPage, public: Public) -> None:
    app = give(agree(open_page("sequence")), "P69905")

    assert not app.exception
    assert views_of(app)[0]["sequence"] == HBA
    assert param(app, "sequence") == HBA
    assert "UniProtKB 2026_04 (CC BY 4.0)" in text_of(app)


def test_an_entry_that_is_nowhere_is_one_sentence(open_page: OpenPage, public: Public) -> None:
    app = give(agree(open_page("sequence")), "P99998")

    assert not app.exception
    assert views_of(app) == []
    assert "P99998" in text_of(app)


def test_an_alphafold_model_is_fetched_and_called_so(open_page: OpenPage, public: Public) -> None:
    app = press(give(agree(open_page("sequence")), "P69905"), "AlphaFold model of P69905")
    app = app.run()

    assert not app.exception
    shown = views_of(app)[0]["structure"]
    assert shown is not None
    assert shown["title"].startswith("AlphaFold model")
    assert "Structure: AlphaFold DB" in text_of(app)


def test_a_pdb_entry_that_is_nowhere_is_one_sentence(open_page: OpenPage, public: Public) -> None:
    app = give(agree(open_page("sequence")), "P69905")
    app.text_input(key="sequence_pdb_id").set_value("zzzz").run()
    app = press(app, "Fetch it from RCSB").run()

    assert not app.exception
    assert views_of(app)[0]["structure"] is None


def two_chains() -> bytes:
    """Chains A and B of eight and nine alanines and leucines."""
    lines, serial = [], 0
    for chain, letters in (("A", ["ALA"] * 8), ("B", ["LEU"] * 9)):
        for number, name in enumerate(letters, start=1):
            serial += 1
            x = 3.8 * number
            lines.append(
                f"ATOM  {serial:5d}  CA  {name} {chain}{number:4d}    {x:8.3f}{0:8.3f}{0:8.3f}  1.00 10.00           C"
            )
        lines.append("TER")
    return "\n".join(lines).encode()


def test_the_chain_is_the_readers_choice() -> None:
    assert chain_lengths(two_chains(), "two.pdb") == [("A", 8), ("B", 9)]
    assert read_uploaded_structure(two_chains(), "two.pdb").chain == "B"
    assert read_uploaded_structure(two_chains(), "two.pdb", chain_name="A").sequence == "A" * 8
    with pytest.raises(InputError, match="no protein chain 'C'; it has A, B"):
        read_uploaded_structure(two_chains(), "two.pdb", chain_name="C")
