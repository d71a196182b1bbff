"""ProtSpace: one `.parquetbundle` an SAE, its features as points of the map.

Three Parquet tables with `---PARQUET_DELIMITER---` between them: what is known of a point, which projections there are,
and where each point lies. Identifiers are `f12`, since numbers would be read as numbers. Values that the format would
split (`;`, `|`) are percent-encoded.

Read `bundle_of`.
"""

import io
import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from protsae.store.reader import StoreReader

DELIMITER = b"---PARQUET_DELIMITER---"


def bundle_of(reader: StoreReader, sae: str) -> bytes:
    """The file.

    Args:
        reader: of the bundle.
        sae: name of the SAE.
    """
    points, known = reader.map_points(sae), reader.feature_table(sae)
    identifier = [f"f{feature}" for feature in points["feature"]]
    annotations = pd.DataFrame(
        {
            "identifier": identifier,
            "label": [_plain(label) if label else "no label" for label in points["label"]],
            "label_id": [_plain(label) for label in points["label_id"]],
            "label_grade": points["label_grade"],
            "kind": points["kind"],
            "density": points["density"].round(6),
            "held_out_f1": points["label_f1"].astype(float).round(4),
            "max_activation": known["max_act"].astype(float).round(4),
        }
    )
    placed = points["umap_x"].notna().to_numpy()
    places = pd.DataFrame(
        {
            "projection_name": "UMAP of decoder directions",
            "identifier": identifier,
            "x": points["umap_x"].astype(float),
            "y": points["umap_y"].astype(float),
            "z": 0.0,
        }
    ).loc[placed]
    projections = pd.DataFrame(
        {
            "projection_name": ["UMAP of decoder directions"],
            "dimensions": [2],
            "info_json": [json.dumps({"sae": sae, "n_points": int(placed.sum())})],
        }
    )
    return DELIMITER.join(_parquet(table) for table in (annotations.loc[placed], projections, places))


def _plain(text: str) -> str:
    for reserved in "%;|":
        text = text.replace(reserved, f"%{ord(reserved):02X}")
    return text.replace(DELIMITER.decode(), "")


def _parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), buffer)
    return buffer.getvalue()
