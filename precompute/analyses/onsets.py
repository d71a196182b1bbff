"""The analysis `onsets`: when, in a training, features begin to rank proteins by each term.

The looks were noted while each SAE was trained from its second seed (`precompute/training/onsets.py`); what is not
trained yet is trained. Read `compute`.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from precompute.analyses.computed import Computed
from precompute.config import RunConfig
from precompute.training.onsets import PROTEINS, RESIDUES, read_looks
from precompute.training.seeds import train_seeds
from protsae.measures.onset import MIN_RISE, QUANTILE, onsets


def compute(config: RunConfig, work: Path, report: Callable[[str], None]) -> Computed:
    """Curves and onsets of every SAE."""
    looked, terms, rules = [], [], []
    for repeat in train_seeds(config, work, report, members=2):
        found, name = read_looks(repeat.folder), repeat.sae.name
        if not len(found.go_id):
            report(
                f"onsets: nothing was noted while {repeat.sae.display_name} was trained: too few proteins carry a "
                f"guiding term, or its weights were made without looks; remove {repeat.folder} to "
                "train it again with them"
            )
            continue
        judged = onsets(found.auroc.T, found.null_auroc.T)
        looked.append(
            pd.DataFrame(
                {
                    "sae": name,
                    "step": found.step,
                    "auroc": found.auroc.mean(axis=1),
                    "auroc_low": np.quantile(found.auroc, 0.1, axis=1),
                    "auroc_high": np.quantile(found.auroc, 0.9, axis=1),
                    "null_auroc": found.null_auroc.mean(axis=1),
                    "unexplained": found.error,
                }
            )
        )
        step = pd.Series(found.step[judged.place], dtype="Int32").where(pd.Series(judged.has), pd.NA)
        facts = {"step": step, "rise": judged.rise, "auroc": found.auroc[-1]}
        terms.append(pd.DataFrame({"sae": name, "go_id": found.go_id, **facts}))
        rule = {"n_terms": len(found.go_id), "least_rise": judged.least, "null_share": judged.null_share}
        rules.append({"sae": name, **rule})
    settings = {"seed": config.seed, "proteins": PROTEINS, "residues": RESIDUES, "rise": MIN_RISE, "quantile": QUANTILE}
    tables = {"onset_look": _table(looked, _LOOK), "term_onset": _table(terms, _TERM)}
    return Computed({**tables, "onset_rule": _table([pd.DataFrame(rules)] if rules else [], _RULE)}, settings)


_LOOK = {"sae": "str", "step": "int32"} | dict.fromkeys(
    ("auroc", "auroc_low", "auroc_high", "null_auroc", "unexplained"), "float32"
)
_TERM = {"sae": "str", "go_id": "str", "step": "Int32", "rise": "float32", "auroc": "float32"}
_RULE = {"sae": "str", "n_terms": "int32", "least_rise": "float32", "null_share": "float32"}


def _table(parts: list[pd.DataFrame], types: dict[str, str]) -> pd.DataFrame:
    empty = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})
    return pd.concat(parts, ignore_index=True) if parts else empty
