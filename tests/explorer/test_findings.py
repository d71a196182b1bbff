"""The Results page: its answers are computed from the bundle, whichever way they fall out."""

import numpy as np
import pandas as pd
import pytest

from explorer.findings import answers
from explorer.services import data, measured
from protsae.store.analyses.sites import SITES
from protsae.store.analyses.steerability import STEERABILITY, SteerabilityRow
from protsae.store.rows import SAERow
from tests.explorer.conftest import OpenPage

GUIDED = SAERow("g", "Guided", "guided", "protsae", "GO", 8, 4, 2, 2, 3.0, 1.0, 0.75, 1.0)
OTHER = SAERow("v", "Vanilla", "unguided", "topk", "", 8, 4, 2, 0, 3.0, 0.0, 0.5, 1.0)


def shown(app) -> str:
    return " ".join(element.proto.body for element in app.get("html"))


def test_the_page_says_what_the_store_holds(open_page: OpenPage) -> None:
    app = open_page("results")
    text = shown(app)

    for sae in data.saes():
        rows = data.map_points(sae.name)
        holds = int((rows["label_grade"] != "none").sum())
        assert f"{holds:,} of {len(rows):,} features bear a name that holds" in text
    table = measured.differences(data.guided_saes()[0].name, data.baseline_saes()[0].name)
    clear = table.dropna(subset=["difference_low"])
    assert f"clearly better for {int((clear['difference_low'] > 0).sum())} " in text
    assert "What it does not mean" in text
    assert not app.exception


def test_what_was_not_measured_is_said(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    open_page("find")
    monkeypatch.setattr(data, "absence", lambda analysis: f"Not computed: {analysis.name}.")
    monkeypatch.setattr(data, "steerability", list)
    text = shown(open_page("results"))

    assert f"Not computed: {SITES.name}." in text
    assert f"Not computed: {STEERABILITY.name}." in text


def test_names_that_hold_are_counted_by_grade() -> None:
    rows = pd.DataFrame(
        {"label_grade": ["strong", "weak", "none", "none"], "label_f1": [0.8, 0.4, 0.1, np.nan], "label_null_f1": 0.1}
    )
    none = rows.assign(label_grade="none")

    answer = answers.names_hold([GUIDED, OTHER], {"g": rows, "v": none})

    assert [bar.value for bar in answer.bars] == [0.25, 0.25, 0, 0]
    assert "2 of 4 features" in answer.finding
    assert "F1 of 0.60 or more" in answer.finding
    assert "0 of 4 features" in answer.finding


def test_a_lead_is_counted_where_its_interval_leaves_out_zero() -> None:
    rows = pd.DataFrame(
        {
            "difference": [0.2, 0.1, -0.3, np.nan],
            "difference_low": [0.1, -0.1, -0.4, np.nan],
            "difference_high": [0.3, 0.2, -0.2, np.nan],
        }
    )

    answer = answers.guidance_helps(rows, GUIDED, OTHER)

    assert answer is not None
    assert [bar.text for bar in answer.bars] == ["1", "1", "1"]
    assert "+0.000" in answer.finding
    assert answers.guidance_helps(rows.iloc[3:], GUIDED, OTHER) is None


def test_sites_are_compared_over_the_terms_that_all_have() -> None:
    sites = pd.DataFrame(
        {
            "sae": ["g", "g", "v", "v"],
            "is_guiding": [True, True, False, False],
            "go_id": ["a", "b", "a", "a"],
            "ap": [0.6, 0.9, 0.2, 0.4],
            "null_ap": 0.1,
            "n_proteins": 5,
        }
    )
    baselines = pd.DataFrame({"go_id": ["a", "a"], "baseline": ["probe", "letter"], "ap": [0.8, 0.3]})

    answer = answers.finds_site(sites, baselines, GUIDED, OTHER)

    assert answer is not None
    assert {bar.name: round(bar.value, 3) for bar in answer.bars} == {
        "by chance": 0.1,
        "the amino acid alone": 0.3,
        "Vanilla, its best feature": 0.4,
        "Guided": 0.6,
        "classifier fitted on named residues": 0.8,
    }
    assert "ahead of Vanilla for 1 of the 1" in answer.finding
    assert answers.finds_site(sites.iloc[:2], baselines, GUIDED, OTHER) is None


@pytest.mark.parametrize(("q_value", "n"), [(0.01, 1), (0.5, 0)])
def test_steering_counts_what_beats_its_controls(q_value: float, n: int) -> None:
    row = SteerabilityRow(
        "g",
        0,
        "a",
        "zinc",
        0.9,
        12,
        -0.2,
        0.1,
        0,
        0.3,
        0.1,
        0.5,
        0.01,
        True,
        q_value,
        3,
        3,
        0,
        0.6,
        0.3,
        0.0,
        None,
        None,
        None,
        None,
    )

    answer = answers.steers([row], 9)

    assert answer is not None
    assert f"of the 1 clearest, raised again in proteins that did not choose them, {n} raise what" in answer.finding
    assert answer.bars[0] == answers.Bar("the feature itself", 0, "guided", "-0.200")
    assert answer.bars[1].value / answer.full == pytest.approx(0.5)
    assert "of these, 0 raise what" in str(answers.steers([row._replace(is_confirmed=False, q_value=1.0)], 9))
    assert answers.steers([], 9) is None
