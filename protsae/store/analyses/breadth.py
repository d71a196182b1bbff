"""The analysis `breadth`: in how many organisms a feature fires, against what luck gives.

    share_o = activation in proteins of organism o / activation in all      strongest residue of each test protein
    breadth = exp(- sum over o of share_o log share_o)                      1: a single one; at most all of them

One protein a homology cluster and organism; proteins whose organism is not named are left out. The null deals the
activations to the proteins at random, so it knows how many proteins each organism has.

Read `BREADTH`, then `breadth_of`. Source: Hill 1973 (doi:10.2307/1934352), the effective number of order 1.
"""

from typing import NamedTuple

from protsae.store.analyses.contract import Analysis, Column, Table
from protsae.store.analyses.reading import AnalysisQueries
from protsae.store.queries import columns

BREADTH = Analysis(
    name="breadth",
    version=1,
    meaning="In how many organisms a feature fires",
    reads=("proteins", "embed", "train", "activations", "statistics"),
    tables=(
        Table(
            name="breadth",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("feature", "INTEGER", "0-based index in its SAE; below 10 firing test proteins it has no row"),
                Column("n_firing", "INTEGER", "test proteins of a named organism in which it fires"),
                Column("n_organisms", "INTEGER", "named organisms of the test proteins"),
                Column("breadth", "REAL", "effective number of organisms"),
                Column("by_chance", "REAL", "the same with activations dealt at random, mean"),
                Column("z", "REAL", "standard deviations of these deals above that; negative: narrower"),
                Column("organism", "VARCHAR", "the one furthest above its share of the proteins"),
                Column("share", "REAL", "of the activation that lies there"),
                Column("expected", "REAL", "share of the proteins"),
            ),
            sorted_by=("sae", "feature"),
        ),
    ),
)


class Breadth(NamedTuple):
    """In how many organisms one feature fires; columns of `breadth`."""

    sae: str
    feature: int
    n_firing: int
    n_organisms: int
    breadth: float
    by_chance: float
    z: float
    organism: str
    share: float
    expected: float


def breadth_of(reader: AnalysisQueries, sae: str, feature: int) -> Breadth | None:
    """Of one feature; None where it fires too rarely, or the analysis is absent."""
    if reader.absence(BREADTH):
        return None
    query = f"SELECT {columns(Breadth)} FROM memory.main.breadth WHERE sae = ? AND feature = ?"
    return reader.first(Breadth, query, [sae, feature])
