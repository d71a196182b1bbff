"""An SAE of another program, brought into a run: in our form, beside those that were trained, and measured.

Read `bring_in`.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from precompute.imported import ImportSpec
from precompute.pipeline.plan import follow_plan
from protsae.errors import ConfigError
from protsae.files import read_json, write_json
from protsae.measures.reconstruction import ErrorSums
from protsae.sae.imported import ImportedSAE
from protsae.shards import ShardReader

MEASURED = 20_000
"""Residues of validation proteins that give a typical norm, L0 and the explained variance of the summary."""

_PIECE = 1024


def bring_in(spec: ImportSpec, folder: Path, reader: ShardReader, valid: np.ndarray, *, seed: int) -> dict[str, Any]:
    """Write the SAE and `result.json`, or give the result that an earlier run has left.

    Args:
        spec: the SAE.
        folder: where it goes.
        reader: of the activations.
        valid: validation proteins.
        seed: of the residues that are measured.

    Raises:
        ConfigError: it reads states of another width.
    """
    identity = {"name": spec.name, "display_name": spec.display_name, "role": "imported", "namespace": ""}
    plan = {"content": spec.content(), "told": list(spec.told), "format": spec.format, "seed": seed}
    follow_plan(folder, {"embed": read_json(reader.folder / "plan.json"), **plan})
    done = read_json(folder / "result.json")
    if done is not None:
        return done | identity
    foreign = spec.read()
    if foreign.sae.d_model != reader.d_model:
        raise ConfigError(
            f"{spec.name} reads states of width {foreign.sae.d_model}, but the language model writes {reader.d_model}; "
            "give the run the language model that it was trained on"
        )
    sae, numbers = measured(foreign.sae, _residues(reader, valid, seed))
    sae.save(folder)
    result = identity | {
        "architecture": sae.architecture,
        "concepts": [],
        "d_sae": sae.d_sae,
        "k": sae.cfg.k,
        "l0": numbers["l0"],
        "source": sae.cfg.source,
        "stated": foreign.stated._asdict(),
        "content_sha256": plan["content"],
        "validation": numbers,
    }
    write_json(folder / "result.json", result)
    return result


@torch.no_grad()
def measured(sae: ImportedSAE, x: np.ndarray) -> tuple[ImportedSAE, dict[str, float]]:
    """The same SAE with its typical norm and mean L0, and its numbers.

    Args:
        sae: as it was read.
        x: [n, d_model] residues of the PLM.
    """
    rows = torch.from_numpy(np.asarray(x, dtype=np.float32))
    sae.fit_typical(rows)
    errors, n_active, fired = ErrorSums.zeros(sae.d_model), 0, torch.zeros(sae.d_sae, dtype=torch.bool)
    for piece in rows.split(_PIECE):
        found = sae(piece)
        errors = errors.plus(ErrorSums.of(piece.numpy(), found.x_hat.numpy()))
        n_active += int((found.acts > 0).sum())
        fired |= (found.acts > 0).any(dim=0)
    l0 = n_active / len(rows)
    if sae.cfg.activation != "topk":
        counted = ImportedSAE(replace(sae.cfg, k=max(1, min(sae.d_sae, round(l0)))))
        counted.load_state_dict(sae.state_dict())
        sae = counted
    alive = float(fired.float().mean())
    return sae, {"explained_variance": errors.explained_variance, "l0": l0, "share_alive": alive}


def _residues(reader: ShardReader, proteins: np.ndarray, seed: int) -> np.ndarray:
    """[n, d_model] all residues of random proteins, until there are enough."""
    taken, n = [], 0
    for protein in np.random.default_rng(seed).permutation(proteins).tolist():
        taken.append(reader.protein(protein))
        n += len(taken[-1])
        if n >= MEASURED:
            break
    return np.concatenate(taken)[:MEASURED]
