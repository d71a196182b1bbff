"""What the HTTP API takes and gives, as records that its OpenAPI document describes.

Positions count residues from 1. Every score comes with its null; a grade says whether an alignment held on held-out
proteins (`protsae/store/grades.py`). Read `FeatureOfTerm` and `Annotated`.
"""

from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

Grade = Literal["strong", "weak", "none"]


class _Asked(BaseModel):
    """Nothing but the fields below is taken."""

    model_config = ConfigDict(extra="forbid")


class SAEAnswer(BaseModel):
    """One SAE of the bundle."""

    name: str
    display_name: str
    role: Literal["guided", "unguided", "imported"]
    d_sae: int
    k: int
    l0: float
    explained_variance: float


class BundleAnswer(BaseModel):
    """What is served."""

    bundle_id: str
    language_model: str
    layer: int
    site: str
    licence: str
    saes: list[SAEAnswer]


class FeatureOfTerm(BaseModel):
    """A feature's alignment with a GO term; F1 and AUROC on proteins of families that chose nothing."""

    sae: str
    feature: int
    label: str
    label_grade: Grade
    go_id: str
    term_name: str
    is_guiding: bool
    test_f1: float
    test_f1_low: float
    test_f1_high: float
    null_f1: float
    test_auroc: float | None
    composition_auroc: float | None
    threshold: float
    pooling: str
    n_pos_test: int
    grade: Grade


class TermAnswer(BaseModel):
    """A GO term that a text finds."""

    go_id: str
    name: str
    namespace: str
    score: float


class LabelledFeature(BaseModel):
    """A feature whose label a text finds."""

    sae: str
    feature: int
    label: str
    label_grade: Grade
    density: float


class ProteinAnswer(BaseModel):
    """A shipped protein that a text finds."""

    accession: str
    protein_name: str
    organism: str
    length: int


class FoundAnswer(BaseModel):
    """What a text finds, by kind, best first."""

    terms: list[TermAnswer]
    features: list[LabelledFeature]
    proteins: list[ProteinAnswer]


class AnnotateAsked(_Asked):
    """A sequence to look at."""

    sequence: str = Field(description="One-letter code or one FASTA record.")
    sae: str | None = Field(None, description="Its name; the first of the bundle where missing.")
    limit: int = Field(20, ge=1, description="Most features.")


class Firing(BaseModel):
    """A feature that fires, the most unusual first."""

    feature: int
    label: str
    label_grade: Grade
    peak: float
    position: int
    n_active: int
    surprise: float = Field(description="How far from a random stretch of the corpus, in nats.")
    positions: list[int]
    acts: list[float]


class Called(BaseModel):
    """A term that a validated guided feature calls, and how often such a call was right on unseen proteins."""

    go_id: str
    term_name: str
    feature: int
    score: float
    threshold: float
    test_precision: float


class Annotated(BaseModel):
    """What the models see in a sequence."""

    sequence: str
    sae: str
    features: list[Firing]
    terms: list[Called]


class SteerAsked(_Asked):
    """Features to raise in a sequence."""

    sequence: str = Field(description="One-letter code or one FASTA record.")
    features: list[int] = Field(min_length=1)
    sae: str | None = None
    strength: float = Field(1.0, ge=-100, le=100, description="In units of each feature's 99th percentile.")


class ReadOut(BaseModel):
    """A feature before and after."""

    feature: int
    max_before: float
    max_after: float


class Steered(BaseModel):
    """What raising features made of the sequence."""

    original: str
    steered: str
    changed: list[int]
    perplexity_before: float
    perplexity_after: float
    features: list[ReadOut]


class Refusal(BaseModel):
    """Why a request was not answered, in one sentence."""

    error: str


def fields_of(row: NamedTuple, kind: type[BaseModel]) -> dict[str, object]:
    """The fields of a row that a record has."""
    return {name: getattr(row, name) for name in kind.model_fields}
