"""A feature's proteins in space, laid over each other where it fires. Read `show`, then `reading`."""

import numpy as np
import streamlit as st

from explorer.components.overlay import Layer, overlay
from explorer.components.ribbon import alpha_trace, drawable
from explorer.components.thumbnails import structure_svg
from explorer.draw import downloads, markup, outward, superposed, views, words
from explorer.services import data, residues
from explorer.services.refs import FeatureRef
from explorer.services.residues import AROUND, STRONG, Placed, Superposed
from explorer.shell import frame, links, takeaway
from protsae import palette
from protsae.store.rows import FeatureRow
from protsae.structure.origin import doubts
from protsae.structure.superpose import LEAST, REACH, kabsch

CLOSER = 0.05
"""Share of random places below which a fit is better than luck."""

HELP = (
    f"Structures of different homology families, each turned onto the first so that the C-alphas at the same distance "
    f"from the peak fall together, at most {REACH} residues away, where the feature fires in both; at least {LEAST}. "
    f"Where it fires on too few, the {AROUND} residues on either side of the peak take their place. Only proteins in "
    f"which the peak reaches {STRONG:.0%} of the feature's maximum. RMSD: how far apart the residues still are, in "
    "ångström. Null: the same distances laid at 300 random places of the same two chains."
)


def _show(ref: FeatureRef, row: FeatureRow) -> None:
    st.header("In space, laid over each other", anchor=False, help=HELP)
    if not frame.flag("Superpose its structures", "space"):
        return
    found = residues.superposed(ref)
    if found is None:
        frame.say("Fewer than two stored structures of different families show a strong peak: nothing to superpose.")
        return
    scale = views.full_colour([row], frame.settings().scale)[0]
    frame.say(reading(found))
    with takeaway.figure(
        "overlay", "Structures laid over each other where the feature fires", refs=[ref], scale=frame.settings().scale
    ):
        st.html(markup.wrap(_table(row, found)))
        overlay(key="overlay", layers=layers(found, scale))
        _explain(row, found)
    file = downloads.file_name(row.sae, row.feature, "superposed")
    st.download_button(
        "Superposed (PDB)",
        superposed.models(_models(found, scale), _title(row, found)),
        f"{file}.pdb",
        "chemical/x-pdb",
        icon=":material/download:",
    )


def _explain(row: FeatureRow, found: Superposed) -> None:
    """What balls, colours and thin chains mean."""
    normalised = frame.settings().scale == "normalised"
    legend = markup.legend(frame.settings().scale, row.p999_act if normalised else row.max_act)
    said = "Balls: the residues that were laid together, coloured by activation; the larger one is the peak."
    if any(any(doubts(one.structure.pdb)) for one in found.placed):
        said += " Thin chain: a predicted model's low confidence (pLDDT below 70)."
    st.html(markup.wrap(f'<div class="ps-small ps-soft">{said}</div>', legend))


show = st.fragment(frame.guarded(_show))
"""The section; the structures are read where the reader asks for them."""


def reading(found: Superposed) -> str:
    """One or two sentences: on what the structures were laid together, and for how many that fits beyond luck."""
    fits = [one.fit for one in found.placed if one.fit is not None]
    judged = [fit for fit in fits if fit.n_random]
    closer = sum(fit.n_as_small < CLOSER * fit.n_random for fit in judged)
    on = (
        "on the residues where it fires in both"
        if found.on_active
        else f"on the {AROUND} residues either side of the peak, for it fires on too few that correspond"
    )
    first = found.placed[0].structure.pdb_id
    what = f"{words.count(len(fits), 'structure')} of other families laid over {first}, {on}."
    if not judged:
        return f"{what} The chains leave no room for random places to compare with."
    return f"{what} {closer} of {len(judged)} fit better than {1 - CLOSER:.0%} of random places in the same chains."


def layers(found: Superposed, scale: float) -> list[Layer]:
    """What the browser draws: every chain in the frame in which the first one shows its widest face."""
    drawn, first = [], found.placed[0]
    target = alpha_trace(drawable(first.structure.pdb).text)
    for one, tone in zip(found.placed, palette.TRACKS, strict=False):
        text, rotation, translation = drawable(one.structure.pdb).text, np.eye(3), np.zeros(3)
        if one.fit is not None:
            own, theirs = _places(one, one.fit.distances), _places(first, one.fit.distances)
            rotation, translation = kabsch(alpha_trace(text)[own], target[theirs])
        share = _share(one, scale)
        active = _laid(one, found)
        values = data.dense(one.example)
        still = structure_svg(one.structure.pdb, one.structure.positions, values, scale, width=150, height=90)
        drawn.append(
            Layer(
                text=superposed.moved(text, rotation, translation),
                name=one.structure.pdb_id,
                note=one.example.accession,
                tone=tone,
                active=[(place, round(float(share[place]), 3)) for place in active],
                peak=_places(one, (0,))[0],
                still=still,
                doubt=doubts(one.structure.pdb),
            )
        )
    return drawn


def _laid(one: Placed, found: Superposed) -> list[int]:
    """Modelled residues of a chain that were laid over others: of the first one those of any of them."""
    fits = [other.fit for other in found.placed if other.fit is not None]
    distances = one.fit.distances if one.fit is not None else sorted({step for fit in fits for step in fit.distances})
    return _places(one, tuple(distances))


def _places(one: Placed, distances: tuple[int, ...]) -> list[int]:
    """The modelled residues, from 0, at these distances from the peak."""
    where = {position: place for place, position in enumerate(one.chain.positions.tolist()) if position > 0}
    return [where[one.chain.anchor + step] for step in distances]


def _share(one: Placed, scale: float) -> np.ndarray:
    """Share of full colour of every modelled residue; 0 outside of the sequence."""
    values = np.concatenate([[0.0], np.clip(data.dense(one.example) / scale, 0, 1)])
    return values[np.maximum(one.chain.positions, 0)]


def _models(found: Superposed, scale: float) -> list[superposed.Model]:
    made = []
    for one in found.placed:
        rotation, translation = (np.eye(3), np.zeros(3)) if one.fit is None else one.fit[1:3]
        fit = "stays in its own frame" if one.fit is None else f"RMSD {one.fit.rmsd:.2f} A, n {len(one.fit.distances)}"
        remark = f"{one.structure.pdb_id} chain {one.structure.chain}, {one.example.accession}, {fit}"
        made.append(
            superposed.Model(one.structure.pdb, one.chain.positions, _share(one, scale), rotation, translation, remark)
        )
    return made


def _title(row: FeatureRow, found: Superposed) -> list[str]:
    bundle = data.bundle().reader.meta().get("bundle_id", "")
    on = "its active residues" if found.on_active else f"{AROUND} residues on either side of its peak"
    return [
        f"ProtSAE Explorer, bundle {bundle}, {row.sae} feature {row.feature}: chains superposed on {on}.",
        "Residue numbers are UniProt's. B factor: activation, 100 = full colour.",
    ]


def _table(row: FeatureRow, found: Superposed) -> str:
    """One line a structure: who it is, on how many residues, how close, and how close random places come."""
    head = "".join(
        f"<th>{markup.explained(name, tip) if tip else name}</th>"
        for name, tip in (
            ("PDB", ""),
            ("Protein", ""),
            ("Residues", "C-alphas that were laid together."),
            ("RMSD", "Ångström, after the best fit."),
            ("Null", "Median RMSD at random places of the same two chains; how many of them are as close."),
        )
    )
    lines = "".join(_line(row, one, tone) for one, tone in zip(found.placed, palette.TRACKS, strict=False))
    return f'<table class="ps-rows"><tr>{head}</tr>{lines}</table>'


def _line(row: FeatureRow, one: Placed, tone: str) -> str:
    example, fit = one.example, one.fit
    pdb = outward.html(outward.of_protein("", one.structure.pdb_id)) or markup.escape(one.structure.pdb_id)
    to = frame.href(links.feature(row.sae, row.feature, band=example.band, protein=example.accession))
    name = words.protein_name("", example.protein_name, limit=40)
    about = ", ".join(part for part in (name, f"peak {words.amount(example.peak_act)}") if part)
    protein = f'<a class="ps-out" href="{markup.escape(to)}">{markup.escape(example.accession)}</a>'
    cells = [
        f'<span class="ps-dot" style="background:{tone}"></span>{pdb}',
        f'{protein} <span class="ps-soft">{markup.escape(about)}</span>',
    ]
    if fit is None:
        cells += ["", "stays", ""]
    else:
        null = "-" if fit.null_median is None else f"{fit.null_median:.1f} Å; {fit.n_as_small} of {fit.n_random}"
        cells += [str(len(fit.distances)), f"{fit.rmsd:.2f} Å", null]
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
