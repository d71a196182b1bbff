"""What judges that steering did not touch make of the new sequence: the probe, the unguided feature, 3-mers, the model.

Read `sentence`, then `judges_table`.
"""

from typing import NamedTuple

import pandas as pd
import streamlit as st

from explorer.draw import words
from explorer.services import data, judges, live, slices
from explorer.services.cached import cached_by_bundle
from explorer.services.slices import Slices
from explorer.shell import frame
from explorer.steer import runs
from explorer.steer.address import Drawn
from explorer.steer.runs import Plan
from protsae.steering.perplexity import pseudo_perplexity, surprisal
from protsae.steering.steer import SteerResult


class Judgement(NamedTuple):
    """One judge of both sequences."""

    name: str
    short: str
    before: float
    after: float
    scale: str
    """What its numbers mean, or what carriers have."""


def judgements(plan: Plan, result: SteerResult) -> list[Judgement]:
    """Every judge that this bundle has for the feature's term."""
    go_id, found = judges.term_of(plan.ref), []
    both = result.original, result.steered
    probe = judges.probe(go_id) if go_id else None
    if probe is not None:
        before, after = (probe.log_odds(sequence) for sequence in both)
        scale = (
            f"log-odds; carriers {probe.row.carriers:+.1f}, others {probe.row.others:+.1f} (medians), AUROC "
            f"{probe.row.auroc:.2f} on held-out proteins"
        )
        found.append(Judgement("Probe on the language model's states", "probe", before, after, scale))
    check = runs.independent(plan, result)
    if check is not None:
        name = f"#{check.term.feature} of {words.sae_long(data.sae(check.term.sae))}, its best feature for the term"
        found.append(
            Judgement(name, "unguided feature", check.before, check.after, f"calls above {check.term.threshold:.3g}")
        )
    near = judges.kmers(go_id) if go_id else None
    if near is not None:
        before, after = (near.similarity(sequence) for sequence in both)
        scale = f"standard deviations nearer to {near.n_carriers} carriers than to {near.n_others} others"
        found.append(Judgement("3-mers, no model at all", "3-mers", before, after, scale))
    return found


def sentence(plan: Plan, result: SteerResult) -> str:
    """All judges in one line; '' where the term has none."""
    found = judgements(plan, result)
    if not found:
        return ""
    told = " · ".join(f"{one.short} {one.before:.2f} → {one.after:.2f}" for one in found)
    row = data.term(judges.term_of(plan.ref) or "")
    what = f"“{row.name}”" if row is not None else "the term"
    return f"Judges of {what} that steering did not touch: {told}."


def judges_table(plan: Plan, result: SteerResult, drawn: Drawn) -> None:
    """The judges, and on demand how likely the model finds both sequences, each residue hidden alone."""
    found = judgements(plan, result)
    if found:
        st.dataframe(
            pd.DataFrame(
                {
                    "Judge": [one.name for one in found],
                    "Original": [one.before for one in found],
                    "Steered": [one.after for one in found],
                    "Change": [one.after - one.before for one in found],
                    "Scale": [one.scale for one in found],
                }
            ),
            hide_index=True,
            column_config={
                "Original": st.column_config.NumberColumn(format="%.3g"),
                "Steered": st.column_config.NumberColumn(format="%.3g"),
                "Change": st.column_config.NumberColumn(format="%+.3g"),
            },
        )
        st.caption(
            "One protein and one push say little: whether this feature does it in general is what the line above the "
            "page says, and the dose-response shows controls."
        )
    else:
        st.caption("This feature has no confirmed GO term, so no independent judge knows what to look for.")
    if st.button("Pseudo-perplexity of both", icon=":material/functions:", key="steer_perplexity"):
        st.session_state["steer_perplexity_for"] = result.steered
    if st.session_state.get("steer_perplexity_for") != result.steered:
        st.caption("How surprised the model is by each residue where it alone is hidden: a pass a residue, seconds.")
        return
    if all(_surprisals(sequence).known().is_whole for sequence in (result.original, result.steered)):
        before, after = (
            pseudo_perplexity(_surprisals(sequence).known().items) for sequence in (result.original, result.steered)
        )
        st.metric("Pseudo-perplexity", f"{before:.2f} → {after:.2f}", help="1 is certain, 20 is guessing.")
    else:
        st.fragment(_grow, run_every=slices.EVERY_SECONDS)(result.original, result.steered, drawn)


@frame.guarded
def _grow(original: str, steered: str, drawn: Drawn) -> None:
    """Hide the next residues for a moment; the whole page is drawn anew once all are known."""
    for sequence in (original, steered):
        runs_of = _surprisals(sequence)
        if not runs_of.known().is_whole:
            runs_of.known(slices.SLICE_SECONDS)
            break
    done = sum(len(_surprisals(sequence).known().items) for sequence in (original, steered))
    if done == len(original) + len(steered):
        drawn.anew()
    st.progress(done / (len(original) + len(steered)), f"Residue {done} of {len(original) + len(steered)}")


@cached_by_bundle(16, shared=True)
def _surprisals(sequence: str) -> Slices[float | None]:
    plm, _ = live.language_model()
    return Slices(len(sequence), lambda place: surprisal(plm, sequence, place))
