"""What the reader returns of the store: one named tuple a row, its fields named after the columns of `schema.sql`.

Rows of analyses stand in `analyses/`. Fields that no column of that name holds are explained here. Positions
count residues from 1.
"""

from typing import Literal, NamedTuple

import numpy as np

from protsae.store.grades import Grade

Role = Literal["guided", "unguided", "imported"]
"""What an SAE is in its bundle: terms guide its features, it was trained without them, or it comes from elsewhere."""


class SAERow(NamedTuple):
    """One sparse autoencoder of the bundle."""

    name: str
    display_name: str
    role: Role
    architecture: str
    namespace: str
    d_model: int
    d_sae: int
    k: int
    n_defined: int
    l0: float
    l0_forced: float
    explained_variance: float
    share_alive: float


class TermRow(NamedTuple):
    """One GO term."""

    go_id: str
    name: str
    namespace: str
    is_obsolete: bool
    information_content: float | None
    n_train: int
    n_valid: int
    n_test: int
    n_shipped: int


class TermHit(NamedTuple):
    """A GO term that a search found."""

    go_id: str
    name: str
    namespace: str
    matched: str
    """The text that matched: an id, a name or a synonym."""
    match: str
    """id | name | synonym | typo"""
    score: float
    """0 to 1; 1 = the very text."""
    n_test: int
    n_shipped: int


class SynonymRow(NamedTuple):
    """Another name, or an alternative id, of a GO term."""

    go_id: str
    synonym: str
    scope: str


class ProteinHit(NamedTuple):
    """A protein that a search or a term found."""

    accession: str
    entry_name: str
    protein_name: str
    gene_names: str
    organism: str
    length: int
    has_structure: bool
    match: Literal["exact", "name", "accession", "near"] = "exact"
    """Whether it is called what was typed (accession, entry, gene or name), each word begins a word of its names, only
    its accession begins so, or none of these: it is merely near in spelling."""


class ProteinRow(NamedTuple):
    """One shipped protein."""

    accession: str
    entry_name: str
    protein_name: str
    gene_names: str
    organism: str
    cluster: str
    split: str
    length: int
    sequence: str
    has_structure: bool


class Organism(NamedTuple):
    """An organism, and how many shipped proteins are of it."""

    name: str
    """'' for proteins that name none."""
    n_proteins: int


class Corpus(NamedTuple):
    """The proteins that a bundle was made from and those that it ships."""

    n_train: int
    n_valid: int
    n_test: int
    """Of the whole corpus; all three are 0 where the store does not say."""
    organisms: tuple[Organism, ...]
    """Of the shipped proteins, the most frequent first."""

    @property
    def n_shipped(self) -> int:
        """Proteins that the bundle ships."""
        return sum(organism.n_proteins for organism in self.organisms)

    @property
    def n_all(self) -> int:
        """Proteins of the whole corpus, 0 where the store does not say."""
        return self.n_train + self.n_valid + self.n_test


class ProteinTerm(NamedTuple):
    """A GO term that a protein is annotated with."""

    go_id: str
    name: str
    namespace: str
    is_direct: bool
    evidence: str
    information_content: float | None


class AnnotationRow(NamedTuple):
    """A residue annotation of one protein."""

    accession: str
    kind: str
    label: str
    start_pos: int
    end_pos: int
    source: str


class AnnotationHit(NamedTuple):
    """A kind of residue annotation that a search found."""

    kind: str
    n_proteins: int
    """Shipped proteins that carry it (and match, where a label was searched)."""
    labels: tuple[str, ...] = ()
    """The labels that match, the most frequent first; empty where the kind's own name does."""


class TermFeature(NamedTuple):
    """A feature's alignment with a GO term, what is needed to name both, and the term's baselines."""

    sae: str
    feature: int
    kind: str
    label: str
    label_id: str
    label_origin: str
    label_grade: Grade
    density: float
    max_act: float
    go_id: str
    term_name: str
    namespace: str
    is_guiding: bool
    is_best_for_term: bool
    rank_in_feature: int
    pooling: str
    threshold: float
    valid_f1: float
    test_precision: float
    test_recall: float
    test_f1: float
    test_f1_low: float
    test_f1_high: float
    test_auroc: float | None
    test_auroc_low: float | None
    test_auroc_high: float | None
    null_f1: float
    n_pos_valid: int
    n_pos_test: int
    grade: Grade
    all_positive_f1: float | None
    composition_auroc: float | None
    probe_auroc: float | None
    neuron_auroc: float | None


class DifferenceRow(NamedTuple):
    """How far one feature's held-out F1 for a term lies above another's, in paired resamples."""

    go_id: str
    sae: str
    feature: int
    other_sae: str
    other_feature: int
    difference: float
    difference_low: float
    difference_high: float

    @property
    def is_clear(self) -> bool:
        """The interval leaves out zero."""
        return self.difference_low > 0 or self.difference_high < 0


class FeatureAnnotation(NamedTuple):
    """A feature's alignment with a kind of residue annotation, and the kind's baselines.

    `feature_kind` is defined | free.
    """

    sae: str
    feature: int
    feature_kind: str
    label: str
    density: float
    max_act: float
    kind: str
    is_best_for_kind: bool
    rank_in_feature: int
    threshold: float
    valid_f1: float
    test_precision: float
    test_recall: float
    test_f1: float
    test_f1_low: float
    test_f1_high: float
    test_auroc: float | None
    null_f1: float
    n_pos_valid: int
    n_pos_test: int
    grade: Grade
    all_positive_f1: float | None
    amino_acid_auroc: float | None


class FeatureRow(NamedTuple):
    """One feature; `term_name` names its guiding term (None for a free feature)."""

    sae: str
    feature: int
    kind: str
    go_id: str | None
    term_name: str | None
    density: float
    protein_density: float
    max_act: float
    mean_act: float
    p99_act: float
    p999_act: float
    histogram: np.ndarray
    aa_effect: np.ndarray
    aa_enrichment: np.ndarray
    umap_x: float | None
    umap_y: float | None
    label: str
    label_id: str
    label_origin: str
    label_grade: Grade
    label_f1: float | None
    label_null_f1: float | None


class FeatureHit(NamedTuple):
    """A feature that a search found by its label."""

    sae: str
    feature: int
    kind: str
    go_id: str | None
    label: str
    label_origin: str
    label_grade: Grade
    label_f1: float | None
    label_null_f1: float | None
    density: float
    max_act: float


class ExampleRow(NamedTuple):
    """One example protein of a feature, with every residue on which the feature fires."""

    accession: str
    protein_name: str
    length: int
    sequence: str
    split: str
    has_structure: bool
    band: str
    rank: int
    score: float
    """What the band is sorted by."""
    peak_act: float
    """0 where the feature is silent in the protein; `peak_pos` is then 0."""
    peak_pos: int
    positions: np.ndarray
    """Active residues, 1-based, ascending."""
    acts: np.ndarray
    """Their activations in activation units, to 1/255 of the feature's maximum."""


class NeighbourRow(NamedTuple):
    """A feature that fires alike over proteins, with what is needed to name it."""

    other_sae: str
    other_feature: int
    correlation: float | None
    cosine: float
    rank: int
    kind: str
    label: str
    label_origin: str
    label_grade: Grade
    density: float


class StructureRow(NamedTuple):
    """A protein's stored structure."""

    accession: str
    pdb_id: str
    chain: str
    atoms: str
    resolution: float | None
    identity: float
    coverage: float
    positions: np.ndarray
    """UniProt position of the 1st, 2nd, ... modelled residue; 0 = not in the sequence."""
    author_numbers: tuple[str, ...]
    pdb: str
    """PDB text, unzipped: chain A holds the residues 1, 2, 3, ...; chain B the ligands; a remark where predicted."""
