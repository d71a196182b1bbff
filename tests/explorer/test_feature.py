"""Feature: opens on a validated feature, shows its evidence, survives every bad address."""

import re

import pytest

from explorer.draw import words
from explorer.services import data
from explorer.services.refs import FeatureRef
from protsae.store.analyses.sites import SITES

from .conftest import (
    OpenPage,
    PageLink,
    figures_of,
    followed,
    html_of,
    links_of,
    orders_of,
    param,
    subheaders_of,
    text_of,
    views_of,
)

PARTS = ("How do we know?", "Letters at the peak", "When does it fire?", "Amino acids", "Fire alike")


def test_it_opens_on_a_validated_feature_and_leaves_the_history_alone(open_page: OpenPage) -> None:
    app = open_page("feature")
    row = data.validated()[0]

    assert not app.exception
    assert f"feature {row.feature} ·" in text_of(app)
    assert "held-out F1" in text_of(app)
    assert dict(app.query_params) == {}


def test_the_evidence_is_complete(open_page: OpenPage) -> None:
    app = open_page("feature")
    sections = subheaders_of(app)

    assert [name for name in sections if name in PARTS] == list(PARTS)
    eyebrow = html_of(app, "ps-eyebrow")
    assert len(eyebrow) == 1
    assert "label (strong evidence): the GO term that guided it in training" in eyebrow[0]
    assert re.findall(r'ps-noted unit"[^>]*>([^<]+)<', text_of(app))[:3] == ["held-out F1", "interval", "null"]
    for name in ("Precision", "Recall", "Called when", "AUROC", "Composition", "Test positives"):
        assert any(f">{name}<" in block for block in html_of(app, "ps-facts"))
    assert len(html_of(app, "ps-columns")) == 3
    assert len(html_of(app, "ps-place-map")) == 1
    assert len(views_of(app)) == 1


def test_the_histogram_and_the_neighbours_are_this_features(open_page: OpenPage) -> None:
    app = open_page("feature", sae="protsae_mfo", feature="5")
    ref = FeatureRef("protsae_mfo", 5)
    row = data.feature(ref)
    assert row is not None
    (chart,) = [block for block in html_of(app, "ps-columns") if "Residues by activation" in block]
    said = re.findall(r'data-says="activation [^,]+, ([\d,]+) residue', chart)
    linked = [(link.params["sae"], int(link.params["feature"])) for link in links_of(app, "feature")]

    assert [int(count.replace(",", "")) for count in said] == row.histogram.tolist()
    assert {(near.other_sae, near.other_feature) for near in data.neighbours(ref)} & set(linked)


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
    text = text_of(app)

    assert not app.exception
    assert sentence in text
    assert [link.text for link in links_of(app)][:2] == ["Open a validated feature", "Search"]
    assert figures_of(app) == views_of(app) == []


@pytest.mark.parametrize("band", ["with", "without", "silent", "top", "high", "low"])
def test_every_band_of_examples(open_page: OpenPage, band: str) -> None:
    app = open_page("feature", sae="protsae_mfo", feature="1", band=band)
    ref = FeatureRef("protsae_mfo", 1)
    listed = data.examples(ref, band)

    assert not app.exception
    assert app.segmented_control(key="choice_band").value == band
    assert len(views_of(app)) == (1 if listed else 0)
    if not listed:
        assert "Choose another band." in html_of(app, "ps-empty")[0]
        return
    in_space = data.examples(ref, "3d") if band == "top" else []
    opened = next((row for row in (*listed, *in_space) if data.peak_in_space(row)), listed[0])
    others = [row for row in listed if row.accession != opened.accession][:11]
    linked = [link.params for link in links_of(app, "feature") if "protein" in link.params]
    assert views_of(app)[0]["sequence"] == opened.sequence
    assert views_of(app)[0]["rows"][0]["values"] == pytest.approx(data.dense(opened), rel=1e-3)
    assert len(html_of(app, "ps-strip")) == len(others)
    assert [params["protein"] for params in linked] == [row.accession for row in others]
    assert all(params.get("band", "with") == band for params in linked)
    judged = data.feature_terms(ref)[0]
    told = [words.called(row.score, judged) for row in listed] if band in words.TERM_BANDS else []
    assert all(sentence in text_of(app) for sentence in told)


@pytest.mark.parametrize("view", ["peak", "start", "nterm"])
def test_aligned_letters_stand_in_the_place_of_strips(open_page: OpenPage, view: str) -> None:
    whole, letters = open_page("feature"), open_page("feature", view=view)
    row = data.validated()[0]
    band = data.examples(FeatureRef(row.sae, row.feature), "with")

    assert not letters.exception
    assert html_of(whole, "ps-aligned") == html_of(letters, "ps-strip") == []
    (box,) = html_of(letters, "ps-aligned")
    assert box.count('class="row"') == len(band)
    assert all(f"view={view}" in href for href in re.findall(r'href="(\./[^"]+)"', box))
    assert re.findall(r"protein=(\w+)", box) == [example.accession for example in band]
    centred = orders_of(letters).get("centre")
    assert (centred is None) == (view == "nterm")
    assert centred is None or centred["token"] in box


def test_an_unknown_alignment_is_said_and_whole_proteins_shown(open_page: OpenPage) -> None:
    app = open_page("feature", view="sideways")

    assert any("view=&#x27;sideways&#x27; is not known here" in block for block in html_of(app, "ps-empty"))
    assert html_of(app, "ps-strip")


def test_an_unknown_band_is_said_and_the_first_shown(open_page: OpenPage) -> None:
    app = open_page("feature", sae="protsae_mfo", feature="1", band="purple")

    assert not app.exception
    assert [block for block in html_of(app, "ps-empty") if "band=&#x27;purple&#x27; is not known here" in block]
    assert app.segmented_control(key="choice_band").value == "with"
    assert len(views_of(app)) == 1


def test_the_address_opens_a_protein(open_page: OpenPage) -> None:
    open_page("find")
    ref = data.default_feature("protsae_mfo")
    shown = data.examples(ref, "with")[1]
    accession = shown.accession
    app = open_page("feature", sae=ref.sae, feature=str(ref.feature), protein=accession)

    assert views_of(app)[0]["sequence"] == shown.sequence
    assert [link.text for link in links_of(app, "protein")] == [f"All features of {accession}"]
    assert links_of(app, "protein")[0].params["accession"] == accession


def test_a_protein_that_is_no_example_is_said(open_page: OpenPage) -> None:
    assert "is not among these examples" in text_of(open_page("feature", sae="protsae_mfo", feature="1", protein="XXX"))


def test_a_feature_that_never_fires(open_page: OpenPage) -> None:
    open_page("find")
    points = data.map_points("vanilla")
    silent = points.loc[points["density"] == 0, "feature"].tolist()
    app = open_page("feature", sae="vanilla", feature=str(silent[0]))

    assert not app.exception
    assert "No known activations." in html_of(app, "ps-empty")[0]
    assert views_of(app) == []


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
    app = open_page("feature", sae="vanilla", feature=feature)
    text = text_of(app)

    assert "What else could explain it?" in text
    warned = set(re.findall(r'ps-badge warn"[^>]*>([^<]+)<', html_of(app, "ps-badge")[0])) - {"dense", "not validated"}
    assert len(warned) == 1
    assert warned.pop().startswith(badge)
    assert sentence in text
    for found in words.CONFOUNDS.values():
        assert f"<td>{found.name}</td>" in text


def test_a_feature_that_nothing_explains(open_page: OpenPage) -> None:
    text = text_of(open_page("feature", sae="vanilla", feature="24"))

    assert "None of these facts alone explains where it fires." in text
    assert ">mostly " not in text


def test_a_guided_feature_says_whether_it_finds_the_site(open_page: OpenPage) -> None:
    open_page("feature")
    table = data.bundle().reader.analysis_table(SITES, "feature_site")
    first = table[table["is_guiding"] & (table["go_id"] == "GO:0008270")].iloc[0]
    ref = FeatureRef(str(first["sae"]), int(first["feature"]))
    (site,) = data.feature_sites(ref)
    text = text_of(open_page("feature", sae=ref.sae, feature=str(ref.feature)))

    assert "Does it find the site?" in text
    assert f"Inside 12 unseen proteins with named residues for “{site.term_name}”" in text
    for name, ap in (("15 letters", site.window_ap), ("Supervised probe", site.probe_ap), ("This feature", site.ap)):
        assert f"<td>{name}</td><td>{words.number(ap)}</td>" in text.replace('<td class="num">', "<td>")


def test_a_bundle_without_the_sites_says_so_on_guided_features_only(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_page("feature")
    absent = data.absence
    monkeypatch.setattr(data, "feature_sites", lambda _: [])
    monkeypatch.setattr(data, "absence", lambda one: "Not there." if one is SITES else absent(one))

    assert "Not there." in text_of(open_page("feature", sae="protsae_mfo", feature="0"))
    assert "Not there." not in text_of(open_page("feature", sae="vanilla", feature="24"))


def test_next_walks_through_the_validated_features(open_page: OpenPage) -> None:
    app = open_page("feature", sae="protsae_mfo", feature=str(data.default_feature("protsae_mfo").feature))
    before = param(app, "feature")
    next(button for button in app.button if button.label == "Next").click().run()

    assert not app.exception
    listed = [str(row.feature) for row in data.validated_of("protsae_mfo")]
    assert param(app, "feature") == listed[(listed.index(str(before)) + 1) % len(listed)]


def test_the_walk_holds_every_feature_whose_label_holds_however_many(open_page: OpenPage) -> None:
    text_of(open_page("feature", sae="protsae_mfo", feature="1"))
    for sae in data.saes():
        points = data.map_points(sae.name)
        holding = set(points.loc[points["label_grade"] != "none", "feature"])
        assert {ref.feature for ref in data.validated_of(sae.name)} == holding
    assert len(data.validated()) == len({(row.sae, row.feature) for row in data.validated()})


def test_another_autoencoder_opens_its_own_validated_feature(open_page: OpenPage) -> None:
    app = open_page("feature", sae="protsae_mfo", feature="1")
    app.selectbox(key="choice_sae").set_value("vanilla").run()

    assert not app.exception
    assert param(app, "sae") == "vanilla"
    assert "feature" not in app.query_params
    assert f"feature {data.default_feature('vanilla').feature} ·" in text_of(app)


def test_the_search_box_leads_to_find(open_page: OpenPage) -> None:
    app = open_page("feature")
    app.text_input(key="search_anywhere").set_value("zinc ion binding").run()

    assert not app.exception
    assert followed(app) == PageLink("find", {"q": "zinc ion binding"}, "Open")
