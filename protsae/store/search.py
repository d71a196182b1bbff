"""Finding terms, proteins, annotation kinds and features by what a person types.

A text matches a name when each of its words begins a word of that name, in any order; case, punctuation and British or
American spelling do not count (`spelling.py`). Where nothing matches, each unknown word is replaced by the nearest one
that names use, one edit away (two for long words), and last the whole text is compared with whole names of terms by
Jaro-Winkler similarity. Such hits say that they are no match: `typo` for a term, `near` for a protein.

A text of more than `MOST_WORDS` words is no name and is refused.

Read `SearchQueries.search_terms`.
"""

import re
from collections.abc import Sequence
from functools import cached_property

from protsae.errors import InputError
from protsae.store import spelling
from protsae.store.queries import Queries, columns
from protsae.store.read_proteins import HAS_STRUCTURE
from protsae.store.rows import AnnotationHit, FeatureHit, ProteinHit, TermHit

EVERYTHING = 1_000_000
"""A limit that no search reaches."""
MOST_WORDS = 80
"""Of a search text; the longest name of a GO term has 61, and each word costs a look through all names."""
MIN_TEXT_SIMILARITY = 0.85
MOST_LABELS = 3
"""Labels of an annotation that a hit names."""
STOP_WORDS = frozenset({"a", "an", "and", "by", "for", "in", "of", "the", "to", "with"})

_GO_ID = re.compile(r"(?:go)?[:_ ]?(\d{1,7})", re.IGNORECASE)


def _spelt(source: str, *texts: str) -> str:
    """SQL: a table with its columns in the forms in which they are compared.

    Args:
        source: a query or a table.
        texts: columns; of each `x_plain` with a blank before it, `x_folded` the same folded, `x_both` one after the
            other where they differ.
    """
    plain = ", ".join(f"' ' || {spelling.PLAIN_SQL.format(text)} AS {text}_plain" for text in texts)
    folded = ", ".join(f"{spelling.folded_sql(f'{text}_plain')} AS {text}_folded" for text in texts)
    differs = "CASE WHEN {0}_plain = {0}_folded THEN {0}_plain ELSE {0}_plain || {0}_folded END AS {0}_both"
    both = ", ".join(differs.format(text) for text in texts)
    return f"SELECT *, {both} FROM (SELECT *, {folded} FROM (SELECT *, {plain} FROM ({source})))"


def _index(table: str, query: str, *others: str) -> tuple[str, str]:
    """SQL that keeps the texts of a query in memory, and the words they use with how often they do.

    Args:
        table: name of the table in memory; that of the words ends in `_words`.
        query: with a column `text`.
        others: further columns to be compared.
    """
    texts = f"CREATE TABLE memory.{table} AS {_spelt(query, 'text', *others)}"
    words = f"""
        CREATE TABLE memory.{table}_words AS SELECT word, count(*) AS n
        FROM (SELECT unnest(string_split(text_plain, ' ')) AS word FROM memory.{table})
        WHERE length(word) > 1 GROUP BY word
    """
    return texts, words


_TERMS = _index(
    "term_text",
    """
    SELECT go_id, name AS text, 'name' AS match, name, namespace, is_obsolete, n_test, n_shipped
    FROM go_term WHERE NOT is_obsolete
    UNION ALL SELECT go_id, synonym, 'synonym', name, namespace, is_obsolete, n_test, n_shipped
    FROM go_synonym JOIN go_term USING (go_id) WHERE scope <> 'ALT_ID'
    """,
)
_PROTEINS = _index(
    "protein_text",
    """
    SELECT accession, concat_ws(' ', accession, entry_name, gene_names, protein_name, organism) AS text,
        lower(concat_ws(' ', '', gene_names, '')) AS genes,
        concat_ws(' ', entry_name, gene_names, protein_name, organism) AS names
    FROM protein
    """,
    "names",
)
_FEATURES = f"SELECT {columns(FeatureHit)} FROM feature WHERE label <> ''"
_LABELS = (f"CREATE TABLE memory.label_text AS {_spelt(_FEATURES, 'label')}",)
_ANNOTATIONS = (
    f"CREATE TABLE memory.annotation_text AS {_spelt('SELECT DISTINCT kind, label FROM annotation', 'kind', 'label')}",
)
_PREPARED = {
    "term_text": _TERMS,
    "protein_text": _PROTEINS,
    "label_text": _LABELS,
    "annotation_text": _ANNOTATIONS,
}


class SearchQueries(Queries):
    """Look-ups by text."""

    def prepare_search(self) -> None:
        """Keep all texts in memory at once; otherwise each kind is read when it is first searched."""
        for name, statements in _PREPARED.items():
            self.prepare(name, statements)
        for name in ("term_text_words", "protein_text_words"):
            self._vocabulary(name)

    def search_terms(self, text: str, limit: int = 20) -> list[TermHit]:
        """GO terms by id, alternative id, name, synonym or a misspelling of these.

        The very text comes first, then terms that proteins here are annotated with, then the closest texts.
        """
        plain = _plain(text)
        if not plain:
            return []
        hits = self._terms_by_id(text, limit)
        if hits:
            return hits
        self._prepared_for("term_text")
        hits = self._terms_by_words(plain, limit)
        if hits:
            return hits
        corrected = self._corrected(plain, "term_text_words")
        if corrected is not None:
            hits = self._terms_by_words(corrected, limit)
        hits = hits or self._terms_by_similarity(plain, limit)
        return [hit._replace(match="typo", score=min(hit.score, 0.6)) for hit in hits]

    def search_proteins(self, text: str, limit: int = 20) -> list[ProteinHit]:
        """Proteins by accession, entry name, gene, name or organism, or one that is near to it in spelling.

        `match` says which: a protein that is merely near is never to be taken for the one that was asked for.
        """
        typed = _plain(text)
        if not typed:
            return []
        self._prepared_for("protein_text")
        hits = self._proteins_by_words(typed, limit)
        if hits:
            return hits
        corrected = self._corrected(typed, "protein_text_words")
        near = [] if corrected is None else self._proteins_by_words(corrected, limit)
        return [hit._replace(match="near") for hit in near]

    def search_annotations(self, text: str, limit: int = 20) -> list[AnnotationHit]:
        """Kinds of residue annotation by their own name or the labels they carry, the most frequent first."""
        words = _words(text)
        if not words:
            return []
        self._prepared_for("annotation_text")
        kind, label = (_all_words(name, words, 1) for name in ("kind", "label"))
        query = f"""
            WITH found AS (
                SELECT kind, label, {kind} AS is_kind FROM memory.annotation_text WHERE {kind} OR {label}),
            carried AS (SELECT DISTINCT kind, label, is_kind, accession FROM annotation JOIN found USING (kind, label)),
            counted AS (SELECT kind, label, is_kind, count(*) AS n FROM carried GROUP BY kind, label, is_kind),
            shown AS (
                SELECT kind, bool_or(is_kind) AS is_kind,
                    list(label ORDER BY n DESC, label)[1:{MOST_LABELS}] AS labels FROM counted GROUP BY kind)
            SELECT kind, count(DISTINCT accession) AS n_proteins, CASE WHEN shown.is_kind THEN [] ELSE labels END
            FROM carried JOIN shown USING (kind) GROUP BY kind, shown.is_kind, labels
            ORDER BY shown.is_kind DESC, n_proteins DESC, kind LIMIT $2
        """
        found = self.rows(AnnotationHit, query, [_bound(words), limit])
        return [hit._replace(labels=tuple(hit.labels)) for hit in found]

    def search_features(self, text: str, limit: int = 20) -> list[FeatureHit]:
        """Features by the words of their label, those whose label holds first, the surest before the others."""
        words = _words(text)
        if not words:
            return []
        self._prepared_for("label_text")
        query = f"""
            SELECT {columns(FeatureHit)} FROM memory.label_text WHERE {_all_words("label", words, 1)}
            ORDER BY label_grade = 'none', label_grade = 'weak', label_origin <> 'guided', label_f1 DESC NULLS LAST,
                sae, feature LIMIT $2
        """
        return self.rows(FeatureHit, query, [_bound(words), limit])

    def _prepared_for(self, name: str) -> None:
        self.prepare(name, _PREPARED[name])

    def _terms_by_id(self, text: str, limit: int) -> list[TermHit]:
        found = _GO_ID.fullmatch(text.strip())
        if found is None:
            return []
        query = f"""
            WITH ids AS (
                SELECT go_id, go_id AS matched FROM go_term
                UNION ALL SELECT go_id, synonym FROM go_synonym WHERE scope = 'ALT_ID')
            SELECT {_hit("'id'", "CASE WHEN matched = $2 THEN 1.0 ELSE 0.8 END")}
            FROM ids JOIN go_term t USING (go_id) WHERE starts_with(matched, $1) OR matched = $2
            QUALIFY row_number() OVER (PARTITION BY go_id ORDER BY matched <> $2, matched) = 1
            ORDER BY score DESC, {_POPULAR_FIRST}, matched LIMIT $3
        """
        digits = found.group(1)
        return self.rows(TermHit, query, [f"GO:{digits}", f"GO:{digits:0>7s}", limit])

    def _terms_by_words(self, plain: str, limit: int) -> list[TermHit]:
        words = _words(plain)
        query = f"""
            WITH scored AS (
                SELECT * RENAME (text AS matched),
                    CASE WHEN trim(text_plain) = $1 OR trim(text_folded) = $2 THEN 1.0
                         WHEN starts_with(text_plain, ' ' || $1) OR starts_with(text_folded, ' ' || $2) THEN 0.9
                         WHEN contains(text_plain, ' ' || $1) OR contains(text_folded, ' ' || $2) THEN 0.8 ELSE 0.7 END
                    - CASE match WHEN 'name' THEN 0 ELSE 0.02 END AS score
                FROM memory.term_text WHERE {_all_words("text", words, 3)}
                QUALIFY row_number() OVER (PARTITION BY go_id ORDER BY score DESC, length(text_plain), matched) = 1)
            SELECT {_hit("match", "score")} FROM scored
            ORDER BY score < 0.97, {_POPULAR_FIRST}, length(matched), go_id LIMIT $4
        """
        return self.rows(TermHit, query, [plain, spelling.folded(plain), _bound(words), limit])

    def _terms_by_similarity(self, plain: str, limit: int) -> list[TermHit]:
        query = f"""
            WITH scored AS (
                SELECT * RENAME (text AS matched), jaro_winkler_similarity(text_plain, ' ' || $1) AS score
                FROM memory.term_text WHERE length(text) BETWEEN $2 AND $3 AND score >= {MIN_TEXT_SIMILARITY}
                QUALIFY row_number() OVER (PARTITION BY go_id ORDER BY score DESC, matched) = 1)
            SELECT {_hit("match", "score")} FROM scored
            ORDER BY {_POPULAR_FIRST}, go_id LIMIT $4
        """
        return self.rows(TermHit, query, [plain, round(0.7 * len(plain)), round(1.4 * len(plain)) + 1, limit])

    def _proteins_by_words(self, plain: str, limit: int) -> list[ProteinHit]:
        words = _words(plain)
        match = f"""CASE
            WHEN lower(accession) = $1 OR {spelling.PLAIN_SQL.format("entry_name")} = $1
                OR contains({spelling.PLAIN_SQL.format("genes")}, ' ' || $1 || ' ')
                OR {spelling.folded_sql(spelling.PLAIN_SQL.format("protein_name"))} = $2 THEN 'exact'
            WHEN {_all_words("names", words, 3)} THEN 'name' ELSE 'accession' END"""
        shown = columns(ProteinHit, accession="p.accession", has_structure=HAS_STRUCTURE, match=match)
        query = f"""
            SELECT {shown} FROM memory.protein_text JOIN protein p USING (accession)
            WHERE {_all_words("text", words, 3)}
            ORDER BY lower(accession) <> $1, list_position(['exact', 'name', 'accession'], match),
                NOT starts_with(lower(protein_name), $1), NOT contains(lower(protein_name), $1), has_structure DESC,
                length(protein_name), accession
            LIMIT $4
        """
        return self.rows(ProteinHit, query, [plain, spelling.folded(plain), _bound(words), limit])

    def _corrected(self, typed: str, vocabulary: str) -> str | None:
        """`typed` with each word that no text uses replaced by the nearest one that some text does; None if none is."""
        words = typed.split()
        known = self._vocabulary(vocabulary)
        unknown = [word for word in words if word not in known]
        if not unknown:
            return None
        query = f"""
            WITH unknown AS (SELECT unnest($1) AS given, unnest($2) AS allowed),
            near AS (
                SELECT given, word, n, damerau_levenshtein(word, given) AS edits FROM unknown, memory.{vocabulary}
                WHERE abs(length(word) - length(given)) <= allowed AND edits <= allowed)
            SELECT given, arg_max(word, (-edits, jaro_winkler_similarity(word, given), n, word))
            FROM near GROUP BY given
        """
        closest = dict(self.tuples(query, [unknown, [spelling.edits_allowed(word) for word in unknown]]))
        corrected = " ".join(closest.get(word, word) for word in words)
        return None if corrected == typed else corrected

    def _vocabulary(self, table: str) -> frozenset[str]:
        """The words that texts use; most of what is typed is among them, which then needs no query."""
        if table not in self._vocabularies:
            self._vocabularies[table] = frozenset(word for (word,) in self.tuples(f"SELECT word FROM memory.{table}"))
        return self._vocabularies[table]

    @cached_property
    def _vocabularies(self) -> dict[str, frozenset[str]]:
        return {}


_POPULAR_FIRST = "is_obsolete, (n_test + n_shipped) = 0, score DESC, n_test + n_shipped DESC"


def _hit(match: str, score: str) -> str:
    return columns(TermHit, match=match, score=f"CAST({score} AS DOUBLE)")


def _plain(text: str) -> str:
    """A search text, plain.

    Raises:
        InputError: more words than a name can have.
    """
    typed = spelling.plain(text)
    words = typed.split()
    if len(words) > MOST_WORDS:
        start = " ".join(words[:4])
        raise InputError(
            f"The search text that begins with '{start[:60]}' has {len(words):,} words, at most {MOST_WORDS} can be "
            "searched for; give a name, an id or a few words of it."
        )
    return typed


def _words(text: str) -> list[str]:
    """The words that count; all of them where none does."""
    words = _plain(text).split()
    return [word for word in words if word not in STOP_WORDS] or words


def _bound(words: Sequence[str]) -> list[str]:
    """The parameter of `_all_words`: each word as it stands and folded."""
    return [spelt for word in words for spelt in (word, spelling.folded(word))]


def _all_words(text: str, words: Sequence[str], bound: int) -> str:
    """SQL: each word begins a word of a text of `_spelt`, as it stands or folded.

    `_bound` words are parameter `bound`. Most words fold to themselves: one look tells whether either form has them,
    which takes half as long.
    """
    begins = (
        f"contains({text}_both, ' ' || ${bound}[{i}])"
        if spelling.folded(word) == word
        else f"(contains({text}_plain, ' ' || ${bound}[{i}]) OR contains({text}_folded, ' ' || ${bound}[{i + 1}]))"
        for i, word in zip(range(1, 1 + 2 * len(words), 2), words, strict=True)
    )
    return f"({' AND '.join(begins)})"
