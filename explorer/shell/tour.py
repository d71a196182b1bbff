"""A guided tour of two minutes: one step a page, on what the open bundle knows best.

The step stands in the address as `tour`, so Back goes a step back and a reload stays. Read `steps`, then `bar`.
"""

from typing import NamedTuple

import streamlit as st

from explorer.draw import markup
from explorer.services import data
from explorer.shell import frame, links
from explorer.shell.links import Link
from protsae.store.rows import TermFeature

PARAMETER = "tour"


class Step(NamedTuple):
    """One stop."""

    view: Link
    title: str
    text: str


def steps() -> list[Step]:
    """The stops for this bundle; none where no feature of it is named after a GO term that holds."""
    best = next(iter(data.validated()), None)
    return [] if best is None else [*_of_feature(best), *_of_bundle(best)]


def _of_feature(best: TermFeature) -> list[Step]:
    name = f"“{best.term_name}”"
    feature = links.feature(best.sae, best.feature)
    return [
        Step(
            links.find(best.term_name),
            "Search for what you know",
            "A function, a GO id, a protein, a kind of site, even a misspelt one. A term shows the feature that was "
            "guided by it beside the best one that was not, each with its score on protein families that took no part "
            "in training.",
        ),
        Step(
            feature,
            "What is it, and how do we know?",
            f"This feature is called {name}. Look at the held-out F1 on its rail: the dotted marks are what luck "
            f"gives. "
            "Violet on the strip and on the structure is where it fires, on one scale everywhere.",
        ),
        Step(
            links.feature(best.sae, best.feature, band="without"),
            "Where is it wrong?",
            f"These proteins make it fire and are not annotated with {name}. Some are mistakes, some may lack an "
            "annotation. A picture that only shows successes proves nothing.",
        ),
        Step(
            links.compare(best.go_id),
            "Is guidance better than none?",
            "The same proteins under both autoencoders, the difference with its interval. Where the interval holds "
            "zero, neither is ahead, and the page says so.",
        ),
    ]


def _of_bundle(best: TermFeature) -> list[Step]:
    example = next(iter(data.typical(best, 1)), None)
    protein = [] if example is None else [_of_protein(example.accession)]
    return [
        Step(
            links.map_of(best.sae, feature=str(best.feature)),
            "All features at once",
            "Each point is a feature. Draw around some of them, click one to open it.",
        ),
        *protein,
        Step(
            links.steer(best.sae, best.feature),
            "Turn a feature up",
            "The language model rewrites hidden residues while the feature is raised. Beside it stand random features: "
            "only what does more than they do means something.",
        ),
        Step(
            Link("results", {}),
            "Can you believe it?",
            "What was measured over the whole bundle, what it means and what it does not. From here on it is yours: "
            "search for a protein that you know.",
        ),
    ]


def _of_protein(accession: str) -> Step:
    return Step(
        links.protein(accession),
        "What does the model see in one protein?",
        "All features that fire in it, the most unusual first. Drag over residues to ask which features prefer them. "
        "A sequence of your own goes into the page Sequence.",
    )


def at(number: int) -> Link:
    """The view of a step, counted from 1, which says that it is one."""
    view = steps()[number - 1].view
    return view._replace(params=view.params | {PARAMETER: str(number)})


def invite() -> None:
    """A link to the first step, where there is one."""
    best = next(iter(data.validated()), None)
    if best is not None:
        first = links.find(best.term_name)
        to = first._replace(params=first.params | {PARAMETER: "1"})
        frame.link(to, "Take the two-minute tour", icon=":material/explore:")


def bar() -> None:
    """The step that the address names, above the page: what to look at, and the ways on."""
    asked = st.query_params.get(PARAMETER)
    if asked is None:
        return
    stops = steps()
    if not (asked.isascii() and asked.isdecimal() and 1 <= int(asked[:4]) <= len(stops)):
        here = f"its steps are numbered 1 to {len(stops)}" if stops else "this bundle has none"
        st.html(markup.empty(f"tour={asked[:20]!r} is no step of the tour; {here}.", "The page below is complete."))
        return
    number = int(asked)
    step = stops[number - 1]
    with st.container(border=True, key="tour"):
        st.html(
            markup.wrap(
                f'<div class="ps-small ps-soft">Tour, step {number} of {len(stops)}</div>'
                f'<div class="ps-term">{markup.escape(step.title)}</div>',
                markup.paragraph(step.text, ""),
            )
        )
        with st.container(horizontal=True, gap="medium"):
            if number > 1:
                frame.link(at(number - 1), "Back", icon=":material/arrow_back:")
            if number < len(stops):
                frame.link(at(number + 1), f"Next: {stops[number].title}", icon=":material/arrow_forward:")
            frame.link(step.view, "End the tour", icon=":material/close:")
