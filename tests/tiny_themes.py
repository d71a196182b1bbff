"""Drawn themes for `tiny_bundle.py`: three and six of every SAE; feature i is of theme i modulo the number."""

import numpy as np
import pandas as pd

NUMBERS = (3, 6)
WORDS = {3: ["GO:0000004", "GO:0000006", "Binding site: Zinc"], 6: ["GO:0000004"]}
"""First words of every theme; the theme's number is behind each name."""
UNCOUPLED = 2
"""A theme whose words do not go together."""


def theme_tables(features: pd.DataFrame, proteins: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Protein i is all of theme i modulo the number, but for a fifth of the next; one protein in ten has none."""
    tables: dict[str, list[dict[str, object]]] = {
        name: [] for name in ("theme", "theme_word", "feature_theme", "protein_theme", "organism_theme", "theme_fit")
    }
    for sae in features["sae"].unique():
        firing = features.loc[(features["sae"] == sae) & (features["max_act"] > 0), "feature"].to_numpy()
        for number in NUMBERS:
            about = {"sae": sae, "number": number}
            _fit(tables, about, number)
            for theme in range(number):
                _theme(tables, {**about, "theme": theme}, firing[firing % number == theme], theme)
                for organism, share in (("Made-up organism", 0.2), ("", 0.1)):
                    facts = {"organism": organism, "n_proteins": 20, "share": share}
                    tables["organism_theme"].append({**about, "theme": theme, **facts})
            for place, accession in enumerate(proteins["accession"]):
                for step, share in ((0, 0.8), (1, 0.2)) if place % 10 else ():
                    mixed = {"accession": accession, "theme": (place + step) % number, "share": share}
                    tables["protein_theme"].append({**about, **mixed})
    return {name: pd.DataFrame(rows) for name, rows in tables.items()}


def _fit(tables: dict[str, list[dict[str, object]]], about: dict[str, object], number: int) -> None:
    judged = {"gain": float(np.log(2)), "null_gain": float(np.log(0.5)), "coherence": 0.3, "null_coherence": -0.4}
    said = {"n_words": 1234, "n_documents": 5678, "emissions": "e" * 64}
    tables["theme_fit"].append({**about, **judged, **said, "number": number})


def _theme(
    tables: dict[str, list[dict[str, object]]], about: dict[str, object], members: np.ndarray, theme: int
) -> None:
    judged = {
        "coherence": -0.5 if theme == UNCOUPLED else 0.4,
        "null_coherence": -0.4,
        "null_coherence_high": -0.1,
    }
    n = {"n_features": len(members), "n_proteins": 10 + theme}
    number = int(str(about["number"]))
    tables["theme"].append({**about, "mass": 1 / number, **n, **judged})
    for rank, word in enumerate(WORDS[number], start=1):
        said = {"word": word, "name": f"{word.removeprefix('GO:')} {theme}", "share": 0.1 / rank, "lift": 4.0}
        tables["theme_word"].append({**about, "rank": rank, **said, "n_proteins": 100 + rank})
    for feature in members.tolist():
        tables["feature_theme"].append({**about, "feature": feature, "mass": 1 / len(members)})
