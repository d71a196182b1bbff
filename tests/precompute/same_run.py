"""Whether two runs came to the same embeddings, codes and statistics."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from precompute.corpus.codes import read_codes
from protsae.bundle.layout import MANIFEST, STORE
from protsae.files import read_object
from protsae.shards import ShardReader

FAR: tuple[str, ...] = ("embed", "activations", "statistics")
"""Stages that are computed shard by shard, in this order."""


def assert_same_bundle(bundle: Path, expected: Path) -> None:
    """Compare two bundles exactly: their names, and every row of their stores."""
    manifests = [read_object(folder / MANIFEST) for folder in (expected, bundle)]
    assert manifests[1]["bundle_id"] == manifests[0]["bundle_id"]
    assert manifests[1]["config"] == manifests[0]["config"]
    with duckdb.connect() as both:
        for name, folder in (("one", expected), ("two", bundle)):
            both.execute(f"ATTACH '{folder / STORE}' AS {name} (READ_ONLY)")
        tables = both.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'one'").fetchall()
        assert tables
        for (table,) in tables:
            one, two = f"FROM one.{table}", f"FROM two.{table}"
            odd = both.execute(f"({one} EXCEPT ALL {two}) UNION ALL ({two} EXCEPT ALL {one})").fetchall()
            assert not odd, (table, odd[:2])


def assert_same(bundle: Path, expected: Path, *, rtol: float = 0, atol: float = 0) -> None:
    """Compare the work folders of two bundles; exactly, unless a tolerance is given."""
    one, two = (folder.with_name(folder.name + ".work") for folder in (expected, bundle))
    embedded, found = ShardReader(one / "embed"), ShardReader(two / "embed")
    assert found.accessions == embedded.accessions
    for shard in range(embedded.n_shards):
        np.testing.assert_allclose(found.shard(shard), embedded.shard(shard), rtol=rtol, atol=max(atol, rtol))
    coded = sorted(path.relative_to(one) for path in (one / "activations").glob("*/*.npz"))
    assert coded == sorted(path.relative_to(two) for path in (two / "activations").glob("*/*.npz"))
    for path in coded:
        before, after = read_codes(one / path).toarray(), read_codes(two / path).toarray()
        np.testing.assert_allclose(after, before, rtol=rtol, atol=atol)
    for name in ("feature_stats", "sae"):
        tables = [pd.read_parquet(folder / "statistics" / f"{name}.parquet") for folder in (one, two)]
        pd.testing.assert_frame_equal(tables[1], tables[0], rtol=rtol, atol=atol, check_exact=not (rtol or atol))
    for path in (one / "statistics").glob("*.npz"):
        with np.load(path) as before, np.load(two / "statistics" / path.name) as after:
            for key in before.files:
                np.testing.assert_allclose(after[key], before[key], rtol=rtol, atol=atol)
