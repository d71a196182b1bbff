"""Every score beside a feature is that of the very alignment it is shown with, on every page.

The store is given a decoy: every feature fits one more term, on test proteins alone, with an F1 that no other has. A
page that shows it has looked for the best score there is.
"""

import base64
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import duckdb
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.services import data
from explorer.services.refs import FeatureRef
from protsae.bundle.manifest import read_manifest, write_manifest

from .conftest import OpenPage, components_of, html_of, links_of, opener, text_of

DECOY, DECOY_F1 = "GO:0003674", 0.987
SHOWN = re.compile(r"F1 (\d\.\d\d)(?: · (strong|weak))?")
GO_ID = re.compile(r"GO:\d{7}")
PAGES = [
    ("find", {}),
    ("find", {"q": "GO:0008270"}),
    ("find", {"q": "GO:0005488", "roll": "1"}),
    ("find", {"q": "GO:0016020"}),
    ("feature", {"sae": "protsae_mfo", "feature": "0"}),
    ("feature", {"sae": "protsae_cco", "feature": "2"}),
    ("feature", {"sae": "vanilla", "feature": "20"}),
    ("compare", {"go": "GO:0008270"}),
    ("map", {"sae": "protsae_mfo", "colour": "f1"}),
    ("sequence", {"accession": "Q0T001"}),
    ("sequence", {"accession": "Q0T001", "sae": "vanilla"}),
    ("steer", {"sae": "protsae_mfo", "feature": "0"}),
]


class Score(NamedTuple):
    """A held-out F1 beside a feature, as a reader sees it."""

    ref: FeatureRef
    f1: str
    grade: str
    go_id: str
    """The term that it is shown with; '' where it is shown with the feature's label."""


@pytest.fixture
def with_decoys(tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    folder = Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))
    with duckdb.connect(str(folder / "store.duckdb")) as connection:
        connection.execute(
            "INSERT INTO feature_go SELECT * REPLACE (? AS go_id, false AS is_guiding, false AS is_best_for_term,"
            " 9 AS rank_in_feature, ? AS test_f1, 'none' AS grade) FROM feature_go WHERE go_id <> ?",
            [DECOY, DECOY_F1, DECOY],
        )
        ordered = connection.execute("SELECT * FROM feature_go ORDER BY sae, feature").df()
        connection.execute("DELETE FROM feature_go")
        connection.execute("INSERT INTO feature_go SELECT * FROM ordered")
        assert len(ordered)
    write_manifest(folder, read_manifest(folder))
    return opener(folder, monkeypatch)


@pytest.mark.parametrize(("page", "params"), PAGES)
def test_every_score_is_that_of_its_feature_and_term(with_decoys: OpenPage, page: str, params: dict[str, str]) -> None:
    app = with_decoys(page, **params)

    assert not app.exception
    assert not re.search(f"F1 {DECOY_F1:.2f}|>{DECOY_F1:.2f}<", text_of(app))
    maps = in_maps(app) if page == "map" else ()
    for score in (*in_links(app, params.get("q", "")), *in_tables(app), *maps):
        row = data.feature(score.ref)
        assert row is not None
        if score.go_id:
            (own,) = [term for term in data.feature_terms(score.ref) if term.go_id == score.go_id]
            expected, grade = own.test_f1, own.grade
        else:
            assert row.label_f1 is not None
            expected, grade = row.label_f1, row.label_grade
        assert score.f1 == f"{expected:.2f}", score
        assert score.grade in {"", grade}, score


def test_a_kind_of_site_has_the_scores_of_that_kind(with_decoys: OpenPage) -> None:
    app = with_decoys("find", q="transmembrane")
    scored = [(link, found) for link in links_of(app, "feature") if (found := SHOWN.search(link.text))]
    kinds = {"Transmembrane"}

    of_kinds = 0
    for link, found in scored:
        ref = FeatureRef(link.params["sae"], int(link.params["feature"]))
        sites = {f"{site.test_f1:.2f}" for site in data.feature_annotations(ref) if site.kind in kinds}
        of_kinds += found[1] in sites
    assert of_kinds == len(data.annotation_features("Transmembrane")) > 0


def in_links(app: AppTest, query: str) -> Iterator[Score]:
    """Scores in links to features; those without the feature's label belong to the term above them."""
    term = query if GO_ID.fullmatch(query) else ""
    for link in links_of(app):
        if link.page == "find":
            asked = link.params.get("q", "")
            term = asked if GO_ID.fullmatch(asked) else term
        found = SHOWN.search(link.text)
        if found and link.page == "feature":
            row = data.feature(ref := FeatureRef(link.params["sae"], int(link.params["feature"])))
            by_label = row is not None and row.label and row.label in link.text
            yield Score(ref, found[1], found[2] or "", "" if by_label else term)


def in_tables(app: AppTest) -> Iterator[Score]:
    """Scores in the tables of Sequence and Compare."""
    for frame in app.dataframe:
        for record in frame.value.to_dict("records"):
            if "Held-out F1" in record and record["Held-out F1"] == record["Held-out F1"]:
                grade = "none" if record["Evidence"] == "not validated" else record["Evidence"]
                go_id = dict(parse_qsl(urlsplit(record.get("Term", "")).query)).get("go", "")
                yield Score(_linked(record["Feature"]), f"{record['Held-out F1']:.2f}", grade, go_id)
            elif "guided_f1" in record:
                for row, side in zip(data.term_pair(record["go_id"]), ("guided", "baseline"), strict=True):
                    if row is not None:
                        f1, grade = f"{record[f'{side}_f1']:.2f}", record[f"{side}_grade"]
                        yield Score(FeatureRef(row.sae, row.feature), f1, grade, row.go_id)


def in_maps(app: AppTest) -> Iterator[Score]:
    """Scores that the maps hold of every feature."""
    (sent,) = [part for part in components_of(app) if part.get("part") == "features"]
    for side in sent["sides"]:
        numbers = (
            np.frombuffer(base64.b64decode(text), kind)
            for text, kind in ((side["features"], "<i4"), (side["values"]["f1"], "<f4"))
        )
        for feature, f1 in zip(*numbers, strict=True):
            if np.isfinite(f1):
                yield Score(FeatureRef(side["name"], int(feature)), f"{f1:.2f}", "", "")


def _linked(address: str) -> FeatureRef:
    asked = dict(parse_qsl(urlsplit(address).query))
    return FeatureRef(asked["sae"], int(asked["feature"]))


def test_what_it_also_goes_with_is_not_what_it_is_called_after(open_page: OpenPage) -> None:
    app = open_page("feature", sae="protsae_mfo", feature="0")
    row = data.feature(FeatureRef("protsae_mfo", 0))
    assert row is not None
    assert row.label_grade != "none"

    tables = " ".join(html_of(app, "ps-rows"))
    assert f"<td>{row.label}</td>" not in tables


@pytest.mark.parametrize(("sae", "feature"), [("protsae_mfo", 0), ("protsae_bpo", 1), ("vanilla", 20), ("vanilla", 12)])
def test_a_title_is_a_label_that_holds_or_none_is_confirmed(open_page: OpenPage, sae: str, feature: int) -> None:
    app = open_page("feature", sae=sae, feature=str(feature))
    row = data.feature(FeatureRef(sae, feature))
    assert row is not None
    title = app.title[0].value.replace("\\", "")

    if row.label_grade != "none":
        assert title.lower() == row.label.lower()
    elif row.label:
        assert title == "No confirmed label"
        assert f"guess: {row.label}" in text_of(app)
    else:
        assert title.startswith(f"Feature {feature} of")


def test_no_page_offers_a_feature_whose_label_does_not_hold_as_validated(open_page: OpenPage) -> None:
    open_page("find")
    listed = {(row.sae, row.feature) for row in data.validated()}

    for sae in data.saes():
        for row in data.map_points(sae.name).to_dict("records"):
            holds = row["label_grade"] != "none" and row["label_origin"] in {"guided", "go"} and row["density"] > 0
            assert ((sae.name, row["feature"]) in listed) == holds
