"""The open bundle, and the one way in which the explorer keeps what it has computed.

`cached_by_bundle` keeps a function's results as long as the bundle on disk stays the same: the folder and the times of
its files are part of every key, so a bundle that is replaced is read anew. Read `bundle`, then `cached_by_bundle`.
"""

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import streamlit as st

from explorer.services import bundle as bundles

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
    return _open(_key())


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

        @functools.wraps(function)
        def ask(*args: P.args, **kwargs: P.kwargs) -> R:
            return kept(*args, **kwargs, **{BUNDLE: _key()})

        return ask

    return decorate


def _key() -> Key:
    folder = bundles.find_bundle(sys.argv[1:], os.environ)
    return str(folder), bundles.stamp(folder)


@st.cache_resource(max_entries=2, show_spinner="Opening the bundle …", on_release=lambda opened: opened.reader.close())
def _open(key: Key) -> bundles.Bundle:
    return bundles.open_bundle(Path(key[0]))
