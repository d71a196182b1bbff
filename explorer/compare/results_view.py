"""The Compare page's second view: is guided better than unguided, over all terms and against all methods?

Read `page`; the numbers come from `protsae.store.evaluation.summary`, the sentences from `results`, the figures from
`result_charts`.
"""

import pandas as pd
import streamlit as st

from explorer.compare import result_charts, results, views
from explorer.draw import markup, words
from explorer.services import data
from explorer.shell import frame, takeaway
from protsae.store.analyses.evaluation import EVALUATION
from protsae.store.evaluation.methods import KINDS, METHODS, PARTS, meaning_of, method_of, part_of
from protsae.store.evaluation.metrics import GROUPS, METRICS, OVERVIEW, Metric
from protsae.store.evaluation.summary import MEAN, Gap, Line, Summary, Table

TITLE = "Guided against all other methods"
COMPARED = ("auc", "ev", "participation")
"""Metrics that variants of ProtSAE are compared by: does it predict, does it reconstruct, do its features take part?"""
FIDELITY, MEANING = ("lr_masked", "ev"), ("feature_auc", "f1", "auc")
"""Metrics of the plots, the preferred first."""
WRAPPED = "white-space:normal"


def page() -> None:
    """The view."""
    rows = data.evaluation()
    if rows.empty:
        frame.headline(TITLE, "The evaluation trains every method on the same proteins and scores it on unseen ones.")
        views.switch()
        why = data.absence(EVALUATION) or f"Its evaluation holds no numbers yet: `{EVALUATION.command()}` goes on."
        st.html(markup.empty(why, "One term at a time can be compared without it."))
        return
    summary = Summary(rows)
    asked, options = st.query_params.get("ns"), summary.choices()
    over = asked if asked in options else (options or [MEAN])[0]
    frame.headline(TITLE, results.lead(summary, over), eyebrow=markup.escape(_facts(rows)))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        views.switch()
        if len(options) > 1:
            over = frame.choice("Ontology", "ns", options, show=_choice)
    overview(summary, over)
    questions = " ".join(group.question for group in GROUPS.values())
    group = frame.choice("Numbers", "group", list(GROUPS), show=words.capitalised, tip=questions)
    main_table(summary, group, over)
    trade_off(summary, over)
    sparsity(summary, over)
    found = {part: variants(summary, part, over) for part in summary.variant_parts()}
    downloads(rows, found)


def overview(summary: Summary, over: str) -> None:
    """Every method in one or two numbers of each kind, and where the guided forms are ahead and behind."""
    st.header("Every method, all kinds of numbers side by side", anchor=False)
    shown = summary.columns("main", OVERVIEW, over)
    if not shown.lines:
        frame.say("No method has these numbers yet.")
        return
    forms = results.guided_forms(summary, over)
    for sentence in filter(None, (results.beside_unguided(summary, form, over) for form in forms)):
        frame.say(sentence, "")
    st.html(markup.wrap(table_html(shown, own=summary.ours("auc", over), meanings=True)))
    st.caption(_how_to_read(shown))
    with st.expander("What these numbers say", key="overview_help"):
        st.html(markup.wrap(markup.facts((m.heading, m.sentence, m.sentence) for m in shown.metrics)))
    _save("Table (CSV)", results.as_csv(shown), f"evaluation_overview_{over}.csv")


def main_table(summary: Summary, group: str, over: str) -> None:
    """Methods by the metrics of one group, what each says, and the file."""
    st.header(GROUPS[group].question, anchor=False)
    shown = summary.table("main", group, over)
    if not shown.lines:
        frame.say("No method has these numbers yet.")
        return
    st.html(markup.wrap(table_html(shown)))
    st.caption(_how_to_read(shown))
    with st.expander("What these numbers say", key="group_help"):
        st.html(markup.wrap(markup.facts((m.heading, m.sentence, m.sentence) for m in shown.metrics)))
    _save("Table (CSV)", results.as_csv(shown), f"evaluation_{group}_{over}.csv")


def table_html(shown: Table, *, own: str | None = None, meanings: bool = False) -> str:
    """The table as escaped HTML: a head that explains itself, methods by kind, the best in bold.

    Args:
        shown: what to show.
        own: the method of which the bundle's autoencoder is one; it bears a mark and has no other favour.
        meanings: say in lines of their own what each method is and how far seeds spread, so that many columns fit.
    """
    wrapped = f' style="{WRAPPED}"' if meanings else ""
    arrows = {"higher": " ↑", "lower": " ↓", "neither": ""}
    head = "".join(
        f"<th{wrapped}>{markup.explained(markup.escape(m.heading), m.sentence)}{arrows[m.better]}</th>"
        for m in shown.metrics
    )
    width = len(shown.metrics) + 2
    body = []
    for kind in KINDS.values():
        lines = [line for line in shown.lines if line.kind == kind.key]
        if lines:
            title = f"<b>{markup.escape(words.capitalised(kind.key))}</b>: {markup.escape(kind.sentence)}"
            body.append(f'<tr class="kind"><td colspan="{width}"><span>{title}</span></td></tr>')
            body += [_line_html(line, shown, own=own, meanings=meanings) for line in lines]
    return (
        f'<div class="ps-wide" tabindex="0"><table class="ps-rows"><tr><th>Method</th>{head}<th>Seeds</th></tr>'
        f"{''.join(body)}</table></div>"
    )


def _line_html(line: Line, shown: Table, *, own: str | None, meanings: bool) -> str:
    dot = f'<span class="ps-dot" style="background:{result_charts.colour(line.method)}"></span>'
    numbers = []
    for metric in shown.metrics:
        value = line.cells.get(metric.key)
        if value is None:
            numbers.append('<td class="ps-soft">-</td>')
            continue
        mean, _, spread = markup.escape(value.text(metric.digits)).partition(" ± ")
        best = f"<b>{mean}</b>" if line.method in shown.best[metric.key] else mean
        over = f"{f'± {spread}, ' if spread else ''}n = {value.n}" if _has_spread(shown) else ""
        soft = f'<div class="ps-small ps-soft">{over}</div>' if meanings else f' <span class="ps-soft">{over}</span>'
        numbers.append(f"<td>{best}{soft}</td>")
    return f"<tr>{_name_html(line.method, dot, own, meanings=meanings)}{''.join(numbers)}<td>{line.n_seeds}</td></tr>"


def _name_html(method: str, dot: str, own: str | None, *, meanings: bool) -> str:
    meaning = markup.escape(meaning_of(method))
    mark = markup.badge("this bundle's", "An autoencoder of this bundle is guided so.") if method == own else ""
    below = f'<div class="ps-small ps-soft" style="{WRAPPED};max-width:17rem">{meaning}</div>' if meanings else ""
    said = meaning_of(method)
    name = markup.escape(method) if meanings or not said else markup.explained(markup.escape(method), said)
    return f"<td>{dot}{name} {mark}{below}</td>"


def trade_off(summary: Summary, over: str) -> None:
    """Fidelity against meaning, a point a method; controls would stretch the axes and are left to the table."""
    axes = _metric(summary, "main", FIDELITY, over), _metric(summary, "main", MEANING, over)
    x, y = (summary.cells("main", axis.key, over) for axis in axes)
    both = [method for method in x if method in y and method_of(method).kind != "control"]
    if len(both) < 2:
        return
    st.header("What meaning costs in fidelity", anchor=False)
    frame.say(f"Right: {axes[0].sentence} Up: {axes[1].sentence}")
    st.html(markup.wrap(_legend(both)))
    takeaway.chart(
        result_charts.trade_off({m: x[m] for m in both}, y, axes),
        "trade_off",
        f"Methods by {axes[0].title} and {axes[1].title}",
    )


def sparsity(summary: Summary, over: str) -> None:
    """The two axes of the trade-off at several k."""
    axes = [_metric(summary, "sparsity", names, over) for names in (FIDELITY, MEANING)]
    lines = {axis: found for axis in axes if (found := summary.sweep(axis.key, over))}
    if not any(len(points) > 1 for found in lines.values() for points in found.values()):
        return  # one number of active features is no sweep
    st.header(PARTS["sparsity"].title, anchor=False)
    found = (results.along_sparsity(summary, axis, over) for axis in lines)
    frame.say(" ".join(filter(None, [_where(summary.scope("sparsity", over)), *found])))
    with st.container(key="roomy_sparsity"):
        columns = st.columns(2, gap="large")
    for column, (axis, found) in zip(columns, lines.items(), strict=False):
        with column:
            takeaway.chart(
                result_charts.sweep(found, axis), f"sweep_{axis.key}", f"{axis.title} by active features per residue"
            )


def variants(summary: Summary, part: str, over: str) -> list[Gap]:
    """Differences of a part's methods to ProtSAE, a figure a metric; returns them."""
    gaps = summary.gaps(part, COMPARED, over)
    if not gaps:
        return gaps
    st.header(part_of(part).title, anchor=False)
    where = _where(summary.scope(part, over))
    frame.say(f"How far ProtSAE moves from itself (blue line) {part_of(part).change}, seed by seed. {where}")
    keys = [key for key in COMPARED if any(gap.metric == key for gap in gaps)]
    with st.container(key=f"roomy_{part}"):
        columns = st.columns(len(keys), gap="medium")
    for column, key in zip(columns, keys, strict=True):
        here = [gap for gap in gaps if gap.metric == key]
        with column:
            st.html(markup.wrap(f"<b>{markup.explained(METRICS[key].title, METRICS[key].sentence)}</b>"))
            figure = result_charts.differences(here, METRICS[key], frame.mode())
            alt = f"{METRICS[key].title} of each variant, minus ProtSAE's"
            takeaway.chart(figure, f"{part}_{key}", alt)
    named = [
        (name, meaning, meaning) for name in dict.fromkeys(g.method for g in gaps) if (meaning := meaning_of(name))
    ]
    st.html(markup.wrap(markup.facts(named)))
    return gaps


def downloads(rows: pd.DataFrame, gaps: dict[str, list[Gap]]) -> None:
    """Files of what the figures show, and of every stored number."""
    with st.container(horizontal=True):
        if any(gaps.values()):
            _save("Differences to ProtSAE (CSV)", results.gaps_csv(gaps), "evaluation_differences.csv")
        _save("Every number and seed (CSV)", results.rows_csv(rows), "evaluation.csv")


def _save(label: str, text: str, file: str) -> None:
    st.download_button(label, text, file, "text/csv", icon=":material/download:", key=file, on_click="ignore")


def _facts(rows: pd.DataFrame) -> str:
    main = rows.loc[rows["part"] == "main"]
    n_test = data.bundle().reader.meta().get("n_test_proteins", "")
    proteins = [f"{int(n_test):,} test proteins"] if n_test.isdigit() else []
    methods, seeds = len(set(main["method"])), len(set(main["seed"]))
    return " · ".join([*proteins, words.count(methods, "method"), words.count(seeds, "seed")])


def _metric(summary: Summary, part: str, names: tuple[str, ...], over: str) -> Metric:
    """The first of the metrics that any method of the part has."""
    return METRICS[next((name for name in names if summary.cells(part, name, over)), names[0])]


def _choice(name: str) -> str:
    return "mean of all" if name == MEAN else results.namespace(name)


def _how_to_read(shown: Table) -> str:
    spread = "Mean ± standard deviation over n seeds" if _has_spread(shown) else "One seed, so no spread is known"
    best = "bold: the best of a column as far as its digits tell, controls aside"
    return f"{spread}; {best}. ↑ higher is better, ↓ lower."


def _where(scope: list[str]) -> str:
    return f"For {words.join([results.namespace(name) for name in scope])}." if scope else ""


def _has_spread(shown: Table) -> bool:
    return any(value.n > 1 for line in shown.lines for value in line.cells.values())


def _legend(methods: list[str]) -> str:
    names = {"paper": "ProtSAE (open: its variants)", "baseline": "TopK, the vanilla autoencoder"}
    inks = {result_charts.colour(m.name): names[m.standing] for m in METHODS.values() if m.standing in names}
    present = {result_charts.colour(method) for method in methods}
    return markup.dots_legend(
        (name, ink) for ink, name in (inks | {result_charts.GREY: "other methods"}).items() if ink in present
    )
