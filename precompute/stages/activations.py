"""The sparse codes of every residue under every SAE, shard by shard, and how well each SAE reconstructs.

Codes come from the saved weights, so they are what the explorer computes live. A shard that an earlier run has encoded
with the same weights is kept. Writes `<sae>/shard-00000.npz`, aligned with the embeddings; see
`precompute/corpus/codes.py`.

Read `run`, then `encode_shard`.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import vstack

from precompute.config import RunConfig
from precompute.corpus.codes import CSR, code_path, read_extra, write_codes
from precompute.corpus.proteins import Shard, read_corpus
from precompute.corpus.trained import TrainedSAE, read_trained
from precompute.features.quality import Quality, measure
from precompute.pipeline.plan import follow_plan
from precompute.pipeline.progress import Meter
from protsae.files import read_json, sha256
from protsae.plm.weights import pick_device
from protsae.sae.base import SAE

ROWS_AT_A_TIME = 8192


def run(config: RunConfig, work: Path, report: Callable[[str], None]) -> dict[str, int | float | str]:
    """Encode what is not encoded yet."""
    corpus, saes = read_corpus(work), read_trained(work)
    device = pick_device(config.device)
    meter = Meter(report, "activations", len(saes) * corpus.n_residues)
    embed_plan = read_json(work / "embed" / "plan.json")
    n_active = 0
    for trained in saes:
        folder = work / "activations" / trained.name
        files = {name: sha256(trained.folder / name) for name in ("cfg.json", "sae.safetensors")}
        follow_plan(folder, {"embed": embed_plan, **files})
        sae = trained.load().to(device)
        for shard in corpus.shards:
            path = code_path(folder, shard.number)
            if read_extra(path, "quality") is not None:
                meter.skip(shard.n_rows)
            else:
                split = corpus.split[shard.row_protein]
                codes, quality = encode_shard(sae, trained, embedded(work, shard), split, meter.advance)
                write_codes(path, codes, quality=quality.to_array())
            indptr = read_extra(path, "indptr")
            n_active += 0 if indptr is None else int(indptr[-1])
    return {"residues": corpus.n_residues, "saes": len(saes), "active": n_active}


def embedded(work: Path, shard: Shard) -> np.ndarray:
    """[n_rows, d_model] fp16 residue activations of one shard, memory-mapped."""
    return np.load(work / "embed" / f"shard-{shard.number:05d}.npy", mmap_mode="r")


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
        advance: told how many residues have been done.
    """
    parts: list[CSR] = []
    total = np.zeros(6 + x.shape[1])
    for start in range(0, len(x), ROWS_AT_A_TIME):
        rows = np.asarray(x[start : start + ROWS_AT_A_TIME], dtype=np.float32)
        inside = split[start : start + len(rows)]
        codes: CSR = sae.encode_sparse(torch.from_numpy(rows).to(sae.W_dec.device))
        test = np.flatnonzero(inside == "test")
        x_hat = _decode(sae, codes[test])
        total += measure(rows[test], x_hat, np.diff(codes.indptr), k=trained.k, split=inside).to_array()
        parts.append(codes)
        advance(len(rows))
    return vstack(parts, format="csr"), Quality.from_array(total)


def _decode(sae: SAE, codes: CSR) -> np.ndarray:
    weight, bias = sae.W_dec.detach().cpu().numpy(), sae.b_dec.detach().cpu().numpy()
    return (codes @ weight + bias) / float(sae.scale)
