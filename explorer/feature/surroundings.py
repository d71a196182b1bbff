"""The card of a feature's surroundings: its place on the map, and the features that fire most alike."""

import streamlit as st

from explorer.draw import markup, small_map, words
from explorer.services import data
from explorer.services.cached import cached_by_bundle
from explorer.services.refs import FeatureRef
from explorer.shell import doubts, frame, links
from explorer.theme import Mode
from protsae.store.rows import FeatureRow, NeighbourRow


def card(ref: FeatureRef, row: FeatureRow) -> None:
    """Place on the map, and the features here and in the other autoencoders that fire most alike."""
    near = data.neighbours(ref)
    here = [n for n in near if n.other_sae == ref.sae]
    with st.container(border=True):
        st.header("Fire alike", anchor=False, help=words.HELP["alike"])
        if row.umap_x is not None:
            behind = _backdrop(ref.sae, frame.mode())
            near_here = [n.other_feature for n in here]
            st.html(markup.wrap(small_map.small_map(behind, ref.feature, near_here, data.sae(ref.sae).role)))
            frame.link(links.map_of(ref.sae, feature=str(ref.feature)), "Open the map", icon=":material/scatter_plot:")
        _neighbour_links("In this autoencoder", here[:4])
        for sae in data.saes():
            if sae.name != ref.sae:
                _neighbour_links(f"In {sae.display_name}", [n for n in near if n.other_sae == sae.name][:2])
        if not near:
            st.caption("No other feature was compared with it.")


def _neighbour_links(title: str, rows: list[NeighbourRow]) -> None:
    if not rows:
        return
    with st.container(gap="xxsmall"):
        st.caption(title)
        for row in rows:
            alike = f" · {row.correlation:.2f}" if row.correlation is not None else ""
            text = f"{words.label(row.label, row.label_grade)} · #{row.other_feature}{alike}"
            doubts.link(FeatureRef(row.other_sae, row.other_feature), text)


@cached_by_bundle(8, shared=True)
def _backdrop(sae: str, mode: Mode) -> small_map.Backdrop:
    """All features of an SAE as one still picture."""
    return small_map.backdrop(data.map_points(sae), mode)
