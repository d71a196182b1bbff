"""UniProt accessions, as people and files write them: with an isoform, a version, a database before or a chain behind.

Read `parse_accession`, then `entry_of`.

Source: https://www.uniprot.org/help/accession_numbers
"""

import re
from typing import NamedTuple

PATTERN = r"[OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2}"
_ACCESSION = re.compile(rf"(?P<accession>{PATTERN})(?:-(?P<isoform>[0-9]{{1,4}}))?(?:\.(?P<version>[0-9]{{1,4}}))?")
_AROUND = re.compile(r"(?:uniprot(?:kb)?:)?(?P<inside>[^:\s]+)(?::PRO_\d+|:VAR_\d+)?", re.IGNORECASE)


class UniProtId(NamedTuple):
    """An accession as someone wrote it, taken apart."""

    accession: str
    isoform: str
    """Number behind the dash, '' where there is none."""
    version: str
    """Of the sequence, '' where there is none."""


def parse_accession(text: str) -> UniProtId | None:
    """A text as an accession, in either case; None where it has not the form of one."""
    found = _ACCESSION.fullmatch(text.strip().upper())
    return None if found is None else UniProtId(found["accession"], found["isoform"] or "", found["version"] or "")


def entry_of(text: str) -> str:
    """The entry that an id belongs to: Q00001 of 'UniProtKB:Q00001-2', 'q00001.3', 'Q00001:PRO_0000012345'.

    Any other text is its own.
    """
    around = _AROUND.fullmatch(text.strip())
    found = None if around is None else parse_accession(around["inside"])
    return text if found is None else found.accession
