"""Queries about features: what one is, where it fires, what lies near it, and tables over all of them.

Read `FeatureQueries.feature` and `FeatureQueries.examples`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from protsae.store.held import Held
from protsae.store.queries import columns
from protsae.store.read_proteins import ProteinQueries
from protsae.store.read_terms import ALIGNMENTS
from protsae.store.rows import (
    DifferenceRow,
    ExampleRow,
    FeatureAnnotation,
    FeatureRow,
    NeighbourRow,
    ProteinRow,
    TermFeature,
)

FEATURE = columns(FeatureRow, kind="f.kind", go_id="f.go_id", term_name="t.name")
FEATURE_ANNOTATION = columns(
    FeatureAnnotation, sae="a.sae", feature="a.feature", feature_kind="f.kind", kind="a.kind", label="f.label"
)
_FEATURES = f"""
    SELECT {FEATURE} FROM feature f LEFT JOIN go_term t ON t.go_id = f.go_id ORDER BY f.sae, f.feature
"""
_BANDS = "SELECT sae, feature, accession, band, rank, score FROM example_band ORDER BY sae, feature, band, rank"
ANNOTATED = f"""
    SELECT {FEATURE_ANNOTATION} FROM feature_annotation a
    JOIN feature f ON f.sae = a.sae AND f.feature = a.feature
    LEFT JOIN kind_baseline b ON b.kind = a.kind
"""
LABEL = "label, label_id, label_origin, label_grade, label_f1, label_null_f1"
_NEIGHBOURS = f"""
    SELECT n.sae AS _sae, n.feature AS _feature, {columns(NeighbourRow)} FROM neighbour n
    JOIN (SELECT sae AS other_sae, feature AS other_feature, kind, {LABEL}, density FROM feature) f
    USING (other_sae, other_feature) ORDER BY n.sae, n.feature, n.other_sae <> n.sae, n.other_sae, rank
"""


class _BandRow(NamedTuple):
    """A place of `example_band`."""

    sae: str
    feature: int
    accession: str
    band: str
    rank: int
    score: float


class FeatureQueries(ProteinQueries):
    """Look-ups by feature."""

    def feature(self, sae: str, feature: int) -> FeatureRow | None:
        """One feature, None where the SAE or the index is unknown."""
        return self._features.first(sae, feature)

    @property
    def _features(self) -> Held[FeatureRow]:
        return self.held(_feature, _FEATURES, "sae", "feature")

    def feature_terms(self, sae: str, feature: int) -> list[TermFeature]:
        """The GO terms it aligns with, its guiding term first, then its best."""
        query = f"{ALIGNMENTS} ORDER BY a.sae, a.feature, is_guiding DESC, rank_in_feature, a.go_id"
        return self.held(TermFeature, query, "sae", "feature").of(sae, feature)

    def feature_annotations(self, sae: str, feature: int) -> list[FeatureAnnotation]:
        """The kinds of residue annotation it aligns with, its best first."""
        query = f"{ANNOTATED} ORDER BY a.sae, a.feature, rank_in_feature, a.kind"
        return self.held(FeatureAnnotation, query, "sae", "feature").of(sae, feature)

    def annotation_features(self, kind: str, limit: int = 20) -> list[FeatureAnnotation]:
        """The features that fit a kind of residue annotation best, by held-out F1."""
        query = f"{ANNOTATED} WHERE a.kind = ? ORDER BY is_best_for_kind DESC, test_f1 DESC, a.sae, a.feature LIMIT ?"
        return self.rows(FeatureAnnotation, query, [kind, limit])

    def examples(self, sae: str, feature: int, band: str | None = "top", limit: int | None = None) -> list[ExampleRow]:
        """Example proteins of one band (`schema.sql` lists them), or of all, in its order; activations in SAE units."""
        own = self._features.first(sae, feature)
        rows = [row for row in self._bands.of(sae, feature) if band is None or row.band == band][:limit]
        if own is None or not rows:
            return []
        query = """
            SELECT accession, peak_act, peak_pos, positions, acts FROM example
            WHERE sae = ? AND feature = ? AND accession IN (SELECT unnest(?))
        """
        fires = {
            accession: stored
            for accession, *stored in self.tuples(query, [sae, feature, [row.accession for row in rows]])
        }
        return [
            _example(row, protein, fires.get(row.accession), own.max_act / 255)
            for row in rows
            for protein in self._proteins.of(row.accession)
        ]

    @property
    def _bands(self) -> Held[_BandRow]:
        return self.held(_BandRow, _BANDS, "sae", "feature")

    def in_space(self) -> pd.DataFrame:
        """For every feature that has an example with a structure, the first of these: sae, feature, accession."""
        query = """
            SELECT b.sae, b.feature,
                arg_min(b.accession, (list_position(['with', '3d', 'top', 'high', 'low'], band), rank)) AS accession
            FROM example_band b JOIN structure s ON s.accession = b.accession
            WHERE band NOT IN ('without', 'silent') GROUP BY b.sae, b.feature ORDER BY b.sae, b.feature
        """
        return self.frame(query)

    def activations(self, pairs: Sequence[tuple[str, int, str]]) -> list[tuple[str, int, str, np.ndarray, np.ndarray]]:
        """Stored activations of features in proteins: sae, feature, accession, residues (1-based), shares of 99.9 %.

        Args:
            pairs: sae, feature and accession of each; those that are not stored are left out.
        """
        query = """
            WITH asked AS (SELECT unnest($1) AS sae, unnest($2) AS feature, unnest($3) AS accession)
            SELECT e.sae, e.feature, e.accession, e.positions, e.acts,
                f.max_act / 255 / CASE WHEN f.p999_act > 0 THEN f.p999_act ELSE f.max_act END
            FROM asked JOIN example e USING (sae, feature, accession) JOIN feature f USING (sae, feature)
        """
        found = self.tuples(query, [list(column) for column in zip(*pairs, strict=True)]) if pairs else []
        return [
            (sae, feature, accession, np.array(places, dtype=np.int32), np.array(acts, dtype=np.float32) * unit)
            for sae, feature, accession, places, acts, unit in found
        ]

    def neighbours(self, sae: str, feature: int) -> list[NeighbourRow]:
        """The features that fire most alike: those of the same SAE first, then of the others, most alike first."""
        return self.held(NeighbourRow, _NEIGHBOURS, "_sae", "_feature").of(sae, feature)

    def validated_features(self, limit: int | None = None, seed: int | None = None) -> list[TermFeature]:
        """Features that bear the name of a GO term and whose name holds on unseen proteins (grade strong or weak).

        One row a feature: the alignment that it is called after. Strong ones come first, then defined features, then
        those furthest above luck and above calling everything positive; with `seed` they are drawn at random instead,
        and reproducibly. Without `limit` it is all of them.
        """
        query = f"""
            {ALIGNMENTS} WHERE a.go_id = f.label_id AND label_grade IN ('strong', 'weak') AND max_act > 0
            ORDER BY {_order(seed)} {"" if limit is None else "LIMIT ?"}
        """
        return self.rows(TermFeature, query, [value for value in (seed, limit) if value is not None])

    def difference(
        self, go_id: str, sae: str, feature: int, other_sae: str, other_feature: int
    ) -> DifferenceRow | None:
        """How far a guided feature fits a term better than another one; None where this pair was not compared."""
        query = f"""
            SELECT {columns(DifferenceRow)} FROM feature_difference
            WHERE go_id = ? AND sae = ? AND feature = ? AND other_sae = ? AND other_feature = ?
        """
        return self.first(DifferenceRow, query, [go_id, sae, feature, other_sae, other_feature])

    def map_points(self, sae: str) -> pd.DataFrame:
        """Every feature of an SAE with its place on the map and its label's held-out F1 (NaN where it has none)."""
        query = f"""
            SELECT feature, kind, umap_x, umap_y, density, {LABEL} FROM feature WHERE sae = ? ORDER BY feature
        """
        return self.frame(query, [sae])

    def feature_table(self, sae: str) -> pd.DataFrame:
        """Every feature of an SAE with what it takes to name and scale its activations."""
        query = f"""
            SELECT feature, kind, go_id, {LABEL}, density, protein_density, max_act, mean_act, p99_act, p999_act,
                histogram
            FROM feature WHERE sae = ? ORDER BY feature
        """
        return self.frame(query, [sae])

    def guiding_features(self, sae: str) -> list[TermFeature]:
        """Every defined feature of an SAE with its own guiding term, by feature."""
        return self.rows(TermFeature, f"{ALIGNMENTS} WHERE a.sae = ? AND is_guiding ORDER BY a.feature", [sae])

    def compare_table(self, guided: str, baseline: str) -> pd.DataFrame:
        """All terms that guide a feature of one SAE, with its scores and those of another SAE's best feature.

        Columns: go_id, name, namespace, n_pos_test, the term's all_positive_f1 and composition_auroc (NaN where not
        measured), of each side (guided_, baseline_) feature, f1, low, high, auroc, null, grade, and the paired
        difference with difference_low and difference_high (NaN where not measured).
        """
        return self.frame(_COMPARE, [guided, baseline])


def _order(seed: int | None) -> str:
    if seed is None:
        return """grade = 'strong' DESC, is_guiding DESC, test_f1_low - greatest(null_f1, b.all_positive_f1) DESC,
            a.sae, a.feature"""
    return "hash(a.sae || ':' || a.feature || ':' || ?)"


_COMPARE = """
    WITH guided AS (
        SELECT * FROM feature_go WHERE sae = $1 AND is_guiding
        QUALIFY row_number() OVER (PARTITION BY go_id ORDER BY feature) = 1),
    baseline AS (
        SELECT * FROM feature_go WHERE sae = $2 AND is_best_for_term
        QUALIFY row_number() OVER (PARTITION BY go_id ORDER BY feature) = 1)
    SELECT g.go_id, t.name, t.namespace, g.n_pos_test, alone.all_positive_f1, alone.composition_auroc,
        g.feature AS guided_feature, g.test_f1 AS guided_f1,
        g.test_f1_low AS guided_low, g.test_f1_high AS guided_high,
        g.test_auroc AS guided_auroc, g.null_f1 AS guided_null, g.grade AS guided_grade,
        b.feature AS baseline_feature, b.test_f1 AS baseline_f1,
        b.test_f1_low AS baseline_low, b.test_f1_high AS baseline_high,
        b.test_auroc AS baseline_auroc, b.null_f1 AS baseline_null, b.grade AS baseline_grade,
        d.difference, d.difference_low, d.difference_high
    FROM guided g JOIN go_term t ON t.go_id = g.go_id LEFT JOIN baseline b ON b.go_id = g.go_id
        LEFT JOIN term_baseline alone ON alone.go_id = g.go_id
        LEFT JOIN feature_difference d ON d.go_id = g.go_id AND d.sae = g.sae AND d.feature = g.feature
            AND d.other_sae = b.sae AND d.other_feature = b.feature
    ORDER BY guided_f1 DESC, g.go_id
"""


def _feature(*stored: Any) -> FeatureRow:
    row = FeatureRow._make(stored)
    return row._replace(
        histogram=np.array(row.histogram, dtype=np.int64),
        aa_effect=np.array(row.aa_effect, dtype=np.float32),
        aa_enrichment=np.array(row.aa_enrichment, dtype=np.float32),
    )


def _example(row: _BandRow, protein: ProteinRow, fires: Sequence[Any] | None, unit: float) -> ExampleRow:
    """A place of a band.

    Args:
        row: the place.
        protein: what is known of its protein.
        fires: maximum, its residue, and active residues with their activations; None where the feature is silent.
        unit: of one step of these activations.
    """
    peak_act, peak_pos, positions, acts = fires or (0.0, 0, (), ())
    return ExampleRow(
        accession=row.accession,
        protein_name=protein.protein_name,
        length=protein.length,
        sequence=protein.sequence,
        split=protein.split,
        has_structure=protein.has_structure,
        band=row.band,
        rank=row.rank,
        score=row.score,
        peak_act=peak_act,
        peak_pos=peak_pos,
        positions=np.array(positions, dtype=np.int32),
        acts=np.array(acts, dtype=np.float32) * unit,
    )
