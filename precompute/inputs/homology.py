"""Homology clusters, and the split of proteins that follows them.

Two proteins of one family must never stand on both sides of a split: a feature that merely recognises the family
would look as if it had learnt the function. So the split is drawn per cluster, by a hash of the cluster's name: it
needs no state, and adding proteins later moves none of those that are already placed.

Read `split_of` first.
"""

import hashlib
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from precompute.inputs.fasta import accession_of
from precompute.inputs.tsv import rows
from precompute.mmseqs import find_mmseqs
from protsae.errors import InputError
from protsae.text_files import open_text

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

    A protein stands in one line and a representative in many, so the columns show which way round they stand: this
    project writes accession, representative; MMseqs2 and DIAMOND write representative, accession.

    Raises:
        InputError: the file cannot be read, a line does not hold two columns, or a protein is in two clusters.
    """
    pairs: dict[tuple[str, str], int] = {}
    with open_text(path) as handle:
        for number, cells in rows(handle):
            if len(cells) != 2:
                raise InputError(
                    f"{path} line {number} has {len(cells)} columns, not 2 (accession, cluster): {cells!r}"
                )
            left, right = (accession_of(cell.strip()) for cell in cells)
            pairs.setdefault((left, right), number)
    if not pairs:
        raise InputError(f"{path} holds no cluster; give a two-column TSV (accession, cluster)")
    clusters, backward = dict(pairs.keys()), {right: left for left, right in pairs}
    if len(clusters) == len(pairs):
        return clusters
    if len(backward) == len(pairs):
        return backward
    number, left = next((number, left) for (left, right), number in pairs.items() if clusters[left] != right)
    raise InputError(f"{path} line {number} puts {left!r} into a cluster, and a later line into another; keep one")


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
    mmseqs = find_mmseqs()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        fasta = work / "sequences.fasta"
        fasta.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in sequences.items()), encoding="utf-8")
        command = [mmseqs, "easy-cluster", str(fasta), str(work / "out"), str(work / "tmp")]
        command += ["--min-seq-id", str(min_identity), "-c", str(coverage), "--cov-mode", "0", "-v", "1"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise InputError(
                f"MMseqs2 failed with exit code {done.returncode}: {(done.stdout + done.stderr).strip()[-300:]}"
            )
        with open_text(work / "out_cluster.tsv") as handle:
            return {member: representative for _, (representative, member) in rows(handle)}
