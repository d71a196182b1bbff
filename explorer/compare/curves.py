"""Precision against recall of both features of a term, at every threshold, with what luck and simpler things reach.

Read `show`.
"""

import streamlit as st

from explorer.compare import term_charts
from explorer.compare.comparison import Sides
from explorer.draw import downloads, markup, words
from explorer.services import comparing, data
from explorer.services.comparing import Areas
from explorer.services.refs import FeatureRef
from explorer.shell import frame, takeaway
from protsae.store.analyses.curves import CURVES, AreaDifference
from protsae.store.rows import TermFeature

HELP_AP = (
    "Average precision: the mean precision over all thresholds, weighted by the recall that each adds. 1 is perfect; a "
    "feature that means nothing reaches the share of proteins with the term."
)
HELP_NULL = "The same feature against the labels shuffled over the test proteins, mean of 200 shuffles."
ALONE = (
    (
        "composition_ap",
        "amino-acid composition",
        "A ridge regression on a protein's amino-acid shares and length, which needs no language model.",
    ),
    ("neuron_ap", "best single neuron", "The best dimension of the language model's mean state on training proteins."),
    ("probe_ap", "linear probe", "A ridge regression on the language model's mean state: what a feature could reach."),
)


def show(guided: TermFeature, baseline: TermFeature, compared: Sides) -> None:
    """The chart, the numbers in a sentence, what needs no feature, and the file."""
    st.header("Precision against recall, at every threshold", anchor=False)
    if reason := data.absence(CURVES):
        frame.say(reason)
        return
    areas = comparing.areas(guided, baseline)
    if areas is None:
        frame.say("No test protein carries this term, or all of them do, so there is no curve.")
        return
    frame.say(sentence(areas, compared))
    takeaway.chart(
        term_charts.precision_recall(areas, (compared.guided, compared.baseline), frame.mode()),
        "precision_recall",
        f"Precision against recall of both features for {guided.term_name}",
        refs=[FeatureRef(row.sae, row.feature) for row in (guided, baseline)],
    )
    st.caption(
        "Dots: the thresholds chosen on validation proteins and frozen, where the F1 above is told. Dotted: the "
        "precision of calling every test protein."
    )
    st.html(markup.wrap(markup.facts(facts(areas, compared))))
    file = downloads.file_name(guided.go_id, "precision_recall.csv")
    st.download_button(
        "Curves (CSV)", lambda: as_csv(areas, compared), file, "text/csv", icon=":material/download:", on_click="ignore"
    )


def sentence(areas: Areas, compared: Sides) -> str:
    """Which of the two is better over all thresholds, with interval, and how rare the term is."""
    ours, theirs = areas.guided.area, areas.baseline.area
    scores = f"{words.number(ours.ap)} guided, {words.number(theirs.ap)} {compared.baseline.role}"
    rare = (
        f"{words.count(ours.n_positive, 'test protein')} of {ours.n_test:,} carry the term, so a feature that means "
        f"nothing reaches {words.number(ours.prevalence)}"
    )
    ahead = verdict(areas.difference, compared.baseline.role)
    return f"{ahead}: average precision {scores}{_gap(areas.difference)}. {rare}."


def verdict(gap: AreaDifference | None, role: str) -> str:
    """Who is ahead over all thresholds, if anyone."""
    if gap is None:
        return "The difference was not measured"
    if not gap.is_clear:
        return "Over all thresholds neither is ahead by more than chance"
    ahead = "the guided feature" if gap.difference > 0 else f"the {role} feature"
    return f"Over all thresholds {ahead} is ahead"


def _gap(gap: AreaDifference | None) -> str:
    if gap is None:
        return ""
    interval = f"{gap.difference_low:+.2f} to {gap.difference_high:+.2f}"
    return f"; difference {gap.difference:+.2f}, 95 % interval {interval} over the same resampled proteins"


def facts(areas: Areas, compared: Sides) -> list[tuple[str, str, str]]:
    """Average precisions with intervals and nulls, and of what needs no feature."""
    rows = []
    for area, sae in zip(areas[:2], compared, strict=True):
        found = area.area
        interval = f"[{words.number(found.ap_low)}, {words.number(found.ap_high)}]"
        rows.append((f"{sae.display_name} #{found.feature}, AP", f"{words.number(found.ap)} {interval}", HELP_AP))
        luck = f"{words.number(found.null_ap)}, 97.5 % of them below {words.number(found.null_ap_high)}"
        rows.append((f"{sae.display_name}, shuffled labels", luck, HELP_NULL))
    for name, title, tip in ALONE if areas.alone is not None else ():
        rows.append((f"{words.capitalised(title)}, AP", words.number(getattr(areas.alone, name)), tip))
    return rows


def as_csv(areas: Areas, compared: Sides) -> str:
    """Every stored point as counts, precision and recall."""
    head = ["sae", "feature", "called", "hits", "precision", "recall", "is_threshold"]
    lines = [
        (
            sae.name,
            area.area.feature,
            point.called,
            point.hits,
            f"{point.hits / point.called:.6g}",
            f"{point.hits / area.area.n_positive:.6g}",
            point.is_threshold,
        )
        for area, sae in zip(areas[:2], compared, strict=True)
        for point in area.points
    ]
    return downloads.table_csv(head, lines)
