"""Is a text a sequence, or words? Amino-acid letters spell much English, so what passes for one may be the other.

Without a dictionary: the letters of words that hardly any protein has (O, U, B, J, Z), blanks between pieces of unlike
length where a printed sequence comes in equal blocks, and short texts in small letters. A FASTA header settles it.

Read `doubt`, then `sequence_in`.
"""

import re

from protsae.alphabet import AMINO_ACIDS

CLEARLY_LONG = 25
"""Letters from which on a text without blanks is hardly a word."""
RARE = "BJOUZ"
"""Letters of no standard amino acid; X is left out, for it stands for unknown residues in rows."""
RARE_SHARE = 0.04
"""Of all letters. Proteins have hardly one in a thousand, English about one in eight."""
WORD_LENGTH = 9
"""Mean letters of a piece, below which pieces of unlike length are words."""

_RECORD = re.compile(r"(?<=[A-Z*-])\s*(?=>)")
"""Between two records: a header follows the letters of a sequence."""
_TAIL = re.compile(r"[A-Z*-]{20,}(?:\s+[A-Z*-]+)*\s*\Z")


def doubt(text: str) -> str:
    """Why a text may be words rather than residues, as a clause; '' where there is no doubt.

    Args:
        text: what a reader typed, its letters those of a sequence.
    """
    if text.lstrip().startswith(">"):
        return ""
    pieces = re.findall(r"[A-Za-z]+", text)
    letters = "".join(pieces)
    rare = sum(letters.upper().count(letter) for letter in RARE)
    if rare >= RARE_SHARE * len(letters) > 0:
        found = ", ".join(letter for letter in RARE if letter in letters.upper())
        return f"{rare} of its {len(letters)} letters are {found}, which proteins hardly have"
    lengths = [len(piece) for piece in pieces]
    if len(lengths) > 1 and not _in_blocks(lengths) and len(letters) < WORD_LENGTH * len(lengths):
        return f"it comes in pieces of {', '.join(map(str, lengths[:6]))} letters, as words do"
    if len(letters) < CLEARLY_LONG and not letters.isupper():
        return f"it is {len(letters)} letters long and not in capitals, as a word is"
    return ""


def sequence_in(text: str) -> str | None:
    """The text as it can be read as FASTA or a sequence, None where it is neither without doubt.

    A box of one line loses the line ends of what is pasted into it: of each FASTA record in one line the sequence is
    the run of capitals at its end.
    """
    text = text.strip()
    if text.startswith(">"):
        if "\n" in text:
            return text
        records = [_in_lines(record) for record in _RECORD.split(text) if record]
        return "\n".join(filter(None, records)) if all(records) else _in_lines(text)
    pieces = text.split()
    letters = "".join(pieces).upper()
    is_long = len(letters) >= CLEARLY_LONG and set(letters) <= set(AMINO_ACIDS + "XBZUOJ*-")
    return text if is_long and _in_blocks([len(piece) for piece in pieces]) and not doubt(text) else None


def _in_lines(record: str) -> str | None:
    """A FASTA record that lost its line ends, in two lines; None where no sequence ends it."""
    tail = _TAIL.search(record, 1)
    return f"{record[: tail.start()].rstrip()}\n{tail[0]}" if tail else None


def _in_blocks(lengths: list[int]) -> bool:
    """Whether pieces are equally long but for a shorter last one."""
    return len(set(lengths[:-1])) <= 1 and lengths[-1] <= lengths[0]
