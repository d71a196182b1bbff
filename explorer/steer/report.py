"""What steering did: the slider, the verdict, four numbers, the structure; its tables are in `tables.py`.

Read `show`. All of it is one fragment, so that the slider redraws nothing else and the last answer stays meanwhile. The
answer costs one run; random features are run in slices by a fragment inside it (`weigh`), so that no move of the slider
waits for them. The slider takes its value from the address where the page is drawn, not in the fragment.
"""

from collections.abc import Sequence
from statistics import median

import streamlit as st
from streamlit.elements.lib.mutable_tab_container import TabContainer

from explorer.draw import markup, views, words
from explorer.protein.subject import known_protein, stored_structure
from explorer.services import data, live, slices
from explorer.services.slices import Known
from explorer.shell import bound, frame, links, viewer
from explorer.steer import address, also, judged, many, runs, verdicts
from explorer.steer.address import HIGHEST, LOWEST, TABS, Drawn
from explorer.steer.curve import response
from explorer.steer.runs import Plan, Push
from explorer.steer.tables import changed_residues, compare, differ, everywhere
from protsae.errors import ProtSAEError
from protsae.steering.steer import SteerResult
from protsae.store.rows import FeatureRow

VIEW = "steer_view"
HOW_MUCH = (
    "In units of the feature's 99th percentile: 0 touches nothing, 1 adds as much as in strong natural cases, beyond 1 "
    "the model has rarely seen, below 0 takes the feature away."
)
CHANGED = "Of the hidden residues; the rest of the chain cannot change."
MEAN = "Over all residues of the chain, read anew from the steered sequence without any push. The verdict goes by it."
PEAK = "Strongest activation, read likewise: one residue. Nothing is called specific unless it moves with the mean."
PERPLEXITY = (
    "How surprised the untouched language model is by the residues at the hidden places, all hidden at once: 1 is "
    "certain, 20 is guessing. A stand-in for pseudo-perplexity."
)


@st.fragment
@frame.guarded
def show(plan: Plan, accession: str, drawn: Drawn) -> None:
    """Slider and answer."""
    row = data.feature(plan.ref)
    assert row is not None, plan.ref
    strength = slider(drawn, row)
    plan = plan._replace(also=also.sliders(plan.ref, plan.also))
    try:
        result = runs.answer(plan, strength)
        random = runs.random_features(plan, strength)
    except ProtSAEError as error:
        st.html(markup.empty(str(error), "Choose another feature or protein."))
        return
    for amiss in drawn.problems:
        bound.say(amiss)
    found = verdicts.read(row, result, random)
    st.html(markup.wrap(markup.verdict(found.title, found.text)))
    if said := judged.sentence(plan, result):
        frame.say(said, "ps-small ps-soft")
    progress = st.container()
    numbers(result, random.items if random.is_whole else [])
    view(plan, row, result, accession)
    below(plan, accession, result, random, drawn)
    if result.n_changed and not random.is_whole:
        with progress:  # drawn last: the answer stands before the first random feature is run
            st.fragment(weigh, run_every=slices.EVERY_SECONDS)(plan, strength, drawn)


def below(plan: Plan, accession: str, result: SteerResult, random: Known[Push], drawn: Drawn) -> None:
    """The tabs; what is in those that are not open is neither computed nor drawn."""

    def log_odds() -> None:
        changed_residues(result, plan.ref)
        everywhere(plan, result)

    def difference() -> None:
        differ(result)
        many.take_away(plan, result, accession)

    draw = {
        "": difference,
        "odds": log_odds,
        "judges": lambda: judged.judges_table(plan, result, drawn),
        "controls": lambda: compare(plan, result, random),
        "dose": lambda: response(plan, result.strength, drawn),
        "samples": lambda: many.samples(plan, result.strength, accession, drawn),
    }
    for amiss in address.below().problems:
        bound.say(amiss)
    for name, tab in tabs().items():
        if tab.open:
            with tab:
                draw[name]()


def tabs() -> dict[str, TabContainer]:
    """By the name that the address knows."""
    key = "steer_tabs"
    st.session_state[key] = TABS[address.below().tab]

    def write() -> None:
        address.keep(tab=next((name for name, label in TABS.items() if label == st.session_state[key]), ""))

    return dict(zip(TABS, st.tabs(list(TABS.values()), key=key, on_change=write), strict=True))


@frame.guarded
def weigh(plan: Plan, strength: float, drawn: Drawn) -> None:
    """Run random features for a moment; the whole page is drawn anew once all are known."""
    random = runs.random_features(plan, strength, seconds=slices.SLICE_SECONDS)
    if random.is_whole:
        runs.compared(plan, strength)  # kept, so that the page drawn anew does not wait for it
        drawn.anew()
    done = len(random.items)
    st.progress(done / random.total, f"Beside random features: {done} of {random.total} tried")


def slider(drawn: Drawn, row: FeatureRow) -> float:
    """How much, in units of the feature's natural 99th percentile."""
    if (amiss := bound.problem("strength")) is not None:
        bound.say(amiss)
    value = st.slider("How much", LOWEST, HIGHEST, step=0.25, format="%.2f", help=HOW_MUCH, **drawn.slider)
    st.html(scale_bar(row.max_act / row.p99_act if row.p99_act > 0 else 1.0))
    return value


def scale_bar(strongest: float) -> str:
    """Under the slider's own rail: the natural range, what is beyond it shaded, each word at its place.

    Args:
        strongest: activation of the corpus' strongest residue, in 99th percentiles.
    """
    span = HIGHEST - LOWEST
    zero, one = -100 * LOWEST / span, 100 * (1 - LOWEST) / span
    top = 100 * (min(strongest, HIGHEST) - LOWEST) / span
    marks = (
        ("left:0", "taken away"),
        (f"left:{zero:.1f}%;transform:translateX(-50%)", "0 untouched"),
        (f"left:{one:.1f}%;transform:translateX(-30%)", "1 natural"),
        ("right:0", "beyond nature"),
    )
    below = "".join(f'<span style="{at}">{text}</span>' for at, text in marks)
    bar = (
        f'<div class="ps-range" role="img" aria-label="Natural up to 1, the strongest residue at {strongest:.1f}">'
        f'<i class="natural" style="left:{zero:.1f}%;width:{one - zero:.1f}%"></i>'
        f'<i class="seen" style="left:{one:.1f}%;width:{max(top - one, 0):.1f}%"></i>'
        f'<i class="beyond" style="left:{top:.1f}%;right:0"></i></div>'
    )
    return f'<div class="ps ps-soft ps-small">{bar}<div class="ps-marks">{below}</div></div>'


def numbers(result: SteerResult, random: Sequence[Push]) -> None:
    """Four numbers, each beside the median of random features where these are known."""
    before, after = result.before[0], result.after[0]

    def beside(values: Sequence[float], shape: str) -> str | None:
        return f"random features: {format(median(values), shape)}" if values else None

    cells = (
        (
            "Residues changed",
            f"{result.n_changed} of {len(result.masked)}",
            beside([push.n_changed for push in random], ".0f"),
            CHANGED,
        ),
        (
            "Mean over the chain",
            f"{before.mean_act:.2g} → {after.mean_act:.2g}",
            beside([push.after.mean_act for push in random], ".2g"),
            MEAN,
        ),
        (
            "Peak",
            f"{words.amount(before.max_act)} → {words.amount(after.max_act)}",
            beside([push.after.max_act for push in random], ".3g"),
            PEAK,
        ),
        (
            "Perplexity there",
            f"{result.perplexity_before:.1f} → {result.perplexity_after:.1f}",
            beside([push.perplexity for push in random], ".1f"),
            PERPLEXITY,
        ),
    )
    for column, (name, value, control, tip) in zip(st.columns(4), cells, strict=True):
        column.metric(name, value, control, delta_color="off", delta_arrow="off", help=tip)


def view(plan: Plan, row: FeatureRow, result: SteerResult, accession: str) -> None:
    """Both sequences' activations on one scale, and the structure, the changed residues marked in both."""
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
        scale_note=words.named(row),
    )
    span = viewer.kept(len(result.steered), 2).span
    if span is not None and st.button("Steer only residues {} to {}".format(*span), icon=":material/crop:"):
        frame.write_address(**{"from": str(span[0]), "to": str(span[1]), "range": None})
        st.rerun(scope="app")
