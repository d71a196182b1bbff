"""Search: what a person may type for `zinc ion binding`, and what must not match."""

from collections.abc import Callable

import pytest

from protsae.errors import InputError
from protsae.store import spelling
from protsae.store.reader import StoreReader

ZINC = "GO:0008270"


@pytest.mark.parametrize(
    ("text", "matched", "match"),
    [
        ("zinc ion binding", "zinc ion binding", "name"),
        ("  Zinc ION-binding ", "zinc ion binding", "name"),
        ("GO:0008270", ZINC, "id"),
        ("go 0008270", ZINC, "id"),
        ("8270", ZINC, "id"),
        ("binding zinc", "zinc ion binding", "name"),
        ("zinc", "zinc ion binding", "name"),
        ("binding of zinc", "zinc ion binding", "name"),
        ("Zn binding", "Zn binding", "synonym"),
        ("zinc ion bindng", "zinc ion binding", "typo"),
        ("zink", "zinc ion binding", "typo"),
        ("zincionbinding", "zinc ion binding", "typo"),
    ],
)
def test_zinc_is_found_first(reader: StoreReader, text: str, matched: str, match: str) -> None:
    hit = reader.search_terms(text)[0]

    assert (hit.go_id, hit.matched, hit.match) == (ZINC, matched, match)
    assert 0 < hit.score <= 1


def test_the_very_text_scores_one_and_a_typo_at_most_six_tenths(reader: StoreReader) -> None:
    assert reader.search_terms("zinc ion binding")[0].score == 1.0
    assert reader.search_terms("zinc ion bindng")[0].score <= 0.6


def test_an_alternative_id_leads_to_its_term(reader: StoreReader) -> None:
    assert [(hit.go_id, hit.matched) for hit in reader.search_terms("GO:0005904")] == [("GO:0005886", "GO:0005904")]


def test_the_very_name_stands_before_more_popular_terms(reader: StoreReader) -> None:
    assert reader.search_terms("binding")[0].name == "binding"
    assert [hit.name for hit in reader.search_terms("membrane")][:2] == ["membrane", "plasma membrane"]


def test_terms_without_annotations_come_last(reader: StoreReader) -> None:
    hits = reader.search_terms("zinc")

    assert hits[-1].name == "high-affinity zinc transmembrane transporter activity"
    assert hits[-1].n_shipped == 0


@pytest.mark.parametrize("text", ["", "   ", "-", "qqqqqq", "'; DROP TABLE go_term; --", "%", "GO:9999999"])
def test_nothing_is_found_quietly(reader: StoreReader, text: str) -> None:
    assert reader.search_terms(text) == []
    assert reader.term(ZINC) is not None


@pytest.mark.parametrize("search", ["search_terms", "search_proteins", "search_annotations", "search_features"])
def test_a_text_longer_than_any_name_is_refused_before_it_is_searched(reader: StoreReader, search: str) -> None:
    find = getattr(reader, search)

    assert find(" ".join(["zinc"] * 80)) is not None
    with pytest.raises(InputError, match="'zinc zinc zinc zinc' has 1,500 words, at most 80"):
        find("-".join(["zinc"] * 1500))


@pytest.mark.parametrize(
    "ask",
    [
        StoreReader.search_terms,
        StoreReader.search_proteins,
        StoreReader.search_annotations,
        StoreReader.search_features,
        StoreReader.term,
        StoreReader.protein,
        StoreReader.annotations,
        StoreReader.term_features,
        lambda reader, text: reader.proteins([text]),
    ],
)
def test_half_a_character_is_refused_by_every_look_up(
    reader: StoreReader, ask: Callable[[StoreReader, str], object]
) -> None:
    with pytest.raises(InputError, match=r"(?i)'zinc\\udc00' holds '\\udc00', half of a character"):
        ask(reader, "zinc\udc00")


def test_the_limit_holds(reader: StoreReader) -> None:
    assert len(reader.search_terms("binding", limit=2)) == 2
    assert len(reader.search_proteins("protein", limit=3)) == 3


@pytest.mark.parametrize("text", ["Q0T081", "q0t081", "ampD8", "AMPD8_MADEUP", "abc transporter protein 9"])
def test_a_protein_is_found_first(reader: StoreReader, text: str) -> None:
    assert reader.search_proteins(text)[0].accession == "Q0T081"


def test_a_misspelt_protein_name(reader: StoreReader) -> None:
    assert all("transporter" in hit.protein_name for hit in reader.search_proteins("transprter"))
    assert reader.search_proteins("transprter")
    assert reader.search_proteins("") == []


def test_annotations_by_kind_and_by_label(reader: StoreReader) -> None:
    assert [hit.kind for hit in reader.search_annotations("transmem")] == ["Transmembrane"]
    assert [hit.kind for hit in reader.search_annotations("zn(2")] == ["Binding site"]
    assert [hit.kind for hit in reader.search_annotations("helical")] == ["Transmembrane"]
    assert reader.search_annotations(" ") == []


def test_features_by_label_guided_first(reader: StoreReader) -> None:
    hits = reader.search_features("zinc ion")

    assert [(hit.sae, hit.label_origin) for hit in hits] == [("protsae_mfo", "guided"), ("vanilla", "go")]
    assert hits[0].label_f1 is not None
    assert reader.search_features("") == []


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("Q0T081", "exact"),
        ("ampD8", "exact"),
        ("AMPD8_MADEUP", "exact"),
        ("ABC transporter protein 9", "exact"),
        ("transporter", "name"),
        ("Q0T0", "accession"),
        ("Q0T08", "accession"),
        ("ampD88", "near"),
        ("Q0T085", "near"),
        ("abc transprter", "near"),
    ],
)
def test_a_protein_says_whether_it_is_the_one_asked_for(reader: StoreReader, text: str, match: str) -> None:
    hits = reader.search_proteins(text)

    assert hits
    assert hits[0].match == match
    assert {hit.match for hit in hits} & {"near"} == ({"near"} if match == "near" else set())


@pytest.mark.parametrize("text", ["madrup", "transputer", "Q1T991", "fingers"])
def test_a_word_is_mended_by_few_edits_only(reader: StoreReader, text: str) -> None:
    """Two words of one beginning are not one word: nothing far off stands in for what is not there."""
    for hit in reader.search_proteins(text):
        names = f"{hit.accession} {hit.entry_name} {hit.protein_name} {hit.gene_names}".lower().replace("_", " ")
        assert min(edits(text.lower(), word) for word in names.split()) <= 2


def edits(one: str, other: str) -> int:
    """Levenshtein's distance."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        last, row[0] = row[0], i
        for j, b in enumerate(other, start=1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (a != b))
    return row[-1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("haemoglobin", "hemoglobin"),
        ("oestrogen", "estrogen"),
        ("tumours", "tumors"),
        ("depolymerisation", "depolymerization"),
        ("catalysed", "catalyzed"),
        ("sulphur", "sulfur"),
        ("fibre", "fiber"),
        ("signalling", "signaling"),
        ("aluminium", "aluminum"),
    ],
)
def test_british_and_american_are_one_spelling(reader: StoreReader, one: str, other: str) -> None:
    in_sql = reader.tuples(f"SELECT {spelling.folded_sql('w')} FROM (SELECT unnest($1) AS w)", [[one, other]])

    assert spelling.folded(one) == spelling.folded(other)
    assert [text for (text,) in in_sql] == [spelling.folded(one), spelling.folded(other)]


@pytest.mark.parametrize("end", range(2, len("phosphokinase")))
def test_a_word_is_found_while_it_is_typed(reader: StoreReader, end: int) -> None:
    hits = reader.search_terms("phosphokinase"[:end])

    assert "phosphokinase activity" in {hit.matched for hit in hits}


def test_an_annotation_hit_says_which_labels_matched(reader: StoreReader) -> None:
    assert reader.search_annotations("zn(2")[0].labels == ("Zn(2+)",)
    assert reader.search_annotations("binding site")[0].labels == ()
