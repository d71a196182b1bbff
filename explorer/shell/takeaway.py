"""What a reader takes away from a page: its figures as files, coloured structures, its link and how to cite it.

Each names the bundle, the autoencoder with the hash of its weights, the feature and what full colour means
(`services/provenance.py`). Read `figure`, then `structure`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from explorer.components import figure as saver
from explorer.components.protein_view import StripRow, StructureView
from explorer.draw import downloads
from explorer.draw.structure_files import Coloured, archive
from explorer.services import provenance
from explorer.services.refs import FeatureRef

PLAIN = {"displayModeBar": False}
"""Of a plotly figure: no tools over it."""


@contextmanager
def figure(
    key: str, title: str, *, refs: Sequence[FeatureRef] = (), saes: Sequence[str] = (), scale: str = ""
) -> Iterator[None]:
    """Draw a figure inside; under it stands the menu that saves it.

    Args:
        key: Identity on the page: letters, digits and '_'.
        title: What the picture shows; the file is called after it.
        refs: Features that it shows.
        saes: Autoencoders beside those of the features.
        scale: 'normalised' or 'raw' where activation colours it.
    """
    with st.container(key=f"figure_{key}"):
        yield
    source = provenance.of(refs, saes=saes, scale=scale)
    codes = [f"{ref.sae}-{ref.feature}" for ref in refs[:3]]
    saver.menu(
        f"save_{key}",
        f".st-key-figure_{key}",
        name=downloads.file_name(title[:60], *codes, source.bundle[:8]),
        title=title,
        note=source.sentence(),
        facts={"title": title} | source.facts(),
    )


def chart(
    drawn: Any, key: str, title: str, *, alt: str = "", refs: Sequence[FeatureRef] = (), saes: Sequence[str] = ()
) -> None:
    """A plotly figure that can be saved.

    Args:
        drawn: The plotly figure.
        key: Identity on the page.
        title: What the picture shows; the file is called after it.
        alt: What a screen reader says of it; the title where nothing is given.
        refs: Features that it shows.
        saes: Autoencoders beside those of the features.
    """
    with figure(key, title, refs=refs, saes=saes):
        st.plotly_chart(drawn, key=key, config=PLAIN, alt=alt or title)


def structure(key: str, row: StripRow, shown: StructureView, *, protein: str, ref: FeatureRef, scale: str) -> None:
    """A menu of files with the structure coloured by this row.

    Args:
        key: Identity on the page.
        row: The activations that colour it.
        shown: The structure.
        protein: What it is called in files.
        ref: The feature.
        scale: 'normalised' or 'raw'.
    """
    source = provenance.of([ref], scale=scale)
    name = downloads.file_name(downloads.stem(protein), ref.sae, ref.feature, source.bundle[:8])
    coloured = Coloured(name, shown.pdb, shown.positions, row.values, row.scale, f"{shown.title} {source.sentence()}")
    forms: tuple[tuple[str, str, str, Callable[[], Any]], ...] = (
        ("PDB", "pdb", "chemical/x-pdb", coloured.pdb_text),
        ("mmCIF", "cif", "chemical/x-mmcif", coloured.mmcif_text),
        (
            "All, with PyMOL and ChimeraX scripts (ZIP)",
            "zip",
            "application/zip",
            partial(archive, coloured),
        ),
    )
    with st.popover(f"Structure, coloured by {row.label}", icon=":material/download:"):
        st.caption("Activation stands in the B-factor column, 100 = full colour; residues bear the sequence's numbers.")
        for label, ending, mime, make in forms:
            st.download_button(
                label, make, f"{name}.{ending}", mime, key=f"{key}_{ending}", on_click="ignore", type="tertiary",
                icon=":material/download:",
            )  # fmt: skip


def as_json(label: str, content: dict[str, Any], name: str, source: provenance.Source) -> None:
    """A button that saves what a view shows as JSON, its source within."""
    st.download_button(
        label,
        lambda: downloads.json_text({"source": source.facts()} | content),
        f"{name}.json",
        "application/json",
        on_click="ignore",
        icon=":material/download:",
    )


def share() -> None:
    """A link to this very view, and how to cite it; both with a button that copies."""
    with st.popover("Share and cite", icon=":material/link:"):
        st.caption("This view")
        st.code(address(), language=None, wrap_lines=True)
        st.caption("Cite")
        st.code(provenance.citation(), language=None, wrap_lines=True)


def other_bundle() -> str:
    """What to say where the address was made from another bundle; '' where it was not."""
    made = st.query_params.get("bundle")
    here = provenance.bundle_id()
    if made is None or made == here:
        return ""
    return f"This link was made from bundle {made[:24]!r}; open is {here!r}, so numbers and features may differ."


def address() -> str:
    """The page's address with its parameters and the bundle that it was made from."""
    here = str(st.context.url or "").split("?", maxsplit=1)[0]
    params = st.query_params.to_dict() | {"bundle": provenance.bundle_id()}
    return f"{here}?{urlencode(params)}"
