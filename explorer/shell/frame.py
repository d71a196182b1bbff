"""What every page shares: headline with search, side bar, widgets that follow the address, designed empty states.

The address is the only truth (`address.py`): a widget takes its value from the query parameters before it is drawn and
writes them when it changes; defaults stay out. Autoencoder and scale are remembered while the reader moves between
pages: links carry them, and where the navigation opens a page without them its address is completed. Read `run`, then
`choice`.
"""

import contextlib
import functools
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, ParamSpec

import streamlit as st

from explorer import theme
from explorer.components import browser
from explorer.draw import corpus, markup, words
from explorer.services import data
from explorer.shell import address, links, places, takeaway
from explorer.shell.address import write as write_address
from protsae.errors import BundleError, InputError, ProtSAEError
from protsae.plm.spec import PLMSpec

P = ParamSpec("P")

logger = logging.getLogger(__name__)

PRODUCT = "ProtSAE Explorer"
SCALES = ("normalised", "raw")


class Settings(NamedTuple):
    """What the side bar sets for every page."""

    sae: str
    scale: str
    note: str = ""
    """What was wrong with the address, one sentence; '' where nothing was."""


def run(page: Any, above: Callable[[], None], aside: Callable[[], None]) -> None:
    """Draw side bar and page; a bundle that cannot be opened becomes one sentence, and the app stays up.

    Args:
        page: what the navigation has chosen.
        above: draws what stands above every page.
        aside: draws the end of the side bar.
    """
    st.html(theme.STYLE_SHEET)
    st.logo(theme.wordmark(PRODUCT, mode()), size="large")
    browser.redraw_in_other_colours(mode())
    remember = address.arrive(page.url_path)
    try:
        wrong = places.settle(remember=remember)
        data.bundle()
    except BundleError as error:
        bundle_problem(error)
        return
    address.land()
    st.session_state["page"] = page.url_path
    st.session_state["settings"] = sidebar(remember=remember, wrong=wrong)
    if other := takeaway.other_bundle():
        st.html(markup.empty(other, "Open the bundle that it names to see what was meant."))
    with st.sidebar:
        guarded(aside)()
    guarded(above)()
    guarded(page.run)()


def debugging() -> bool:
    """Whether the explorer was started with `-- --debug`, or with PROTSAE_DEBUG set."""
    return "--debug" in sys.argv[1:] or bool(os.environ.get("PROTSAE_DEBUG"))


def guarded(draw: Callable[P, None]) -> Callable[P, None]:
    """`draw`, but an error becomes one sentence in its place.

    A reader's mistake says what to do. A fault of our own says so, leaves its traceback in the log, and shows it where
    the explorer was started with `-- --debug`.
    """

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            draw(*args, **kwargs)
        except ProtSAEError as error:
            problem(str(error), "Search for something else, or open a validated feature.")
        except Exception as error:
            logger.exception("A page could not be drawn.")
            fault(error)

    return drawn


def fault(error: Exception) -> None:
    """A fault of our own in the page's place."""
    what = f"The explorer itself has a fault here ({type(error).__name__}); what you asked for is not the cause."
    st.html(markup.empty(what, "Every other page stays open."))
    if debugging():
        st.exception(error)
    else:
        st.caption(
            "The terminal shows where it happened; the page shows it, too, when started with "
            "`streamlit run explorer/app.py -- --debug`."
        )


def settings() -> Settings:
    """The side bar's choices in this run."""
    return st.session_state["settings"]


def mode() -> theme.Mode:
    """Light or dark, as far as the browser has told."""
    return "dark" if st.context.theme.type == "dark" else "light"


def bundle_problem(error: BundleError) -> None:
    """The page that stands in for all others while there is no bundle."""
    st.title("The bundle cannot be opened", anchor=False)
    st.html(markup.empty(str(error), "Nothing is lost: the app opens as soon as the bundle is there."))
    st.caption(
        "Another bundle: `streamlit run explorer/app.py -- --bundle DIR`, or set `PROTSAE_BUNDLE`. "
        "To build one: `python -m precompute run --help`."
    )
    st.button("Try again", type="primary")


def headline(
    title: str, lead: str, *, eyebrow: str = "", search: bool = True, note: bool = True, tab: Sequence[str] = ()
) -> None:
    """One headline, one lead sentence, and the search box that every page has.

    Args:
        title: Plain text.
        lead: Plain text.
        eyebrow: What stands above the title; escaped HTML.
        search: Draw the search box.
        note: Say what was wrong with the address, if anything was.
        tab: What the browser's tab is called, before the product's name; title and page where nothing is given.
    """
    name_tab(*(tab or (title, st.session_state["page"].capitalize())))
    left, right = st.columns([3.4, 1.2], gap="large", vertical_alignment="top") if search else (st.container(), None)
    with left:
        if eyebrow:
            st.html(f'<div class="ps ps-eyebrow">{eyebrow}</div>')
        st.title(words.md(title), anchor=False)
        st.html(f'<p class="ps ps-lead">{markup.escape(lead)}</p>')
    if right is not None:
        with right:
            text = st.text_input(
                "Search",
                key="search_anywhere",
                type="search",
                placeholder="Function, GO id, protein …",
                icon=":material/search:",
                label_visibility="collapsed",
            )
        if text and text.strip():
            go(links.find(text.strip()))
    if note and settings().note:
        st.html(markup.empty(settings().note, f"Shown instead: {words.sae_long(data.sae(settings().sae))}."))


def name_tab(*parts: str) -> None:
    """What the browser's tab and its history call this view, most telling first."""
    st.session_state["tab"] = " · ".join(part for part in (*parts, PRODUCT) if part)
    st.set_page_config(page_title=st.session_state["tab"])


def tab_name() -> str:
    """What the tab is called until the page says otherwise."""
    return st.session_state.get("tab", PRODUCT)


def say(text: str, kind: str = "ps-soft") -> None:
    """A paragraph of plain text in the explorer's style."""
    st.html(markup.wrap(markup.paragraph(text, kind)))


def go(to: links.Link) -> None:
    """Open another view, in one step of the browser's history."""
    params = to.params | _kept(to)
    if links.path(to.page) == st.session_state["page"]:
        st.switch_page(to.script, query_params=params)
    address.follow(to.script, params)


def link(to: links.Link, text: str, *, icon: str | None = None, tip: str | None = None) -> None:
    """A link to another view; `text` is plain text."""
    st.page_link(to.script, label=words.md(text), query_params=to.params | _kept(to), icon=icon, help=tip)


def href(to: links.Link) -> str:
    """The address of another view, for HTML; relative to the page that shows it."""
    return to._replace(params=to.params | _kept(to)).url


def _kept(to: links.Link) -> dict[str, str]:
    """What a link keeps of the side bar's choices, so that the next page need not write it into the address."""
    now = settings()
    kept = links.place_now() if "place" not in to.params else {}
    kept |= {"scale": now.scale} if now.scale != SCALES[0] else {}
    return kept if "sae" in to.params or now.sae == data.default_feature().sae else kept | {"sae": now.sae}


def problem(what: str, advice: str) -> None:
    """An error in the page's place: one sentence, and ways on."""
    st.html(markup.empty(what, advice))
    with st.container(horizontal=True):
        with contextlib.suppress(BundleError):
            ref = data.default_feature()
            link(links.feature(ref.sae, ref.feature), "Open a validated feature", icon=":material/verified:")
        link(links.find(), "Search", icon=":material/search:")


def choice(
    label: str,
    name: str,
    options: Sequence[str],
    *,
    show: Callable[[str], str] = str,
    kind: Literal["segmented", "select"] = "segmented",
    clears: Sequence[str] = (),
    tip: str | None = None,
    current: str | None = None,
) -> str:
    """A widget for one query parameter.

    Args:
        label: What the reader sees.
        name: The query parameter.
        options: Its values; the first is the default and stays out of the address.
        show: Option to text.
        kind: Buttons in a row, or a list to choose from.
        clears: Query parameters that lose their meaning when this one changes.
        tip: Help text.
        current: The value where the page knows it better than the address.
    """
    try:
        value = current or links.read_choice(st.query_params, name, options)
    except InputError as error:
        st.html(markup.empty(str(error), f"Shown instead: {show(options[0])}."))
        value = options[0]
    key = f"choice_{name}"
    st.session_state[key] = value

    def write() -> None:
        chosen = st.session_state[key]
        write_address(**dict.fromkeys(clears), **{name: None if chosen == options[0] and current is None else chosen})

    if kind == "select":
        return st.selectbox(label, options, key=key, format_func=show, on_change=write, help=tip)
    return (
        st.segmented_control(
            label, options, key=key, format_func=show, on_change=write, help=tip, required=True, wrap=True
        )
        or value
    )


def asked_tab(labels: Mapping[str, str]) -> str:
    """The tab below that the address names, by its name there; where there is none such, the first, which is said.

    Args:
        labels: by name; the first one's is empty.
    """
    try:
        return links.read_choice(st.query_params, "tab", list(labels))
    except InputError as error:
        st.html(markup.empty(str(error), f"Shown instead: {labels['']}."))
        return ""


def flag(label: str, name: str, *, tip: str | None = None) -> bool:
    """A switch for one query parameter, '1' or absent."""
    key = f"flag_{name}"
    st.session_state[key] = st.query_params.get(name) == "1"

    def write() -> None:
        write_address(**{name: "1" if st.session_state[key] else None})

    return st.toggle(label, key=key, on_change=write, help=tip)


def sidebar(*, remember: bool, wrong: str = "") -> Settings:
    """Bundle, autoencoder and scale.

    Args:
        remember: An address without autoencoder and scale means those that the reader chose before, else the default.
        wrong: What was wrong with the address so far.
    """
    note = wrong
    try:
        links.read_sae(st.query_params, data.saes())
    except InputError as error:
        note = str(error)
    if not remember:
        for name in ("sae", "scale"):
            st.session_state.pop(name, None)
    with st.sidebar:
        sae = _sae_picker([row.name for row in data.saes()])
        places.picker(sae)
        scale = _scale_picker()
        _bundle_facts()
        takeaway.share()
    address.complete(st.session_state["page"], _unsaid(sae, scale) if remember else {})
    return Settings(sae, scale, note)


def _unsaid(sae: str, scale: str) -> dict[str, str]:
    """Choices that are neither the default nor in the address."""
    chosen = {"sae": sae, "scale": scale}
    usual = {"sae": data.default_feature().sae, "scale": SCALES[0]}
    unusual = links.place_now() | {name: value for name, value in chosen.items() if value != usual[name]}
    return {name: value for name, value in unusual.items() if name not in st.query_params}


def _sae_picker(names: list[str]) -> str:
    asked = st.query_params.get("sae")
    before = st.session_state.get("sae")
    remembered = before if before in names else data.default_feature().sae
    sae = asked if asked in names else remembered
    st.session_state["sae"] = st.session_state["choice_sae"] = sae

    def write() -> None:
        chosen = st.session_state["choice_sae"]
        write_address(**dict.fromkeys(places.GONE), sae=None if chosen == data.default_feature().sae else chosen)

    st.selectbox(
        "Autoencoder",
        names,
        key="choice_sae",
        format_func=lambda name: words.sae_long(data.sae(name)),
        on_change=write,
        help=words.HELP["feature"],
    )
    return sae


def _scale_picker() -> str:
    asked = st.query_params.get("scale")
    scale = asked if asked in SCALES else st.session_state.get("scale", SCALES[0])
    st.session_state["scale"] = st.session_state["choice_scale"] = scale

    def write() -> None:
        chosen = st.session_state["choice_scale"]
        write_address(scale=None if chosen == SCALES[0] else chosen)

    tip = f"Normalised: {words.HELP['normalised']} Raw: {words.HELP['raw']}"
    st.segmented_control("Colour scale", SCALES, key="choice_scale", on_change=write, help=tip, required=True)
    return scale


def _bundle_facts() -> None:
    opened = data.bundle()
    meta = opened.reader.meta()
    rows = [
        ("Bundle", meta.get("bundle_id", opened.folder.name)[:24], str(opened.folder)),
        (
            "Language model",
            opened.plm.shown,
            "The protein language model whose inner states the features describe.",
        ),
        ("Layer", f"{opened.plm.layer} of {opened.plm.num_layers}", "Counted from 1."),
        *corpus.facts(data.corpus()),
        *_perplexity(),
    ]
    with st.expander("This bundle"):
        st.html(markup.wrap(markup.facts(rows) + _where_the_model_is_from(opened.plm)))


def _perplexity() -> list[tuple[str, str, str]]:
    found = data.perplexity()
    if found is None:
        return []
    alone = f"; the amino acids' frequencies alone give {found.letters_alone:.1f}" if found.letters_alone else ""
    tip = (
        "Among so many letters the language model hesitates at a hidden residue, on proteins of homology clusters that "
        f"it was not trained on{alone}. 1 would be certainty."
    )
    return [("Perplexity", f"{found.held_out:.1f}", tip)]


def model_note() -> None:
    """Which language model this is and what the corpus holds, where a page speaks of what the model knows."""
    say(f"{corpus.model(data.bundle().plm)} {corpus.holdings(data.corpus())}", "ps-soft ps-small")


def _where_the_model_is_from(plm: PLMSpec) -> str:
    """Provenance and licence of the weights, where the bundle states them."""
    licence = f"Licence of its weights: {plm.licence}." if plm.licence else ""
    text = " ".join(part for part in (plm.provenance, licence) if part)
    return markup.paragraph(f"About the language model: {text}", "ps-soft ps-small") if text else ""
