"""Grades: known answers, and the rule as Python and as SQL agree on everything that may stand in a store."""

from itertools import product
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from protsae.store.grades import GRADES, SITE_RULE, TERM_RULE, Rule, grade, grade_sql, missed

STRONG: dict[str, Any] = {
    "n_pos_test": 20,
    "test_f1_low": 0.5,
    "null_f1": 0.12,
    "all_positive_f1": 0.31,
    "test_auroc": 0.88,
    "test_auroc_low": 0.84,
    "composition_auroc": 0.74,
    "amino_acid_auroc": 0.7,
}
CHANGES: list[tuple[dict[str, Any], str, str]] = [
    ({}, "strong", ""),
    ({"n_pos_test": 5}, "strong", ""),
    ({"composition_auroc": 0.85}, "weak", "simple"),
    ({"composition_auroc": 0.84}, "weak", "simple"),
    ({"composition_auroc": None}, "weak", "simple"),
    ({"n_pos_test": 4}, "none", "positives"),
    ({"null_f1": 0.5}, "none", "shuffled"),
    ({"all_positive_f1": 0.51}, "none", "all_positive"),
    ({"all_positive_f1": None}, "none", "all_positive"),
    ({"test_auroc_low": 0.5, "composition_auroc": 0.4}, "none", "guessing"),
    ({"test_auroc_low": None, "composition_auroc": 0.4}, "none", "guessing"),
]


def by_sql(rows: pd.DataFrame, rule: Rule) -> list[str]:
    with duckdb.connect() as connection:
        connection.register("given", rows)
        query = f"SELECT {grade_sql(rule)} FROM (SELECT * FROM given ORDER BY place)"
        return [row[0] for row in connection.execute(query).fetchall()]


@pytest.mark.parametrize(("change", "expected", "hurdle"), CHANGES)
def test_one_hurdle_decides(change: dict[str, Any], expected: str, hurdle: str) -> None:
    columns = STRONG | change
    row = pd.Series(columns)

    assert grade(columns, TERM_RULE).item() == expected
    names = [one.name for one in missed(row, (*TERM_RULE.weak, *TERM_RULE.strong))]
    assert (names[0] if names else "") == hurdle


@pytest.mark.parametrize("rule", [TERM_RULE, SITE_RULE])
def test_python_and_sql_agree(rule: Rule) -> None:
    levels = (0.3, 0.5, 0.7, float("nan"))
    names = [name for name in STRONG if name != "n_pos_test"]
    rows = pd.DataFrame([(n, *values) for n, *values in product((4, 5), *[levels] * 5, (0.3, 0.8), (0.3, 0.8))])
    rows.columns = ["n_pos_test", *names]
    rows["place"] = np.arange(len(rows))
    as_null = rows.astype(object).where(rows.notna(), None).astype({"n_pos_test": int, "place": int})

    found = grade({name: rows[name].to_numpy() for name in rows.columns}, rule).tolist()

    assert set(found) == set(GRADES)
    assert by_sql(rows, rule) == found
    assert by_sql(as_null, rule) == found


def test_columns_may_be_called_otherwise_in_sql() -> None:
    rows = pd.DataFrame([STRONG | {"place": 0, "test_auroc_low": None}])
    with duckdb.connect() as connection:
        connection.register("given", rows)
        text = grade_sql(TERM_RULE, test_auroc_low="test_auroc", composition_auroc="NULL")
        assert connection.execute(f"SELECT {text} FROM given").fetchall() == [("weak",)]
