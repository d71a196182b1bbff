"""Which features of a protein are listed and drawn, in which order and groups; all of it stands in the address.

A feature is written as its number where it is one of the side bar's autoencoder, else as `name:number`. Read `Asked`,
then `listed`.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from explorer.draw import words
from explorer.firing import choosing, ranges
from explorer.firing.choosing import Wanted
from explorer.firing.ranges import Preference
from explorer.protein.subject import Subject
from explorer.services import data, live
from explorer.services.alike import Row
from explorer.services.refs import FeatureRef
from explorer.shell import address, frame
from protsae.store.grades import Grade

KINDS = {"all": "All", "defined": "Guided", "free": "Free"}
GROUPS = {"evidence": "Evidence", "kind": "Guided or free", "none": "No groups"}
EVIDENCE_TITLES: dict[Grade, str] = {
    "strong": "Strong label",
    "weak": "Weak label",
    "none": "No confirmed label",
}
KIND_TITLES = {"defined": "Guided by a term", "free": "Free"}
MOST_STRIPS, FIRST_STRIPS = 14, 6
_CODE = re.compile(r"(?:(?P<sae>[\w-]{1,80}):)?(?P<feature>[0-9]{1,7})", re.ASCII)


class Asked(NamedTuple):
    """What the reader asks for."""

    wanted: Wanted
    kind: str
    group: str
    saes: tuple[str, ...]
    """That of the side bar first."""
    span: tuple[int, int] | None


class Line(NamedTuple):
    """One feature of the list with what is said of it."""

    ref: FeatureRef
    row: Row
    kind: str
    label: str
    grade: Grade
    f1: float | None
    null_f1: float | None
    full: float
    """Activation of full colour."""
    preference: Preference | None
    """For the marked residues, where some are."""

    @property
    def name(self) -> str:
        """Its label, or that none is confirmed."""
        return words.label(self.label, self.grade)


def controls() -> None:
    """The widgets of the list beyond `choosing.controls`."""
    left, middle, right = st.columns([1, 1.2, 1.2], vertical_alignment="bottom")
    with left:
        frame.choice("Features", "kind", list(KINDS), show=KINDS.__getitem__)
    with middle:
        frame.choice("Groups", "group", list(GROUPS), show=GROUPS.__getitem__)
    with right:
        if len(data.saes()) > 1:
            frame.choice(
                "Autoencoders",
                "of",
                ["one", "all"],
                show=lambda of: "Side bar's" if of == "one" else "All of the bundle",
            )


def asked(sae: str, span: tuple[int, int] | None) -> Asked:
    """As the address says; what it says wrongly is the default, and its widget says so."""
    kind, group = st.query_params.get("kind", "all"), st.query_params.get("group", "evidence")
    every = tuple(row.name for row in data.saes()) if st.query_params.get("of") == "all" else (sae,)
    return Asked(
        choosing.wanted(),
        kind if kind in KINDS else "all",
        group if group in GROUPS else "evidence",
        (sae, *(name for name in every if name != sae)),
        span,
    )


def listed(about: Subject, ask: Asked) -> tuple[list[Line], int]:
    """The features that the reader wants to see, in order, and how many fire in all.

    Without marked residues the most unusual come first, with them those that prefer these residues most.
    """
    found: list[Line] = []
    n_firing = 0
    for sae in ask.saes:
        active = live.top_features(about.sequence, sae)
        n_firing += len(active)
        table = live.features(sae)
        kinds = table["kind"].tolist()
        prefers = ranges.of_protein(about.sequence, sae, ask.span) if ask.span else {}
        if ask.span:
            by_number = {one.feature: one for one in active}
            active = [by_number[feature] for feature in prefers]
        if ask.kind != "all":
            active = [one for one in active if kinds[one.feature] == ask.kind]
        columns = [table[name].tolist() for name in ("label", "label_grade", "label_f1", "label_null_f1")]
        p999, highest = table["p999_act"].tolist(), table["max_act"].tolist()
        for row in choosing.rows(about, sae, active, table, ask.wanted):
            number = row.feature.feature
            label, grade, f1, null = (column[number] for column in columns)
            full = float(p999[number] or highest[number] or 1.0)
            ref = FeatureRef(sae, number)
            found.append(Line(ref, row, kinds[number], label, grade, f1, null, full, prefers.get(number)))
    return sorted(found, key=lambda line: (_group(line, ask), -_rank(line))), n_firing


def _group(line: Line, ask: Asked) -> int:
    if ask.group == "evidence":
        return list(EVIDENCE_TITLES).index(line.grade)
    return list(KIND_TITLES).index(line.kind) if ask.group == "kind" else 0


def _rank(line: Line) -> float:
    return line.preference.gain if line.preference is not None else line.row.feature.surprise


def title(line: Line, ask: Asked) -> str:
    """Of the line's group; '' where there are none."""
    if ask.group == "evidence":
        return EVIDENCE_TITLES[line.grade]
    return KIND_TITLES[line.kind] if ask.group == "kind" else ""


def code(ref: FeatureRef, sae: str) -> str:
    """A feature as the address has it, where the side bar says `sae`."""
    return str(ref.feature) if ref.sae == sae else f"{ref.sae}:{ref.feature}"


def picked(sae: str) -> list[FeatureRef]:
    """Features that the reader picked, as the address has them; what names none is left out."""
    widths = {row.name: row.d_sae for row in data.saes()}
    found: list[FeatureRef] = []
    for text in st.query_params.get("rows", "").split("."):
        match = _CODE.fullmatch(text)
        ref = FeatureRef(match["sae"] or sae, int(match["feature"])) if match else None
        if ref is not None and ref not in found and ref.feature < widths.get(ref.sae, 0):
            found.append(ref)
    return found[:MOST_STRIPS]


def drawn(sae: str, lines: Sequence[Line], first: FeatureRef | None) -> list[FeatureRef]:
    """Features of the strips: those that were picked, else the one that the address names and the first of the list."""
    chosen = picked(sae)
    if chosen:
        return chosen
    named = [] if first is None else [first]
    return [*named, *(line.ref for line in lines if line.ref != first)][:FIRST_STRIPS]


def pick(ref: FeatureRef, strips: Sequence[FeatureRef], row: int, sae: str) -> None:
    """A line was clicked: it colours the structure; one that does already goes.

    Args:
        ref: its feature.
        strips: as they are drawn.
        row: that colours the structure.
        sae: of the side bar.
    """
    kept = list(strips)
    if ref not in kept:
        kept = [ref, *kept][:MOST_STRIPS]
        row = 0
    elif kept.index(ref) == row and len(kept) > 1:
        kept.remove(ref)
        row = 0
    else:
        row = kept.index(ref)
    address.write(rows=".".join(code(one, sae) for one in kept), row=str(row + 1) if row else None)
