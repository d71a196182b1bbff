"""Sentences about themes. Read `quality`, then `coherence`."""

import math

from explorer.draw import words
from protsae.store.analyses.themes import ThemeFit, ThemeRow

LEAD = (
    "Features that stand out in proteins with the same annotations are joined to a theme. A theme is a group of "
    "features with the words that go with them; a protein is a mixture of themes."
)
COHERENCE = (
    "Whether a theme's words go together: normalised pointwise mutual information of its words, two at a time, over "
    "test proteins of other families. 1: always together; 0: as often as luck has it; -1: never. None of the words is "
    "above another in the ontology. Null: as many features joined at random."
)
MIXTURE = (
    "Its features, each by how far it exceeds its usual activation, added up by theme. Shares below 8 % are not kept."
)


def quality(fit: ThemeFit) -> str:
    """How far features tell what held-out proteins are about, beside luck."""
    likelier, luck = math.exp(fit.gain), math.exp(fit.null_gain)
    text = (
        f"Learnt from {fit.n_words:,} words of {fit.n_documents:,} training proteins. On test proteins of other "
        f"families the features make a protein's own words {likelier:.1f} times as likely as the words' frequency "
        f"alone; another protein's features, {luck:.1f} times."
    )
    if fit.coherence is None or fit.null_coherence is None:
        return text
    return (
        f"{text} Mean coherence of the {fit.number} themes there: {fit.coherence:.2f}, with features joined at random "
        f"{fit.null_coherence:.2f}."
    )


def coherence(row: ThemeRow) -> str:
    """A theme's coherence beside its null."""
    if row.coherence is None:
        return "Too few of its words are on test proteins to say whether they go together."
    luck = "" if row.null_coherence is None else f"; features joined at random {words.number(row.null_coherence)}"
    high = "" if row.null_coherence_high is None else f", 95 % of them below {words.number(row.null_coherence_high)}"
    return f"Its words go together on test proteins with {words.number(row.coherence)}{luck}{high}."
