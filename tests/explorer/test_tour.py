"""The tour: one step a page, on what the open bundle has; its address is the only truth."""

import pytest

from explorer.services import data
from explorer.shell import tour
from tests.explorer.conftest import OpenPage


def shown(app) -> str:
    return " ".join(element.proto.body for element in app.get("html"))


def test_every_step_opens_its_page_and_says_what_to_look_at(open_page: OpenPage) -> None:
    open_page("find")
    stops = tour.steps()

    for number, step in enumerate(stops, start=1):
        app = open_page(step.view.page, **tour.at(number).params)
        assert not app.exception
        assert f"Tour, step {number} of {len(stops)}" in shown(app)
        assert step.title in shown(app)
    assert [step.view.page for step in stops[:2]] == ["find", "feature"]
    assert stops[-1].view.page == "results"


def test_steps_lead_on_back_and_out(open_page: OpenPage) -> None:
    app = open_page("feature", **tour_params(2, open_page))
    links = [(link.proto.label, link.proto.query_string) for link in app.get("page_link")]

    titles = [step.title for step in tour.steps()]
    assert any(label.endswith(titles[2]) and "tour=3" in query for label, query in links)
    assert any(label == "Back" and "tour=1" in query for label, query in links)
    assert all("tour=" not in query for label, query in links if label == "End the tour")


def tour_params(number: int, open_page: OpenPage) -> dict[str, str]:
    open_page("find")
    return tour.at(number).params


@pytest.mark.parametrize("asked", ["0", "99", "x", "<b>", "1" * 30, "²"])
def test_a_step_that_is_none_is_said(open_page: OpenPage, asked: str) -> None:
    app = open_page("find", tour=asked)

    assert "is no step of the tour" in shown(app)
    assert "<b>" not in shown(app).split("is no step")[0].rsplit("tour=", 1)[1]


def test_a_bundle_without_validated_features_has_no_tour(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    open_page("find")
    monkeypatch.setattr(data, "validated", lambda *_: [])
    app = open_page("find", tour="1")

    assert "this bundle has none" in shown(app)
    assert not [link for link in app.get("page_link") if "tour" in link.proto.label]
