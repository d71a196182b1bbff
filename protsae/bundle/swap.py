"""Putting a finished folder in the place of an older one, so that at every moment one of the two stands there.

Linux can exchange two folders in a single step (renameat2). Elsewhere the older one is moved aside first; should the
program die in between, `recover` puts it back.

Read `swap_in`.
"""

import ctypes
import os
import shutil
import sys
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def swap_in(new: Path, place: Path) -> None:
    """Move the folder `new` to `place`; what stood there before is removed last."""
    aside = _aside(place)
    if not place.exists():
        new.replace(place)
        return
    if _exchange(new, place):
        new.replace(aside)
    else:
        place.replace(aside)
        new.replace(place)
    shutil.rmtree(aside, ignore_errors=True)


def recover(place: Path) -> None:
    """Put back, or clear away, what an interrupted `swap_in` has left beside `place`."""
    aside = _aside(place)
    if not aside.exists():
        return
    if place.exists():
        shutil.rmtree(aside)
    else:
        aside.replace(place)


def _aside(place: Path) -> Path:
    return place.with_name(place.name + ".old")


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two paths in one step; False where the system cannot."""
    if sys.platform != "linux":
        return False
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    if renameat2 is None:
        return False
    return renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0
