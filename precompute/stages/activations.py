"""The sparse codes of every residue under every SAE, shard by shard, and how well each SAE reconstructs.

Codes come from the saved weights, so they are what the explorer computes live. A shard that an earlier run has encoded
with the same weights is kept; so is one that lies at the location of the shards. Writes `<sae>/shard-00000.npz`,
aligned with the embeddings; see `precompute/corpus/codes.py`.

Read `run`, then `encode_shard`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.sparse import vstack

from precompute.config import RunConfig
from precompute.corpus.codes import CSR, code_item, code_path, is_encoded, read_extra, write_codes
from precompute.corpus.proteins import Shard, read_corpus
from precompute.corpus.trained import TrainedSAE, read_trained
from precompute.features.quality import Quality, measure
from precompute.pipeline.engines import engine_of
from precompute.pipeline.executors import Emit, Job, in_order
from precompute.pipeline.folders import Finished, Folder, bringing, folder_of
from precompute.pipeline.plan import PLAN, follow_plan
from precompute.pipeline.progress import Meter, Report
from protsae.device import pick_device
from protsae.errors import ArtifactError
from protsae.files import read_json, sha256
from protsae.sae.base import SAE
from protsae.shards import open_shard, shard_name

ROWS_AT_A_TIME = 8192
_WEIGHTS = "weights"
"""An SAE's files at the location."""


class Piece(NamedTuple):
    """One shard that one SAE has to encode."""

    sae: str
    shard: Shard
    split: np.ndarray
    """[n] train, valid or test: of the shard's proteins"""


class Places(NamedTuple):
    """Where workers find and leave things; SAEs by their name."""

    embed: Folder
    saes: Mapping[str, TrainedSAE]
    weights: Mapping[str, Folder]
    codes: Mapping[str, Folder]


def run(config: RunConfig, work: Path, report: Report) -> dict[str, int | float | str]:
    """Encode what is not encoded yet.

    Raises:
        ArtifactError: a shard is missing; the sentence names it.
        WorkerDiedError: a process died; the sentence names its shard.
    """
    corpus, saes = read_corpus(work), read_trained(work)
    meter = Meter(report, "activations", len(saes) * corpus.n_residues)
    places = places_of(config, work, saes)
    missing: list[Piece] = []
    finished: list[Piece] = []
    for sae in saes:
        codes = places.codes[sae.name]
        follow_plan(codes.here, plan_of_codes(work, sae))
        is_finished = Finished(codes)
        for shard in corpus.shards:
            is_here = is_encoded(codes.here, shard.number)
            group = finished if is_finished(*code_item(shard.number), is_here=is_here) else missing
            group.append(Piece(sae.name, shard, corpus.split[shard.proteins]))
    meter.skip(sum(piece.shard.n_rows for piece in finished))
    with bringing() as bring:

        def settle(piece: Piece) -> None:
            codes, number = places.codes[piece.sae], piece.shard.number
            if not is_encoded(codes.here, number):
                bring(codes, shard_name(number))

        for piece in finished:
            settle(piece)
        with engine_of(config).session(partial(_encoder, places, config.device), meter.advance, _name) as session:
            for piece, _ in zip(missing, in_order(session, missing), strict=True):
                settle(piece)
    counts = [_n_active(codes.here, shard.number) for codes in places.codes.values() for shard in corpus.shards]
    return {"residues": corpus.n_residues, "saes": len(saes), "active": sum(counts)}


def places_of(config: RunConfig, work: Path, saes: Sequence[TrainedSAE]) -> Places:
    """The folders of the embeddings, of each SAE's weights, which are put where workers see them, and of its codes."""
    weights = {}
    for sae in saes:
        weights[sae.name] = folder_of(config, sae.folder, weights_of(sae), "train")
        finished = Finished(weights[sae.name])
        if weights[sae.name].is_far:
            finished(_WEIGHTS, list(weights_of(sae)), is_here=True)
    return Places(
        folder_of(config, work / "embed", read_json(work / "embed" / PLAN) or {}, "embed"),
        {sae.name: sae for sae in saes},
        weights,
        {sae.name: codes_of(config, work, sae) for sae in saes},
    )


def codes_of(config: RunConfig, work: Path, sae: TrainedSAE) -> Folder:
    """The folder of an SAE's codes."""
    return folder_of(config, work / "activations" / sae.name, plan_of_codes(work, sae), "activations")


def plan_of_codes(work: Path, sae: TrainedSAE) -> dict[str, Any]:
    """What decides an SAE's codes: the embeddings and its weights."""
    return {"embed": read_json(work / "embed" / PLAN), **weights_of(sae)}


def weights_of(sae: TrainedSAE) -> dict[str, str]:
    """SHA-256 of an SAE's files."""
    return {name: sha256(sae.folder / name) for name in ("cfg.json", "sae.safetensors")}


def _encoder(places: Places, device: str) -> Job[Piece, None]:
    """Encodes and writes one shard after the other; keeps the SAE between shards that it encodes."""
    chosen = pick_device(device)
    loaded: dict[str, SAE] = {}

    def encode(piece: Piece, emit: Emit) -> None:
        codes, number = places.codes[piece.sae], piece.shard.number
        if codes.copy is not None and codes.copy.has(shard_name(number)):
            return
        sae = places.saes[piece.sae]
        if piece.sae not in loaded:
            loaded.clear()
            weights = places.weights[piece.sae].fetch(_WEIGHTS)
            loaded[piece.sae] = sae._replace(folder=weights).load().to(chosen)
        x = open_shard(places.embed.fetch(shard_name(number)), number)
        found, quality = encode_shard(loaded[piece.sae], sae, x, np.repeat(piece.split, piece.shard.length), emit)
        write_codes(code_path(codes.local(), number), found, quality=quality.to_array())
        codes.keep(*code_item(number))

    return encode


def _name(piece: Piece) -> str:
    return f"shard {piece.shard.number} under {piece.sae}"


def _n_active(folder: Path, shard: int) -> int:
    indptr = read_extra(code_path(folder, shard), "indptr")
    if indptr is None:
        raise ArtifactError(f"{code_path(folder, shard)} is missing or damaged; run the stage activations again")
    return int(indptr[-1])


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
