"""Themes: what proteins are about, by groups of features. Look-ups kept while the bundle stays.

Read `Themed`, then `themed`.
"""

from typing import NamedTuple

from explorer.services.cached import bundle, cached_by_bundle
from explorer.services.refs import FeatureRef
from protsae.store.analyses import themes
from protsae.store.analyses.themes import (
    Mixture,
    OrganismShare,
    ThemeFeature,
    ThemeFit,
    ThemeProtein,
    ThemeRow,
    ThemeWord,
)

USUAL = 16
"""Themes that are shown first, where the bundle has so many."""

MOST_PROTEINS = 200


class Themed(NamedTuple):
    """All themes of an SAE at one number."""

    fit: ThemeFit
    rows: list[ThemeRow]
    words: dict[int, list[ThemeWord]]
    """By theme, first words first."""

    def name(self, theme: int, n: int = 2) -> str:
        """Its first words; 'Theme 3' where none stand out."""
        said = [word.name for word in self.words.get(theme, [])[:n]]
        return " · ".join(said) if said else f"Theme {theme + 1}"


class OneTheme(NamedTuple):
    """What one theme holds."""

    features: list[ThemeFeature]
    proteins: list[ThemeProtein]
    organisms: list[OrganismShare]


@cached_by_bundle(8)
def numbers(sae: str) -> list[int]:
    """How many themes an SAE's features were joined to, ascending; empty where that was not done."""
    return [fit.number for fit in themes.fits_of(bundle().reader, sae)]


@cached_by_bundle(16, shared=True)
def themed(sae: str, number: int) -> Themed:
    """The themes of an SAE at one of `numbers`."""
    reader = bundle().reader
    fit = next(fit for fit in themes.fits_of(reader, sae) if fit.number == number)
    said: dict[int, list[ThemeWord]] = {}
    for word in themes.words_of(reader, sae, number):
        said.setdefault(word.theme, []).append(word)
    return Themed(fit, themes.themes_of(reader, sae, number), said)


@cached_by_bundle(64, shared=True)
def one(sae: str, number: int, theme: int) -> OneTheme:
    """Features, proteins and organisms of a theme."""
    reader = bundle().reader
    return OneTheme(
        themes.features_of(reader, sae, number, theme),
        themes.proteins_of(reader, sae, number, theme, MOST_PROTEINS),
        themes.organisms_of(reader, sae, number, theme),
    )


def mixture(sae: str, number: int, accession: str) -> list[Mixture]:
    """The themes of a shipped protein, the largest first; empty where it has no large one."""
    return themes.mixture_of(bundle().reader, sae, number, accession)


def usual(sae: str) -> int | None:
    """The number of themes that is shown first; None where there are none."""
    found = numbers(sae)
    return min(found, key=lambda number: (abs(number - USUAL), number)) if found else None


def theme_of(ref: FeatureRef, number: int) -> int | None:
    """The theme of a feature; None where it stands out in no protein."""
    return themes.theme_of(bundle().reader, ref.sae, number, ref.feature)
