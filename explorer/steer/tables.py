"""The tables of the Steer page: difference, changed residues, controls, dose-response.

Read `compare`.
"""

import numpy as np
import pandas as pd
import streamlit as st

from explorer.draw import downloads, words
from explorer.services import data
from explorer.shell import frame
from explorer.steer import charts
from explorer.steer import runs as steering_runs
from explorer.steer.diff import diff_html
from explorer.steer.runs import Plan
from protsae.alphabet import AMINO_ACIDS
from protsae.steering.controls import Controls
from protsae.steering.steer import SteerResult


def differ(plan: Plan, result: SteerResult, accession: str) -> None:
    """The two sequences, and the new one to take away."""
    if result.steered == result.original:
        st.caption("The two sequences are identical.")
    else:
        st.html(diff_html(result.original, result.steered))
    name = accession or "sequence"
    title = f"{name}_steered {plan.sae} feature {plan.feature} strength {result.strength:g} seed {plan.config.seed}"
    both = downloads.fasta(title, result.steered) + downloads.fasta(f"{name}_original", result.original)
    file = downloads.file_name(name, plan.sae, plan.feature, f"{result.strength:g}.fasta")
    st.download_button("Steered sequence (FASTA)", both, file, icon=":material/download:", on_click="ignore")


def changed_residues(result: SteerResult) -> None:
    """How much likelier each new residue is than the old one, under the push."""
    if not result.n_changed:
        st.caption("No residue changed.")
        return
    st.plotly_chart(
        charts.log_odds(result, frame.mode()), key="steer_log_odds", alt="Log-odds of the residues that changed"
    )
    place = {int(p): i for i, p in enumerate(result.masked)}
    lines = []
    for position, odds in zip(result.changed.tolist(), result.log_odds.tolist(), strict=True):
        i, old, new = place[position], result.original[position], result.steered[position]
        lines.append(
            {
                "Change": f"{old}{position + 1}{new}",
                "Residue": position + 1,
                "Log-odds": odds,
                "Old, before": float(np.exp(result.logp_before[i, AMINO_ACIDS.index(old)])),
                "New, before": float(np.exp(result.logp_before[i, AMINO_ACIDS.index(new)])),
                "New, pushed": float(np.exp(result.logp_after[i, AMINO_ACIDS.index(new)])),
            }
        )
    chance = st.column_config.NumberColumn(format="percent", help="Probability that the model gives this residue.")
    st.dataframe(
        pd.DataFrame(lines),
        hide_index=True,
        height=min(300, 38 + 35 * len(lines)),
        column_config={
            "Log-odds": st.column_config.NumberColumn(format="%+.2f", help="ln p(new) - ln p(old) under the push."),
            **dict.fromkeys(("Old, before", "New, before", "New, pushed"), chance),
        },
    )


def compare(plan: Plan, result: SteerResult, control: Controls) -> None:
    """The same mask and strength on things that should not matter, and a judge that was not pushed."""
    names = ", ".join(f"#{feature}" for feature in control.random_features[:3])
    rows = (
        ("This feature", result),
        ("Nothing (every hidden residue refilled)", control.no_push),
        (f"Random feature of equal density ({names})", control.random_feature),
        ("Random direction of equal length", control.random_direction),
    )
    st.dataframe(
        pd.DataFrame(
            {
                "Pushed": [name for name, _ in rows],
                "Changed": [r.n_changed for _, r in rows],
                "Peak after": [r.after[0].max_act for _, r in rows],
                "Mean after": [r.after[0].mean_act for _, r in rows],
                "Predictor after": [r.after[0].mean_pi for _, r in rows],
                "Perplexity": [r.perplexity_after for _, r in rows],
            }
        ),
        hide_index=True,
        column_config={
            "Peak after": st.column_config.NumberColumn(format="%.3g"),
            "Mean after": st.column_config.NumberColumn(format="%.3g"),
            "Predictor after": st.column_config.NumberColumn(format="%.3f", help="Mean of the concept predictor's pi."),
            "Perplexity": st.column_config.NumberColumn(format="%.1f"),
        },
    )
    before = result.before[0]
    st.caption(f"Before: peak {words.amount(before.max_act)}, mean {words.amount(before.mean_act)}.")
    check = steering_runs.independent(plan, result)
    if check is not None:
        side = "above" if check.after > check.term.threshold else "below"
        st.markdown(
            f"A judge that was not pushed: feature #{check.term.feature} of "
            f"{words.md(words.sae_long(data.sae(check.term.sae)))}, which fits "
            f"“{words.md(check.term.term_name)}” best, goes from {words.amount(check.before)} to "
            f"{words.amount(check.after)}, {side} its threshold of {words.amount(check.term.threshold)}."
        )


def response(plan: Plan, strength: float) -> None:
    """The whole curve, on demand: it takes some forty runs."""
    if st.button("Run the curve", icon=":material/show_chart:", key="steer_curve"):
        st.session_state["steer_curve_for"] = plan
    if st.session_state.get("steer_curve_for") != plan:
        st.caption("Thirteen strengths from -2 to 5, each with its controls: seconds for a protein of 300 residues.")
        return
    doses = steering_runs.curve(plan)
    st.plotly_chart(
        charts.dose_response(doses, data.sae(plan.sae).role, frame.mode(), strength),
        key="steer_dose",
        alt="Peak of the feature by strength, beside its controls",
    )
    st.markdown(steering_runs.read_curve(doses))
    head = ["strength", "peak", "peak_random_feature", "peak_random_direction", "changed", "changed_random_feature"]
    peaks = [(d.steered.max_act, d.random_feature.max_act, d.random_direction.max_act) for d in doses]
    lines = [(d.strength, *peak, d.n_changed, d.n_changed_random) for d, peak in zip(doses, peaks, strict=True)]
    file = downloads.file_name(plan.sae, plan.feature, "dose_response.csv")
    st.download_button(
        "Curve (CSV)", downloads.table_csv(head, lines), file, icon=":material/download:", on_click="ignore"
    )
