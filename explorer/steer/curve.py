"""The dose-response curve of the Steer page: it grows strength by strength, and its verdict is as loud either way.

Read `response`.
"""

import streamlit as st

from explorer.draw import downloads, markup
from explorer.services import data, judges, slices
from explorer.services.refs import FeatureRef
from explorer.services.slices import Known
from explorer.shell import frame, takeaway
from explorer.steer import charts, doses, verdicts
from explorer.steer.address import Drawn
from explorer.steer.doses import ARMS, Dose
from explorer.steer.runs import Plan

DISPUTED = (
    "The field disputes what steering along features shows: simple baselines often do better "
    "([AxBench](https://arxiv.org/abs/2501.17148)), and features that match a concept need not steer generation "
    "([antibody models](https://arxiv.org/abs/2512.05794)). The difference of means is such a "
    "[baseline](https://arxiv.org/abs/2312.06681)."
)


def response(plan: Plan, strength: float, drawn: Drawn) -> None:
    """The whole curve, on demand; it grows while the rest of the page stays open."""
    st.caption(DISPUTED)
    if st.button("Run the curve", icon=":material/show_chart:", key="steer_curve"):
        st.session_state["steer_curve_for"] = plan
    if st.session_state.get("steer_curve_for") != plan:
        st.caption(
            f"{len(doses.STRENGTHS)} strengths from {doses.STRENGTHS[0]:g} to {doses.STRENGTHS[-1]:g}, each on the "
            "feature, on two controls and on three alternatives, drawn one after another; the rest of the page can be "
            "used meanwhile."
        )
        return
    found = doses.curve(plan)
    if not found.is_whole:
        st.fragment(grow, run_every=slices.EVERY_SECONDS)(plan, strength, drawn)
        return
    go_id = judges.term_of(plan.ref)
    probe = judges.probe(go_id) if go_id else None
    judge = (verdicts.CLEAR_SPREADS * probe.row.spread, probe.row.carriers) if probe else (None, None)
    said = verdicts.read_curve(found.items, *judge)
    st.html(markup.wrap(markup.verdict(said.title, said.text)))
    curve_so_far(plan, found, strength)
    file = downloads.file_name(plan.sae, plan.feature, "dose_response.csv")
    st.download_button("Curve (CSV)", csv(found.items), file, icon=":material/download:", on_click="ignore")


@frame.guarded
def grow(plan: Plan, strength: float, drawn: Drawn) -> None:
    """Run the next strengths for a moment; the whole page is drawn anew once all are known."""
    found = doses.curve(plan, seconds=slices.SLICE_SECONDS)
    if found.is_whole:
        drawn.anew()
    done = len(found.items)
    st.progress(done / found.total, f"Strength {done} of {found.total}")
    curve_so_far(plan, found, strength)


def curve_so_far(plan: Plan, found: Known[Dose], strength: float) -> None:
    """The strengths that are known."""
    figure = charts.dose_response(found.items, data.sae(plan.sae).role, frame.mode(), strength)
    alt = "What judges read of the concept by strength, for the feature, its controls and its alternatives"
    takeaway.chart(figure, "steer_dose", "Dose and response", alt=alt, refs=[FeatureRef(plan.sae, plan.feature)])


def csv(found: list[Dose]) -> str:
    """One line a strength and arm."""
    head = ["strength", "pushed", "log_odds_probe", "kmers_sd", "mean_act", "max_act", "residues_changed"]
    lines = [
        (
            dose.strength,
            ARMS[arm],
            told.log_odds,
            told.kmers,
            told.reading.mean_act,
            told.reading.max_act,
            told.n_changed,
        )
        for dose in found
        for arm, told in dose.told.items()
    ]
    return downloads.table_csv(head, lines)
