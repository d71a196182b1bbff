"""Homology clusters, and the split of proteins that follows them.

Two proteins of one family must never stand on both sides of a split: a feature that merely recognises the family
would look as if it had learnt the function. So the split is drawn per cluster, by a hash of the cluster's name: it
needs no state, and adding proteins later moves none of those that are already placed.

Read `split_of` first.
"""

import csv
import gzip
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from protsae.errors import InputError

Split = Literal["train", "valid", "test"]


def split_of(cluster: str, *, seed: int = 0, valid: float = 0.15, test: float = 0.15) -> Split:
    """Split of a homology cluster; `valid` and `test` are the expected shares of clusters."""
    digest = hashlib.sha256(f"{seed}:{cluster}".encode()).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    if position < test:
        return "test"
    return "valid" if position < test + valid else "train"


def read_clusters(path: Path) -> dict[str, str]:
    """Accession -> cluster representative, from a two-column table (optionally gzipped).

    Raises:
        InputError: the file is missing or a line does not hold two columns.
    """
    if not path.is_file():
        msg = f"cluster file {path} does not exist; give a two-column TSV (accession, cluster) or install MMseqs2"
        raise InputError(msg)
    opener = gzip.open if path.suffix == ".gz" else open
    clusters: dict[str, str] = {}
    with opener(path, "rt", encoding="utf-8") as handle:
        for number, row in enumerate(csv.reader(handle, delimiter="\t"), start=1):
            if len(row) != 2:
                msg = f"{path} line {number} has {len(row)} columns, not 2 (accession, cluster): {row!r}"
                raise InputError(msg)
            clusters[row[0]] = row[1]
    return clusters


def cluster_with_mmseqs(
    sequences: Mapping[str, str], *, min_identity: float = 0.3, coverage: float = 0.5
) -> dict[str, str]:
    """Accession -> cluster representative, by MMseqs2 `easy-cluster`.

    Args:
        sequences: accession -> sequence.
        min_identity: least sequence identity within a cluster, 0 to 1.
        coverage: least aligned share of both sequences, 0 to 1.

    Raises:
        InputError: MMseqs2 is not installed, or it failed.
    """
    mmseqs = shutil.which("mmseqs")
    if mmseqs is None:
        msg = "no cluster file was given and MMseqs2 is not installed; give --clusters FILE or install `mmseqs`"
        raise InputError(msg)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        fasta = work / "sequences.fasta"
        fasta.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in sequences.items()), encoding="utf-8")
        command = [mmseqs, "easy-cluster", str(fasta), str(work / "out"), str(work / "tmp")]
        command += ["--min-seq-id", str(min_identity), "-c", str(coverage), "--cov-mode", "0", "-v", "1"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            msg = f"MMseqs2 failed with exit code {done.returncode}: {(done.stdout + done.stderr).strip()[-300:]}"
            raise InputError(msg)
        with (work / "out_cluster.tsv").open(encoding="utf-8") as handle:
            return {member: representative for representative, member in csv.reader(handle, delimiter="\t")}
