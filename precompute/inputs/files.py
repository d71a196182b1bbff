"""Opening text files, gzipped or not, and turning damage into one sentence."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from protsae.errors import InputError


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """The text of a file; gzip is recognised by its first bytes, not by the name.

    Raises:
        InputError: the file is missing, cannot be read, is damaged, or is no text.
    """
    try:
        with path.open("rb") as raw:
            is_zipped = raw.read(2) == b"\x1f\x8b"
        opener = gzip.open if is_zipped else open
        with opener(path, "rt", encoding="utf-8", newline="") as handle:
            yield handle  # type: ignore[misc]
    except FileNotFoundError as error:
        msg = f"{path} does not exist; check the path"
        raise InputError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path} is no text file in UTF-8 (byte {error.start}); give the file as it was downloaded"
        raise InputError(msg) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        msg = f"{path} is damaged: its gzip data ends early or is corrupt; download it again"
        raise InputError(msg) from error
    except (PermissionError, IsADirectoryError) as error:
        msg = f"{path} cannot be read ({error.strerror}); give a readable file"
        raise InputError(msg) from error
