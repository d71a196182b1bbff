"""Settings of one evaluation, and the run that made the bundle.

Read `EvaluateConfig`, then `read_run`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from precompute.config import RunConfig
from precompute.options import build
from precompute.pipeline.runner import RUN_NAME
from protsae.errors import BundleError, ConfigError, InputError
from protsae.files import read_json
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

    parts: tuple[PartKey, ...] = ("main", "ablation", "sparsity", "guidance")
    """Parts of the evaluation."""

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

    keep: bool = False
    """Keep the trained weights in BUNDLE.work/evaluate."""

    report: Path = Path("docs/results.md")
    """Where the report goes; its pictures go to a folder of the same name beside it."""

    device: str = "auto"
    """auto, cpu or cuda."""

    def __post_init__(self) -> None:
        for name, least in _AT_LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                msg = f"{name} must be at least {least}, got {value}"
                raise ConfigError(msg)

    @property
    def work(self) -> Path:
        """Work folder of the bundle's run."""
        return self.bundle.with_name(self.bundle.name + ".work")

    @property
    def folder(self) -> Path:
        """Where the rows' results are kept."""
        return self.work / "evaluate"


def read_run(config: EvaluateConfig) -> RunConfig:
    """The settings with which the bundle was made.

    Raises:
        BundleError: there is no finished bundle.
        InputError: its work folder is gone or was made by an older version.
    """
    for name in ("manifest.json", "store.duckdb"):
        if not (config.bundle / name).is_file():
            msg = f"{config.bundle} is no bundle (it has no {name}); give a folder that `precompute run` has written"
            raise BundleError(msg)
    if not config.work.is_dir():
        msg = f"{config.work} does not exist, but the evaluation reads its embeddings; run `precompute run` again"
        raise InputError(msg)
    values: dict[str, Any] | None = read_json(config.work / RUN_NAME)
    if values is None:
        msg = f"{config.work} holds no {RUN_NAME}; run `precompute run` again, finished stages are kept"
        raise InputError(msg)
    known = {name: value for name, value in values.items() if value is not None}
    run = build(RunConfig, {**known, "out": str(config.bundle.resolve())})
    if not run.ontology.is_file():
        msg = f"the ontology {run.ontology} of the bundle's run does not exist any more; put it back"
        raise InputError(msg)
    return run
