"""Feature: opens on a validated feature, shows its evidence, survives every bad address."""

import re

import pytest

from explorer.draw import words
from explorer.services import data

from .conftest import OpenPage, text_of


def test_it_opens_on_a_validated_feature_and_leaves_the_history_alone(open_page: OpenPage) -> None:
    app = open_page("feature")
    row = data.validated()[0]

    assert not app.exception
    assert f"feature {row.feature} ·" in text_of(app)
    assert "held-out F1" in text_of(app)
    assert dict(app.query_params) == {}


def test_the_evidence_is_complete(open_page: OpenPage) -> None:
    app = open_page("feature")
    said = text_of(app)

    for part in ("How do we know?", "When does it fire?", "Amino acids", "Neighbours"):
        assert part in [element.value for element in app.subheader]
    assert "label (hypothesis): guided by this GO term" in said
    for name in ("Precision", "Recall", "Called when", "interval", "AUROC", "null"):
        assert name in said
    assert len(app.get("plotly_chart")) == 4


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"sae": "protsae_mfo", "feature": "abc"}, "is no feature of protsae_mfo"),
        ({"sae": "protsae_mfo", "feature": "64"}, "numbered 0 to 63"),
        ({"sae": "nope", "feature": "1"}, "no autoencoder"),
        ({"feature": "1"}, "but no autoencoder"),
    ],
)
def test_a_bad_address_is_one_sentence_and_a_way_on(open_page: OpenPage, params: dict[str, str], sentence: str) -> None:
    app = open_page("feature", **params)
    said = text_of(app)

    assert not app.exception
    assert sentence in said
    assert "Open a validated feature" in said


@pytest.mark.parametrize("band", ["top", "high", "low", "counter"])
def test_every_band_of_examples(open_page: OpenPage, band: str) -> None:
    app = open_page("feature", sae="protsae_mfo", feature="1", band=band)

    assert not app.exception


def test_letters_at_the_peak(open_page: OpenPage) -> None:
    assert "ps-window" in text_of(open_page("feature", view="peak"))


def test_an_unknown_band_is_said_and_the_first_shown(open_page: OpenPage) -> None:
    app = open_page("feature", sae="protsae_mfo", feature="1", band="purple")

    assert not app.exception
    assert "is not known here" in text_of(app)


def test_the_address_opens_a_protein(open_page: OpenPage) -> None:
    open_page("find")
    ref = data.default_feature("protsae_mfo")
    accession = data.examples(ref, "top")[1].accession
    app = open_page("feature", sae=ref.sae, feature=str(ref.feature), protein=accession)

    assert f"All features of {accession}" in text_of(app).replace("\\", "")


def test_a_protein_that_is_no_example_is_said(open_page: OpenPage) -> None:
    assert "is not among these examples" in text_of(open_page("feature", sae="protsae_mfo", feature="1", protein="XXX"))


def test_a_feature_that_never_fires(open_page: OpenPage) -> None:
    open_page("find")
    points = data.map_points("vanilla")
    silent = points.loc[points["density"] == 0, "feature"].tolist()
    app = open_page("feature", sae="vanilla", feature=str(silent[0]))

    assert not app.exception
    assert "no known activations" in text_of(app).lower()


@pytest.mark.parametrize(
    ("feature", "badge", "sentence"),
    [
        ("25", "mostly position", "The place in the chain alone predicts on which residues it fires, with F1 0."),
        ("26", "mostly ", "The amino acid alone predicts on which residues it fires"),
        ("27", "one family", "belong to one homology family"),
        ("28", "mostly length", "Sequence length alone predicts in which proteins it fires strongly"),
    ],
)
def test_a_fact_that_explains_the_feature_is_a_badge_and_a_sentence(
    open_page: OpenPage, feature: str, badge: str, sentence: str
) -> None:
    said = text_of(open_page("feature", sae="vanilla", feature=feature))

    assert "What else could explain it?" in said
    warned = set(re.findall(r'ps-badge warn" title="[^"]*">([^<]+)<', said)) - {"dense", "not validated"}
    assert len(warned) == 1
    assert warned.pop().startswith(badge)
    assert sentence in said
    for name, _ in words.CONFOUNDS.values():
        assert f"<td>{name}</td>" in said


def test_a_feature_that_nothing_explains(open_page: OpenPage) -> None:
    said = text_of(open_page("feature", sae="vanilla", feature="24"))

    assert "None of these facts alone explains where it fires." in said
    assert ">mostly " not in said


def test_next_walks_through_the_validated_features(open_page: OpenPage) -> None:
    app = open_page("feature", sae="protsae_mfo", feature=str(data.default_feature("protsae_mfo").feature))
    before = _one(app, "feature")
    next(button for button in app.button if button.label == "Next").click().run()

    assert not app.exception
    listed = [str(row.feature) for row in data.validated() if row.sae == "protsae_mfo"]
    assert _one(app, "feature") == listed[(listed.index(before) + 1) % len(listed)]


def test_another_autoencoder_opens_its_own_validated_feature(open_page: OpenPage) -> None:
    app = open_page("feature", sae="protsae_mfo", feature="1")
    app.selectbox(key="choice_sae").set_value("vanilla").run()

    assert not app.exception
    assert _one(app, "sae") == "vanilla"
    assert "feature" not in app.query_params
    assert f"feature {data.default_feature('vanilla').feature} ·" in text_of(app)


def test_the_search_box_leads_to_find(open_page: OpenPage) -> None:
    app = open_page("feature")
    app.text_input(key="search_anywhere").set_value("zinc ion binding").run()

    assert not app.exception
    assert "Results for" in app.title[0].value


def _one(app: object, name: str) -> str:
    value = app.query_params[name]  # type: ignore[attr-defined]
    return value[0] if isinstance(value, list) else value
