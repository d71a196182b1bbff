"""The analysis `themes`: features joined to a few themes by the words of the proteins in which they stand out.

Words are GO terms and residue annotations. Each SAE has its themes at several numbers; how coherent a theme is was
measured on held-out proteins, beside themes of as many features at random. Read `THEMES`, then `themes_of`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from protsae.store.analyses.contract import Analysis, Column, Table
from protsae.store.analyses.reading import AnalysisQueries
from protsae.store.queries import Row, columns

_THEME = (
    Column("sae", "VARCHAR", "name of the SAE"),
    Column("number", "INTEGER", "how many themes its features are joined to"),
    Column("theme", "INTEGER", "from 0, the one with the most mass first"),
)

THEMES = Analysis(
    name="themes",
    version=1,
    meaning="Themes: what proteins are about, as groups of features with their words",
    reads=("proteins", "embed", "train", "statistics"),
    tables=(
        Table(
            name="theme",
            columns=(
                *_THEME,
                Column("mass", "REAL", "share of all proteins' mixtures, 0 to 1"),
                Column("n_features", "INTEGER", "features joined"),
                Column("n_proteins", "INTEGER", "proteins of the corpus of which it is the largest theme"),
                Column("coherence", "REAL", "NPMI of its words over test proteins, -1 to 1", optional=True),
                Column("null_coherence", "REAL", "the same with features joined at random, mean", optional=True),
                Column("null_coherence_high", "REAL", "95 % quantile of these", optional=True),
            ),
            sorted_by=("sae", "number", "theme"),
        ),
        Table(
            name="theme_word",
            columns=(
                *_THEME,
                Column("rank", "INTEGER", "1 = first"),
                Column("word", "VARCHAR", "GO id, or 'kind: label' of a residue annotation"),
                Column("name", "VARCHAR", "in words"),
                Column("share", "REAL", "of the theme's words, 0 to 1"),
                Column("lift", "REAL", "this share over the corpus' own"),
                Column("n_proteins", "INTEGER", "training proteins with the word"),
            ),
            sorted_by=("sae", "number", "theme", "rank"),
        ),
        Table(
            name="feature_theme",
            columns=(
                *_THEME[:2],
                Column("feature", "INTEGER", "0-based index in its SAE"),
                Column("theme", "INTEGER", "its theme"),
                Column("mass", "REAL", "its share of the theme's mass, 0 to 1"),
            ),
            sorted_by=("sae", "number", "theme", "feature"),
        ),
        Table(
            name="protein_theme",
            columns=(
                *_THEME,
                Column("accession", "VARCHAR", "of a shipped protein"),
                Column("share", "REAL", "of the protein's mixture, 0 to 1; small ones are left out"),
            ),
            sorted_by=("sae", "number", "accession", "theme"),
        ),
        Table(
            name="organism_theme",
            columns=(
                *_THEME,
                Column("organism", "VARCHAR", "'' for all others together"),
                Column("n_proteins", "INTEGER", "proteins of the corpus"),
                Column("share", "REAL", "mean over them, 0 to 1"),
            ),
            sorted_by=("sae", "number", "theme", "organism"),
        ),
        Table(
            name="theme_fit",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("number", "INTEGER", "how many themes its features are joined to"),
                Column("n_words", "INTEGER", "words"),
                Column("n_documents", "INTEGER", "training proteins with a word"),
                Column("gain", "REAL", "nats a word by which features make test proteins' words likelier"),
                Column("null_gain", "REAL", "the same with codes dealt to other proteins"),
                Column("coherence", "REAL", "mean over themes", optional=True),
                Column("null_coherence", "REAL", "mean over themes of features joined at random", optional=True),
                Column("emissions", "VARCHAR", "SHA-256 of what features say: equal at every number"),
            ),
            sorted_by=("sae", "number"),
        ),
    ),
)


class ThemeRow(NamedTuple):
    """One theme."""

    theme: int
    mass: float
    n_features: int
    n_proteins: int
    coherence: float | None
    null_coherence: float | None
    null_coherence_high: float | None

    @property
    def is_coherent(self) -> bool:
        """Its words go together on held-out proteins, more than in 95 % of themes joined at random."""
        return (
            self.coherence is not None
            and self.null_coherence_high is not None
            and self.coherence > self.null_coherence_high
        )


class ThemeWord(NamedTuple):
    """A word of a theme."""

    theme: int
    rank: int
    word: str
    name: str
    share: float
    lift: float
    n_proteins: int


class ThemeFit(NamedTuple):
    """All themes of an SAE at one number."""

    number: int
    n_words: int
    n_documents: int
    gain: float
    null_gain: float
    coherence: float | None
    null_coherence: float | None
    emissions: str


class ThemeFeature(NamedTuple):
    """A feature of a theme."""

    feature: int
    mass: float
    label: str
    label_grade: str
    label_f1: float | None


class ThemeProtein(NamedTuple):
    """A shipped protein, by its share of a theme."""

    accession: str
    protein_name: str
    organism: str
    share: float


class OrganismShare(NamedTuple):
    """A theme in the proteins of one organism."""

    organism: str
    n_proteins: int
    share: float


class Mixture(NamedTuple):
    """A theme in one protein."""

    theme: int
    share: float


def fits_of(reader: AnalysisQueries, sae: str) -> list[ThemeFit]:
    """An SAE's themes at every number, ascending; none where the analysis is absent."""
    if reader.absence(THEMES):
        return []
    return reader.rows(ThemeFit, f"SELECT {columns(ThemeFit)} FROM theme_fit WHERE sae = ? ORDER BY number", [sae])


def themes_of(reader: AnalysisQueries, sae: str, number: int) -> list[ThemeRow]:
    """The themes of an SAE at one number, the one with the most mass first."""
    query = f"SELECT {columns(ThemeRow)} FROM theme WHERE sae = ? AND number = ? ORDER BY theme"
    return _rows(reader, ThemeRow, query, [sae, number])


def words_of(reader: AnalysisQueries, sae: str, number: int) -> list[ThemeWord]:
    """The words of all its themes, theme by theme, first words first."""
    query = f"SELECT {columns(ThemeWord)} FROM theme_word WHERE sae = ? AND number = ? ORDER BY theme, rank"
    return _rows(reader, ThemeWord, query, [sae, number])


def features_of(reader: AnalysisQueries, sae: str, number: int, theme: int) -> list[ThemeFeature]:
    """The features of a theme, those with the most mass first."""
    query = """
        SELECT t.feature, t.mass, f.label, f.label_grade, f.label_f1
        FROM feature_theme t JOIN feature f ON f.sae = t.sae AND f.feature = t.feature
        WHERE t.sae = ? AND t.number = ? AND t.theme = ? ORDER BY t.mass DESC, t.feature
    """
    return _rows(reader, ThemeFeature, query, [sae, number, theme])


def proteins_of(reader: AnalysisQueries, sae: str, number: int, theme: int, limit: int) -> list[ThemeProtein]:
    """The shipped proteins with the largest share of a theme."""
    query = """
        SELECT p.accession, p.protein_name, p.organism, t.share
        FROM protein_theme t JOIN protein p ON p.accession = t.accession
        WHERE t.sae = ? AND t.number = ? AND t.theme = ? ORDER BY t.share DESC, p.accession LIMIT ?
    """
    return _rows(reader, ThemeProtein, query, [sae, number, theme, limit])


def organisms_of(reader: AnalysisQueries, sae: str, number: int, theme: int) -> list[OrganismShare]:
    """A theme in each organism, the one with the most proteins first."""
    query = """
        SELECT organism, n_proteins, share FROM organism_theme
        WHERE sae = ? AND number = ? AND theme = ? ORDER BY n_proteins DESC, organism
    """
    return _rows(reader, OrganismShare, query, [sae, number, theme])


def mixture_of(reader: AnalysisQueries, sae: str, number: int, accession: str) -> list[Mixture]:
    """The themes of a shipped protein, the largest first."""
    query = """
        SELECT theme, share FROM protein_theme
        WHERE sae = ? AND number = ? AND accession = ? ORDER BY share DESC, theme
    """
    return _rows(reader, Mixture, query, [sae, number, accession])


def theme_of(reader: AnalysisQueries, sae: str, number: int, feature: int) -> int | None:
    """The theme of a feature; None where it stands out in no protein."""
    query = "SELECT theme FROM feature_theme WHERE sae = ? AND number = ? AND feature = ?"
    found = [] if reader.absence(THEMES) else reader.tuples(query, [sae, number, feature])
    return int(found[0][0]) if found else None


def _rows(reader: AnalysisQueries, kind: type[Row], query: str, parameters: Sequence[Any]) -> list[Row]:
    """The rows of a query; none where the analysis is absent, which is read before it is first asked."""
    return [] if reader.absence(THEMES) else reader.rows(kind, query, parameters)
