"""Made-up sibling confusion for `tiny_bundle.py`: every second sibling's proteins are called, the others are not."""

import pandas as pd
from tiny_proteins import TERMS


def confusion_table(alignments: pd.DataFrame) -> pd.DataFrame:
    """A row for every feature that stands for a term and each of the term's siblings."""
    rows = []
    for row in alignments.to_dict("records"):
        parents = set(TERMS[row["go_id"]][2])
        near = sorted(go_id for go_id, term in TERMS.items() if parents & set(term[2]) and go_id != row["go_id"])
        for place, sibling in enumerate(near):
            is_called = place % 2 == 0
            rows.append(
                {
                    "sae": row["sae"],
                    "feature": row["feature"],
                    "go_id": row["go_id"],
                    "sibling": sibling,
                    "n_sibling": 8,
                    "n_called": 6 if is_called else 1,
                    "n_other": 20,
                    "n_other_called": 3,
                    "p_value": 0.002 if is_called else 0.8,
                    "q_value": 0.01 if is_called else 0.9,
                }
            )
    return pd.DataFrame(rows)
