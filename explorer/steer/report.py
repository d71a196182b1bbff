"""What steering did: the slider, the sentence, three numbers, the structure; its tables are in `tables.py`.

Read `show`. All of it is one fragment, so that the slider redraws nothing else and the last answer stays meanwhile.
"""

import streamlit as st

from explorer.draw import markup, views, words
from explorer.protein.subject import known_protein, stored_structure
from explorer.services import data, live
from explorer.shell import frame, links, viewer
from explorer.shell.bound import bound
from explorer.steer import runs
from explorer.steer.runs import Plan
from explorer.steer.tables import changed_residues, compare, differ, response
from protsae.errors import ProtSAEError
from protsae.steering.controls import Controls
from protsae.steering.steer import SteerResult
from protsae.store.rows import FeatureRow

VIEW = "steer_view"
LOWEST, HIGHEST = -2.0, 5.0
HOW_MUCH = (
    "In units of the feature's 99th percentile: 0 touches nothing, 1 adds as much as in strong natural cases, beyond 1 "
    "the model has never seen, below 0 takes the feature away."
)
CHANGED = "Of the hidden residues; the rest of the chain cannot change."
PEAK = "Strongest activation, read anew from the steered sequence without any push."
PERPLEXITY = (
    "How surprised the untouched language model is by the residues at the hidden places, all hidden at once: 1 is "
    "certain, 20 is guessing. A stand-in for pseudo-perplexity."
)


@st.fragment
@frame.guarded
def show(plan: Plan, accession: str) -> None:
    """Slider and answer."""
    row = data.feature(plan.ref)
    assert row is not None, plan.ref
    strength = slider()
    try:
        result = runs.answer(plan, strength)
        control = runs.compared(plan, strength)
    except ProtSAEError as error:
        st.html(markup.empty(str(error), "Choose another feature or protein."))
        return
    st.html(markup.wrap(markup.paragraph(runs.sentence(row, result, control.random_feature), "ps-lead")))
    numbers(result, control)
    view(plan, row, result, accession)
    difference, changes, controls, dose = st.tabs(["Difference", "Log-odds", "Controls", "Dose-response"])
    with difference:
        differ(plan, result, accession)
    with changes:
        changed_residues(result)
    with controls:
        compare(plan, result, control)
    with dose:
        response(plan, strength)


def slider() -> float:
    """How much, in units of the feature's natural 99th percentile."""
    value = st.slider(
        "How much", LOWEST, HIGHEST, step=0.25, format="%.2f", help=HOW_MUCH, **bound("strength", 1.0, LOWEST, HIGHEST)
    )
    st.html(scale_bar())
    return value


def scale_bar() -> str:
    """Under the slider: where the natural range lies."""
    span = HIGHEST - LOWEST
    zero, one = -100 * LOWEST / span, 100 * (1 - LOWEST) / span
    texts = (
        ("left:0", "taken away"),
        (f"left:{zero:.1f}%;transform:translateX(-50%)", "0 untouched"),
        (f"left:{one:.1f}%;transform:translateX(-30%)", "1 natural"),
        ("right:0", "beyond nature"),
    )
    place = "position:absolute;white-space:nowrap"
    below = "".join(f'<span style="{place};{at}">{text}</span>' for at, text in texts)
    natural = f"position:absolute;left:{zero:.1f}%;width:{one - zero:.1f}%;height:5px;border-radius:3px"
    return (
        '<div class="ps ps-soft ps-small" style="position:relative;height:2.1rem;margin-top:-.6rem">'
        '<div style="height:5px;border-radius:3px;background:var(--ps-line);position:relative">'
        f'<div title="up to the 99th percentile in nature" style="{natural};background:var(--ps-violet)"></div>'
        f'</div><div style="position:relative;margin-top:.2rem">{below}</div></div>'
    )


def numbers(result: SteerResult, control: Controls) -> None:
    """Three numbers, each beside the random feature's."""
    before, after, random = result.before[0], result.after[0], control.random_feature
    cells = (
        ("Residues changed", f"{result.n_changed} of {len(result.masked)}", f"{random.n_changed}", CHANGED),
        (
            "Peak of the feature",
            f"{words.amount(before.max_act)} → {words.amount(after.max_act)}",
            words.amount(random.after[0].max_act),
            PEAK,
        ),
        (
            "Perplexity there",
            f"{result.perplexity_before:.1f} → {result.perplexity_after:.1f}",
            f"{random.perplexity_after:.1f}",
            PERPLEXITY,
        ),
    )
    for column, (name, value, control_value, tip) in zip(st.columns(3), cells, strict=True):
        column.metric(name, value, f"random feature: {control_value}", delta_color="off", delta_arrow="off", help=tip)


def view(plan: Plan, row: FeatureRow, result: SteerResult, accession: str) -> None:
    """Both sequences' activations on one scale, and the structure with the changed residues outlined."""
    ref = [plan.ref]
    scale = views.full_colour([row], frame.settings().scale)[0]
    known, match = known_protein(plan.sequence, accession)
    marks = {
        int(p) + 1: f"{result.original[p]}{p + 1}{result.steered[p]}, log-odds {odds:+.2f}"
        for p, odds in zip(result.changed, result.log_odds, strict=True)
    }
    url, code = links.feature(plan.sae, plan.feature).url, f"{plan.sae} {plan.feature}"
    viewer.show(
        key=VIEW,
        name=accession or "sequence",
        sequence=result.steered,
        rows=[
            views.strip("steered", live.feature_rows(result.steered, ref)[0], scale, url, code=f"{code} steered"),
            views.strip("original", live.feature_rows(result.original, ref)[0], scale, url, code=f"{code} original"),
        ],
        structure=stored_structure(match, known, plan.sequence),
        marks=marks,
        height=360,
        scale_note=f"#{row.feature} {row.label}".strip(),
    )
    span = viewer.kept(len(result.steered), 2).span
    if span is not None and st.button("Steer only residues {} to {}".format(*span), icon=":material/crop:"):
        frame.write_address(**{"from": str(span[0]), "to": str(span[1]), "range": None})
        st.rerun(scope="app")
