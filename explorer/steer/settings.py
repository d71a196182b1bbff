"""How to steer: every choice is in the address.

What the address has amiss is said beside the result, too, for the popover may be closed. Read `settings`.
"""

from typing import Any, NamedTuple

import streamlit as st

from explorer.services import data
from explorer.shell import frame, links
from explorer.shell.bound import Problem, bound, problem
from explorer.steer import locks
from protsae.errors import InputError
from protsae.steering.steer import SteerConfig

NUMBERS = ("ratio", "from", "to", "rounds", "warm", "seed")
"""Of the address."""

SHIPPED = SteerConfig()
"""The recipe that the page opens with, and that features were tested by."""

METHODS = {
    "masked": "hide some residues, refill them (the paper)",
    "gibbs": "hide a few at a time, over and over (Gibbs)",
    "unmasked": "hide nothing, take what the push favours most",
}
MASKS = {
    "low_activation": "least active in the language model",
    "responsive": "where the push moves the predictions most",
    "random": "at random",
}
REFILLS = {"attributable": "only where the push alters the choice", "all": "every hidden residue"}
DRIVES = {"activations": "the feature's activation", "logits": "the change of the predictions (amplified logits)"}
REFILL = (
    "With “every hidden residue”, as in the paper, the model also rewrites residues that it merely likes less; then "
    "strength 0 changes the sequence, too."
)
BARE = "Decodes from the features alone, as the paper does; then strength 0 changes something, too."
DRIVE = (
    "Amplified logits push the feature by half of its 99th percentile only, and multiply what that changes in the "
    "model's predictions."
)
WARM = "0 takes the likeliest residue; above 0 residues are drawn, and samples differ."
UNLOCKED = "Nothing is locked until then."
LOCK = "They never change. Numbers and ranges from 1, such as 34, 57-60."


class Settings(NamedTuple):
    """How to steer."""

    config: SteerConfig
    problems: list[Problem]
    """What the address has amiss of it."""


def settings(length: int, accession: str) -> Settings:
    """The choices of the popover."""
    amiss: list[Problem] = []
    st.html('<div style="font-size:.875rem;margin-bottom:-.65rem">How</div>')  # as the labels of the boxes beside it
    with st.popover("Settings", icon=":material/tune:", width="stretch"):
        method = _one("Method", "method", METHODS, amiss)
        ratio = st.slider(
            "Share of residues that may change", 0.05, 1.0, step=0.05, **bound("ratio", SHIPPED.mask_ratio, 0.05, 1.0)
        )
        mask = _one("Which ones", "mask", MASKS, amiss) if method == "masked" else SHIPPED.mask_choice
        refill = _one("Refill", "refill", REFILLS, amiss, REFILL) if method != "unmasked" else SHIPPED.refill
        drive = _one("What the strength multiplies", "by", DRIVES, amiss, DRIVE)
        first = st.number_input("From residue", 1, length, **bound("from", 1, 1, length))
        last = st.number_input("To residue", int(first), length, **bound("to", length, int(first), length))
        locked = _locked(length, accession, amiss)
        alone = frame.flag("Leave the term's ancestors alone", "alone")
        bare = frame.flag("Drop what the autoencoder does not reconstruct", "bare", tip=BARE)
        rounds = st.number_input("Rounds of refilling", 1, 8, **bound("rounds", 1, 1, 8))
        warm = st.slider("Temperature", 0.0, 2.0, step=0.1, help=WARM, **bound("warm", 0.0, 0.0, 2.0))
        seed = st.number_input("Seed", 0, 9999, **bound("seed", 0, 0, 9999))
    amiss += [found for name in NUMBERS if (found := problem(name)) is not None]
    whole = (first, last) == (1, length)
    chosen: dict[str, Any] = {"method": method, "mask_choice": mask, "refill": refill, "by": drive}
    config = SteerConfig(
        **chosen, mask_ratio=ratio, residues=None if whole else (int(first) - 1, int(last)), add_error=not bare,
        include_ancestors=not alone, rounds=int(rounds), temperature=warm, seed=int(seed),
        locked=tuple(residue - 1 for residue in locked),
    )  # fmt: skip
    return Settings(config, amiss)


def _one(label: str, name: str, options: dict[str, str], amiss: list[Problem], tip: str | None = None) -> str:
    """One of some words; the first one shown is the recipe that is shipped. What is amiss is added to the list."""
    shipped = {"method": SHIPPED.method, "mask": SHIPPED.mask_choice, "refill": SHIPPED.refill, "by": SHIPPED.by}[name]
    ordered = sorted(options, key=lambda option: option != shipped)
    try:
        links.read_choice(st.query_params, name, ordered)
    except InputError as error:
        amiss.append(Problem(str(error), f"Shown instead: {options[shipped]}."))
    return frame.choice(label, name, ordered, show=options.__getitem__, kind="select", tip=tip)


def _locked(length: int, accession: str, amiss: list[Problem]) -> tuple[int, ...]:
    """Residues from 1 that must not change; annotation offers some. What is amiss is added to the list."""
    st.session_state["steer_lock"] = st.query_params.get("lock", "")

    def write() -> None:
        frame.write_address(lock=st.session_state["steer_lock"].strip() or None)

    text = st.text_input("Locked residues", key="steer_lock", on_change=write, placeholder="34, 57-60", help=LOCK)
    try:
        locked = locks.read(text, length)
    except InputError as error:
        st.warning(f"{error} {UNLOCKED}", icon=":material/error:")
        amiss.append(Problem(str(error), UNLOCKED))
        return ()
    for offer in locks.offered(data.annotations(accession), length) if accession else []:
        if set(offer.residues) <= set(locked):
            continue

        def lock(residues: tuple[int, ...] = offer.residues) -> None:
            frame.write_address(lock=locks.written({*locked, *residues}))

        st.button(
            f"Lock {offer.kind.lower()} ({len(offer.residues)})", key=f"steer_lock_{offer.kind}",
            icon=":material/lock:", on_click=lock, type="tertiary",
        )  # fmt: skip
    return locked
