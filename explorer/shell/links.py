"""Every in-app link, and the reading of a page's address.

A view is a page and its query parameters; the address is the only truth, so a copied one brings the view back. Widgets
follow it (`frame.choice`), links are built here, and a bad value becomes one sentence. Streamlit's own
`bind="query-params"` is not used: a bound parameter cannot be set by a link to another page. Read `Link`, then
`read_feature`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from explorer.services import cached
from explorer.services.refs import FeatureRef
from protsae.errors import InputError
from protsae.ontology.namespaces import Namespace, members
from protsae.store.rows import SAERow

PAGES = {
    "find": "app_pages/find.py",
    "feature": "app_pages/feature.py",
    "compare": "app_pages/compare.py",
    "map": "app_pages/map.py",
    "themes": "app_pages/themes.py",
    "protein": "app_pages/protein.py",
    "sequence": "app_pages/sequence.py",
    "steer": "app_pages/steer.py",
    "results": "app_pages/results.py",
}
"""Page name (also its address) -> script, relative to app.py."""

MOST_QUOTED = 40
"""Letters of an address that a sentence repeats."""

_NUMBER = re.compile(r"0*([0-9]{1,9})")
_GO_ID = re.compile(r"(?:GO[:_ ]?)?(\d{7})|GO:(\d{1,6})", re.IGNORECASE)
_FEATURE_TEXT = re.compile(r"(?P<sae>[\w .-]*?)\s*(?:#|feature\s*)?(?P<feature>\d{1,6})", re.IGNORECASE)
_NO_LETTERS = re.compile(r"[\W_]+")


def path(page: str) -> str:
    """The page's address below the app's own."""
    return "" if page == "find" else page


class Link(NamedTuple):
    """A view of the explorer."""

    page: str
    params: dict[str, str]

    @property
    def script(self) -> str:
        """What `st.page_link` and `st.switch_page` want."""
        return PAGES[self.page]

    @property
    def url(self) -> str:
        """Address relative to the page that shows it; pages lie side by side, so it holds under any base path."""
        params = place_now() | self.params
        return f"./{path(self.page)}?{urlencode(params)}" if params else f"./{path(self.page)}"


def place_now() -> dict[str, str]:
    """What names the bundle of a suite that is open; nothing where it is the first, or a bundle alone."""
    suite, here = cached.suite(), cached.member()
    return {} if suite is None or here == suite.bundles[0] else {"place": here}


def find(query: str = "") -> Link:
    """Search results; the landing page where `query` is empty."""
    return Link("find", {"q": query} if query else {})


def feature(sae: str, index: int, *, band: str = "", protein: str = "", view: str = "") -> Link:
    """One feature, optionally with a band of examples, a protein opened, and how the others are shown."""
    params = {"sae": sae, "feature": str(index), "band": band, "protein": protein, "view": view}
    return Link("feature", {name: value for name, value in params.items() if value})


def compare(go_id: str, *, protein: str = "", guided: str = "", against: str = "") -> Link:
    """A GO term's guided feature beside that of an SAE without guidance; which SAEs, where it is not the first ones."""
    params = {"go": go_id, "protein": protein, "guided": guided, "against": against}
    return Link("compare", {name: value for name, value in params.items() if value})


def map_of(sae: str, colour: str = "", feature: str = "") -> Link:
    """The map of this SAE, beside one of another role, optionally with a feature marked."""
    params = {"sae": sae, "feature": feature, "colour": colour}
    return Link("map", {name: value for name, value in params.items() if value})


def themes(sae: str, theme: int = 0) -> Link:
    """The themes of this SAE, with one of them open."""
    return Link("themes", {"sae": sae} | ({"theme": str(theme)} if theme else {}))


def protein(accession: str, shown: FeatureRef | None = None, *, span: tuple[int, int] | None = None) -> Link:
    """A protein of the bundle, optionally with a feature that is shown first and residues that are marked."""
    first = {"sae": shown.sae, "feature": str(shown.feature)} if shown is not None else {}
    marked = {"range": f"{span[0]}-{span[1]}"} if span is not None else {}
    return Link("protein", {"accession": accession} | first | marked)


def steer(sae: str, index: int, *, protein: str = "") -> Link:
    """A feature on the Steer page, optionally in one protein."""
    return Link("steer", {"sae": sae, "feature": str(index)} | ({"protein": protein} if protein else {}))


def go_id_in(text: str) -> str | None:
    """The GO id that `text` is, in its usual spelling; behind 'GO:' zeros may be missing."""
    match = _GO_ID.fullmatch(text.strip())
    return f"GO:{match[1] or match[2].zfill(7)}" if match else None


def read_sae(params: Mapping[str, str], saes: Sequence[SAERow]) -> str | None:
    """The SAE that an address names, None where it names none.

    Raises:
        InputError: the bundle has no such SAE.
    """
    name = params.get("sae")
    names = [row.name for row in saes]
    if name is None or name in names:
        return name
    raise InputError(f"This bundle has no autoencoder {name!r}; it has {', '.join(names)}.")


def read_feature(params: Mapping[str, str], saes: Sequence[SAERow]) -> FeatureRef | None:
    """The feature that an address names, None where it names none.

    Raises:
        InputError: the SAE is unknown, or the number is none of its features.
    """
    sae = read_sae(params, saes)
    text = params.get("feature")
    if text is None:
        return None
    if sae is None:
        raise InputError(f"The address names feature {text!r} but no autoencoder; choose one in the side bar.")
    width = next(row.d_sae for row in saes if row.name == sae)
    digits = _NUMBER.fullmatch(text)
    if digits is None or int(digits[1]) >= width:
        quoted = f"{text[:MOST_QUOTED]!r} …" if len(text) > MOST_QUOTED else repr(text)
        raise InputError(f"{quoted} is no feature of {sae}; its features are numbered 0 to {width - 1}.")
    return FeatureRef(sae, int(digits[1]))


def read_choice(params: Mapping[str, str], name: str, options: Sequence[str]) -> str:
    """The option that an address names, the first where it names none.

    Raises:
        InputError: the value is none of the options.
    """
    value = params.get(name)
    if value is None:
        return options[0]
    if value not in options:
        raise InputError(f"{name}={value!r} is not known here; choose {', '.join(filter(None, options))}.")
    return value


def feature_in(text: str, saes: Sequence[SAERow]) -> list[FeatureRef]:
    """Features that a search text such as 'vanilla #17', '#21' or 'mfo 12' names; empty where it names none.

    An SAE answers to its name, display name, role, architecture and the one namespace that guides it, whatever their
    case and punctuation; to GO none does, for 'GO 8270' is a term.
    """
    match = _FEATURE_TEXT.fullmatch(text.strip())
    if match is None or go_id_in(text):
        return []
    wanted = _plain(match["sae"])
    index = int(match["feature"])
    return [
        FeatureRef(row.name, index)
        for row in saes
        if index < row.d_sae
        and (not wanted or wanted in map(_plain, (row.name, row.display_name, row.role, row.architecture, *_sole(row))))
    ]


def _sole(row: SAERow) -> tuple[Namespace, ...]:
    found = members(row.namespace)
    return found if len(found) == 1 else ()


def _plain(text: str) -> str:
    return _NO_LETTERS.sub(" ", text.casefold()).strip()
