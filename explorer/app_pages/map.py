"""Map: what is in there? Every feature of a guided autoencoder and of one without guidance, side by side."""

from typing import Any

import pandas as pd
import streamlit as st

from explorer.draw import charts, confounded, markup, regions, words
from explorer.services import data
from explorer.services.refs import FeatureRef
from explorer.shell import doubts, frame, links, tables
from protsae.errors import InputError

MOST_LINKS = 8
"""Features up to which a list is plain links."""


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
    here = named()
    st.html(markup.wrap(legend(colouring)))
    with st.container(key="roomy_maps"):
        columns = st.columns(len(names), gap="medium")
    for column, sae in zip(columns, names, strict=True):
        with column:
            one_map(sae, names, colouring, text, here.feature if here is not None and here.sae == sae else None)


def named() -> FeatureRef | None:
    """The feature that the address names, which its map shows."""
    params = st.query_params.to_dict() | {"sae": frame.settings().sae}
    try:
        return links.read_feature(params, data.saes())
    except InputError as error:
        st.html(markup.empty(str(error), "Shown instead: the map with no feature marked."))
        return None


def legend(colouring: str) -> str:
    """What the colours mean, with numbers."""
    if colouring == "f1":
        return markup.ramp_legend("held-out F1 0", "1", "not scored", words.HELP["f1"])
    if colouring == "density":
        return markup.ramp_legend("fires on 0.001 %", "100 % of residues, logarithmic", "", words.HELP["density"])
    return markup.dots_legend(charts.category_legend(colouring, frame.mode()))


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
def one_map(sae: str, names: list[str], colouring: str, text: str, here: int | None) -> None:
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
    parameter = regions.PARAMETERS[names.index(sae)]
    chart(sae, alive, colouring, found if text else None, parameter=parameter, here=here)


def chart(
    sae: str, alive: pd.DataFrame, colouring: str, found: list[int] | None, *, parameter: str, here: int | None
) -> None:
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
        features = alive["feature"].iloc[own_points(selection, alive)].tolist()
        area = regions.written(features, corners) if drawn else None
        st.session_state[f"map_drawn_{sae}"] = area or ""
        frame.write_address(**{parameter: area})

    event = st.plotly_chart(
        charts.feature_map(alive, colouring, frame.mode(), found, here),
        key=key,
        on_select=mark,
        selection_mode=("points", "box", "lasso"),
        config={"scrollZoom": True, "displaylogo": False, "modeBarButtonsToRemove": ["toImage", "autoScale2d"]},
        alt=f"Map of the features of {data.sae(sae).display_name}",
    )
    if charts.draws_with_webgl(alive):
        st.caption("Drawn with WebGL; a browser that has none shows no points here, but Find lists features by label.")
    selection = event["selection"]
    picked = own_points(selection, alive)
    if len(picked) == 1 and not selection["box"] and not selection["lasso"]:
        frame.go(links.feature(sae, int(alive["feature"].to_numpy()[picked[0]])))
    inside = regions.inside(marked, alive) if marked else found
    if inside:
        listed(alive.loc[alive["feature"].isin(inside)], sae)


def own_points(selection: Any, alive: pd.DataFrame) -> list[int]:
    """Rows of the features that are selected; rings around them are points, too, of other curves."""
    hit = [point["point_index"] for point in selection["points"] if point["curve_number"] == 0]
    return [index for index in hit if index < len(alive)]


def opened_with(marked: str, sae: str) -> str:
    """What the map shines on because the address says so, not because it was just drawn on this map.

    A map cannot be told to select; one that is opened with marked features is another map, under a key of its own.
    """
    drawn, opened = f"map_drawn_{sae}", f"map_opened_{sae}"
    if st.session_state.get(drawn, "") != marked:
        st.session_state[drawn] = st.session_state[opened] = marked
    return st.session_state.get(opened, "")


def listed(chosen: pd.DataFrame, sae: str) -> None:
    """The features inside a lasso or with a label that was searched for: few as links, more as a table."""
    rows = chosen.sort_values(["label_f1", "density"], ascending=False, na_position="last")
    names = [words.label(*pair) for pair in zip(rows["label"], rows["label_grade"], strict=True)]
    st.caption(f"{words.count(len(rows), 'feature')} marked; click a row to open it.")
    if len(rows) <= MOST_LINKS:
        with st.container(gap="xxsmall"):
            for feature, name in zip(rows["feature"], names, strict=True):
                doubts.link(FeatureRef(sae, feature), f"#{feature} · {name}")
        return
    number = st.column_config.NumberColumn
    key = f"lasso_{sae}_{hash(tuple(rows['feature']))}"  # another list is another table
    st.dataframe(
        pd.DataFrame({
            "Feature": rows["feature"].tolist(),
            "Label": names,
            "Evidence": rows["label_grade"].replace("none", "not validated").tolist(),
            confounded.COLUMN: doubts.column((sae, feature) for feature in rows["feature"]),
            "Held-out F1": rows["label_f1"].tolist(),
            "Null": rows["label_null_f1"].tolist(),
            "Fires on, %": (100 * rows["density"]).tolist(),
        }),
        hide_index=True,
        height=min(420, 40 + 35 * len(rows)),
        column_config={
            "Feature": number(width=70),
            "Label": st.column_config.TextColumn(help=words.HELP["label"], width=210),
            "Evidence": st.column_config.TextColumn(help=words.HELP["grade"], width=85),
            **doubts.column_config(),
            "Held-out F1": number(help=words.HELP["label_f1"], format="%.2f", width=85),
            "Null": number(help=words.HELP["null"], format="%.2f", width=60),
            "Fires on, %": number(help=words.HELP["density"], format="%.3f", width=85),
        },
        **tables.clickable(key),
    )  # fmt: skip
    row = tables.clicked_row(key)
    if row is not None:
        frame.go(links.feature(sae, int(rows["feature"].iloc[row])))


main()
