"""The suite: every autoencoder over layers, sites and widths, as a heat map and a table. Read `show`."""

import streamlit as st

from explorer.draw import suite as drawn
from explorer.draw import words
from explorer.services import cached, suites
from explorer.shell import frame, links, tables, takeaway
from protsae.bundle.suite import METRICS, Entry

TITLE = "Where in the model, and how wide"
LEAD = (
    "Each row is an autoencoder trained on the same proteins, at another place of the language model or of another "
    "width. Every number stands beside the same number without an autoencoder, where there is one. A click on a row "
    "opens it."
)


def show() -> None:
    """The section; nothing where there is one place and width."""
    if not suites.is_one():
        return
    entries = suites.entries()
    with st.container(border=True):
        st.header(TITLE, anchor=False)
        frame.say(LEAD, "ps-soft ps-small")
        if len({entry.place for entry in entries}) > 1:
            _heat_map(entries)
        _table(entries)


def _heat_map(entries: tuple[Entry, ...]) -> None:
    kinds = list(dict.fromkeys((drawn.base(entry), entry.width) for entry in entries))
    shown = {f"{base}-{n}": [e for e in entries if (drawn.base(e), e.width) == (base, n)] for base, n in kinds}
    titles = {code: f"{rows[0].title.split(',')[0]}, {rows[0].width:,} features" for code, rows in shown.items()}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        code = frame.choice("Autoencoder", "suite", list(shown), show=titles.__getitem__, kind="select")
        rows = shown[code]
        names = drawn.measured(rows)
        name = frame.choice("Measure", "measure", names, show=lambda one: METRICS[one].title, kind="select")
    aside = drawn.baseline(name, rows)
    split = next(row.metrics[name].split for row in rows if name in row.metrics)
    frame.say(
        f"{METRICS[name].meaning}; {drawn.SPLITS[split]}.{f' {words.capitalised(aside)}.' if aside else ''}",
        "ps-soft ps-small",
    )
    takeaway.chart(
        drawn.heat_map(name, rows, frame.mode()),
        "suite",
        f"{METRICS[name].title} by layer and site",
        alt=drawn.told(name, rows),
    )


def _table(entries: tuple[Entry, ...]) -> None:
    table = drawn.table(entries)
    numbers = [column for column in table.columns if table[column].dtype.kind == "f"]
    st.dataframe(
        table,
        hide_index=True,
        column_config={column: st.column_config.NumberColumn(format="%.3f") for column in numbers},
        **tables.clickable("suite_table"),
    )
    row = tables.clicked_row("suite_table")
    if row is not None and row < len(entries):
        open_at(entries[row])
    if cached.suite() is not None:
        st.caption(f"Python: `protsae.Suite.open(FOLDER).load({entries[0].name!r})`.")


def open_at(entry: Entry) -> None:
    """Open an autoencoder's first page, in its own bundle."""
    place = {"place": entry.bundle} if entry.bundle else {}
    frame.go(links.Link("find", {"sae": entry.sae} | place))
