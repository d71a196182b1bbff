"""What a resumable stage set out to do, so that unfinished work is taken up only where it still fits.

A stage writes its plan before its first result. When it finds another plan, or none beside results, it starts clean.

Read `follow_plan`.
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from protsae.files import read_json, write_json

PLAN = "plan.json"


def follow_plan(folder: Path, plan: dict[str, Any]) -> bool:
    """Make `folder` ready for a plan; True where results of the same plan may lie there already.

    Args:
        folder: made if it does not exist, emptied where its plan differs.
        plan: everything that decides the results, as JSON.
    """
    plan = json.loads(json.dumps(plan))
    if folder.is_dir() and read_json(folder / PLAN) == plan:
        return True
    if folder.is_dir():
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / PLAN, plan)
    return False


def text_hash(*texts: str) -> str:
    """SHA-256 of texts, another than that of their concatenation."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(f"{len(text)}:{text}".encode())
    return digest.hexdigest()


def array_hash(array: np.ndarray) -> str:
    """SHA-256 of an array's type, shape and content."""
    array = np.ascontiguousarray(array)
    digest = hashlib.sha256(f"{array.dtype}{array.shape}".encode())
    digest.update(array.tobytes())
    return digest.hexdigest()
