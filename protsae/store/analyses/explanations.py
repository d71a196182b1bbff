"""The analysis `explanations`: what a language model of words took features for, and how well that tells them.

`python -m precompute explain BUNDLE --send --keep` adds it; nothing else asks such a model. Read `EXPLANATIONS`, then
`explanation_of`.
"""

from typing import NamedTuple

from protsae.store.analyses.contract import Analysis, Column, Table
from protsae.store.analyses.reading import AnalysisQueries
from protsae.store.queries import columns

EXPLANATIONS = Analysis(
    name="explanations",
    version=1,
    meaning="What a language model of words took features for",
    reads=(),
    own_command="explain --keep",
    tables=(
        Table(
            name="explanation",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("feature", "INTEGER", "0-based index in its SAE"),
                Column("explanation", "VARCHAR", "as the model wrote it: a guess, not checked by anybody"),
                Column(
                    "score",
                    "REAL",
                    "balanced accuracy at stretches of test proteins, told by the model from the explanation; .5 is "
                    "guessing; NULL where there are too few",
                    optional=True,
                ),
                Column("null_score", "REAL", "the same from another text", optional=True),
                Column("null_text", "VARCHAR", "which: explanation of another feature | label of another feature"),
                Column("n_asked", "INTEGER", "stretches, half of which it fires on"),
                Column("model", "VARCHAR", "as its endpoint calls it"),
            ),
            sorted_by=("sae", "feature"),
        ),
    ),
)


class Explanation(NamedTuple):
    """What a language model of words took one feature for; columns of `explanation`."""

    sae: str
    feature: int
    explanation: str
    score: float | None
    null_score: float | None
    null_text: str
    n_asked: int
    model: str


_COLUMNS = columns(Explanation)


def explanation_of(reader: AnalysisQueries, sae: str, feature: int) -> Explanation | None:
    """Of one feature; None where it was not explained, or the analysis is absent."""
    if reader.absence(EXPLANATIONS):
        return None
    query = f"SELECT {_COLUMNS} FROM memory.main.explanation WHERE sae = ? AND feature = ?"
    return reader.first(Explanation, query, [sae, feature])
