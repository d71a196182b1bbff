"""Steer: what happens if I turn this up?"""

import contextlib
import math
from functools import partial

import streamlit as st

from explorer.draw import corpus, markup, words
from explorer.protein import reading
from explorer.protein.reading import Pasted, Stored
from explorer.services import audit, data, live, searching
from explorer.services.refs import FeatureRef
from explorer.shell import doubts, frame, links
from explorer.shell.bound import number
from explorer.steer import address, also, opening, report, runs, steerable
from explorer.steer.runs import Plan
from explorer.steer.settings import settings
from protsae.errors import InputError, ProtSAEError
from protsae.steering.types import TESTED_STRENGTH
from protsae.store.grades import GRADES

OWN = "A sequence of my own"


def main() -> None:
    """The page."""
    frame.headline(
        "What happens if this feature is turned up?",
        "Some residues are hidden, the feature is raised inside the language model, and the model writes them anew. "
        "Whether they now carry the concept is read from the new sequence, beside controls that should do nothing.",
        tab=tab(),
    )
    frame.model_note()
    if why_not := corpus.reads_only(data.bundle().plm):
        frame.problem(why_not, "Features, terms and examples do not need it.")
        return
    ref = what()
    left, middle, right = st.columns([1.5, 1.5, 1], gap="medium", vertical_alignment="top")
    with left:
        chosen = feature_box(ref)
        if chosen is not None:
            also.box(chosen)
    if chosen is None:
        frame.problem(
            f"No feature of {data.sae(ref.sae).display_name} fires on any residue of this corpus, so none can be "
            "turned up.",
            "Choose another autoencoder in the side bar.",
        )
        return
    with middle:
        sequence, accession = where(chosen)
    evidence(chosen)
    as_it_opens = not {"feature", "protein", "sequence", "strength"} & set(st.query_params)
    if as_it_opens and (how := opening.sentence(opening.opening(chosen.sae))):
        frame.say(how, "ps-small ps-soft")
    if sequence is None:
        return
    with right:
        config, problems = settings(len(sequence), accession)
    try:
        live.language_model()
    except ProtSAEError as error:
        st.html(markup.empty(str(error), "The pages on stored proteins work without it."))
        return
    others = also.seated(chosen)
    plan = Plan(chosen.sae, chosen.feature, sequence, config, others)
    write = partial(also.write, chosen, others) if others else _nothing
    report.show(plan, accession, address.drawn(write, problems))


def _nothing() -> None:
    """No other feature has a slider."""


def tab() -> tuple[str, ...]:
    """What the browser's tab is called: the feature that the address names."""
    with contextlib.suppress(InputError):
        ref = links.read_feature(st.query_params, data.saes())
        row = data.feature(ref) if ref is not None else None
        if row is not None:
            sae = data.sae(row.sae)
            return words.title(row, sae), f"{sae.display_name} #{row.feature}", "Steer"
    return ("Steer",)


def evidence(ref: FeatureRef) -> None:
    """What was measured for this feature beforehand; that none raises its function, where none does, as the lead."""
    if none := steerable.none_raises(ref.sae):
        frame.say(none, "ps-lead")
    frame.say(steerable.sentence(ref), "ps-small ps-soft")
    if ref in audit.steered() and number(st.query_params.get("strength"), 1.0, -2.0, 5.0) != TESTED_STRENGTH:
        st.button(
            f"Turn it to strength {TESTED_STRENGTH:g}, as tested",
            icon=":material/science:",
            type="tertiary",
            on_click=lambda: frame.write_address(strength=f"{TESTED_STRENGTH:g}"),
        )


def what() -> FeatureRef:
    """The feature that the address names, else one that raises its own function, else a validated one."""
    asked = st.query_params.get("go")
    if asked and "feature" not in st.query_params:
        pair = data.term_pair(links.go_id_in(asked) or asked)
        if pair.guided is not None:
            return FeatureRef(pair.guided.sae, pair.guided.feature)
        st.html(markup.empty(f"No feature is guided by {asked!r}.", "Shown instead: another feature."))
    try:
        ref = links.read_feature(st.query_params, data.saes())
    except InputError as error:
        st.html(markup.empty(str(error), "Shown instead: another feature."))
        ref = None
    return ref or opening.opening(frame.settings().sae).ref


def feature_box(ref: FeatureRef) -> FeatureRef | None:
    """Every feature of the autoencoder that fires; type a function, a GO id or a number to find one.

    None where no feature fires.
    """
    options = feature_options(ref.sae)
    if not options:
        return None
    st.session_state["steer_feature"] = ref.feature if ref.feature in options else next(iter(options))

    def write() -> None:
        frame.write_address(sae=ref.sae, feature=str(st.session_state["steer_feature"]), go=None)

    picked = st.selectbox(
        "What",
        list(options),
        key="steer_feature",
        format_func=options.__getitem__,
        on_change=write,
        help="First those that raise their own function, then validated ones. Type a function, a GO id or a number.",
    )
    doubts.link(FeatureRef(ref.sae, picked), "What this feature is", icon=":material/verified:")
    return FeatureRef(ref.sae, picked)


def feature_options(sae: str) -> dict[int, str]:
    """Feature -> what the list calls it: those that raise their function, then by grade and held-out F1."""
    table, explained, effects = live.features(sae), doubts.texts(sae), audit.steered()
    raising = {feature: place for place, feature in enumerate(steerable.best(sae))}
    rows = [row for row in table.to_dict("records") if row["p99_act"] > 0]
    rows.sort(
        key=lambda row: (
            raising.get(row["feature"], len(raising)),
            GRADES.index(row["label_grade"]),
            0 if math.isnan(row["label_f1"]) else -row["label_f1"],
        )
    )
    names = {}
    for row in rows:
        term = f" · {row['go_id']}" if isinstance(row["go_id"], str) else ""
        score = "" if row["label_grade"] == "none" else f" · F1 {row['label_f1']:.2f} {row['label_grade']}"
        tested = effects.get(FeatureRef(sae, row["feature"]))
        turned = "" if tested is None else f" · turned up {tested.difference:+.2f}"
        raises = f"{turned} · raises its function" if row["feature"] in raising else turned
        name = words.label(row["label"], row["label_grade"])
        doubt = f" · {explained[row['feature']]}" if row["feature"] in explained else ""
        names[int(row["feature"])] = f"{name}{term} · #{row['feature']}{score}{raises}{doubt}"
    return names


def where(ref: FeatureRef) -> tuple[str | None, str]:
    """The protein: a stored one with a structure, or a sequence of the reader's own."""
    options = runs.stored_proteins()
    asked = st.query_params.get("protein")
    if asked and asked not in options:
        row = data.protein(asked)
        if row is None:
            st.html(markup.empty(f"This bundle has no protein {asked!r}.", "Choose one, or paste a sequence."))
        else:
            options = {asked: f"{asked} · {words.protein_name(asked, row.protein_name, limit=40)}"} | options
    own = "sequence" in st.query_params
    st.session_state["steer_protein"] = OWN if own else asked if asked in options else default_protein(ref) or OWN

    def write() -> None:
        picked = st.session_state["steer_protein"]
        kept = st.session_state.get("steer_own", "")
        gone = dict.fromkeys(("residue", "range", "row"))
        named = None if picked == OWN else picked
        frame.write_address(**gone, protein=named, sequence=kept if picked == OWN else None)

    picked = st.selectbox(
        "Where", [OWN, *options], key="steer_protein", format_func=lambda key: options.get(key) or OWN, on_change=write
    )
    if picked != OWN:
        row = data.protein(picked)
        return (row.sequence if row else None), picked
    return own_sequence(), ""


def default_protein(ref: FeatureRef) -> str | None:
    """That of the page's opening for its feature, else one with room to rise."""
    if "feature" not in st.query_params and (example := opening.opening(ref.sae)).ref == ref:
        return example.protein
    return runs.default_protein(ref)


def own_sequence() -> str | None:
    """A pasted sequence, kept in the address when it is short enough."""
    st.session_state["steer_own"] = st.query_params.get("sequence", "")

    def write() -> None:
        frame.write_address(sequence=st.session_state["steer_own"], residue=None, range=None)

    place = "Paste a sequence, or FASTA"
    text = st.text_area("Sequence", key="steer_own", height=110, on_change=write, placeholder=place)
    if not text.strip():
        return None
    try:
        found = reading.understand(text, data.protein, searching.search_proteins, corpus.described(data.corpus()))
    except InputError as error:
        st.html(markup.empty(str(error), "Nothing is lost: correct it in the box."))
        return None
    if isinstance(found, Pasted):
        return found.sequence
    row = data.protein(found.accession) if isinstance(found, Stored) else None
    if row is None:
        st.html(markup.empty("The box holds several proteins.", "Leave one of them."))
    return row.sequence if row else None


main()
