"""All terms of all sub-ontologies: who is ahead by how much, as a histogram that brushes a sortable table.

What is looked at (held-out F1, average precision, or average precision inside proteins) decides the histogram, the
sentence and the filter; the table has all of it. Every choice stands in the address. Read `show`, then `Wanted`.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from explorer.draw import charts, confounded, downloads, outward, words
from explorer.services import data
from explorer.services.cached import cached_by_bundle
from explorer.services.comparing import Versus, all_terms
from explorer.services.explained import explained
from explorer.shell import frame, links, tables, takeaway
from protsae.store.grades import GRADES
from protsae.store.rows import Role, TermRow

REACH = 1.0
"""Largest difference there can be."""


class Measure(NamedTuple):
    """One score by which both features of a term are held against each other."""

    title: str
    score: str
    """Ending of the columns guided_ and baseline_."""
    interval: tuple[str, str] | None
    """Columns of the paired interval."""


MEASURES = {
    "f1": Measure("held-out F1", "f1", ("difference_low", "difference_high")),
    "ap": Measure("average precision", "ap", ("ap_difference_low", "ap_difference_high")),
    "site": Measure("average precision inside proteins", "site", None),
}
EVIDENCE = {"any": "Any", "validated": "Guided validated", "strong": "Guided strong"}
WHERE = {"all": "All three"} | words.NAMESPACES


class Wanted(NamedTuple):
    """What the reader wants to see of the table."""

    namespace: str
    measure: str
    evidence: str
    text: str
    clear: bool
    gap: tuple[float, float] | None
    """Smallest and largest difference; None for all."""


@st.fragment
@frame.guarded
def show(term: TermRow, sides: list[Versus], role: Role) -> None:
    """Filters, sentence, histogram, table, file; only this part reruns."""
    rows = described(sides)
    asked = wanted(rows)
    kept = filtered(rows, asked)
    measure = MEASURES[asked.measure]
    frame.say(summary(kept, measure, role))
    histogram(kept, asked, term, role)
    listed = within(kept, measure, asked.gap)
    table(listed, term, role)


@cached_by_bundle(8)
def described(sides: list[Versus]) -> pd.DataFrame:
    """All terms with what simple fact explains their features (guided_explained, baseline_explained)."""
    rows = all_terms(sides)
    return rows.assign(**{f"{side}_explained": explained_by(rows, side) for side in ("guided", "baseline")})


def explained_by(rows: pd.DataFrame, side: str) -> list[str]:
    """What simple fact explains each term's feature, '' where none does."""
    pairs = list(
        zip(rows[f"{side}_sae"].tolist(), rows[f"{side}_feature"].fillna(-1).astype(int).tolist(), strict=True)
    )
    texts = {
        sae: {feature: confounded.text(found.fact, found.aa_enrichment) for feature, found in explained(sae).items()}
        for sae in dict.fromkeys(sae for sae, _ in pairs)
    }
    return [texts[sae].get(feature, "") for sae, feature in pairs]


def wanted(rows: pd.DataFrame) -> Wanted:
    """The widgets and what they say; all follow the address."""
    present = [name for name in WHERE if name == "all" or name in set(rows["namespace"])]
    measures = [name for name, one in MEASURES.items() if rows[f"guided_{one.score}"].notna().any()]
    left, right = st.columns([1.6, 1], vertical_alignment="bottom", gap="medium")
    with left:
        namespace = frame.choice("Terms of", "terms", present, show=WHERE.__getitem__) if len(present) > 2 else "all"
        measure = frame.choice(
            "Compared by", "by", measures or ["f1"], show=lambda name: words.capitalised(MEASURES[name].title)
        )
    with right:
        evidence = frame.choice(
            "Evidence", "evidence", list(EVIDENCE), show=EVIDENCE.__getitem__, tip=words.HELP["grade"]
        )
        can_be_clear = MEASURES[measure].interval is not None
        clear = frame.flag(
            "Clear differences only", "clear", tip="The 95 % interval of the difference leaves out zero."
        )
    return Wanted(
        namespace, measure, evidence, text_box(), clear and can_be_clear, read_gap(st.query_params.get("gap"))
    )


def text_box() -> str:
    """Words that the term's name must hold; they follow the address."""
    st.session_state["terms_find"] = st.query_params.get("find", "")

    def write() -> None:
        frame.write_address(find=st.session_state["terms_find"].strip() or None)

    return st.text_input(
        "Name or GO id holds",
        key="terms_find",
        on_change=write,
        placeholder="zinc, transport, GO:0008270 …",
        icon=":material/search:",
    ).strip()


def read_gap(text: str | None) -> tuple[float, float] | None:
    """'-0.1_0.3' as numbers, the smaller first; None where the address has none that can be read."""
    try:
        low, high = sorted(float(part) for part in (text or "").split("_"))
    except ValueError:
        return None
    return (max(low, -REACH), min(high, REACH)) if np.isfinite([low, high]).all() else None


def filtered(rows: pd.DataFrame, asked: Wanted) -> pd.DataFrame:
    """Rows that the filters leave, the brush aside."""
    keep = np.ones(len(rows), dtype=bool)
    if asked.namespace != "all":
        keep &= (rows["namespace"] == asked.namespace).to_numpy()
    if asked.evidence != "any":
        wanted_grades = [
            name for name in GRADES if name == "strong" or (asked.evidence == "validated" and name != "none")
        ]
        keep &= rows["guided_grade"].isin(wanted_grades).to_numpy()
    for word in asked.text.lower().split():
        keep &= (rows["name"].str.lower() + " " + rows["go_id"].str.lower()).str.contains(word, regex=False).to_numpy()
    if asked.measure == "site":
        keep &= rows["guided_site"].notna().to_numpy()
    interval = MEASURES[asked.measure].interval
    if asked.clear and interval is not None:
        low, high = (rows[name].to_numpy(dtype=float) for name in interval)
        keep &= (low > 0) | (high < 0)
    return rows.loc[keep].reset_index(drop=True)


def within(rows: pd.DataFrame, measure: Measure, gap: tuple[float, float] | None) -> pd.DataFrame:
    """Rows whose difference lies in the brushed range."""
    if gap is None:
        return rows
    value = difference(rows, measure)
    return rows.loc[(value >= gap[0]) & (value <= gap[1])].reset_index(drop=True)


def difference(rows: pd.DataFrame, measure: Measure) -> np.ndarray:
    """[n] guided minus the other; NaN where one is not scored."""
    ours, theirs = (rows[f"{side}_{measure.score}"].to_numpy(dtype=float) for side in ("guided", "baseline"))
    return ours - theirs


def summary(rows: pd.DataFrame, measure: Measure, role: Role) -> str:
    """Wins, ties and losses: all, those that are clear by the interval, and what chance alone would show."""
    gap = difference(rows, measure)
    known = np.isfinite(gap)
    n = int(known.sum())
    if n == 0:
        return f"No term that is left has {measure.title} for both autoencoders."
    ahead, behind, level = (int(found.sum()) for found in (gap[known] > 0, gap[known] < 0, gap[known] == 0))
    text = (
        f"By {measure.title}, of {words.count(n, 'term')} scored for both the guided feature is ahead on {ahead}, the "
        f"{role} feature on {behind}, {level} level; median difference {np.median(gap[known]):+.2f}."
    )
    if measure.interval is None:
        return f"{text} No interval is stored for a single term; the table above has one over terms."
    low, high = (rows[name].to_numpy(dtype=float)[known] for name in measure.interval)
    wins, losses = int((low > 0).sum()), int((high < 0).sum())
    chance = 0.025 * n
    return (
        f"{text} By more than chance {wins} are won, {losses} lost and {n - wins - losses} undecided (the 95 % "
        "interval of the difference, both features on the same resampled proteins, leaves out zero or not); were the "
        f"two equally good, about {chance:.0f} would look won and {chance:.0f} lost."
    )


def histogram(rows: pd.DataFrame, asked: Wanted, term: TermRow, role: Role) -> None:
    """The distribution; a brush over it, or the slider, keeps the terms below it."""
    measure = MEASURES[asked.measure]
    turn = st.session_state.setdefault("terms_turn", 0)  # a chart cannot be told to forget its brush
    key = f"difference_{asked.measure}_{turn}"

    def brush() -> None:
        boxes = st.session_state[key]["selection"]["box"]
        span = sorted(boxes[0]["x"]) if boxes else None
        frame.write_address(gap=None if span is None else f"{max(span[0], -REACH):.2f}_{min(span[1], REACH):.2f}")

    names = [sae.name for sae in data.saes()]
    with takeaway.figure("difference", f"Terms by {measure.title}, guided minus {role}", saes=names):
        st.plotly_chart(
            charts.difference(
                rows, frame.mode(), term.go_id, role, score=measure.score, named=measure.title, brushed=asked.gap
            ).update_layout(dragmode="select", selectdirection="h"),
            key=key,
            on_select=brush,
            selection_mode="box",
            config={"displayModeBar": False},
            alt=f"Terms by {measure.title}, guided minus {role}",
        )
    st.session_state["terms_gap"] = asked.gap or (-REACH, REACH)

    def slide() -> None:
        low, high = st.session_state["terms_gap"]
        st.session_state["terms_turn"] += 1
        frame.write_address(gap=None if (low, high) == (-REACH, REACH) else f"{low:.2f}_{high:.2f}")

    st.slider(
        "Differences to list",
        -REACH,
        REACH,
        step=0.05,
        key="terms_gap",
        on_change=slide,
        format="%+.2f",
        help="Or drag over the bars above.",
    )


def table(rows: pd.DataFrame, term: TermRow, role: Role) -> None:
    """The terms; a click on a row opens one."""
    shown = display(rows)
    if shown.empty:
        frame.say("No term is left; widen the range or the filters.")
        return
    st.caption(f"{words.count(len(shown), 'term')} listed; click a heading to sort, a row to open its term.")
    st.dataframe(
        shown.assign(quickgo=[f"{outward.QUICKGO}{go_id}" for go_id in shown["go_id"]]),
        hide_index=True,
        height=440,
        placeholder="-",
        column_config=columns(role),
        **tables.clickable("all_terms"),
    )
    st.download_button(
        "Terms (CSV)",
        lambda: downloads.table_csv([str(name) for name in shown.columns], shown.to_numpy(dtype=object).tolist()),
        "guided_against_unguided.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
    row = tables.clicked_row("all_terms")
    if row is not None and row < len(shown) and (go_id := str(shown["go_id"].iloc[row])) != term.go_id:
        kept = {name: st.query_params.get(name, "") for name in ("guided", "against")}
        frame.go(links.compare(go_id, **(kept if data.term(go_id) is not None else {})))


def display(rows: pd.DataFrame) -> pd.DataFrame:
    """The columns as shown: differences beside their intervals, best-supported terms first."""
    out = rows.assign(
        ontology=rows["namespace"].map(words.NAMESPACES),
        quickgo=outward.QUICKGO + rows["go_id"],
        gain=difference(rows, MEASURES["f1"]),
        gain_interval=spans(rows, "difference_low", "difference_high", "+.2f"),
        ap_gain=difference(rows, MEASURES["ap"]),
        ap_gain_interval=spans(rows, "ap_difference_low", "ap_difference_high", "+.2f"),
        site_gain=difference(rows, MEASURES["site"]),
        guided_interval=spans(rows, "guided_low", "guided_high", ".2f"),
        baseline_interval=spans(rows, "baseline_low", "baseline_high", ".2f"),
    )
    return (
        out.sort_values(["n_pos_test", "go_id"], ascending=[False, True]).loc[:, list(COLUMNS)].reset_index(drop=True)
    )


def spans(rows: pd.DataFrame, low: str, high: str, form: str) -> list[str]:
    """Intervals as text, '' where there is none."""
    pairs = zip(rows[low].to_numpy(dtype=float), rows[high].to_numpy(dtype=float), strict=True)
    return ["" if np.isnan(one) else f"{one:{form}} to {other:{form}}" for one, other in pairs]


HELP_GAIN = (
    "Guided minus the other. The interval is a 95 % bootstrap over test proteins, both features on the same ones."
)
HELP_AP = (
    "Average precision over all thresholds; a feature that means nothing reaches the share of proteins with the term."
)
HELP_SITE = "Average precision inside unseen proteins with named residues, for terms that are judged by residues."
COLUMNS: dict[str, tuple[str, str | None, str | None]] = {
    "name": ("Term", None, None),
    "ontology": ("Ontology", None, None),
    "n_pos_test": ("n", "%d", words.HELP["n"]),
    "guided_f1": ("Guided F1", "%.2f", words.HELP["f1"]),
    "baseline_f1": ("{role} F1", "%.2f", words.HELP["f1"]),
    "gain": ("Δ F1", "%+.2f", HELP_GAIN),
    "gain_interval": ("its interval", None, HELP_GAIN),
    "guided_ap": ("Guided AP", "%.2f", HELP_AP),
    "baseline_ap": ("{role} AP", "%.2f", HELP_AP),
    "ap_gain": ("Δ AP", "%+.2f", HELP_GAIN),
    "ap_gain_interval": ("its  interval", None, HELP_GAIN),
    "guided_site": ("Guided AP at residues", "%.2f", HELP_SITE),
    "baseline_site": ("{role} AP at residues", "%.2f", HELP_SITE),
    "site_gain": ("Δ at residues", "%+.2f", HELP_SITE),
    "guided_interval": ("Guided interval", None, words.HELP["ci"]),
    "baseline_interval": ("{role} interval", None, words.HELP["ci"]),
    "guided_auroc": ("Guided AUROC", "%.2f", words.HELP["auroc"]),
    "baseline_auroc": ("{role} AUROC", "%.2f", words.HELP["auroc"]),
    "composition_auroc": ("Composition AUROC", "%.2f", words.HELP["composition"]),
    "guided_null": ("Guided null", "%.2f", words.HELP["null"]),
    "baseline_null": ("{role} null", "%.2f", words.HELP["null"]),
    "all_positive_f1": ("All positive F1", "%.2f", words.HELP["all_positive"]),
    "guided_grade": ("Guided evidence", None, words.HELP["grade"]),
    "baseline_grade": ("{role} evidence", None, words.HELP["grade"]),
    "guided_explained": (f"Guided {confounded.COLUMN.lower()}", None, confounded.COLUMN_HELP),
    "baseline_explained": (f"{{role}} {confounded.COLUMN.lower()}", None, confounded.COLUMN_HELP),
    "go_id": ("GO id", None, None),
    "quickgo": ("QuickGO", None, None),
}
"""Column -> heading, number format (None for text) and help."""


WIDTHS = {"name": 250, "ontology": 150, "interval": 125, "": 90}
"""Pixels of a column of text: what none of its values exceeds, but for long names of terms."""


def columns(role: Role) -> dict[str, Any]:
    """Names, help and number formats of the table."""
    found: dict[str, Any] = {"quickgo": st.column_config.LinkColumn("QuickGO", display_text="QuickGO ↗", width="small")}
    for name, (heading, form, tip) in COLUMNS.items():
        title = heading.format(role=words.capitalised(role))
        if name == "quickgo":
            found[name] = st.column_config.LinkColumn(title, display_text="QuickGO ↗", width="small")
        elif form is None:
            width = WIDTHS["interval" if name.endswith("interval") else name if name in WIDTHS else ""]
            found[name] = st.column_config.TextColumn(title, help=tip, width=width)
        else:
            found[name] = st.column_config.NumberColumn(title, help=tip, format=form, width="small")
    return found
