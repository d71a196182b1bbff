"""What comes back from a source, where it came from, and what is said when nothing does.

Read `Answer`, then `Provenance`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from protsae.errors import ProtSAEError
from protsae.sources.addresses import Source


class SourceError(ProtSAEError):
    """A source cannot be reached, refuses, or answers what cannot be used. One sentence that says what to do."""


class NotFoundError(SourceError):
    """The source is there and has no such thing."""

    def __init__(self, message: str, successors: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.successors = tuple(successors)
        """Ids that the source names in its place, to choose from; mostly none."""


class UnreachableError(SourceError):
    """The source does not answer now; the same question may be answered later."""


class Answer(NamedTuple):
    """One answer of a server, whole."""

    url: str
    """Where it came from at last, redirects followed."""

    headers: Mapping[str, str]
    """Those that `client.KEPT_HEADERS` names, in lower case; others are not kept."""

    content: bytes

    date: str
    """Day on which the source gave it, e.g. 2026-11-26; that of the first asking where it was kept."""

    was_kept: bool = False
    """It came from this machine's cache."""


class Provenance(NamedTuple):
    """Where something came from, enough to cite it."""

    source: str
    release: str
    """As the source names it; '' where it names none."""
    licence: str
    url: str
    date: str
    """Day on which it was fetched, e.g. 2026-11-26."""

    def sentence(self) -> str:
        """One line: 'UniProtKB 2026_04 (CC BY 4.0), https://..., fetched 2026-11-26'."""
        release = f" {self.release}" if self.release else ""
        return f"{self.source}{release} ({self.licence}), {self.url}, fetched {self.date}"


def provenance(source: Source, answer: Answer, release: str) -> Provenance:
    """Where an answer came from."""
    return Provenance(source.name, release, source.licence, answer.url, answer.date)
