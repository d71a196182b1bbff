"""Drawn numbers about labels and proteins for `tiny_bundle.py`: of every feature that has a label, or fires.

And one feature that a language model of words explained.
"""

import numpy as np
import pandas as pd

RULE = "letter C at -2"
EXPLAINED = 1
"""The feature of the first SAE that has an explanation."""


def telling_table(features: pd.DataFrame) -> pd.DataFrame:
    """Rows of `telling`; the fourth feature of an SAE fires in too few proteins."""
    rng = np.random.default_rng(21)
    own = features.loc[features["label_id"] != "", ["sae", "feature", "label_id"]].reset_index(drop=True)
    n = len(own)
    few = own["feature"].to_numpy() == 3
    drawn = {
        "detection": rng.uniform(0.6, 0.9, n),
        "null_detection": np.full(n, 0.5),
        "null_high": np.full(n, 0.54),
        "strongest": np.full(n, 0.92),
        "weakest": np.full(n, 0.31),
        "false_share": np.full(n, 0.12),
        "neighbour": np.full(n, 0.58),
        "embedding": np.full(n, 0.66),
        "null_embedding": np.full(n, 0.51),
        "embedding_high": np.full(n, 0.57),
        "relatives": np.where(np.arange(n) % 2, 0.53, np.nan),
    }
    return own.assign(
        n_firing=np.where(few, 4, 60),
        n_silent=200,
        rule=RULE,
        rule_from="train",
        fuzzing=np.where(few, np.nan, 0.71),
        null_fuzzing=np.where(few, np.nan, 0.5),
        **{name: np.where(few, np.nan, values) for name, values in drawn.items()},
    )


def alikeness_table(features: pd.DataFrame) -> pd.DataFrame:
    """Rows of `alikeness` for every feature that fires; z rises with the number of the feature."""
    own = features.loc[features["max_act"] > 0, ["sae", "feature"]].reset_index(drop=True)
    return own.assign(n_firing=40, score=0.08, by_chance=0.001, z=own["feature"] / 4, null_z=0.1)


def breadth_table(features: pd.DataFrame) -> pd.DataFrame:
    """Rows of `breadth` for every feature that fires."""
    own = features.loc[features["max_act"] > 0, ["sae", "feature"]].reset_index(drop=True)
    return own.assign(
        n_firing=40, n_organisms=3, breadth=1 + own["feature"] / 64, by_chance=2.6, z=-4.5,
        organism="Saccharomyces cerevisiae (strain S288c)", share=0.8, expected=0.4,
    )  # fmt: skip


def fold_table(features: pd.DataFrame) -> pd.DataFrame:
    """Rows of `fold` for every feature that fires."""
    own = features.loc[features["max_act"] > 0, ["sae", "feature"]].reset_index(drop=True)
    return own.assign(n_proteins=5, rmsd=1.2, by_chance=4.6, z=-1 - own["feature"] / 8, null_z=0.2)


def explanation_table(features: pd.DataFrame) -> pd.DataFrame:
    """One row of `explanation`, with signs of HTML in it."""
    told = {"explanation": "<i>zinc</i> finger", "score": 0.8, "null_score": 0.5}
    asked = {"null_text": "explanation of another feature", "n_asked": 10, "model": "words-1"}
    return pd.DataFrame([{"sae": features["sae"].iloc[0], "feature": EXPLAINED, **told, **asked}])
