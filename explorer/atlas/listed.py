"""What stands out on a map as a list: every point can be reached without seeing or pointing at it.

Read `listed`.
"""

import pandas as pd
import streamlit as st

from explorer.draw import confounded, words
from explorer.draw.downloads import file_name, table_csv
from explorer.services.refs import FeatureRef
from explorer.shell import doubts, frame, links, tables

MOST_LINKS = 8
"""Features up to which a list is plain links."""

MOST_ROWS = 500
"""Features that a table shows; the file has all."""


def listed(chosen: pd.DataFrame, sae: str, what: str) -> None:
    """Features of an autoencoder: few as links, more as a table whose rows open.

    Args:
        chosen: rows of `maps.points`.
        sae: whose features they are.
        what: what is said of them, as 'marked'.
    """
    rows = chosen.sort_values(["label_f1", "density"], ascending=False, na_position="last")
    most = f"; the {MOST_ROWS} with the highest F1 are listed, the file has all" if len(rows) > MOST_ROWS else ""
    st.caption(f"{words.count(len(rows), 'feature')} {what}; click a row to open it{most}.")
    if len(rows) <= MOST_LINKS:
        with st.container(gap="xxsmall"):
            for feature, name in zip(rows["feature"], _names(rows), strict=True):
                doubts.link(FeatureRef(sae, int(feature)), f"#{feature} · {name}")
    else:
        _table(rows.head(MOST_ROWS), sae)
    if len(rows):
        st.download_button(
            "Features (CSV)",
            lambda: features_csv(rows, sae),
            file_name("features", sae, what) + ".csv",
            "text/csv",
            key=f"csv_features_{sae}_{what}",
            on_click="ignore",
        )


def _names(rows: pd.DataFrame) -> list[str]:
    return [words.label(*pair) for pair in zip(rows["label"], rows["label_grade"], strict=True)]


def _table(rows: pd.DataFrame, sae: str) -> None:
    number = st.column_config.NumberColumn
    key = f"lasso_{sae}_{hash(tuple(rows['feature']))}"  # another list is another table
    st.dataframe(
        pd.DataFrame({
            "Feature": rows["feature"].tolist(),
            "Label": _names(rows),
            "Held-out F1": rows["label_f1"].tolist(),
            "Null": rows["label_null_f1"].tolist(),
            "Evidence": rows["label_grade"].replace("none", "not validated").tolist(),
            confounded.COLUMN: doubts.column((sae, feature) for feature in rows["feature"]),
            "Fires on, %": (100 * rows["density"]).tolist(),
            "Counterpart": rows["counterpart"].where(rows["counterpart"] >= 0).tolist(),
            "Correlation": rows["correlation"].tolist(),
        }),
        hide_index=True,
        height=min(420, 40 + 35 * len(rows)),
        column_config={
            "Feature": number(width=60),
            "Label": st.column_config.TextColumn(help=words.HELP["label"], width=180),
            "Evidence": st.column_config.TextColumn(help=words.HELP["grade"], width=85),
            **doubts.column_config(),
            "Held-out F1": number(help=words.HELP["label_f1"], format="%.2f", width=85),
            "Null": number(help=words.HELP["null"], format="%.2f", width=60),
            "Fires on, %": number(help=words.HELP["density"], format="%.3f", width=85),
            "Counterpart": number(help=COUNTERPART, format="%d", width=90),
            "Correlation": number(help=COUNTERPART, format="%.2f", width=85),
        },
        **tables.clickable(key),
    )  # fmt: skip
    row = tables.clicked_row(key)
    if row is not None:
        frame.go(links.feature(sae, int(rows["feature"].iloc[row])))


COUNTERPART = (
    "The feature of the other autoencoder that fires most alike, and the correlation of the two over proteins' mean "
    "activations. 1 is the same, 0 is unrelated."
)


def features_csv(rows: pd.DataFrame, sae: str) -> str:
    """One line a feature: what it is called, how sure that is, how often it fires, its counterpart, its places."""
    columns = [
        "feature", "kind", "label", "label_id", "label_origin", "label_grade", "label_f1", "label_null_f1", "density",
        "namespace", "family", "counterpart", "correlation", "umap_x", "umap_y", "activation_x", "activation_y",
    ]  # fmt: skip
    cells = rows[columns].astype(object).where(rows[columns].notna(), "").to_numpy().tolist()
    return table_csv(["sae", *columns], ((sae, *line) for line in cells))
