"""Reading: each look-up against the made-up bundle, whose facts are known."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from protsae.plm.registry import open_plm
from protsae.sae.base import load_sae
from protsae.store.analyses.confounds import feature_confounds
from protsae.store.reader import StoreReader

ZINC = "GO:0008270"


def test_saes_come_guided_first(reader: StoreReader) -> None:
    assert [row.name for row in reader.saes()] == ["protsae_mfo", "protsae_bpo", "protsae_cco", "vanilla"]
    assert reader.saes()[0].n_defined == 9
    assert reader.saes()[3].namespace == ""


def test_a_term_is_found_by_id_and_alternative_id(reader: StoreReader) -> None:
    zinc = reader.term(ZINC)
    assert zinc is not None
    assert (zinc.name, zinc.namespace, zinc.is_obsolete) == ("zinc ion binding", "MFO", False)
    assert zinc.n_train + zinc.n_valid + zinc.n_test == zinc.n_shipped > 0
    assert reader.term(" go:0005904 ") == reader.term("GO:0005886")
    assert reader.term("GO:9999999") is None


def test_the_graph_around_a_term(reader: StoreReader) -> None:
    assert [row.go_id for row in reader.parents(ZINC)] == ["GO:0046914"]
    assert {row.go_id for row in reader.children("GO:0046914")} == {ZINC, "GO:0005506"}
    assert {row.go_id for row in reader.ancestors(ZINC)} == {
        *("GO:0046914", "GO:0046872", "GO:0043167", "GO:0005488", "GO:0003674")
    }
    assert [row.synonym for row in reader.synonyms(ZINC)] == ["Zn binding", "zinc binding"]


def test_a_terms_features_are_the_guided_one_then_the_best_unguided(reader: StoreReader) -> None:
    guided, vanilla = reader.term_features(ZINC)

    assert (guided.sae, guided.is_guiding, guided.term_name) == ("protsae_mfo", True, "zinc ion binding")
    assert (vanilla.sae, vanilla.is_guiding, vanilla.is_best_for_term) == ("vanilla", False, True)
    row = reader.feature(guided.sae, guided.feature)
    assert row is not None
    assert (row.go_id, row.term_name, row.density, row.max_act) == (
        *(ZINC, "zinc ion binding", guided.density, guided.max_act),
    )
    assert reader.feature_terms(guided.sae, guided.feature) == [guided]


def test_rolled_up_holds_descendants_only_best_first(reader: StoreReader) -> None:
    rows = reader.rolled_up("GO:0046914", limit=3)

    assert {row.go_id for row in reader.rolled_up("GO:0046914")} == {ZINC, "GO:0005506"}
    assert [row.test_f1 for row in rows] == sorted((row.test_f1 for row in rows), reverse=True)
    assert len(rows) == 3
    assert reader.rolled_up(ZINC) == []


def test_an_unknown_feature_is_none(reader: StoreReader) -> None:
    assert reader.feature("protsae_mfo", 64) is None
    assert reader.feature("nobody", 0) is None
    assert reader.examples("protsae_mfo", 64) == []


def test_a_feature_that_never_fires(reader: StoreReader) -> None:
    row = reader.feature("vanilla", 15)

    assert row is not None
    assert (row.density, row.max_act, row.umap_x, len(row.histogram)) == (0.0, 0.0, None, 0)
    assert reader.examples("vanilla", 15) == []


def test_facts_that_could_explain_a_feature_come_furthest_above_luck_first(reader: StoreReader) -> None:
    rows = feature_confounds(reader, "vanilla", 25)
    found = reader.feature("vanilla", 25)

    assert found is not None
    assert rows[0].confound == "position"
    assert [row.explains for row in rows] == [True, False, False, False, False]
    assert {row.confound for row in rows} == {"amino_acid", "position", "length", "family", "organism"}
    assert [row.f1 - row.null_f1 for row in rows] == sorted((row.f1 - row.null_f1 for row in rows), reverse=True)
    assert {row.confound: row.auroc for row in feature_confounds(reader, "vanilla", 24)}["family"] is None
    assert feature_confounds(reader, "vanilla", 15) == []


@pytest.mark.parametrize("sae", ["protsae_mfo", "vanilla"])
def test_stored_examples_are_what_the_models_give(reader: StoreReader, tiny_bundle: Path, sae: str) -> None:
    plm, spec = open_plm(tiny_bundle, device="cpu")
    model = load_sae(tiny_bundle / "sae" / sae)
    row = reader.feature(sae, 20)
    assert row is not None
    for example in reader.examples(sae, 20, limit=3):
        acts = model.encode(plm.embed(example.sequence, layer=spec.layer, site=spec.site))[:, 20].detach().numpy()
        stored = np.zeros(example.length, dtype=np.float32)
        stored[example.positions - 1] = example.acts
        assert_allclose(stored, acts, atol=1.01 * row.max_act / 255)
        assert example.peak_pos == acts.argmax() + 1
        assert example.length == len(example.sequence)


def test_examples_come_by_rank_and_the_first_holds_the_maximum(reader: StoreReader) -> None:
    rows = reader.examples("vanilla", 20)
    row = reader.feature("vanilla", 20)

    assert row is not None
    assert [one.rank for one in rows] == [1, 2, 3, 4, 5, 6]
    assert rows[0].acts.max() == pytest.approx(row.max_act)
    assert reader.examples("vanilla", 20, "top", 2)[1].accession == rows[1].accession
    assert {one.band for one in reader.examples("vanilla", 20, "low")} == {"low"}
    assert {one.has_structure for one in rows} <= {True, False}


def test_neighbours_within_come_first_and_by_how_alike_they_fire(reader: StoreReader) -> None:
    rows = reader.neighbours("vanilla", 20)
    within = [row for row in rows if row.other_sae == "vanilla"]

    assert rows[: len(within)] == within
    assert [row.rank for row in within] == [1, 2, 3, 4, 5]
    alike = [row.correlation or 0 for row in within]
    assert alike == sorted(alike, reverse=True)
    assert 20 not in {row.other_feature for row in within}


def test_validated_features_are_strong_or_weak_strong_and_defined_ones_first(reader: StoreReader) -> None:
    rows = reader.validated_features(limit=50)

    assert rows
    assert {row.grade for row in rows} == {"strong", "weak"}
    assert all(row.max_act > 0 and row.go_id == row.label_id for row in rows)
    assert all(row.grade == row.label_grade for row in rows)
    order = [(row.grade == "strong", row.is_guiding) for row in rows]
    assert order == sorted(order, reverse=True)
    assert len({(row.sae, row.feature) for row in rows}) == len(rows)
    drawn = reader.validated_features(limit=5, seed=3)
    assert drawn == reader.validated_features(limit=5, seed=3)
    assert drawn != reader.validated_features(limit=5, seed=4)


def test_annotation_alignments_both_ways(reader: StoreReader) -> None:
    rows = reader.feature_annotations("vanilla", 20)

    assert [row.rank_in_feature for row in rows] == [1, 2, 3, 4]
    assert rows[0].feature_kind == "free"
    assert [row.amino_acid_auroc for row in rows] == pytest.approx([0.6, 0.7, 0.8, 0.9])
    assert rows[0] in reader.annotation_features(rows[0].kind)


def test_a_protein_with_everything(reader: StoreReader) -> None:
    row = reader.protein("Q0T001")
    assert row is not None
    assert row.has_structure
    assert len(row.sequence) == row.length
    assert reader.protein("Q99999") is None
    assert all(1 <= one.start_pos <= one.end_pos <= row.length for one in reader.annotations("Q0T001"))
    terms = reader.protein_terms("Q0T001")
    assert [one.is_direct for one in terms] == sorted((one.is_direct for one in terms), reverse=True)
    assert all((one.evidence != "") == one.is_direct for one in terms)
    assert "Q0T001" in {hit.accession for hit in reader.proteins_with_term(terms[0].go_id)}
    assert len(reader.proteins_with_term(ZINC, limit=2)) == 2


def test_a_structure_skips_what_is_unresolved(reader: StoreReader) -> None:
    row, protein = reader.structure("Q0T001"), reader.protein("Q0T001")
    assert row is not None
    assert protein is not None
    third = protein.length // 3
    assert row.positions.tolist() == [*range(3, third + 1), *range(third + 6, protein.length + 1)]
    carbons = [line for line in row.pdb.splitlines() if line[:4] == "ATOM" and line[12:16] == " CA "]
    assert [int(line[22:26]) for line in carbons] == list(range(1, len(row.positions) + 1))
    assert len(row.author_numbers) == len(row.positions)
    assert row.coverage == pytest.approx(len(row.positions) / protein.length)
    assert reader.structure("Q0T011") is None


def test_tables_for_the_map_and_the_comparison(reader: StoreReader) -> None:
    points = reader.map_points("vanilla")
    assert points["feature"].tolist() == list(range(64))
    assert points["umap_x"].isna().sum() == (points["density"] == 0).sum() > 0
    assert points.loc[points["label"] != "", "label_f1"].notna().all()
    assert {"p999_act", "max_act"} <= set(reader.feature_table("vanilla").columns)

    table = reader.compare_table("protsae_mfo", "vanilla").set_index("go_id")
    guided, vanilla = reader.term_features(ZINC)
    assert len(table) == 9
    (row,) = table.loc[[ZINC]].to_dict("records")
    assert (row["guided_feature"], row["guided_f1"], row["guided_low"]) == (
        *(guided.feature, guided.test_f1, guided.test_f1_low),
    )
    assert (row["baseline_feature"], row["baseline_auroc"], row["baseline_null"]) == (
        *(vanilla.feature, vanilla.test_auroc, vanilla.null_f1),
    )
    assert row["n_pos_test"] == guided.n_pos_test


@pytest.mark.parametrize("sae", ["protsae_mfo", "vanilla"])
def test_a_label_carries_the_score_of_that_very_alignment(reader: StoreReader, sae: str) -> None:
    named = 0
    for row in (reader.feature(sae, feature) for feature in range(64)):
        assert row is not None
        own = [term for term in reader.feature_terms(sae, row.feature) if term.go_id == row.label_id]
        if own:
            named += 1
            assert (row.label, row.label_f1, row.label_null_f1) == (own[0].term_name, own[0].test_f1, own[0].null_f1)
            assert row.label_grade == own[0].grade
        else:
            assert (row.label, row.label_id, row.label_f1, row.label_grade) == ("", "", None, "none")
    assert named


def test_bands_by_term_hold_what_they_say(reader: StoreReader) -> None:
    shown = 0
    for feature in range(9):
        row = reader.feature("protsae_mfo", feature)
        assert row is not None
        own = next(term for term in reader.feature_terms("protsae_mfo", feature) if term.go_id == row.label_id)
        carriers = {hit.accession for hit in reader.proteins_with_term(row.label_id)}
        for band, carries in (("with", True), ("without", False), ("silent", True)):
            rows = reader.examples("protsae_mfo", feature, band)
            assert [one.accession in carriers for one in rows] == [carries] * len(rows)
            scores = [one.score for one in rows]
            assert scores == sorted(scores, reverse=band != "silent")
            if band == "silent":
                assert all(score <= own.threshold for score in scores)
            for one in rows:
                total = one.acts.max(initial=0) if own.pooling == "max" else one.acts.sum() / one.length
                assert total == pytest.approx(one.score, abs=1.01 * row.max_act / 255)
                assert (one.peak_act > 0) == (len(one.positions) > 0)
            shown += len(rows)
    assert shown > 20


def test_a_paired_difference_is_of_these_two_features(reader: StoreReader) -> None:
    guided, vanilla = reader.term_features(ZINC)

    found = reader.difference(ZINC, guided.sae, guided.feature, vanilla.sae, vanilla.feature)

    assert found is not None
    assert found.difference == pytest.approx(guided.test_f1 - vanilla.test_f1)
    assert found.difference_low < found.difference < found.difference_high
    assert found.is_clear == (found.difference_low > 0 or found.difference_high < 0)
    assert reader.difference(ZINC, guided.sae, guided.feature, vanilla.sae, vanilla.feature + 1) is None


def test_the_sequence_index_holds_every_protein(reader: StoreReader) -> None:
    index = reader.sequence_index()

    assert len(index) == 40
    assert index["has_structure"].sum() == 10


def test_threads_share_one_reader(tiny_bundle: Path) -> None:
    with StoreReader.open(tiny_bundle / "store.duckdb") as fresh, ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: (fresh.feature("vanilla", n % 64), fresh.search_terms("zinc")), range(24)))

    assert [row.feature for row, _ in found if row] == [n % 64 for n in range(24)]
    assert {hits[0].go_id for _, hits in found} == {ZINC}
