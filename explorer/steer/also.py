"""Other features that are pushed with the first one, each with a slider of its own; all of it is in the address.

The address keeps them as `also=12:1.5,40:-1`. Read `read`, then `seated` and `sliders`.
"""

import math
import re

import streamlit as st

from explorer.draw import words
from explorer.services import data, live
from explorer.services.refs import FeatureRef
from explorer.shell import frame
from explorer.steer.address import HIGHEST, LOWEST
from protsae.errors import InputError

MOST = 5
PARAM, BOX = "also", "steer_also"
HELP = "Numbers of features of this autoencoder, or GO ids whose guided features it has; commas between them."
_GO = re.compile(r"GO:\d{7}", re.IGNORECASE)

Also = tuple[tuple[int, float], ...]


def read(text: str) -> Also:
    """Features and strengths as the address has them; what cannot be read is left out."""
    found: dict[int, float] = {}
    for piece in text.split(","):
        number, _, strength = piece.partition(":")
        if number.strip().isdecimal():
            try:
                value = float(strength or 1)
            except ValueError:
                continue
            if math.isfinite(value):
                found[int(number)] = min(HIGHEST, max(LOWEST, value))
    return tuple(found.items())[:MOST]


def written(also: Also) -> str | None:
    """The same as text; None where there is none."""
    return ",".join(f"{feature}:{strength:g}" for feature, strength in also) or None


def chosen(ref: FeatureRef) -> Also:
    """The features that the address names, of those that fire and are not the first one."""
    p99 = live.features(ref.sae)["p99_act"].to_numpy()
    named = read(st.query_params.get(PARAM, ""))
    return tuple((f, s) for f, s in named if f < len(p99) and p99[f] > 0 and f != ref.feature)


def box(ref: FeatureRef) -> None:
    """Where the reader names them."""
    now = chosen(ref)
    st.session_state[BOX] = ", ".join(f"#{feature}" for feature, _ in now)

    def rename() -> None:
        try:
            features = named(st.session_state[BOX], ref)
        except InputError as error:
            st.session_state["steer_also_wrong"] = str(error)
            return
        st.session_state.pop("steer_also_wrong", None)
        kept = dict(now)
        frame.write_address(**{PARAM: written(tuple((f, kept.get(f, 1.0)) for f in features))})

    st.text_input("Other features, too", key=BOX, on_change=rename, placeholder="#12, GO:0003677", help=HELP)
    if wrong := st.session_state.pop("steer_also_wrong", ""):
        st.warning(wrong, icon=":material/error:")


def named(text: str, ref: FeatureRef) -> list[int]:
    """Features that a reader names.

    Raises:
        InputError: a piece is no feature of the autoencoder that fires, or there are too many.
    """
    table = live.features(ref.sae)
    found: list[int] = []
    for piece in filter(None, (part.strip() for part in re.split(r"[,;]", text))):
        if _GO.fullmatch(piece):
            rows = table.index[table["go_id"] == piece.upper()].tolist()
            if not rows:
                raise InputError(f"No feature of this autoencoder is guided by {piece!r}: give its number.")
            number = int(rows[0])
        elif piece.removeprefix("#").isdecimal():
            number = int(piece.removeprefix("#"))
        else:
            raise InputError(f"{piece[:30]!r} is no feature: write numbers or GO ids, such as #12, GO:0003677.")
        if number >= len(table) or not table["p99_act"].iloc[number] > 0:
            raise InputError(f"Feature #{number} never fires here, or does not exist: choose another one.")
        if number not in found and number != ref.feature:
            found.append(number)
    if len(found) > MOST:
        raise InputError(f"At most {MOST} other features can be pushed at once, got {len(found)}.")
    return found


def seated(ref: FeatureRef) -> Also:
    """The features of the address, their sliders put where it has them; to be called where the page is drawn whole."""
    now = chosen(ref)
    for feature, strength in now:
        st.session_state[_key(ref, feature)] = strength
    return now


def sliders(ref: FeatureRef, also: Also) -> Also:
    """A slider for each; moving one writes the address."""
    values = []
    for feature, _ in also:
        row = data.feature(FeatureRef(ref.sae, feature))
        name = words.named(row) if row is not None else f"#{feature}"
        strength = st.slider(
            name,
            LOWEST,
            HIGHEST,
            step=0.25,
            format="%.2f",
            key=_key(ref, feature),
            on_change=write,
            args=(ref, also),
        )
        values.append((feature, strength))
    return tuple(values)


def write(ref: FeatureRef, also: Also) -> None:
    """Put the sliders' values into the address."""
    moved = tuple((feature, st.session_state.get(_key(ref, feature), strength)) for feature, strength in also)
    frame.write_address(**{PARAM: written(moved)})


def _key(ref: FeatureRef, feature: int) -> str:
    return f"steer_also_{ref.sae}_{feature}"
