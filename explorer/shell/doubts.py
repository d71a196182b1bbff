"""What simple fact explains a feature, wherever it is listed: a badge beside its link, a column of a table.

Read `link`, then `column`.
"""

from collections.abc import Iterable
from typing import Any

import streamlit as st

from explorer.draw import confounded, markup
from explorer.services.explained import explained
from explorer.services.refs import FeatureRef
from explorer.shell import frame, links


def badge(sae: str, feature: int) -> str:
    """HTML of the badge; '' where nothing explains the feature."""
    found = explained(sae).get(feature)
    return confounded.badge(found.fact, found.aa_enrichment) if found is not None else ""


def texts(sae: str) -> dict[int, str]:
    """The badges' words, by feature; those that nothing explains are not in it."""
    return {feature: confounded.text(row.fact, row.aa_enrichment) for feature, row in explained(sae).items()}


def column(refs: Iterable[tuple[str, int]]) -> list[str]:
    """Cells of the column `confounded.COLUMN`; '' where nothing explains the feature."""
    rows = list(refs)
    known = {sae: texts(sae) for sae in {sae for sae, _ in rows}}
    return [known[sae].get(feature, "") for sae, feature in rows]


def column_config() -> dict[str, Any]:
    """How a table shows that column."""
    return {confounded.COLUMN: st.column_config.TextColumn(help=confounded.COLUMN_HELP)}


def link(ref: FeatureRef, label: str, *, icon: str | None = None, tip: str | None = None) -> None:
    """A link to a feature, with the badge behind it where one is due."""
    to, note = links.feature(*ref), badge(*ref)
    if not note:
        frame.link(to, label, icon=icon, tip=tip)
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        frame.link(to, label, icon=icon, tip=tip)
        st.html(markup.wrap(note), width="content")
