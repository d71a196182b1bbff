"""Opening text files, gzipped or not, and turning damage into one sentence.

Every text that a user brings is opened by `open_text`.
"""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from protsae.errors import InputError

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_OTHER_ARCHIVES = {b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """The text of a file; gzip is recognised by its first bytes, not by the name; a byte order mark is left out.

    UTF-8, or UTF-16 with a byte order mark, as Windows writes it. Line ends come as they are.

    Raises:
        InputError: the file is missing, cannot be read, is damaged, or is no text.
    """
    try:
        with path.open("rb") as raw:
            start = raw.read(8)
        for mark, name in _OTHER_ARCHIVES.items():
            if start.startswith(mark):
                raise InputError(f"{path} is compressed by {name}; unpack it, or compress it by gzip")
        with gzip.open(path) if start.startswith(b"\x1f\x8b") else path.open("rb") as binary:
            encoding = "utf-16" if binary.peek(2).startswith(_UTF16) else "utf-8-sig"
            with io.TextIOWrapper(binary, encoding=encoding, newline="") as handle:
                yield handle
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; check the path") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is no text file in UTF-8 (byte {error.start}); give the file as it was downloaded"
        ) from error
    except UnicodeError as error:
        raise InputError(f"{path} is no text file in UTF-8; give the file as it was downloaded") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path} is damaged: its gzip data ends early or is corrupt; download it again") from error
    except (PermissionError, IsADirectoryError) as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give a readable file") from error
