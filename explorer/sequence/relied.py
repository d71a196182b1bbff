"""What a feature at a residue relies on: windows hidden one by one, with curves against random orders.

Read `show`, then `drawn`.
"""

import streamlit as st

from explorer.components.protein_view import StripRow
from explorer.draw import downloads, reliance_charts, words
from explorer.protein.subject import Subject
from explorer.sequence.scans import anew, options_of
from explorer.services import live, relying, slices
from explorer.services.refs import FeatureRef
from explorer.services.relying import Question
from explorer.shell import frame, takeaway, viewer
from protsae.measures.reliance import N_RANDOM, Reliance, area

ITSELF = "residue"
HOW = (
    "Windows of the chain are hidden from the language model, alone and together, and the value is read again. Found "
    "is the order in which few windows suffice and little is left without them (EAGLE, arXiv:2509.22496)."
)
HELP_INDEX = (
    f"With only its own window visible (the residue and {relying.RADIUS} on either side), and with only that hidden: 0 "
    "means its own window settles it, 1 that only residues farther away do, 0.5 that both are needed."
)
HELP_AREA = (
    f"Area under the curve, 0 to 1, beside the mean of {N_RANDOM} random orders. An order that found what matters is "
    "higher when windows are added and lower when they are taken away."
)


def show(about: Subject, sae: str, rows: list[StripRow]) -> None:
    """Choice, button, and what was found."""
    question, name = choose(about, sae, rows)
    begun = st.session_state.setdefault("relied_begun", set())
    found = relying.reliance(question) if question in begun else None
    if st.session_state.get("relied_running") == question and not (found is not None and found.is_whole):
        st.fragment(grow, run_every=slices.EVERY_SECONDS)(question, st.query_params.to_dict())
        return
    if found is None or not found.is_whole:

        def begin() -> None:
            st.session_state["relied_begun"] = st.session_state["relied_begun"] | {question}
            st.session_state["relied_running"] = question

        label = "Find out what it relies on" if found is None else "Go on"
        st.button(label, icon=":material/troubleshoot:", key="relied_start", on_click=begin)
        st.caption(f"{HOW} Nothing is computed before you ask.")
    else:
        drawn(about, question, name, found)


def choose(about: Subject, sae: str, rows: list[StripRow]) -> tuple[Question, str]:
    """What is explained, and at which residue; both stand in the address."""
    named = options_of(about, sae, rows, st.query_params.get("relied", ""))
    values = live.by_feature(about.sequence, sae)
    named = {key: name for key, name in named.items() if len(values.of(int(key))[0])}
    left, right = st.columns([2, 1.4], vertical_alignment="bottom")
    with left:
        what = frame.choice(
            "What is explained", "relied", [*named, ITSELF], kind="select",
            show=lambda key: "How likely the residue itself is" if key == ITSELF else named[key],
        )  # fmt: skip
    kept = viewer.kept(len(about.sequence), 0).residue
    if what == ITSELF:
        focus, name = kept or 1, "the likelihood"
    else:
        acts = values.dense(int(what))
        focus, name = (kept if kept and acts[kept - 1] > 0 else int(acts.argmax()) + 1), named[what]
    with right:
        frame.say(
            f"At {about.sequence[focus - 1]}{focus}"
            + (", the residue that you clicked." if focus == kept else ", its peak. Click another residue above."
               if what != ITSELF else ". Click a residue above to choose another."),
            "ps-small",
        )  # fmt: skip
    return Question(about.sequence, focus, sae, None if what == ITSELF else int(what)), name


@frame.guarded
def grow(question: Question, params: dict[str, str]) -> None:
    """Compute for a moment; the part is drawn anew once all is known or the reader has stopped it."""
    if st.session_state.get("relied_running") != question:
        anew(params)
    found = relying.reliance(question, slices.SLICE_SECONDS)
    if found is not None and found.is_whole:
        st.session_state.pop("relied_running", None)
        anew(params)
    left, right = st.columns([4, 1], vertical_alignment="center")
    done, total = (found.n_values, found.total) if found is not None else (0, 1)
    left.progress(min(1.0, done / total), f"{done:,} of at most {total:,} readings")
    right.button("Stop", icon=":material/stop:", key="relied_stop", on_click=stop)


def stop() -> None:
    """Nothing is lost: what is known stays."""
    st.session_state.pop("relied_running", None)


def drawn(about: Subject, question: Question, name: str, found: Reliance) -> None:
    """Sentence, strip with structure, curves, and the file."""
    frame.say(sentence(about, found, name), "ps-lead")
    values = found.per_residue()
    note = "Gain of each window alone: it suffices and it is missed, 0 to 1"
    row = StripRow(
        label=f"relied on by {name}", values=values, scale=float(values.max()) or 1.0, code="reliance", note=note
    )
    viewer.show(
        key="relied_view", name=f"{downloads.stem(about.name or 'sequence')} relied on", sequence=about.sequence,
        rows=[row], marks={question.focus: "the residue that is explained"}, structure=about.structure, height=320,
        scale_note=note,
    )  # fmt: skip
    refs = [] if question.feature is None else [FeatureRef(question.sae, question.feature)]
    title = f"Windows added and taken away: {name} at {about.sequence[question.focus - 1]}{question.focus}"
    takeaway.chart(reliance_charts.curves(found, frame.mode()), "relied_curves", title, alt=title, refs=refs)
    st.caption(f"{HOW} {HELP_AREA}")
    file = downloads.file_name(downloads.stem(about.name or "sequence"), question.focus, "reliance.csv")
    st.download_button(
        "Windows (CSV)", lambda: windows_csv(found), file, "text/csv", icon=":material/download:", on_click="ignore",
        key="relied_csv",
    )  # fmt: skip


def sentence(about: Subject, found: Reliance, name: str) -> str:
    """The answer in words, with how far it is to be believed."""
    at = f"{about.sequence[found.focus]}{found.focus + 1}"
    needed = next((n for n, value in enumerate(found.insertion) if value >= 0.5), len(found.windows))
    n_residues = sum(end - start for start, end in (found.windows[window] for window in found.order[:needed]))
    where = words.join([f"{found.windows[w][0] + 1}-{found.windows[w][1]}" for w in sorted(found.order[:needed])][:6])
    text = (
        f"Half of {name} at {at} is reached with {n_residues} residues visible ({where}). Context index "
        f"{found.context_index:.2f}: its own window alone keeps {100 * found.keep_own:.0f} %, without it "
        f"{100 * found.hide_own:.0f} % is left."
    )
    added, taken = (sum(map(area, curves)) / N_RANDOM for curves in (found.random_insertion, found.random_deletion))
    text += (
        f" Adding windows in this order: area {area(found.insertion):.2f} (random {added:.2f}); taking them away: "
        f"{area(found.deletion):.2f} (random {taken:.2f})."
    )
    better = area(found.insertion) > max(map(area, found.random_insertion)) and area(found.deletion) < min(
        map(area, found.random_deletion)
    )
    return text if better else f"{text} That is no better than every random order, so read nothing into the windows."


def windows_csv(found: Reliance) -> str:
    """One line a window, in the order that was found."""
    head = ["rank", "first_residue", "last_residue", "gain_alone", "insertion", "deletion"]
    lines = [
        (
            rank,
            found.windows[window][0] + 1,
            found.windows[window][1],
            f"{found.gain[window]:.6g}",
            f"{found.insertion[rank]:.6g}",
            f"{found.deletion[rank]:.6g}",
        )
        for rank, window in enumerate(found.order, start=1)
    ]
    return downloads.table_csv(head, lines)
