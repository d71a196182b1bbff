"""Finding terms, proteins, annotation kinds and features by what a person types.

A text matches a name when each of its words begins a word of that name, in any order; case and punctuation do not
count. Where nothing matches, each unknown word is replaced by the most similar word that names use, and last the
whole text is compared with whole names (both by Jaro-Winkler similarity).

A text of more than `MOST_WORDS` words is no name and is refused.

Read `SearchQueries.search_terms`.
"""

import re

from protsae.errors import InputError
from protsae.store.queries import Queries, columns
from protsae.store.read_proteins import PROTEIN_HIT
from protsae.store.rows import AnnotationHit, FeatureHit, ProteinHit, TermHit

MOST_WORDS = 80
"""Of a search text; the longest name of a GO term has 61, and each word costs a look through all names."""
MIN_WORD_SIMILARITY = 0.82
MIN_TEXT_SIMILARITY = 0.85
STOP_WORDS = frozenset({"a", "an", "and", "by", "for", "in", "of", "the", "to", "with"})

_GO_ID = re.compile(r"(?:go)?[:_ ]?(\d{1,7})", re.IGNORECASE)
_PUNCTUATION = "-,()[]/:;'\"._"
_BLANKS = str.maketrans(dict.fromkeys(_PUNCTUATION, " "))

_PLAIN = f"lower(translate({{}}, '{_PUNCTUATION.replace(chr(39), chr(39) * 2)}', '{' ' * len(_PUNCTUATION)}'))"
"""SQL: an expression in lower case, punctuation as blanks."""


def _index(table: str, query: str) -> tuple[str, str]:
    """SQL that keeps the texts of a query in memory, and the words they use with how often they do.

    Args:
        table: name of the table in memory; that of the words ends in `_words`.
        query: with a column `text`.
    """
    texts = f"CREATE TABLE memory.{table} AS SELECT *, ' ' || {_PLAIN.format('text')} AS plain FROM ({query})"
    words = f"""
        CREATE TABLE memory.{table}_words AS SELECT word, count(*) AS n
        FROM (SELECT unnest(string_split(plain, ' ')) AS word FROM memory.{table})
        WHERE length(word) > 1 GROUP BY word
    """
    return texts, words


_TERMS = _index(
    "term_text",
    """
    SELECT go_id, name AS text, 'name' AS match FROM go_term WHERE NOT is_obsolete
    UNION ALL SELECT go_id, synonym, 'synonym' FROM go_synonym WHERE scope <> 'ALT_ID'
    """,
)
_PROTEINS = _index(
    "protein_text",
    "SELECT accession, concat_ws(' ', accession, entry_name, gene_names, protein_name, organism) AS text FROM protein",
)


class SearchQueries(Queries):
    """Look-ups by text."""

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
        self.prepare("term_text", _TERMS)
        hits = self._terms_by_words(plain, limit)
        if hits:
            return hits
        corrected = self._corrected(plain, "term_text_words")
        if corrected is not None:
            hits = self._terms_by_words(corrected, limit)
        hits = hits or self._terms_by_similarity(plain, limit)
        return [hit._replace(match="typo", score=min(hit.score, 0.6)) for hit in hits]

    def search_proteins(self, text: str, limit: int = 20) -> list[ProteinHit]:
        """Proteins by accession, entry name, gene, name or organism, or a misspelling of a word of these."""
        plain = _plain(text)
        if not plain:
            return []
        self.prepare("protein_text", _PROTEINS)
        hits = self._proteins_by_words(plain, limit)
        if hits:
            return hits
        corrected = self._corrected(plain, "protein_text_words")
        return [] if corrected is None else self._proteins_by_words(corrected, limit)

    def search_annotations(self, text: str, limit: int = 20) -> list[AnnotationHit]:
        """Kinds of residue annotation by their own name or the labels they carry, the most frequent first."""
        words = _words(text)
        if not words:
            return []
        kind, label = (_all_words(f"' ' || {_PLAIN.format(name)}", words, 1) for name in ("kind", "label"))
        query = f"""
            WITH named AS (SELECT DISTINCT kind, label FROM annotation),
            found AS (SELECT kind, label, {kind} AS is_kind FROM named WHERE {kind} OR {label})
            SELECT kind, count(DISTINCT accession) AS n_proteins FROM annotation JOIN found USING (kind, label)
            GROUP BY kind ORDER BY bool_or(is_kind) DESC, n_proteins DESC, kind LIMIT ${len(words) + 1}
        """
        return self.rows(AnnotationHit, query, [*words, limit])

    def search_features(self, text: str, limit: int = 20) -> list[FeatureHit]:
        """Features by the words of their label, those whose label holds first, the surest before the others."""
        words = _words(text)
        if not words:
            return []
        label = _all_words(f"' ' || {_PLAIN.format('label')}", words, 1)
        query = f"""
            SELECT {columns(FeatureHit)} FROM feature WHERE label <> '' AND {label}
            ORDER BY label_grade = 'none', label_grade = 'weak', label_origin <> 'guided', label_f1 DESC NULLS LAST,
                sae, feature LIMIT ${len(words) + 1}
        """
        return self.rows(FeatureHit, query, [*words, limit])

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
                SELECT go_id, text AS matched, match, plain,
                    CASE WHEN trim(plain) = $1 THEN 1.0 WHEN starts_with(plain, ' ' || $1) THEN 0.9
                         WHEN contains(plain, ' ' || $1) THEN 0.8 ELSE 0.7 END
                    - CASE match WHEN 'name' THEN 0 ELSE 0.02 END AS score
                FROM memory.term_text WHERE {_all_words("plain", words, 2)}
                QUALIFY row_number() OVER (PARTITION BY go_id ORDER BY score DESC, length(plain), text) = 1)
            SELECT {_hit("match", "score")} FROM scored JOIN go_term t USING (go_id)
            ORDER BY score < 0.97, {_POPULAR_FIRST}, length(matched), go_id LIMIT ${len(words) + 2}
        """
        return self.rows(TermHit, query, [plain, *words, limit])

    def _terms_by_similarity(self, plain: str, limit: int) -> list[TermHit]:
        query = f"""
            WITH scored AS (
                SELECT go_id, text AS matched, match, jaro_winkler_similarity(plain, ' ' || $1) AS score
                FROM memory.term_text WHERE length(text) BETWEEN $2 AND $3 AND score >= {MIN_TEXT_SIMILARITY}
                QUALIFY row_number() OVER (PARTITION BY go_id ORDER BY score DESC, text) = 1)
            SELECT {_hit("match", "score")} FROM scored JOIN go_term t USING (go_id)
            ORDER BY {_POPULAR_FIRST}, go_id LIMIT $4
        """
        return self.rows(TermHit, query, [plain, round(0.7 * len(plain)), round(1.4 * len(plain)) + 1, limit])

    def _proteins_by_words(self, plain: str, limit: int) -> list[ProteinHit]:
        words = _words(plain)
        query = f"""
            SELECT {PROTEIN_HIT} FROM memory.protein_text JOIN protein p USING (accession)
            WHERE {_all_words("plain", words, 2)}
            ORDER BY lower(accession) <> $1, NOT contains(' ' || lower(gene_names) || ' ', ' ' || $1 || ' '),
                NOT starts_with(lower(protein_name), $1), NOT contains(lower(protein_name), $1), has_structure DESC,
                length(protein_name), accession
            LIMIT ${len(words) + 2}
        """
        return self.rows(ProteinHit, query, [plain, *words, limit])

    def _corrected(self, plain: str, vocabulary: str) -> str | None:
        """`plain` with each word that no text uses replaced by the most similar one that some text does."""
        query = f"""
            WITH typed AS (SELECT unnest($1) AS given)
            SELECT given, arg_max(word, (jaro_winkler_similarity(word, given), n)) FROM typed, memory.{vocabulary}
            WHERE abs(length(word) - length(given)) <= 2
                AND jaro_winkler_similarity(word, given) >= {MIN_WORD_SIMILARITY}
            GROUP BY given
        """
        words = plain.split()
        closest = dict(self.tuples(query, [words]))
        corrected = " ".join(closest.get(word, word) for word in words)
        return None if corrected == plain else corrected


_POPULAR_FIRST = "is_obsolete, (n_test + n_shipped) = 0, score DESC, n_test + n_shipped DESC"


def _hit(match: str, score: str) -> str:
    return columns(TermHit, match=match, score=f"CAST({score} AS DOUBLE)")


def _plain(text: str) -> str:
    """Lower case, punctuation as blanks, single blanks.

    Raises:
        InputError: more words than a name can have.
    """
    words = text.translate(_BLANKS).lower().split()
    if len(words) > MOST_WORDS:
        start = " ".join(words[:4])
        raise InputError(
            f"The search text that begins with '{start[:60]}' has {len(words):,} words, at most {MOST_WORDS} can be "
            "searched for; give a name, an id or a few words of it."
        )
    return " ".join(words)


def _words(text: str) -> list[str]:
    """The words that count; all of them where none does."""
    words = _plain(text).split()
    return [word for word in words if word not in STOP_WORDS] or words


def _all_words(expression: str, words: list[str], first: int) -> str:
    """SQL: each bound word begins a word of `expression`; parameters are numbered from `first`."""
    return "(" + " AND ".join(f"contains({expression}, ' ' || ${first + i})" for i in range(len(words))) + ")"
