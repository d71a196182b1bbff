"""Steering beside F1: on Feature, on Compare, in the audit; what luck gives stands with the correlation."""

import numpy as np
import pytest

from explorer.draw import steered
from explorer.findings import audit_view
from explorer.services import audit, data
from explorer.services.audit import Audit
from explorer.services.refs import FeatureRef

from .conftest import OpenPage, figures_of, text_of


def test_a_correlation_is_told_apart_from_luck() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)

    rho, (low, high) = audit.correlation(x, x + rng.normal(size=300))
    assert rho > 0.5 > high > 0 > low
    rho, (low, high) = audit.correlation(x, rng.normal(size=300))
    assert low < rho < high
    assert audit.correlation(x, np.exp(x))[0] == pytest.approx(1)
    assert np.isnan(audit.correlation(x[:5], x[:5])[0])


def test_the_audit_holds_every_feature_that_was_steered_with_its_f1(open_page: OpenPage) -> None:
    app = open_page("results")
    found = audit.audit()

    assert not app.exception
    assert found is not None
    f1 = {(term.sae, term.feature): term.test_f1 for term in data.validated()}
    measured = {(row.sae, row.feature) for row in data.steerability()}
    assert set(zip(found.table["sae"], found.table["feature"], strict=True)) == measured & set(f1)
    assert len(found.table) > 10
    assert all(f1[row["sae"], row["feature"]] == row["f1"] for row in found.table.to_dict("records"))
    assert audit_view.sentence(found) in text_of(app)
    drawn = figures_of(app)[-1]["data"]
    assert drawn[0]["name"] == "a random direction"
    assert sum(len(line["x"]) for line in drawn[1:]) == len(found.table)


def test_the_sentence_is_as_loud_where_nothing_is_found(open_page: OpenPage) -> None:
    open_page("results")
    found = audit.audit()
    assert found is not None

    def said(rho: float) -> str:
        return audit_view.sentence(Audit(found.table, rho, (-0.1, 0.1)))

    assert "A higher F1 does not go with a stronger effect (rank correlation +0.05" in said(0.05)
    assert "raise their function more (rank correlation +0.40; luck gives -0.10 to +0.10)" in said(0.4)
    assert "raise their function less" in said(-0.4)
    assert "Too few features" in said(float("nan"))


def test_steering_stands_beside_f1_on_feature_compare_and_in_the_list(open_page: OpenPage) -> None:
    row = next(row for row in data_rows(open_page) if row.is_steerable)
    clause = steered.brief(row)
    app = open_page("feature", sae=row.sae, feature=str(row.feature))
    assert clause in text_of(app).replace("Raises", "raises")
    options = open_page("steer", sae=row.sae, feature=str(row.feature)).selectbox(key="steer_feature").options
    assert any(f"turned up {row.difference:+.2f} · raises its function" in option for option in options)
    app = open_page("compare", go=row.go_id)
    pair = data.term_pair(row.go_id)
    told = [audit.steered().get(FeatureRef(one.sae, one.feature)) for one in pair if one is not None]
    assert any(one is not None for one in told)
    assert all(steered.brief(one)[1:] in text_of(app) for one in told if one is not None)
    assert not steered.brief(None)
    assert steered.brief(row._replace(q_value=1.0)).startswith("not shown to raise")


def data_rows(open_page: OpenPage) -> list:
    """Opens a page first, so that a bundle is open."""
    open_page("find")
    return data.steerability()
