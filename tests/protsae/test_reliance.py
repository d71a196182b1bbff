"""What a value relies on: planted motifs near and far are found, and a value that relies on nothing is told apart."""

from collections.abc import Sequence

import numpy as np
import pytest

from protsae.errors import ConfigError
from protsae.measures.reliance import Reliance, Value, area, attribute, cut

N = 120


def needs(*motifs: Sequence[int], base: float = 0.0) -> Value:
    """Each motif that is wholly visible adds its share of 10 to the value."""

    def value(hidden: Sequence[Sequence[int]]) -> list[float]:
        return [
            10 * (base + (1 - base) * sum(not set(motif) & set(one) for motif in motifs) / len(motifs))
            for one in hidden
        ]

    return value


def both(*motifs: Sequence[int]) -> Value:
    """All motifs must be visible."""
    residues = [residue for motif in motifs for residue in motif]
    return needs(residues)


def last(value: Value, focus: int, **how: int) -> Reliance:
    return list(attribute(value, N, focus, **how))[-1]


def mean_area(curves: list[list[float]]) -> float:
    return float(np.mean([area(curve) for curve in curves]))


def test_a_local_motif_is_found_and_needs_no_context() -> None:
    found = last(needs(range(59, 62)), 60)

    top = found.windows[found.order[0]]
    assert top[0] <= 59
    assert top[1] >= 62
    assert found.context_index == 0
    assert found.is_whole
    assert area(found.insertion) > mean_area(found.random_insertion) + 0.2
    assert area(found.deletion) < mean_area(found.random_deletion) - 0.2


def test_a_distant_motif_is_found_and_is_all_context() -> None:
    found = last(needs(range(13, 15)), 90)

    assert found.context_index == 1
    assert found.windows[found.order[0]][0] <= 13 < found.windows[found.order[0]][1]
    assert found.per_residue()[13:15] == pytest.approx([1, 1])
    assert found.per_residue().sum() == pytest.approx(np.diff(found.windows[found.order[0]])[0])


def test_where_both_are_needed_the_index_is_a_half_and_both_come_first() -> None:
    found = last(both(range(59, 61), range(11, 13)), 60)

    first_two = [residue for window in found.order[:2] for residue in range(*found.windows[window])]
    assert {59, 60, 11, 12} <= set(first_two)
    assert found.context_index == 0.5


def test_a_value_that_relies_on_nothing_beats_no_random_order() -> None:
    found = last(needs([0], base=1.0), 60)

    assert not found.gain[np.array(found.order[1:])].any()
    assert area(found.insertion) == pytest.approx(mean_area(found.random_insertion))
    assert area(found.deletion) == pytest.approx(mean_area(found.random_deletion))


def test_the_budget_bounds_what_is_asked_and_progress_is_told() -> None:
    asked = []

    def counting(hidden: Sequence[Sequence[int]]) -> Sequence[float]:
        asked.append(len(hidden))
        return needs(range(59, 62))(hidden)

    steps = [(found.n_values, found.total) for found in attribute(counting, N, 60, max_values=40)]

    assert sum(asked) == steps[-1][0] <= steps[-1][1]
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)


def test_windows_cover_the_chain_once_and_hold_the_focus_in_the_middle() -> None:
    for n, focus in ((5, 0), (120, 60), (121, 119), (1000, 3)):
        windows = cut(n, focus)

        assert [residue for window in windows for residue in range(*window)] == list(range(n))
        own = next(window for window in windows if window[0] <= focus < window[1])
        assert own[0] == 0 or own[1] == n or abs(2 * focus - own[0] - own[1] + 1) <= (own[1] - own[0]) / 2 + 1


def test_a_silent_value_is_refused() -> None:
    with pytest.raises(ConfigError, match="nothing to explain"):
        last(lambda hidden: [0.0] * len(hidden), 60)
