"""Words as people type them: one form for all, one for British and American spelling, and how far two may differ.

Both sides of a comparison go through the same rules, here and in SQL, so a rule that is wrong for a word does no harm:
it is wrong on both sides alike. Texts are compared as they stand, too: half a word may fold otherwise than the whole.

Read `plain`, then `folded`.
"""

import re

_PUNCTUATION = "-,()[]/:;'\"._"
_BLANKS = str.maketrans(dict.fromkeys(_PUNCTUATION, " "))

_FOLDS = (
    ("[ao]e", "e"),  # haemoglobin, oestrogen
    (r"our(s?)\b", r"or\1"),  # tumour
    ("isation", "ization"),  # depolymerisation
    ("ys(e[dr]?|ing)\\b", r"yz\1"),  # catalyse
    ("sulph", "sulf"),
    ("aluminium", "aluminum"),
    (r"([bt])re\b", r"\1er"),  # fibre, centre
    ("ll(ing|ed)", r"l\1"),  # signalling
)
"""Pattern and replacement, in the syntax that Python and DuckDB (RE2) share."""

SHORTEST_MENDED = 4
"""Letters from which on a misspelling is looked for: one edit makes a shorter word too many others."""
LONG = 8
"""Letters from which on two edits are allowed instead of one."""

PLAIN_SQL = f"lower(translate({{}}, '{_PUNCTUATION.replace(chr(39), chr(39) * 2)}', '{' ' * len(_PUNCTUATION)}'))"
"""SQL: an expression in lower case, punctuation as blanks."""


def plain(text: str) -> str:
    """Lower case, punctuation as blanks, single blanks."""
    return " ".join(text.translate(_BLANKS).lower().split())


def folded(text: str) -> str:
    """A plain text in the one spelling that British and American share: 'haemoglobin' as 'hemoglobin'."""
    for pattern, replacement in _FOLDS:
        text = re.sub(pattern, replacement, text)
    return text


def folded_sql(expression: str) -> str:
    """The same as an SQL expression."""
    for pattern, replacement in _FOLDS:
        expression = f"regexp_replace({expression}, '{pattern}', '{replacement}', 'g')"
    return expression


def edits_allowed(word: str) -> int:
    """Letters that may be wrong, missing, too many or swapped before a word is another one."""
    return 0 if len(word) < SHORTEST_MENDED else 1 if len(word) < LONG else 2
