"""The tables of the Steer page: difference, changed residues, controls.

Read `compare`.
"""

from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from explorer.draw import downloads, words
from explorer.services import data
from explorer.services.refs import FeatureRef
from explorer.services.slices import Known
from explorer.shell import frame, takeaway
from explorer.steer import address, charts, runs, verdicts
from explorer.steer.diff import diff_html
from explorer.steer.runs import Plan, Push
from protsae.alphabet import AMINO_ACIDS
from protsae.steering.steer import Reading, SteerResult
from protsae.steering.substitutions import substitutions


def differ(result: SteerResult) -> None:
    """The two sequences, conservative and radical changes told apart."""
    found = substitutions(result.original, result.steered)
    if not found:
        st.caption("The two sequences are identical.")
        return
    near = sum(one.kind == "conservative" for one in found)
    st.caption(
        f"{near} conservative (dotted underline, BLOSUM62 of 0 or above), {len(found) - near} radical (full outline)."
    )
    st.html(diff_html(result.original, result.steered))


def everywhere(plan: Plan, result: SteerResult) -> None:
    """On demand: what the push does to the predictions at every residue with nothing hidden."""
    key = "steer_scan"
    st.session_state[key] = address.below().scan

    def write() -> None:
        address.keep(scan=st.session_state[key])

    if st.toggle("Every residue, nothing hidden", key=key, on_change=write):
        scan = runs.scanned(plan, result.strength)
        takeaway.chart(
            charts.preferences(scan, plan.sequence, frame.mode()), "steer_scan_chart",
            "Change of each letter's log-probability under the push, nothing hidden", refs=[plan.ref],
        )  # fmt: skip
        lines = [
            (
                residue + 1,
                plan.sequence[residue],
                letter,
                float(scan.after[residue, place] - scan.before[residue, place]),
            )
            for residue in range(len(plan.sequence))
            for place, letter in enumerate(AMINO_ACIDS)
        ]
        st.download_button(
            "All log-odds (CSV)", lambda: downloads.table_csv(["residue", "letter", "to", "change_nats"], lines),
            downloads.file_name(plan.sae, plan.feature, "nothing_hidden.csv"), icon=":material/download:",
            on_click="ignore",
        )  # fmt: skip


def changed_residues(result: SteerResult, ref: FeatureRef) -> None:
    """How much likelier each new residue is than the old one, under the push."""
    if not result.n_changed:
        st.caption("No residue changed.")
        return
    takeaway.chart(
        charts.log_odds(result, frame.mode()), "steer_log_odds", "Log-odds of the residues that changed", refs=[ref]
    )
    place = {int(p): i for i, p in enumerate(result.masked)}
    kinds = {one.position: one for one in substitutions(result.original, result.steered)}
    lines = []
    for position, odds in zip(result.changed.tolist(), result.log_odds.tolist(), strict=True):
        i, old, new = place[position], result.original[position], result.steered[position]
        lines.append(
            {
                "Change": f"{old}{position + 1}{new}",
                "Residue": position + 1,
                "Kind": kinds[position].kind,
                "BLOSUM62": kinds[position].score,
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


def compare(plan: Plan, result: SteerResult, random: Known[Push]) -> None:
    """The same mask and strength on things that should not matter.

    Nothing is run here: controls come with the random features, which are run in slices.
    """
    if not result.n_changed:
        st.caption("No residue changed, so there is nothing to compare.")
        return
    if not random.is_whole:
        st.caption("Random features are being tried, the bar above says how many; then the controls stand here.")
        return
    control = runs.compared(plan, result.strength)
    rows = [
        _row("This feature", result),
        _row("Nothing (every hidden residue refilled)", control.no_push),
        _row("Random direction of equal length", control.random_direction),
    ]
    mean, peak = verdicts.ranks(result, random.items)
    takeaway.chart(
        charts.ranked(result, random.items, data.sae(plan.sae).role, frame.mode()),
        "steer_rank",
        "Mean activation after this push and after each of the random ones",
        refs=[FeatureRef(plan.sae, plan.feature)],
    )
    st.caption(
        f"{mean.n} random features of about the same density, pushed to the same multiple of their own 99th "
        f"percentile. This one does more than {mean.n_less} of them by the mean (p = {mean.p_value:.2g}) and than "
        f"{peak.n_less} by the peak (p = {peak.p_value:.2g})."
    )
    rows.insert(1, _median(random.items))
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={
            "Changed": st.column_config.NumberColumn(format="%.0f"),
            "Peak after": st.column_config.NumberColumn(format="%.3g"),
            "Mean after": st.column_config.NumberColumn(format="%.3g"),
            "Predictor after": st.column_config.NumberColumn(format="%.3f", help="Mean of the concept predictor's pi."),
            "Perplexity": st.column_config.NumberColumn(format="%.1f"),
        },
    )
    before = result.before[0]
    st.caption(f"Before: mean {words.amount(before.mean_act)}, peak {words.amount(before.max_act)}.")


def _row(name: str, result: SteerResult) -> dict[str, Any]:
    after = result.after[0]
    return _line(name, result.n_changed, after, result.perplexity_after)


def _median(random: Sequence[Push]) -> dict[str, Any]:
    readings = [push.after for push in random]
    predicted = [reading.mean_pi for reading in readings if reading.mean_pi is not None]
    middle = Reading(
        readings[0].feature,
        median(reading.max_act for reading in readings),
        median(reading.mean_act for reading in readings),
        median(predicted) if predicted else None,
    )
    name = f"{len(random)} random features of about equal density, median"
    return _line(name, median(push.n_changed for push in random), middle, median(push.perplexity for push in random))


def _line(name: str, changed: float, after: Reading, perplexity: float) -> dict[str, Any]:
    return {
        "Pushed": name,
        "Changed": changed,
        "Mean after": after.mean_act,
        "Peak after": after.max_act,
        "Predictor after": after.mean_pi,
        "Perplexity": perplexity,
    }
