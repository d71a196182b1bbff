"""The Compare page's second view: is guided better than unguided, over all terms and against all methods?

Read `page`; the numbers come from `results`, the figures from `result_charts`.
"""

import pandas as pd
import streamlit as st

from explorer.compare import result_charts, results
from explorer.compare.results import MEAN
from explorer.draw import markup, words
from explorer.services import data
from explorer.shell import frame
from protsae.store.evaluation.metrics import GROUPS, METHOD_KINDS, METRICS, Metric, method_kind

VIEWS = {"term": "One term", "methods": "All methods"}
TITLE = "Guided against all other methods"
COMPARED = ("auc", "ev", "participation")
"""Metrics that variants of ProtSAE are told by: does it predict, does it reconstruct, do its features take part?"""
FIDELITY, MEANING = ("lr_masked", "ev"), ("feature_auc", "f1", "auc")
"""Metrics of the plots, the preferred first."""
PARTS = {
    "ablation": ("What each part of ProtSAE is for", "with one part taken away"),
    "guidance": ("Other ways to guide", "when it is guided in another way"),
}
PLAIN = {"displayModeBar": False}


def switch() -> str:
    """The control that changes between the two views of the page."""
    return frame.choice("Show", "view", list(VIEWS), show=VIEWS.__getitem__)


def page() -> None:
    """The view."""
    rows = data.evaluation()
    if rows.empty:
        frame.headline(TITLE, "The evaluation trains every method on the same proteins and scores it on unseen ones.")
        switch()
        st.html(
            markup.empty(
                "This bundle was not evaluated.", "To fill this page, run: python -m precompute evaluate BUNDLE"
            )
        )
        return
    asked, options = st.query_params.get("ns"), results.choices(rows)
    over = asked if asked in options else (options or [MEAN])[0]
    frame.headline(TITLE, results.lead(rows, over), eyebrow=markup.escape(_facts(rows)))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        switch()
        if len(options) > 1:
            over = frame.choice("Ontology", "ns", options, show=lambda name: words.NAMESPACES.get(name, "mean of all"))
        group = frame.choice("Numbers", "group", list(GROUPS), show=words.capitalised, tip=" ".join(GROUPS.values()))
    main_table(rows, group, over)
    trade_off(rows, over)
    sparsity(rows, over)
    found = {part: variants(rows, part, over) for part in PARTS}
    downloads(rows, found)


def main_table(rows: pd.DataFrame, group: str, over: str) -> None:
    """Methods by the metrics of one group, what each says, and the file."""
    st.subheader(GROUPS[group], anchor=False)
    shown = results.table(rows, group, over)
    if not shown.lines:
        frame.say("No method has these numbers yet.")
        return
    st.html(markup.wrap(table_html(shown)))
    spread = "Mean ± standard deviation over seeds" if _has_spread(shown) else "One seed, so no spread is known"
    st.caption(
        f"{spread}; bold: the best of a column as far as its digits tell, controls aside. ↑ higher is better, ↓ lower."
    )
    with st.expander("What these numbers say"):
        st.html(markup.wrap(markup.facts((m.title, m.sentence, m.sentence) for m in shown.metrics)))
    _save("Table (CSV)", results.as_csv(shown), f"evaluation_{group}_{over}.csv")


def table_html(shown: results.Table) -> str:
    """The table as escaped HTML: a head that explains itself, methods by kind, the best in bold."""
    arrows = {"higher": " ↑", "lower": " ↓", "neither": ""}
    head = "".join(
        f'<th title="{markup.escape(m.sentence)}">{markup.escape(m.title)}{arrows[m.better]}</th>'
        for m in shown.metrics
    )
    width = len(shown.metrics) + 2
    body = []
    for kind, told in METHOD_KINDS.items():
        lines = [line for line in shown.lines if line.kind == kind]
        if lines:
            title = f"<b>{markup.escape(words.capitalised(kind))}</b>: {markup.escape(told)}"
            body.append(f'<tr class="kind"><td colspan="{width}"><span>{title}</span></td></tr>')
            body += [_line_html(line, shown) for line in lines]
    return (
        f'<div class="ps-wide" tabindex="0"><table class="ps-rows"><tr><th>Method</th>{head}<th>Seeds</th></tr>'
        f"{''.join(body)}</table></div>"
    )


def _line_html(line: results.Line, shown: results.Table) -> str:
    dot = f'<span class="ps-dot" style="background:{result_charts.colour(line.method)}"></span>'
    numbers = []
    for metric in shown.metrics:
        value = line.cells.get(metric.key)
        if value is None:
            numbers.append('<td class="ps-soft">-</td>')
            continue
        mean, _, spread = markup.escape(results.amount(value, metric)).partition(" ± ")
        best = f"<b>{mean}</b>" if line.method in shown.best[metric.key] else mean
        tip = f' title="{words.count(value.n_seeds, "seed")}"'
        soft = f' <span class="ps-soft">± {spread}</span>' if spread else ""
        numbers.append(f"<td{tip}>{best}{soft}</td>")
    return f"<tr><td>{dot}{markup.escape(line.method)}</td>{''.join(numbers)}<td>{line.n_seeds}</td></tr>"


def trade_off(rows: pd.DataFrame, over: str) -> None:
    """Fidelity against meaning, a point a method; controls would stretch the axes and are left to the table."""
    seeds = results.per_seed(rows, "main", results.scope(rows, "main", over))
    known = set(seeds["metric"])
    axes = _metric(FIDELITY, known), _metric(MEANING, known)
    x, y = (results.cells(seeds, axis.key) for axis in axes)
    both = [method for method in results.ordered(list(x)) if method in y and method_kind(method) != "control"]
    if len(both) < 2:
        return
    st.subheader("What meaning costs in fidelity", anchor=False)
    frame.say(f"Right: {axes[0].sentence} Up: {axes[1].sentence}")
    st.html(markup.wrap(_legend(both)))
    st.plotly_chart(result_charts.trade_off({m: x[m] for m in both}, y, axes), key="trade_off", config=PLAIN)


def sparsity(rows: pd.DataFrame, over: str) -> None:
    """The two axes of the trade-off at several k."""
    told = results.scope(rows, "sparsity", over)
    known = set(rows.loc[rows["part"] == "sparsity", "metric"])
    axes = [_metric(names, known) for names in (FIDELITY, MEANING)]
    lines = {axis: found for axis in axes if (found := results.sweep(rows, over, axis.key))}
    if not lines:
        return
    st.subheader("With fewer and with more active features", anchor=False)
    frame.say(_where(told))
    for column, (axis, found) in zip(st.columns(2, gap="large"), lines.items(), strict=False):
        with column:
            st.plotly_chart(result_charts.sweep(found, axis), key=f"sweep_{axis.key}", config=PLAIN)


def variants(rows: pd.DataFrame, part: str, over: str) -> list[results.Gap]:
    """Differences of a part's methods to ProtSAE, a figure a metric; returns them."""
    gaps = results.differences(rows, part, over, COMPARED)
    if not gaps:
        return gaps
    title, what = PARTS[part]
    st.subheader(title, anchor=False)
    told = _where(results.scope(rows, part, over))
    frame.say(f"How far ProtSAE moves from itself (blue line) {what}, seed by seed. {told}")
    keys = [key for key in COMPARED if any(gap.metric == key for gap in gaps)]
    for column, key in zip(st.columns(len(keys), gap="medium"), keys, strict=True):
        here = [gap for gap in gaps if gap.metric == key]
        with column:
            st.html(markup.wrap(f'<b title="{markup.escape(METRICS[key].sentence)}">{METRICS[key].title}</b>'))
            figure = result_charts.differences(here, METRICS[key], frame.mode())
            st.plotly_chart(figure, key=f"{part}_{key}", config=PLAIN)
    return gaps


def downloads(rows: pd.DataFrame, gaps: dict[str, list[results.Gap]]) -> None:
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


def _metric(names: tuple[str, ...], known: set[str]) -> Metric:
    return METRICS[next((name for name in names if name in known), names[0])]


def _where(told: list[str]) -> str:
    return f"Told for {words.join([words.NAMESPACES[name] for name in told])}." if told else ""


def _has_spread(shown: results.Table) -> bool:
    return any(value.n_seeds > 1 for line in shown.lines for value in line.cells.values())


def _legend(methods: list[str]) -> str:
    names = {
        result_charts.colour(results.OURS): "ProtSAE (open: its variants)",
        result_charts.colour(result_charts.VANILLA): "TopK, the vanilla autoencoder",
        result_charts.GREY: "other methods",
    }
    present = {result_charts.colour(method) for method in methods}
    return markup.dots_legend((name, ink) for ink, name in names.items() if ink in present)
