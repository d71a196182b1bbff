"""What a reader can take away: CSV text of examples and scores, ready for a download button."""

from collections.abc import Iterable, Sequence

from explorer.draw.downloads import table_csv
from protsae.store.rows import ExampleRow, FeatureAnnotation, FeatureRow, TermFeature


def examples_csv(row: FeatureRow, bands: Iterable[Sequence[ExampleRow]]) -> str:
    """Every example with its active residues (1-based) and activations, one line a protein."""
    lines = [
        (
            row.sae,
            row.feature,
            row.label,
            row.label_grade,
            example.band,
            example.rank,
            example.accession,
            example.protein_name,
            example.length,
            example.split,
            f"{example.score:.6g}",
            f"{example.peak_act:.6g}",
            example.peak_pos,
            " ".join(str(int(position)) for position in example.positions),
            " ".join(f"{act:.4g}" for act in example.acts),
        )
        for band in bands
        for example in band
    ]
    head = "sae feature label label_grade band rank accession protein_name length split score peak_act peak_pos"
    return table_csv([*head.split(), "positions", "activations"], lines)


def scores_csv(terms: Sequence[TermFeature], sites: Sequence[FeatureAnnotation]) -> str:
    """Held-out scores against GO terms (per protein) and annotated sites (per residue), one line each."""
    shared = [
        "threshold",
        "valid_f1",
        "test_precision",
        "test_recall",
        "test_f1",
        "test_f1_low",
        "test_f1_high",
        "test_auroc",
        "null_f1",
        "all_positive_f1",
        "n_pos_valid",
        "n_pos_test",
        "grade",
    ]
    of_terms = ["test_auroc_low", "test_auroc_high", "composition_auroc", "probe_auroc", "neuron_auroc"]
    lines = [
        (
            row.sae,
            row.feature,
            "go_term",
            row.go_id,
            row.term_name,
            row.pooling,
            *(getattr(row, name) for name in (*shared, *of_terms)),
            None,
        )
        for row in terms
    ]
    lines += [
        (
            row.sae,
            row.feature,
            "annotation",
            row.kind,
            row.kind,
            "residue",
            *(getattr(row, name) for name in shared),
            *[None] * len(of_terms),
            row.amino_acid_auroc,
        )
        for row in sites
    ]
    head = ["sae", "feature", "target", "id", "name", "pooling", *shared, *of_terms, "amino_acid_auroc"]
    return table_csv(head, lines)
