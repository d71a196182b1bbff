"""When an alignment is validated: the one rule, as Python and as SQL.

    none    the rest, and whatever fewer than 5 positives of the test split can tell
    weak    the F1 interval lies above shuffled labels and above calling everything positive, and the AUROC interval
            above .5: the feature knows the label
    strong  weak, and the AUROC interval lies above what needs no language model at all: a regression on amino-acid
            composition (GO terms), or the residue's letter (annotated sites)

A hurdle is a number that must exceed another one. One of them that is missing (None, NaN, NULL) is not taken. Residue
AUROCs have no interval, since residues of a protein are not independent: there the AUROC itself is held to the bar.

Read `Hurdle`, then `grade` and `grade_sql`. Designed here.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

Grade = Literal["strong", "weak", "none"]

GRADES: tuple[Grade, ...] = get_args(Grade)
"""From the best."""

MIN_TEST_POSITIVES = 5


class Hurdle(NamedTuple):
    """What an alignment must beat; it is taken where `value` > `bar`."""

    name: Literal["positives", "shuffled", "all_positive", "guessing", "simple"]
    value: str
    """Column"""
    bar: str | float
    """Column, or a constant"""


class Rule(NamedTuple):
    """The hurdles of one table."""

    weak: tuple[Hurdle, ...]
    strong: tuple[Hurdle, ...]
    """Those that come on top."""


_ANY = (
    Hurdle("positives", "n_pos_test", MIN_TEST_POSITIVES - 1),
    Hurdle("shuffled", "test_f1_low", "null_f1"),
    Hurdle("all_positive", "test_f1_low", "all_positive_f1"),
)

TERM_RULE = Rule(
    (*_ANY, Hurdle("guessing", "test_auroc_low", 0.5)),
    (Hurdle("simple", "test_auroc_low", "composition_auroc"),),
)
"""For rows of `feature_go` with those of `term_baseline`."""

SITE_RULE = Rule(
    (*_ANY, Hurdle("guessing", "test_auroc", 0.5)),
    (Hurdle("simple", "test_auroc", "amino_acid_auroc"),),
)
"""For rows of `feature_annotation` with those of `kind_baseline`."""


def missed(row: Any, hurdles: Sequence[Hurdle]) -> list[Hurdle]:
    """The hurdles that a row of the reader's does not take, in their order."""
    look_up = partial(getattr, row)
    return [hurdle for hurdle in hurdles if not takes(look_up(hurdle.value), _bar(hurdle, look_up))]


def takes(value: Any, bar: Any) -> Any:
    """Element by element whether a value exceeds its bar; False where one of them is missing."""
    return np.greater(np.asarray(value, dtype=float), np.asarray(bar, dtype=float))


def grade(columns: Mapping[str, Any], rule: Rule) -> np.ndarray:
    """[n] grades of the rows of a table.

    Args:
        columns: the rule's columns, each [n] or one number; NaN or None where missing.
        rule: of the table.
    """
    is_weak, is_strong = (
        np.logical_and.reduce([takes(columns[h.value], _bar(h, columns.__getitem__)) for h in hurdles])
        for hurdles in rule
    )
    return np.where(is_weak & is_strong, "strong", np.where(is_weak, "weak", "none")).astype(object)


def grade_sql(rule: Rule, **instead: str) -> str:
    """The same as an SQL expression.

    Args:
        rule: of the table.
        instead: column=expression for columns that are not called so where the expression stands.
    """
    weak, strong = (" AND ".join(_sql(hurdle, instead) for hurdle in hurdles) for hurdles in rule)
    return f"CASE WHEN {weak} THEN CASE WHEN {strong} THEN 'strong' ELSE 'weak' END ELSE 'none' END"


def _bar(hurdle: Hurdle, look_up: Callable[[str], Any]) -> Any:
    return look_up(hurdle.bar) if isinstance(hurdle.bar, str) else hurdle.bar


def _sql(hurdle: Hurdle, instead: Mapping[str, str]) -> str:
    value = instead.get(hurdle.value, hurdle.value)
    bar = instead.get(hurdle.bar, hurdle.bar) if isinstance(hurdle.bar, str) else repr(hurdle.bar)
    return f"coalesce({value} > {bar} AND NOT isnan(({value})::DOUBLE), false)"
