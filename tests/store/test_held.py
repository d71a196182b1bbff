"""Rows that are kept in memory by a key."""

from typing import NamedTuple

import pyarrow as pa
import pytest

from protsae.errors import InputError
from protsae.store.held import Held


class Pair(NamedTuple):
    """A row."""

    name: str
    places: list[int]


def held(keys: tuple[str, ...] = ("_sae", "_feature")) -> Held[Pair]:
    table = pa.table(
        {
            "_sae": ["a", "a", "a", "b", "b"],
            "_feature": [0, 0, 2, 0, 2],
            "name": ["first", "second", "third", "fourth", "fifth"],
            "places": [[1], [], [2, 3], [4], [5]],
        }
    )
    return Held(Pair, pa.concat_tables([table.slice(0, 2), table.slice(2)]), keys)


def test_rows_of_a_key_come_in_the_order_of_the_table_and_without_the_hidden_columns() -> None:
    assert held().of("a", 0) == [Pair("first", [1]), Pair("second", [])]
    assert held().of("b", 2) == [Pair("fifth", [5])]
    assert held(("_sae",)).of("a") == [Pair("first", [1]), Pair("second", []), Pair("third", [2, 3])]


def test_the_first_of_a_key() -> None:
    assert held().first("a", 0) == Pair("first", [1])
    assert held().first("a", 1) is None


@pytest.mark.parametrize("key", [("a", 1), ("c", 0), ("a",), (None, None)])
def test_an_unknown_key_has_no_rows(key: tuple[object, ...]) -> None:
    assert held().of(*key) == []


def test_an_empty_table_has_no_keys() -> None:
    empty = pa.table({"_sae": pa.array([], pa.string()), "name": pa.array([], pa.string())})

    assert Held(Pair, empty, ["_sae"]).of("a") == []


def test_text_that_no_table_can_hold_is_refused() -> None:
    with pytest.raises(InputError, match="half of a character"):
        held().of("a\udc00", 0)
