"""Settings of one evaluation. Read `EvaluateConfig`."""

from dataclasses import dataclass
from pathlib import Path

from precompute.pipeline.executors import n_cores
from protsae.errors import ConfigError
from protsae.ontology.namespaces import Namespace
from protsae.store.evaluation.methods import PartKey

_AT_LEAST = {
    "seeds": 1,
    "epochs": 1,
    "residues_per_protein": 1,
    "batch_size": 1,
    "score_residues": 1,
    "held_out_residues": 1,
    "workers": 1,
    "fidelity_proteins": 1,
}


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """What is evaluated, and at which cost."""

    bundle: Path
    """Folder of a finished bundle; its work folder BUNDLE.work must be there too."""

    parts: tuple[PartKey, ...] = ("main", "ablation")
    """Parts of the evaluation; sparsity and guidance vary the paper's form, which docs/guidance.md has on valid."""

    namespaces: tuple[Namespace, ...] = ("MFO", "BPO", "CCO")
    """Sub-ontologies of the main table; the other parts take the first of them."""

    seeds: int = 3
    """Trainings of each method, with seeds 0, 1, ... (sparsity and guidance: seed 0 only)."""

    epochs: int | None = None
    """Passes over the training proteins; without it as many as the bundle's own SAEs had."""

    residues_per_protein: int | None = None
    """Residues drawn from each training protein per epoch; without it as many as for the bundle's own SAEs."""

    batch_size: int | None = None
    """Residues per optimizer step; without it as many as for the bundle's own SAEs."""

    score_residues: int = 256
    """Residues of each training protein that are encoded to score a method."""

    held_out_residues: int | None = None
    """Residues of each valid and test protein that are encoded to score a method; without it all."""

    fidelity_proteins: int = 150
    """Test proteins that are run through the PLM with every method's reconstruction in place."""

    workers: int | None = None
    """Processes that work side by side; without it one per core."""

    only: str | None = None
    """Only rows whose name begins so, and what they need; `--dry` shows the names."""

    dry: bool = False
    """Print the rows and what is done of them, and compute nothing."""

    afresh: bool = False
    """Compute rows that only the bundle's own evaluation tells, too; without it their numbers are taken from there."""

    keep: bool = False
    """Keep the trained weights in BUNDLE.work/evaluate."""

    report: Path | None = None
    """Where the report goes, its pictures to a folder of the same name beside it; without it BUNDLE.results.md."""

    device: str = "auto"
    """auto, cpu or cuda."""

    def __post_init__(self) -> None:
        for name, least in _AT_LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise ConfigError(f"{name} must be at least {least}, got {value}")

    @property
    def work(self) -> Path:
        """Work folder of the bundle's run."""
        return self.bundle.with_name(self.bundle.name + ".work")

    @property
    def page(self) -> Path:
        """Where the report goes."""
        return self.bundle.with_name(f"{self.bundle.name}.results.md") if self.report is None else self.report

    @property
    def n_workers(self) -> int:
        """Rows that are computed side by side."""
        return self.workers or n_cores()

    @property
    def folder(self) -> Path:
        """Where the rows' results are kept."""
        return self.work / "evaluate"
