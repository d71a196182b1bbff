"""Many samples of one push, ranked, and everything to take away: FASTA, CSV and the recipe that replays them.

Read `samples`, then `recipe`.
"""

import pandas as pd
import streamlit as st

from explorer.draw import downloads
from explorer.services import judges, provenance, slices
from explorer.services.cached import cached_by_bundle
from explorer.services.slices import Slices
from explorer.shell import frame
from explorer.steer import address, runs
from explorer.steer.address import NUMBERS, Drawn
from explorer.steer.runs import Plan
from protsae.steering.recipe import Recipe
from protsae.steering.samples import Sample, ranked
from protsae.steering.steer import SteerResult


def samples(plan: Plan, strength: float, accession: str, drawn: Drawn) -> None:
    """Write many sequences under the same push, one a seed, and rank them."""
    if plan.config.temperature == 0 and plan.config.method != "gibbs":
        st.caption("At temperature 0 every sample is the same: raise the temperature in the settings to draw others.")
        return
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    key = "steer_many"
    st.session_state[key] = address.below().many

    def write() -> None:
        address.keep(many=st.session_state[key])

    number = left.selectbox("How many", NUMBERS, key=key, on_change=write)
    wanted = (plan, strength, number)
    if right.button("Write samples", icon=":material/casino:", key="steer_samples"):
        st.session_state["steer_samples_for"] = wanted
    if st.session_state.get("steer_samples_for") != wanted:
        st.caption(f"Seeds {plan.config.seed} to {plan.config.seed + number - 1}, one sequence each.")
        return
    found = _samples(plan, strength, number).known()
    if not found.is_whole:
        st.fragment(_grow, run_every=slices.EVERY_SECONDS)(plan, strength, number, drawn)
        return
    _ranked(plan, strength, found.items, accession)


@frame.guarded
def _grow(plan: Plan, strength: float, number: int, drawn: Drawn) -> None:
    """Write the next samples for a moment; the whole page is drawn anew once all are known."""
    found = _samples(plan, strength, number).known(slices.SLICE_SECONDS)
    if found.is_whole:
        drawn.anew()
    st.progress(len(found.items) / number, f"Sample {len(found.items)} of {number}")


def _ranked(plan: Plan, strength: float, found: list[tuple[Sample, float]], accession: str) -> None:
    order = ranked([score for _, score in found], [sample for sample, _ in found])
    go_id = judges.term_of(plan.ref)
    by = "Probe, log-odds" if go_id and judges.probe(go_id) else "Mean of the feature"
    lines = [
        {
            "Rank": place,
            by: score,
            "Changed": len(sample.written.changed),
            "Surprisal": sample.written.surprisal_after,
            "Written": count,
            "Seed": sample.seed,
            "Sequence": sample.written.steered,
        }
        for place, (score, sample, count) in enumerate(order, start=1)
    ]
    st.caption(f"{len(order)} different sequences of {len(found)}, ranked by: {by.lower()}.")
    tip = "Mean -ln p of the new residues at the places that could change; lower is likelier."
    st.dataframe(
        pd.DataFrame(lines),
        hide_index=True,
        height=min(400, 38 + 35 * len(lines)),
        column_config={
            by: st.column_config.NumberColumn(format="%.3f"),
            "Surprisal": st.column_config.NumberColumn(format="%.2f", help=tip),
        },
    )
    name = accession or "sequence"
    stem = downloads.file_name(name, plan.sae, plan.feature, f"{strength:g}", "samples")
    told = recipe(plan, strength, len(found))
    fasta = "".join(
        downloads.fasta(f"{name}_steered_{line['Rank']} seed={line['Seed']} {told.line()}", str(line["Sequence"]))
        for line in lines
    )
    with st.container(horizontal=True):
        _button("Samples (FASTA)", fasta, f"{stem}.fasta")
        csv = downloads.table_csv(list(lines[0]), [tuple(line.values()) for line in lines])
        _button("Samples (CSV)", csv, f"{stem}.csv")
        _button("Recipe (JSON)", told.text(), f"{stem}.json")


def recipe(plan: Plan, strength: float, number: int = 1) -> Recipe:
    """All that it takes to write the same sequences again: `python -m protsae.steering RECIPE.json --bundle DIR`."""
    return Recipe(
        bundle_id=provenance.bundle_id(),
        sae=plan.sae,
        sequence=plan.sequence,
        features=runs.raised(plan),
        strength=strength,
        always=runs.always(plan),
        config=plan.config,
        samples=number,
    )


def take_away(plan: Plan, result: SteerResult, accession: str) -> None:
    """The new sequence and its recipe."""
    name = accession or "sequence"
    told = recipe(plan, result.strength)
    title = f"{name}_steered {plan.sae} feature {plan.feature} strength {result.strength:g} seed {plan.config.seed}"
    both = downloads.fasta(f"{title} {told.line()}", result.steered) + downloads.fasta(
        f"{name}_original", result.original
    )
    stem = downloads.file_name(name, plan.sae, plan.feature, f"{result.strength:g}")
    with st.container(horizontal=True):
        _button("Steered sequence (FASTA)", both, f"{stem}.fasta")
        _button("Recipe (JSON)", told.text(), f"{stem}.json")
    st.caption("The recipe writes the same again: `python -m protsae.steering RECIPE.json --bundle DIR`.")


def _button(label: str, content: str, name: str) -> None:
    st.download_button(
        label, content, name, icon=":material/download:", on_click="ignore", key=f"steer_take_{label}_{name}"
    )


@cached_by_bundle(16, shared=True)
def _samples(plan: Plan, strength: float, number: int) -> Slices[tuple[Sample, float]]:
    """Samples with their score: the probe's where the term can be read out, else the feature's own mean."""
    steering, raised, always = runs.prepared(plan), runs.raised(plan), runs.always(plan)
    go_id = judges.term_of(plan.ref)
    probe = judges.probe(go_id) if go_id else None

    def one(place: int) -> tuple[Sample, float]:
        seed = plan.config.seed + place
        written = steering.rewrite(raised, strength=strength, always=always, seed=seed)
        own = runs.reading(plan.ref, written.steered).mean_act
        return Sample(seed, written), probe.log_odds(written.steered) if probe else own

    return Slices(number, one)
