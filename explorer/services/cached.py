"""The open bundle, and the one way in which the explorer keeps what it has computed.

`cached_by_bundle` keeps a function's results as long as the bundle on disk stays the same: the folder and the times of
its files are part of every key, so a bundle that is replaced is read anew, and one of a suite is known from the others.
Streamlit's caches do it, which hash every argument at every call; a page asks hundreds of times, so what all readers
share lies in front of them by plain keys.

Read `bundle`, then `cached_by_bundle`; `suite` and `show` are for folders that hold several bundles.
"""

import functools
import gc
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextvars import ContextVar
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import streamlit as st

from explorer.services import bundle as bundles
from protsae.bundle.suite import Registry

P = ParamSpec("P")
R = TypeVar("R")
Key = tuple[str, tuple[int, ...]]
"""Folder of the bundle and its stamp."""
BUNDLE = "bundle_key"
"""The keyword by which the key reaches Streamlit's cache, which reads the names of arguments."""


def bundle() -> bundles.Bundle:
    """The open bundle.

    Raises:
        BundleError: it cannot be opened; the sentence says why.
    """
    key = _key()
    return _OPENED.get(key, lambda: _open(key))


def suite() -> Registry | None:
    """The registry of the folder that was opened, None where it is a bundle alone.

    Raises:
        BundleError: it is damaged.
    """
    return bundles.registry_in(_folder())


def show(member: str) -> None:
    """Open another bundle of the suite for this reader, from now on."""
    st.session_state[_MEMBER] = member


def member() -> str:
    """The bundle of the suite that this reader sees, the first where none was chosen; '' outside a suite."""
    found = suite()
    return "" if found is None else _chosen(found)


def bound(function: Callable[P, R]) -> Callable[P, R]:
    """`function` for threads of one's own, which know no reader: there it asks the bundle that is open now."""
    key = _key()

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        token = _BOUND.set(key)
        try:
            return function(*args, **kwargs)
        finally:
            _BOUND.reset(token)

    return run


def forget() -> None:
    """Drop all that is kept."""
    st.cache_data.clear()
    st.cache_resource.clear()
    for front in _FRONTS:
        front.clear()


def cached_by_bundle(
    max_entries: int, *, shared: bool = False, spinner: str | bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep a function's results, by its arguments, for the bundle that is open.

    Args:
        max_entries: results that are kept; the oldest goes first.
        shared: hand out the one object to all readers, who must not change it; else each gets a copy.
        spinner: what the page says while it waits; False for nothing.
    """
    cache = st.cache_resource if shared else st.cache_data

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def by_key(*args: Any, **kwargs: Any) -> R:
            del kwargs[BUNDLE]  # a part of the key and nothing else
            return function(*args, **kwargs)

        kept = cache(max_entries=max_entries, show_spinner=spinner)(by_key)
        front = _Front(max_entries)

        @functools.wraps(function)
        def ask(*args: P.args, **kwargs: P.kwargs) -> R:
            key = _key()
            plain = _plain(key, args, kwargs) if shared else None
            if plain is None:
                return kept(*args, **kwargs, **{BUNDLE: key})
            return front.get(plain, lambda: kept(*args, **kwargs, **{BUNDLE: key}))

        return ask

    return decorate


class _Front:
    """The results that were asked for last, by plain keys."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()
        _FRONTS.append(self)

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What is kept under a key, or what `make` gives; made outside the lock, which is held for no computation."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            self._kept[key] = made
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._kept.clear()


_FRONTS: list[_Front] = []
_MOST_OPEN = 8
"""Bundles of a suite that stay open."""
_OPENED = _Front(_MOST_OPEN)
_MEMBER = "suite_member"
_BOUND: ContextVar[Key | None] = ContextVar("bundle_key", default=None)


def _plain(key: Key, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Hashable | None:
    """The arguments as a key, with their types, for 1 and True are equal; None where Streamlit has to hash them."""
    try:
        return key, _token(args), tuple((name, _token(value)) for name, value in kwargs.items())
    except TypeError:
        return None


def _token(value: Any) -> Hashable:
    if isinstance(value, tuple):
        return type(value), *map(_token, value)
    if isinstance(value, str | int | float | None):
        return type(value), value
    raise TypeError(f"{type(value).__name__} is no plain key")


def _key() -> Key:
    if (given := _BOUND.get()) is not None:
        return given
    folder = _folder()
    found = bundles.registry_in(folder)
    if found is not None:
        folder = folder / _chosen(found)
    return str(folder), bundles.stamp(folder)


def _chosen(found: Registry) -> str:
    chosen = st.session_state.get(_MEMBER, "")
    return chosen if chosen in found.bundles else found.bundles[0]


def _folder() -> Path:
    return bundles.find_bundle(sys.argv[1:], os.environ)


@st.cache_resource(max_entries=_MOST_OPEN, show_spinner="Opening the bundle …")
def _open(key: Key) -> bundles.Bundle:
    """The bundle, ready to be searched; one that is kept no longer is closed when the last who reads it lets go."""
    opened = bundles.open_bundle(Path(key[0]))
    opened.reader.get_ready()
    gc.collect()
    gc.freeze()  # to look through all of this for garbage takes a quarter of a second, in the middle of someone's click
    return opened
