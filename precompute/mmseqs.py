"""MMseqs2, the one program that is not Python's: a run without cluster files needs it.

Read `find_mmseqs`.
"""

import shutil

from protsae.errors import InputError


def find_mmseqs() -> str:
    """Path of the program.

    Raises:
        InputError: it is not installed.
    """
    mmseqs = shutil.which("mmseqs")
    if mmseqs is None:
        raise InputError(
            "no cluster file was given and MMseqs2 is not installed; give --clusters FILE or install `mmseqs`"
        )
    return mmseqs
