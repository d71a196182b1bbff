"""The dose-response curve of the Steer page: it grows strength by strength, and its verdict is as loud either way.

Read `response`.
"""

import streamlit as st

from explorer.draw import downloads, markup
from explorer.services import data, slices
from explorer.services.refs import FeatureRef
from explorer.services.slices import Known
from explorer.shell import frame, takeaway
from explorer.steer import charts, runs, verdicts
from explorer.steer.address import Drawn
from explorer.steer.runs import Dose, Plan

ARMS = ("", "_random_feature", "_random_direction")
"""Endings of the file's columns: the feature and its two controls."""


def response(plan: Plan, strength: float, drawn: Drawn) -> None:
    """The whole curve, on demand; it grows while the rest of the page stays open."""
    if st.button("Run the curve", icon=":material/show_chart:", key="steer_curve"):
        st.session_state["steer_curve_for"] = plan
    if st.session_state.get("steer_curve_for") != plan:
        st.caption(
            f"{len(runs.STRENGTHS)} strengths from {runs.STRENGTHS[0]:g} to {runs.STRENGTHS[-1]:g}, each with two "
            "controls, drawn one after another; the rest of the page can be used meanwhile."
        )
        return
    doses = runs.curve(plan)
    if not doses.is_whole:
        st.fragment(grow, run_every=slices.EVERY_SECONDS)(plan, strength, drawn)
        return
    found = verdicts.read_curve(doses.items)
    st.html(markup.wrap(markup.verdict(found.title, found.text)))
    curve_so_far(plan, doses, strength)
    head = ["strength"] + [f"{what}{arm}" for what in ("mean", "peak", "changed") for arm in ARMS]
    lines = [
        (
            d.strength,
            *(reading.mean_act for reading in d.readings),
            *(reading.max_act for reading in d.readings),
            *d.changes,
        )
        for d in doses.items
    ]
    file = downloads.file_name(plan.sae, plan.feature, "dose_response.csv")
    st.download_button(
        "Curve (CSV)", downloads.table_csv(head, lines), file, icon=":material/download:", on_click="ignore"
    )


@frame.guarded
def grow(plan: Plan, strength: float, drawn: Drawn) -> None:
    """Run the next strengths for a moment; the whole page is drawn anew once all are known."""
    doses = runs.curve(plan, seconds=slices.SLICE_SECONDS)
    if doses.is_whole:
        drawn.anew()
    done = len(doses.items)
    st.progress(done / doses.total, f"Strength {done} of {doses.total}")
    curve_so_far(plan, doses, strength)


def curve_so_far(plan: Plan, doses: Known[Dose], strength: float) -> None:
    """The strengths that are known."""
    figure = charts.dose_response(doses.items, data.sae(plan.sae).role, frame.mode(), strength)
    alt = "Mean and peak of the feature by strength, beside its controls"
    takeaway.chart(figure, "steer_dose", "Dose and response", alt=alt, refs=[FeatureRef(plan.sae, plan.feature)])
