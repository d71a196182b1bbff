"""The sparse codes of every residue under every SAE, shard by shard, and how well each SAE reconstructs.

Codes come from the saved weights, so they are what the explorer computes live. A shard that an earlier run has encoded
with the same weights is kept. Writes `<sae>/shard-00000.npz`, aligned with the embeddings; see
`precompute/corpus/codes.py`.

Read `run`, then `encode_shard`.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from scipy.sparse import vstack

from precompute.config import RunConfig
from precompute.corpus.codes import CSR, code_path, read_extra, write_codes
from precompute.corpus.proteins import read_corpus
from precompute.corpus.trained import TrainedSAE, read_trained
from precompute.features.quality import Quality, measure
from precompute.pipeline.engines import engine_of
from precompute.pipeline.executors import Emit, Job, in_order
from precompute.pipeline.plan import follow_plan
from precompute.pipeline.progress import Meter, Report
from protsae.device import pick_device
from protsae.files import read_json, sha256
from protsae.sae.base import SAE
from protsae.shards import open_shard

ROWS_AT_A_TIME = 8192


class Piece(NamedTuple):
    """One shard that one SAE has to encode."""

    sae: TrainedSAE
    shard: int
    split: np.ndarray
    """[n_rows] train, valid or test"""


def run(config: RunConfig, work: Path, report: Report) -> dict[str, int | float | str]:
    """Encode what is not encoded yet.

    Raises:
        WorkerDiedError: a process died; the sentence names its shard.
    """
    corpus, saes = read_corpus(work), read_trained(work)
    meter = Meter(report, "activations", len(saes) * corpus.n_residues)
    embed_plan = read_json(work / "embed" / "plan.json")
    missing = []
    for trained in saes:
        folder = work / "activations" / trained.name
        files = {name: sha256(trained.folder / name) for name in ("cfg.json", "sae.safetensors")}
        follow_plan(folder, {"embed": embed_plan, **files})
        for shard in corpus.shards:
            if read_extra(code_path(folder, shard.number), "quality") is not None:
                meter.skip(shard.n_rows)
            else:
                missing.append(Piece(trained, shard.number, corpus.split[shard.row_protein]))
    make = partial(_encoder, work, config.device)
    with engine_of(config).session(make, meter.advance, _name) as session:
        for _ in in_order(session, missing):
            pass
    paths = [
        code_path(work / "activations" / trained.name, shard.number) for trained in saes for shard in corpus.shards
    ]
    n_active = sum(int(indptr[-1]) for path in paths if (indptr := read_extra(path, "indptr")) is not None)
    return {"residues": corpus.n_residues, "saes": len(saes), "active": n_active}


def _encoder(work: Path, device: str) -> Job[Piece, None]:
    """Encodes and writes one shard after the other; keeps the SAE between shards that it encodes."""
    chosen = pick_device(device)
    loaded: dict[str, SAE] = {}

    def encode(piece: Piece, emit: Emit) -> None:
        if piece.sae.name not in loaded:
            loaded.clear()
            loaded[piece.sae.name] = piece.sae.load().to(chosen)
        x = open_shard(work / "embed", piece.shard)
        codes, quality = encode_shard(loaded[piece.sae.name], piece.sae, x, piece.split, emit)
        path = code_path(work / "activations" / piece.sae.name, piece.shard)
        write_codes(path, codes, quality=quality.to_array())

    return encode


def _name(piece: Piece) -> str:
    return f"shard {piece.shard} under {piece.sae.name}"


@torch.no_grad()
def encode_shard(
    sae: SAE, trained: TrainedSAE, x: np.ndarray, split: np.ndarray, advance: Callable[[int], None]
) -> tuple[CSR, Quality]:
    """Codes [n_rows, d_sae] of one shard, and its share of the SAE's quality.

    Args:
        sae: the model, on the device that computes.
        trained: what it is.
        x: [n_rows, d_model] residue activations of the PLM.
        split: [n_rows] train, valid or test.
        advance: takes the number of residues just done.
    """
    parts: list[CSR] = []
    total = np.zeros(6 + x.shape[1])
    for start in range(0, len(x), ROWS_AT_A_TIME):
        rows = np.asarray(x[start : start + ROWS_AT_A_TIME], dtype=np.float32)
        inside = split[start : start + len(rows)]
        x_rows = torch.from_numpy(rows).to(sae.W_dec.device)
        codes: CSR = sae.encode_sparse(x_rows)
        test = np.flatnonzero(inside == "test")
        x_hat = sae.decode_sparse(codes[test], x_rows[torch.from_numpy(test).to(x_rows.device)])
        total += measure(rows[test], x_hat, np.diff(codes.indptr), k=trained.k, split=inside).to_array()
        parts.append(codes)
        advance(len(rows))
    return vstack(parts, format="csr"), Quality.from_array(total)
