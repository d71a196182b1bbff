"""Map: what is in there? Every feature of a guided autoencoder and of one without guidance, side by side."""

import pandas as pd
import streamlit as st

from explorer.draw import charts, markup, words
from explorer.services import data
from explorer.shell import frame, links


def main() -> None:
    """The page."""
    frame.headline(
        "Maps of all features",
        "Each point is a feature; features that write similar directions into the model lie close. Click one to open "
        "it, or lasso several to list them.",
    )
    names = shown()
    left, right = st.columns([1.5, 1], vertical_alignment="bottom")
    with left:
        colouring = frame.choice("Colour", "colour", list(charts.COLOURINGS), show=charts.COLOURINGS.__getitem__)
    with right:
        text = label_filter()
    st.html(markup.wrap(legend(colouring)))
    for column, sae in zip(st.columns(len(names), gap="medium"), names, strict=True):
        with column:
            one_map(sae, colouring, text)


def legend(colouring: str) -> str:
    """What the colours mean, with numbers."""
    if colouring == "f1":
        return markup.ramp_legend("held-out F1 0", "1", "not scored", words.HELP["f1"])
    if colouring == "density":
        return markup.ramp_legend("fires on 0.001 %", "100 % of residues, logarithmic", "", words.HELP["density"])
    return markup.dots_legend(charts.category_legend(colouring))


def shown() -> list[str]:
    """One guided autoencoder and one without guidance, the side bar's where it is one; two of a kind for want of other.

    The order is that of the side bar's list.
    """
    rows = sorted(data.saes(), key=lambda row: row.name != frame.settings().sae)
    first = rows[0]
    second = next((row for row in rows if (row.role == "guided") != (first.role == "guided")), None)
    second = second or next((row for row in rows[1:]), None)
    return [row.name for row in data.saes() if row in (first, second)]


def label_filter() -> str:
    """Text that marks features by label; it follows the address."""
    st.session_state["map_filter"] = st.query_params.get("find", "")

    def write() -> None:
        frame.write_address(find=st.session_state["map_filter"].strip() or None)

    return st.text_input(
        "Mark labels that contain",
        key="map_filter",
        on_change=write,
        placeholder="binding, membrane, kinase …",
        live="300ms",
        type="search",
    ).strip()


@st.fragment
@frame.guarded
def one_map(sae: str, colouring: str, text: str) -> None:
    """One autoencoder's map; only this part reruns on a click or a lasso."""
    points = data.map_points(sae)
    alive = charts.drawing_order(points.dropna(subset=["umap_x", "umap_y"]).reset_index(drop=True), colouring)
    found = alive.loc[alive["label"].str.contains(text, case=False, regex=False), "feature"].tolist() if text else []
    row = data.sae(sae)
    silent = len(points) - len(alive)
    facts = f"{words.count(len(alive), 'feature')}, {row.n_defined} of them guided"
    facts += f", {silent} more without known activations" if silent else ""
    facts += f", {len(found)} marked" if text else ""
    name = f"{markup.dot(row.role)}<b>{markup.escape(words.sae_long(row))}</b>"
    st.html(markup.wrap(f'{name} <span class="ps-soft">{facts}</span>'))
    event = st.plotly_chart(
        charts.feature_map(alive, colouring, frame.mode(), found if text else None),
        key=f"map_{sae}",
        on_select="rerun",
        selection_mode=("points", "box", "lasso"),
        config={"scrollZoom": True, "displaylogo": False, "modeBarButtonsToRemove": ["toImage", "autoScale2d"]},
        alt=f"Map of the features of {row.display_name}",
    )
    if charts.draws_with_webgl(alive):
        st.caption("Drawn with WebGL; a browser that has none shows no points here, but Find lists features by label.")
    picked = [index for index in event["selection"]["point_indices"] if index < len(alive)]
    if len(picked) == 1:
        frame.go(links.feature(sae, int(alive["feature"].to_numpy()[picked[0]])))
    elif picked:
        listed(alive.iloc[picked], sae)


def listed(chosen: pd.DataFrame, sae: str) -> None:
    """The features inside a lasso; a row opens one."""
    st.caption(f"{words.count(len(chosen), 'feature')} marked; click a row to open it.")
    shown = chosen.sort_values(["label_f1", "density"], ascending=False, na_position="last")[
        ["feature", "label", "label_grade", "label_f1", "label_null_f1", "density"]
    ]
    names = [words.label(*pair) for pair in zip(shown["label"], shown["label_grade"], strict=True)]
    shown = shown.assign(label=names, label_grade=shown["label_grade"].replace("none", "not validated"))
    number = st.column_config.NumberColumn
    event = st.dataframe(
        shown.assign(density=100 * shown["density"]),
        key=f"lasso_{sae}",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        height=min(420, 40 + 35 * len(shown)),
        column_config={
            "feature": number("Feature", width="small"),
            "label": st.column_config.TextColumn("Label", help=words.HELP["label"], width="large"),
            "label_grade": st.column_config.TextColumn("Evidence", help=words.HELP["grade"], width="small"),
            "label_f1": number("Its held-out F1", help=words.HELP["label_f1"], format="%.2f"),
            "label_null_f1": number("Null", help=words.HELP["null"], format="%.2f"),
            "density": number("Fires on, %", help=words.HELP["density"], format="%.3f"),
        },
    )
    if event["selection"]["rows"]:
        frame.go(links.feature(sae, int(shown.iloc[event["selection"]["rows"][0]]["feature"])))


main()
