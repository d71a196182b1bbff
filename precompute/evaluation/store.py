"""Rows' results on disk, and the bundle's analysis `evaluation` made from them.

    BUNDLE.work/evaluate/<slug>/result.json        fingerprint, entries (method, namespace, k, metrics), facts, seconds,
                                                   hardware

A result counts where its fingerprint is the present one: settings, embeddings, labels, the rows it needs, and FORMAT.
Where the work folder has none, the bundle's own analysis may tell it (`told.py`).

Read `Results`, then `put_into_bundle`.
"""

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from precompute.analyses.registry import CREATED_BY
from precompute.evaluation.config import EvaluateConfig
from precompute.evaluation.context import Context
from precompute.evaluation.hardware import describe
from precompute.evaluation.rows import ALIASES, PAPER, Row, chosen_rows, plan_rows
from precompute.evaluation.scoring import SPLICE_RESIDUES, Scored
from precompute.evaluation.told import ROWS, facts_of, told_rows
from precompute.evaluation.training import train_settings
from precompute.training.recipes import protsae_config
from protsae.bundle.building import add_analysis
from protsae.files import json_sha256, read_json, write_json
from protsae.store.analyses.evaluation import EVALUATION

FORMAT = 3
"""Raised when scores change their meaning, so that old results are not taken up."""

RESULT = "result.json"
COLUMNS = ("part", "method", "namespace", "k", "seed", "metric", "value")


class Results:
    """The rows of one evaluation and what is known of them."""

    def __init__(self, config: EvaluateConfig, context: Context) -> None:
        """Plan the rows; nothing is read yet."""
        self.config, self.context = config, context
        tuned = tuned_switches(context)
        self.every = plan_rows(context.run, list(context.spaces), config.seeds, tuned, d_sae=context.width)
        self.rows = chosen_rows(self.every, config)
        self.by_name = {row.name: row for row in self.every}
        self._fingerprints: dict[str, str] = {}

    def folder(self, row: Row) -> Path:
        """The row's own folder."""
        return self.config.folder / row.slug

    def read(self, row: Row) -> dict[str, Any] | None:
        """The row's result; None where there is none that fits."""
        return self._fitting(row, read_json(self.folder(row) / RESULT)) or self._fitting(row, self._told.get(row.name))

    def is_told(self, row: Row) -> bool:
        """Whether the bundle alone has the row's result, as another work folder left it."""
        here = self._fitting(row, read_json(self.folder(row) / RESULT))
        return here is None and self._fitting(row, self._told.get(row.name)) is not None

    def _fitting(self, row: Row, found: dict[str, Any] | None) -> dict[str, Any] | None:
        return found if found is not None and found.get("fingerprint") == self.fingerprint(row) else None

    @cached_property
    def _told(self) -> dict[str, dict[str, Any]]:
        """By name, what the bundle's own analysis tells of rows; nothing where they are to be computed anew."""
        return {} if self.config.afresh else told_rows(self.config.bundle, self.every)

    def k_of(self, row: Row) -> int:
        """Features that the row's TopK keeps, or the L0 aimed at: the mean L0 of the rows it needs, which are done."""
        if not row.needs:
            return row.k
        found = [self.read(self.by_name[name]) for name in row.needs]
        l0 = [result["l0"] for result in found if result is not None]
        return max(1, min(self.context.width, round(sum(l0) / len(l0))))

    def write(self, row: Row, scored: Scored, seconds: float) -> None:
        """Keep a row's result; its weights go unless they are to be kept."""
        folder = self.folder(row)
        folder.mkdir(parents=True, exist_ok=True)
        content = {
            "fingerprint": self.fingerprint(row),
            "name": row.name,
            "part": row.part,
            "seed": row.seed,
            "l0": scored.l0,
            "entries": [entry._asdict() for entry in scored.entries],
            "facts": scored.facts,
            "seconds": round(seconds, 2),
            "hardware": describe(self.config.device),
        }
        write_json(folder / RESULT, content)
        if not self.config.keep:
            shutil.rmtree(folder / "sae", ignore_errors=True)

    def fingerprint(self, row: Row) -> str:
        """Hash of all that decides the row's numbers."""
        if row.name not in self._fingerprints:
            config = self.config
            content = {
                "format": FORMAT,
                "row": row,
                "training": asdict(train_settings(self.context, row.seed)),
                "sae": self.context.run.k,
                "scoring": [
                    *(config.score_residues, config.held_out_residues, config.fidelity_proteins),
                    *([SPLICE_RESIDUES] if row.kind == "splice" else []),
                ],
                "data": self.context.fingerprint,
                "needs": [self.fingerprint(self.by_name[name]) for name in row.needs],
            }
            self._fingerprints[row.name] = json_sha256(content)
        return self._fingerprints[row.name]

    def table(self) -> pd.DataFrame:
        """Columns of the table `evaluation`: every finished row's numbers, and those that another part borrows."""
        first = next(iter(self.context.spaces), "")
        records: list[tuple[Any, ...]] = []
        for row in self.every:
            result = self.read(row)
            for entry in result["entries"] if result else ():
                places = [(row.part, entry["method"])]
                places += [
                    (alias.to_part, alias.to_method)
                    for alias in ALIASES
                    if (alias.part, alias.method) == places[0]
                    and entry["namespace"] in {first, ""}
                    and (alias.to_part == "ablation" or row.seed == 0)
                ]
                for part, method in places:
                    key = (part, method, entry["namespace"], entry["k"], row.seed)
                    records += [(*key, metric, value) for metric, value in entry["metrics"].items()]
        frame = pd.DataFrame(records, columns=list(COLUMNS))
        return frame.astype({"k": "int64", "seed": "int64", "value": "float64"})


def tuned_switches(context: Context) -> Mapping[str, Any]:
    """The switches of the bundle's own ProtSAE."""
    guide = next(iter(context.guides.values()), None)
    if guide is None:
        return {}
    cfg = protsae_config(context.run, guide.concepts, context.reader.d_model, context.width)
    return {name: getattr(cfg, name) for name in PAPER}


def put_into_bundle(results: Results, table: pd.DataFrame) -> None:
    """Add the analysis `evaluation` to the bundle, in the place of an earlier one.

    Args:
        results: of which the finished ones' facts go along.
        table: their numbers.

    Raises:
        BundleError: the bundle does not pass the checks of opening.
        InputError: another process is changing the bundle.
    """
    config = results.config
    names = ("seeds", "score_residues", "held_out_residues", "fidelity_proteins")
    done = {row.name: result for row in results.every if (result := results.read(row)) is not None}
    rows = {name: facts_of(result) for name, result in done.items()}
    settings = {"format": FORMAT, **{name: getattr(config, name) for name in names}, ROWS: rows}
    add_analysis(config.bundle, EVALUATION, {"evaluation": table}, created_by=CREATED_BY, settings=settings)
