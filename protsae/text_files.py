"""Opening text files, compressed or not, and turning damage into one sentence.

Every text that a user brings is opened by `open_text`.
"""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from protsae.errors import InputError

_ARCHIVES: Mapping[bytes, str] = {b"PK\x03\x04": "zip", b"\x28\xb5\x2f\xfd": "zstd"}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """The text of a file; gzip, bzip2 and xz are recognised by their first bytes, not by the name.

    UTF-8, or UTF-16 with a byte order mark, as Windows writes it; the mark is left out. Line ends come as they are.

    Raises:
        InputError: the file is missing, cannot be read, is damaged, or is no text.
    """
    try:
        with path.open("rb") as raw:
            start = raw.read(8)
        with _unpacked(path, start) as binary:
            encoding = "utf-16" if binary.peek(2).startswith(_UTF16) else "utf-8-sig"
            with io.TextIOWrapper(binary, encoding=encoding, newline="") as handle:
                yield handle
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; check the path") from error
    except UnicodeError as error:
        place = f" (byte {error.start})" if isinstance(error, UnicodeDecodeError) else ""
        raise InputError(f"{path} is no text file in UTF-8{place}; give the file as it was downloaded") from error
    except (PermissionError, IsADirectoryError) as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give a readable file") from error
    except (EOFError, zlib.error, lzma.LZMAError) as error:
        raise InputError(_damaged(path)) from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise InputError(_damaged(path)) from error


def _unpacked(path: Path, start: bytes) -> io.BufferedReader | gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile:
    for mark, name in _ARCHIVES.items():
        if start.startswith(mark):
            raise InputError(f"{path} is compressed by {name}; unpack it, or compress it by gzip")
    if start.startswith(b"\x1f\x8b"):
        return gzip.open(path)
    if start.startswith(b"BZh"):
        return bz2.open(path)
    if start.startswith(b"\xfd7zXZ\x00"):
        return lzma.open(path)
    return path.open("rb")


def _damaged(path: Path) -> str:
    return f"{path} is damaged: its compressed data end early or are corrupt; download it again"
