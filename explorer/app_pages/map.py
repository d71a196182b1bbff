"""Map: what is in there? Every feature of a guided autoencoder and of one without guidance, side by side."""

import pandas as pd
import streamlit as st

from explorer.draw import charts, markup, regions, words
from explorer.services import data
from explorer.shell import frame, links, tables


def main() -> None:
    """The page."""
    frame.headline(
        "Maps of all features",
        "Each point is a feature; features that write similar directions into the model lie close. Click one to open "
        "it, or lasso several to list them.",
        tab=("Map",),
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
            one_map(sae, names, colouring, text)


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
def one_map(sae: str, names: list[str], colouring: str, text: str) -> None:
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
    chart(sae, alive, colouring, found if text else None, regions.PARAMETERS[names.index(sae)])


def chart(sae: str, alive: pd.DataFrame, colouring: str, found: list[int] | None, parameter: str) -> None:
    """The points, and below them what the address says is marked; a click on a point opens it."""
    marked = st.query_params.get(parameter, "")
    opened = opened_with(marked, sae)
    if found is None and opened:
        found = regions.inside(opened, alive)
    key = f"map_{sae}_{opened}" if opened else f"map_{sae}"

    def mark() -> None:
        selection = st.session_state[key]["selection"]
        drawn = [*selection["box"], *selection["lasso"]]
        corners = list(zip(drawn[0]["x"], drawn[0]["y"], strict=True)) if drawn else []
        features = alive["feature"].iloc[[i for i in selection["point_indices"] if i < len(alive)]].tolist()
        area = regions.written(features, corners) if drawn else None
        st.session_state[f"map_drawn_{sae}"] = area or ""
        frame.write_address(**{parameter: area})

    event = st.plotly_chart(
        charts.feature_map(alive, colouring, frame.mode(), found),
        key=key,
        on_select=mark,
        selection_mode=("points", "box", "lasso"),
        config={"scrollZoom": True, "displaylogo": False, "modeBarButtonsToRemove": ["toImage", "autoScale2d"]},
        alt=f"Map of the features of {data.sae(sae).display_name}",
    )
    if charts.draws_with_webgl(alive):
        st.caption("Drawn with WebGL; a browser that has none shows no points here, but Find lists features by label.")
    selection = event["selection"]
    picked = [index for index in selection["point_indices"] if index < len(alive)]
    if len(picked) == 1 and not selection["box"] and not selection["lasso"]:
        frame.go(links.feature(sae, int(alive["feature"].to_numpy()[picked[0]])))
    elif marked and (inside := regions.inside(marked, alive)):
        listed(alive.loc[alive["feature"].isin(inside)], sae)


def opened_with(marked: str, sae: str) -> str:
    """What the map shines on because the address says so, not because it was just drawn on this map.

    A map cannot be told to select; one that is opened with marked features is another map, under a key of its own.
    """
    drawn, opened = f"map_drawn_{sae}", f"map_opened_{sae}"
    if st.session_state.get(drawn, "") != marked:
        st.session_state[drawn] = st.session_state[opened] = marked
    return st.session_state.get(opened, "")


def listed(chosen: pd.DataFrame, sae: str) -> None:
    """The features inside a lasso; a row opens one."""
    st.caption(f"{words.count(len(chosen), 'feature')} marked; click a row to open it.")
    shown = chosen.sort_values(["best_f1", "density"], ascending=False, na_position="last")[
        ["feature", "label", "best_f1", "density"]
    ]
    number = st.column_config.NumberColumn
    st.dataframe(
        shown.assign(density=100 * shown["density"]),
        hide_index=True,
        height=min(420, 40 + 35 * len(shown)),
        column_config={
            "feature": number("Feature", width="small"),
            "label": st.column_config.TextColumn("Label (hypothesis)", width="large"),
            "best_f1": number("Held-out F1", help=words.HELP["f1"], format="%.2f"),
            "density": number("Fires on, %", help=words.HELP["density"], format="%.3f"),
        },
        **tables.clickable(f"lasso_{sae}"),
    )
    row = tables.clicked_row(f"lasso_{sae}")
    if row is not None:
        frame.go(links.feature(sae, int(shown["feature"].iloc[row])))


main()
