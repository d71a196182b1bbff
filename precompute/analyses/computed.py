"""What computing an analysis gives. Read `Computed`."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd


class Computed(NamedTuple):
    """The tables of an analysis, and what decided their numbers."""

    tables: Mapping[str, pd.DataFrame]
    """By name, with the columns that its contract in `protsae/store/analyses/` declares."""

    settings: Mapping[str, Any]
    """As JSON; kept in `analysis.json`."""
