"""Compare, two sets of proteins: which features tell them apart?

Nothing runs before the reader asks; then a fragment runs the proteins a moment at a time, so the page stays open, and
can be stopped. Read `page`, then `grow`.
"""

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.compare import protein_sets, set_charts, views
from explorer.compare.protein_sets import Drawn, Pair
from explorer.draw import confounded, downloads, markup, words
from explorer.protein.reading import LONGEST_IN_ADDRESS
from explorer.services import data, live, set_scores, slices
from explorer.services.explained import explained
from explorer.services.refs import FeatureRef
from explorer.services.set_scores import LEVEL, Plan, Pooling, Tested
from explorer.shell import frame, links, tables, takeaway
from protsae.errors import InputError, ProtSAEError

TITLE = "Which features tell two sets of proteins apart?"
KINDS = {"list": "Proteins", "go": "GO term", "org": "Organism", "rest": "All others"}
POOLINGS: dict[str, Pooling] = {"max": "max", "mean": "mean"}
POOLED = {"max": "strongest residue", "mean": "mean over residues"}
CUTOFFS = {"0.05": "q ≤ 0.05", "0.01": "q ≤ 0.01", "0.001": "q ≤ 0.001", "all": "all that fire"}
HIGHER = {"both": "either", "a": "A", "b": "B"}
HELP_LIST = (
    "Accessions, entry, gene or protein names of proteins in this bundle, one a line or separated by commas; or FASTA, "
    "of any protein. Ctrl + Enter takes them over."
)
HELP_P = (
    "Chance of so large a difference where the same proteins are dealt to two sets of these sizes at random: Mann and "
    "Whitney's test, exact in how many proteins of each set the feature fires in."
)
HELP_Q = "False discovery rate (Benjamini and Hochberg) over all features that fire in any of these proteins."
HELP_AUROC = (
    "The chance that a protein of set A scores above one of set B; 0.5 is no difference. Interval: Newcombe's, 95 %."
)


def page() -> None:
    """The view."""
    frame.headline(
        TITLE,
        "Give two sets; the language model reads their proteins, and every feature of the autoencoder in the side bar "
        "is tested for firing more strongly in one of them.",
        tab=("Two sets of proteins", "Compare"),
    )
    views.switch()
    wanted = [side(which) for which in zip("AB", st.columns(2, gap="large"), strict=True)]
    pooling = POOLINGS[
        frame.choice("Score of a protein", "pool", list(POOLINGS), show=POOLED.__getitem__, tip=words.HELP["pooling"])
    ]
    try:
        pair = protein_sets.pair(*wanted)
    except InputError as error:
        st.html(markup.empty(str(error), "The other set is kept."))
        return
    described(pair)
    plan = Plan(frame.settings().sae, protein_sets.sequences(pair.a), protein_sets.sequences(pair.b))
    try:
        live.language_model()
        known = set_scores.run(plan)
    except ProtSAEError as error:
        st.html(markup.empty(str(error), "The other views work without the language model."))
        return
    if known.is_whole:
        results(pair, plan, pooling)
        return
    ask(plan, known.total - len(known.items))


def defaults(which: str) -> str:
    """What a set is where the address does not say: a validated term, against all others."""
    if which == "B":
        return "rest"
    found = next((row.go_id for row in data.validated()), None) or next(iter(protein_sets.terms()), "")
    return f"go:{found}"


def side(place: tuple[str, DeltaGenerator]) -> str:
    """The widgets of one set; what it is, as the address writes it."""
    which, column = place
    name = which.lower()
    asked = st.query_params.get(name) or defaults(which)
    kind, _, value = asked.partition(":")
    kinds = [one for one in KINDS if one != "rest" or which == "B"]
    shown = kind if kind in kinds else kinds[0]
    with column, st.container(border=True):
        picked = kind_box(which, kinds, shown)
        if picked == "go":
            found = one_of(which, "go", protein_sets.terms(), value if kind == "go" else "")
            return found if shown == kind else asked
        if picked == "org":
            found = one_of(which, "org", protein_sets.organisms(), value if kind == "org" else "")
            return found if shown == kind else asked
        if picked == "list":
            text = list_box(which, value)
            return f"list:{text}" if kind == "list" else asked
        frame.say(
            "Every protein of this bundle that is not in set A, nor a relative of one that is.", "ps-small ps-soft"
        )
    return asked


def kind_box(which: str, kinds: list[str], shown: str) -> str:
    """Where the set comes from; a change takes the first of its kind."""
    key, name = f"sets_kind_{which}", which.lower()
    st.session_state[key] = shown

    def write() -> None:
        kind = st.session_state[key]
        firsts = {
            "go": next(iter(protein_sets.terms()), ""),
            "org": next(iter(protein_sets.organisms()), ""),
            "list": "",
        }
        value = "rest" if kind == "rest" else f"{kind}:{firsts[kind]}"
        if kind == "go" and which == "A":
            value = defaults("A")
        frame.write_address(**{name: None if value == defaults(which) else value})

    return (
        st.segmented_control(
            f"Set {which}", kinds, key=key, format_func=KINDS.__getitem__, on_change=write, required=True
        )
        or shown
    )


def one_of(which: str, kind: str, options: dict[str, str], value: str) -> str:
    """A list to choose from; a value that is none of it stays, so that the page can say so."""
    key, name = f"sets_{kind}_{which}", which.lower()
    listed = options if value in options or not value else {value: value} | options
    if not listed:
        return f"{kind}:{value}"
    st.session_state[key] = value or next(iter(listed))

    def write() -> None:
        chosen = f"{kind}:{st.session_state[key]}"
        frame.write_address(**{name: None if chosen == defaults(which) else chosen})

    found = st.selectbox(
        f"{KINDS[kind]} of set {which}", list(listed), key=key, format_func=listed.__getitem__, on_change=write
    )
    return f"{kind}:{found}"


def list_box(which: str, value: str) -> str:
    """The box for proteins; what the address cannot hold is kept while the reader stays."""
    key, kept, name = f"sets_list_{which}", f"sets_text_{which}", which.lower()
    text = value or st.session_state.get(kept, "")
    st.session_state[key] = text

    def write() -> None:
        given = st.session_state[key].strip()
        st.session_state[kept] = given
        fits = ">" not in given and len(given) <= LONGEST_IN_ADDRESS
        frame.write_address(**{name: f"list:{given}" if fits else "list:"})

    st.text_area(
        f"Proteins of set {which}", key=key, on_change=write, height=150, help=HELP_LIST, placeholder=HELP_LIST
    )
    if text and not value:
        st.caption("Sequences are too long for the address: a copied link will not bring them along.")
    return text


def described(pair: Pair) -> None:
    """What was understood, and what was left out because relatives repeat each other."""
    told = [f"Set {which}: {of_set(one)}" for which, one in zip("AB", (pair.a, pair.b), strict=True)]
    frame.say(" ".join([*told, *pair.notes]))


def of_set(drawn: Drawn) -> str:
    """'proteins with “zinc ion binding”, 214 in 160 homology families; one of each of 150 drawn families is run.'"""
    text = f"{drawn.title}, {words.count(drawn.n_given, 'protein')} in {drawn.n_families:,} homology families"
    if len(drawn.members) < drawn.n_families:
        return f"{text}; {len(drawn.members)} families are drawn (always the same ones), one protein of each is run."
    return f"{text}; one protein of each is run." if drawn.n_given > drawn.n_families else f"{text}."


def ask(plan: Plan, n_left: int) -> None:
    """The button that starts the run, and the run while it goes on."""
    if st.session_state.get("sets_running") != plan:
        st.button(
            "Compare the sets",
            type="primary",
            icon=":material/play_arrow:",
            key="sets_start",
            on_click=turn,
            args=(plan,),
        )
        st.caption(
            f"{words.count(n_left, 'protein')} to run, about a quarter of a second each; what was run is kept, and the "
            "rest of the page can be used meanwhile."
        )
        return
    st.button("Stop", icon=":material/stop:", key="sets_stop", on_click=turn, args=(None,))
    st.fragment(grow, run_every=slices.EVERY_SECONDS)(plan)


def turn(plan: Plan | None) -> None:
    """Take note of what is to be run, None for nothing."""
    st.session_state["sets_running"] = plan


@frame.guarded
def grow(plan: Plan) -> None:
    """Run the next proteins for a moment; the whole page is drawn anew once all are known."""
    known = set_scores.run(plan, seconds=slices.SLICE_SECONDS)
    if known.is_whole:
        for pooling in POOLINGS.values():  # now, so that the page can change between them at once
            set_scores.tested(plan, pooling)
        turn(None)
        st.rerun()
    st.progress(len(known.items) / known.total, f"Protein {len(known.items)} of {known.total}")


def results(pair: Pair, plan: Plan, pooling: Pooling) -> None:
    """What differs: the sentence with its null, the picture, the list, the files."""
    tested = set_scores.tested(plan, pooling)
    st.header("Features that differ", anchor=False)
    frame.say(sentence(tested))
    frame.say(lengths(plan), "ps-small ps-soft")
    chart(tested, plan)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        cutoff = frame.choice("List", "cut", list(CUTOFFS), show=CUTOFFS.__getitem__, tip=HELP_Q)
        higher = frame.choice("Higher in", "higher", list(HIGHER), show=HIGHER.__getitem__)
    rows = listed(tested, plan.sae, cutoff, higher)
    table(rows, pair, plan.sae)
    files(rows, pair, plan, pooling)


def sentence(tested: Tested) -> str:
    """How many features differ, which way, and how many random dealings of the same proteins would show."""
    found = tested.features.loc[tested.features["q"] <= LEVEL]
    in_a, in_b = int((found["auroc"] > 0.5).sum()), int((found["auroc"] < 0.5).sum())
    chance = np.array(tested.by_chance)
    luck = (
        f"where the same proteins are dealt at random, {len(chance)} times, {chance.mean():.1f} features are found on "
        f"average and {chance.max()} at most"
    )
    what = (
        f"{len(found):,} of {len(tested.features):,} features that fire differ at a false discovery rate of {LEVEL:g}"
    )
    if found.empty:
        what = f"none of {len(tested.features):,} that fire differs at a false discovery rate of {LEVEL:g}"
        return f"No feature tells the sets apart: {what}. For comparison, {luck}."
    return f"{what}: {in_a:,} fire more strongly in set A, {in_b:,} in set B. For comparison, {luck}."


def lengths(plan: Plan) -> str:
    """How long the proteins of the sets are: what differs may be no more than that."""
    a, b = (float(np.median([len(sequence) for sequence in one])) for one in (plan.a, plan.b))
    return (
        f"Median length is {a:.0f} residues in set A and {b:.0f} in set B. Sets that differ in length, organism or "
        "composition differ in features that follow these; the column “Explained by” says which one such fact explains."
    )


def chart(tested: Tested, plan: Plan) -> None:
    """Every feature by how far and how surely it differs; a click opens one."""
    table = live.features(plan.sae)
    names = [words.label(*one) for one in zip(table["label"], table["label_grade"], strict=True)]
    with takeaway.figure("sets", "Features that differ between two sets of proteins", saes=[plan.sae]):
        event = st.plotly_chart(
            set_charts.volcano(tested.features, names, data.sae(plan.sae).role, frame.mode()),
            key="sets_volcano",
            on_select="rerun",
            selection_mode="points",
            config={"displayModeBar": False},
            alt="Features by AUROC and by how sure the difference is",
        )
    picked = [point["customdata"] for point in event["selection"]["points"] if "customdata" in point]
    if picked:
        feature = picked[0][0] if isinstance(picked[0], (list, tuple)) else picked[0]
        frame.go(links.feature(plan.sae, int(feature)))


def listed(tested: Tested, sae: str, cutoff: str, higher: str) -> pd.DataFrame:
    """The features that the reader wants to see, with their names and what else explains them."""
    rows = tested.features
    if cutoff != "all":
        rows = rows.loc[rows["q"] <= float(cutoff)]
    if higher != "both":
        rows = rows.loc[rows["auroc"] > 0.5 if higher == "a" else rows["auroc"] < 0.5]
    table = live.features(sae).set_index("feature").loc[rows["feature"]]
    facts = explained(sae)
    mostly = [
        confounded.text(facts[feature].fact, facts[feature].aa_enrichment) if feature in facts else ""
        for feature in rows["feature"].tolist()
    ]
    names = [words.label(*one) for one in zip(table["label"], table["label_grade"], strict=True)]
    grades = table["label_grade"].replace("none", "not validated").tolist()
    return rows.assign(label=names, grade=grades, mostly=mostly).reset_index(drop=True)


def table(rows: pd.DataFrame, pair: Pair, sae: str) -> None:
    """The list; a click on a row opens the feature."""
    if rows.empty:
        frame.say("No feature is left; list all that fire to see how near they come.")
        return
    n_a, n_b = len(pair.a.members), len(pair.b.members)
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    spans = [f"{low:.2f} to {high:.2f}" for low, high in zip(rows["low"], rows["high"], strict=True)]
    key = f"sets_table_{hash((tuple(rows['feature']), n_a, n_b))}"
    st.caption(f"{words.count(len(rows), 'feature')} listed; click a heading to sort, a row to open its feature.")
    st.dataframe(
        pd.DataFrame({
            "Feature": rows["feature"],
            "Label": rows["label"],
            "Evidence": rows["grade"],
            "AUROC": rows["auroc"],
            "its interval": spans,
            "q": rows["q"],
            "p": rows["p"],
            "Fires in A, %": 100 * rows["firing_a"] / n_a,
            "Fires in B, %": 100 * rows["firing_b"] / n_b,
            "Mean A": rows["mean_a"],
            "Mean B": rows["mean_b"],
            confounded.COLUMN: rows["mostly"],
        }),
        hide_index=True,
        height=min(460, 40 + 35 * len(rows)),
        column_config={
            "Feature": number(width=70),
            "Label": text(help=words.HELP["label"], width=260),
            "Evidence": text(help=words.HELP["grade"], width=95),
            "AUROC": number(help=HELP_AUROC, format="%.3f", width=75),
            "its interval": text(help=HELP_AUROC, width=105),
            "q": number(help=HELP_Q, format="%.1e", width=75),
            "p": number(help=HELP_P, format="%.1e", width=75),
            "Fires in A, %": number(help=f"Of {n_a} proteins that were run.", format="%.0f", width=85),
            "Fires in B, %": number(help=f"Of {n_b} proteins that were run.", format="%.0f", width=85),
            "Mean A": number(help="Mean score of the proteins of set A.", format="%.3g", width=75),
            "Mean B": number(help="Mean score of the proteins of set B.", format="%.3g", width=75),
            confounded.COLUMN: text(help=confounded.COLUMN_HELP, width=130),
        },
        **tables.clickable(key),
    )  # fmt: skip
    row = tables.clicked_row(key)
    if row is not None and row < len(rows):
        frame.go(links.feature(*FeatureRef(sae, int(rows["feature"].iloc[row]))))


def files(rows: pd.DataFrame, pair: Pair, plan: Plan, pooling: Pooling) -> None:
    """The list, and the proteins that were run."""
    head = ["sae", "pooling", *map(str, rows.columns)]
    lines = [[plan.sae, pooling, *line] for line in rows.to_numpy(dtype=object).tolist()]
    members = [
        (which, member.name, member.cluster, len(sequence), sequence)
        for which, one, run in (("A", pair.a, plan.a), ("B", pair.b, plan.b))
        for member, sequence in zip(one.members, run, strict=True)
    ]
    fasta = "".join(downloads.fasta(f"{which}|{name}", sequence) for which, name, _, _, sequence in members)
    kept = ["set", "protein", "cluster", "length"]
    for label, text, file, kind in (
        ("Features (CSV)", downloads.table_csv(head, lines), "features_of_two_sets.csv", "text/csv"),
        ("Proteins run (CSV)", downloads.table_csv(kept, [m[:4] for m in members]), "two_sets.csv", "text/csv"),
        ("Proteins run (FASTA)", fasta, "two_sets.fasta", "text/plain"),
    ):
        st.download_button(label, text, file, kind, icon=":material/download:", key=file, on_click="ignore")
