"""One HTTP client for all sources: bounded in time and size, patient where a server stumbles, sparing with requests.

A request waits its turn (`Source.spacing_s`), is asked again where that can help (no connection, 429, 5xx; a server's
Retry-After is followed), follows redirects but never from https to http, and is read in pieces up to a limit of bytes
and seconds. What was asked before comes from the cache, where one is given.

Read `Client.get`.
"""

import datetime as dt
import email.utils
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import requests
from requests import codes

from protsae.errors import ConfigError
from protsae.sources.addresses import Source
from protsae.sources.answers import Answer, NotFoundError, SourceError, UnreachableError
from protsae.sources.cache import DAY_S, Cache

KEPT_HEADERS = (
    "content-type",
    "last-modified",
    "link",
    "x-total-results",
    "x-total-records",
    "x-uniprot-release",
    "x-uniprot-release-date",
)
"""Of an answer; the others say nothing that is used here."""

USER_AGENT = "protsae-explorer"
ATTEMPTS = 3
MAX_BYTES = 20_000_000
MAX_AGE_S = 30 * DAY_S
MAX_REDIRECTS = 5
MAX_WAIT_S = 60.0
"""Longest that a server's Retry-After is followed; where it asks for more that is said at once."""

_CHUNK = 1 << 16
_ABSENT = frozenset({codes.not_found, codes.gone, codes.no_content})
_PASSING = frozenset(
    {codes.too_many_requests, codes.request_timeout}
    | {codes.internal_server_error, codes.bad_gateway, codes.service_unavailable, codes.gateway_timeout}
)
_REDIRECTS = frozenset(
    {codes.moved_permanently, codes.found, codes.see_other, codes.temporary_redirect, codes.permanent_redirect}
)


class Limits(NamedTuple):
    """How long is waited."""

    connect_s: float = 10.0
    """For a connection."""
    read_s: float = 30.0
    """For the next piece."""
    whole_s: float = 120.0
    """For the whole answer."""


class _Passing(Exception):  # noqa: N818 - no error yet: it is asked again
    """An attempt failed for a reason that may pass."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class _Question(NamedTuple):
    """What is asked of whom."""

    source: Source
    method: str
    path: str
    body: bytes
    what: str
    accept: str
    max_bytes: int

    @property
    def url(self) -> str:
        return self.path if "://" in self.path else self.source.base + self.path

    @property
    def key(self) -> str:
        """What tells it from others in the cache; a body is there by its hash only."""
        body = hashlib.sha256(self.body).hexdigest() if self.body else ""
        return f"{self.method} {self.url}\n{self.accept}\n{body}"


class Pace:
    """When the next request to each server may begin; one for all clients of a process."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.clock, self.sleep = clock, sleep
        self._next: dict[str, float] = {}
        self._lock = threading.Lock()

    def wait(self, server: str, spacing_s: float) -> None:
        """Wait for one's turn: the beginnings of two requests to a server lie `spacing_s` seconds apart at least."""
        with self._lock:
            now = self.clock()
            turn = max(now, self._next.get(server, now))
            self._next[server] = turn + spacing_s
        if turn > now:
            self.sleep(turn - now)


_PACE = Pace()
_LIMITS = Limits()


class Client:
    """Asks sources; may be shared between threads."""

    def __init__(
        self,
        cache: Cache | None = None,
        *,
        limits: Limits = _LIMITS,
        pace: Pace = _PACE,
        max_age_s: float = MAX_AGE_S,
    ) -> None:
        """Nothing is asked yet.

        Args:
            cache: where answers are kept; None asks each time.
            limits: how long is waited.
            pace: who waits for whom; that of the process, but for tests.
            max_age_s: seconds for which a kept answer is good.
        """
        self._cache, self._limits, self._pace, self._max_age_s = cache, limits, pace, max_age_s
        self._local = threading.local()

    def get(
        self,
        source: Source,
        path: str,
        *,
        what: str,
        accept: str = "",
        max_bytes: int = MAX_BYTES,
    ) -> Answer:
        """Ask for a document.

        Args:
            source: whom.
            path: behind the source's address, with its '/', or a whole address that the source gave.
            what: is asked for, as it stands in errors, e.g. "entry P69905".
            accept: media type, where the source offers several at one address.
            max_bytes: of the answer, unpacked.

        Raises:
            NotFoundError: the source has no such thing.
            UnreachableError: it does not answer, or asks to wait.
            SourceError: it refuses, or answers more than `max_bytes`.
        """
        return self._ask(_Question(source, "GET", path, b"", what, accept, max_bytes), self._limits)

    def post(
        self, source: Source, path: str, body: bytes, *, what: str, limits: Limits, max_bytes: int = MAX_BYTES
    ) -> Answer:
        """Send text to be worked on; kept as `get` keeps, under the body's hash.

        Raises:
            SourceError: the source cannot be reached, refuses, or answers more than `max_bytes`.
        """
        return self._ask(_Question(source, "POST", path, body, what, "", max_bytes), limits)

    def _ask(self, question: _Question, limits: Limits) -> Answer:
        """From the cache, else from the source."""
        _check_address(question)
        kept = self._cache.find(question.key, self._max_age_s) if self._cache is not None else None
        if kept is not None and len(kept.content) <= question.max_bytes:
            return kept
        answer = self._persist(question, limits)
        if self._cache is not None:
            self._cache.keep(question.key, answer)
        return answer

    def _persist(self, question: _Question, limits: Limits) -> Answer:
        """Repeat attempts while that may help."""
        name, attempt = question.source.name, 1
        while True:
            self._pace.wait(urlsplit(question.url).netloc, question.source.spacing_s)
            try:
                return self._attempt(question, limits)
            except _Passing as error:
                wait_s = 2.0 ** (attempt - 1) if error.wait_s is None else error.wait_s
                if wait_s > MAX_WAIT_S:
                    raise UnreachableError(
                        f"{name} asks to wait {wait_s:.0f} s before the next request; ask again then."
                    ) from error
                if attempt == ATTEMPTS:
                    raise UnreachableError(
                        f"{name} did not give {question.what} ({error}, {ATTEMPTS} times): check the connection to the "
                        "internet, or ask again later."
                    ) from error
                self._pace.sleep(wait_s)
                attempt += 1

    def _attempt(self, question: _Question, limits: Limits) -> Answer:
        """Ask once.

        Raises:
            _Passing: it may work the next time.
            SourceError: it will not.
        """
        deadline = time.monotonic() + limits.whole_s
        method, url, body = question.method, question.url, question.body
        for _ in range(MAX_REDIRECTS + 1):
            with self._opened(method, url, body, question.accept, limits) as response:
                target = response.headers.get("Location", "")
                if response.status_code in _REDIRECTS and target:
                    url = _redirected(question.source, url, target)
                    method, body = ("GET", b"") if response.status_code == codes.see_other else (method, body)
                    continue
                _check_status(question, response)
                content = _content(question, response, deadline)
                kept = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
                return Answer(url, kept, content, _day(response.headers))
        raise SourceError(f"{question.source.name} redirects in circles for {question.what}: ask again later.")

    @contextmanager
    def _opened(self, method: str, url: str, body: bytes, accept: str, limits: Limits) -> Iterator[requests.Response]:
        headers = {"User-Agent": USER_AGENT} | ({"Accept": accept} if accept else {})
        headers |= {"Content-Type": "text/plain"} if body else {}
        options: dict[str, Any] = {"stream": True, "allow_redirects": False}
        timeout = (limits.connect_s, limits.read_s)
        try:
            with self._session.request(
                method, url, data=body or None, headers=headers, timeout=timeout, **options
            ) as response:
                yield response
        except requests.exceptions.SSLError as error:
            raise SourceError(
                f"The connection to {urlsplit(url).netloc} is not secure (its certificate does not hold): check this "
                "machine's clock and proxy."
            ) from error
        except requests.Timeout as error:
            raise _Passing("no answer in time") from error
        except requests.RequestException as error:
            raise _Passing(_reason(error)) from error

    @property
    def _session(self) -> requests.Session:
        """One for each thread: connections are kept open, and a session is not made for several."""
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        session: requests.Session = self._local.session
        return session


def _check_address(question: _Question) -> None:
    parts, source = urlsplit(question.url), question.source
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ConfigError(
            f"{source.name} is asked at {question.url!r}, which is no web address; mend {source.variable}"
        )


def _redirected(source: Source, url: str, target: str) -> str:
    """Where a redirect leads.

    Raises:
        SourceError: out of the web, or from a secure address to one that is not.
    """
    new = urljoin(url, target)
    schemes = (urlsplit(url).scheme, urlsplit(new).scheme)
    if schemes[1] not in {"http", "https"} or schemes == ("https", "http"):
        raise SourceError(f"{source.name} redirects to {new[:200]!r}, which is not secure; it was not followed.")
    return new


def _check_status(question: _Question, response: requests.Response) -> None:
    status, name = response.status_code, question.source.name
    if status in _PASSING:
        raise _Passing(f"status {status}", _retry_after(response.headers))
    if status in _ABSENT:
        raise NotFoundError(f"{name} has no {question.what}: check it.")
    if status >= 400 or status < 200:
        said = " ".join(response.raw.read(300, decode_content=True).decode("utf-8", "replace").split())
        raise SourceError(f"{name} refused {question.what} (status {status}{': ' + said if said else ''}).")


def _content(question: _Question, response: requests.Response, deadline: float) -> bytes:
    """All of it, unpacked, within limits."""
    pieces, size = [], 0
    for piece in response.iter_content(_CHUNK):
        size += len(piece)
        if size > question.max_bytes:
            raise SourceError(
                f"{question.source.name} gives more than {question.max_bytes / 1e6:,.0f} MB for {question.what}, which "
                "is not read; download it by hand."
            )
        if time.monotonic() > deadline:
            raise _Passing("too slow")
        pieces.append(piece)
    return b"".join(pieces)


def _reason(error: requests.RequestException) -> str:
    """What went wrong, in words; the exceptions of the libraries below are stacks of objects."""
    if isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        return "the answer broke off"
    if isinstance(error, requests.ConnectionError):
        return "it cannot be reached"
    return type(error).__name__


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait, written as such or as a date."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - time.time())


def _day(headers: Mapping[str, str]) -> str:
    """The server's day, else this machine's."""
    try:
        return email.utils.parsedate_to_datetime(headers.get("Date", "")).date().isoformat()
    except ValueError:
        return dt.datetime.now(dt.UTC).date().isoformat()


def whole_json(source: Source, answer: Answer, what: str) -> Any:
    """The JSON of an answer.

    Raises:
        SourceError: it is none.
    """
    try:
        return json.loads(answer.content)
    except (ValueError, RecursionError) as error:
        raise SourceError(
            f"{source.name} answered something else than JSON for {what}: it may have changed its interface; "
            "update this program, or ask again later."
        ) from error
