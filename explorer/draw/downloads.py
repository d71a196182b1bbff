"""Files of a view that a reader can take away: tables, JSON, coloured structure, FASTA."""

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float


def table_csv(head: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """CSV text; a cell that a spreadsheet would run as a formula is quoted."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(
        [f"'{c}" if isinstance(c, str) and c.startswith(tuple("=+-@")) else c for c in line] for line in lines
    )
    return buffer.getvalue()


def json_text(content: Mapping[str, Any]) -> str:
    """JSON text of rows, arrays and plain values; rows become objects, what is no finite number becomes null."""
    return json.dumps(_plain(content), indent=1, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(held) for key, held in value.items()}
    if isinstance(value, tuple) and (fields := getattr(value, "_fields", None)):
        return {name: _plain(held) for name, held in zip(fields, value, strict=True)}
    return [_plain(held) for held in value] if isinstance(value, list | tuple) else value


def residues_csv(sequence: str, columns: Sequence[tuple[str, Float[np.ndarray, " n_residues"]]]) -> str:
    """One line a residue (1-based), one column a feature."""
    lines = ((i + 1, letter, *(f"{values[i]:.6g}" for _, values in columns)) for i, letter in enumerate(sequence))
    return table_csv(["position", "residue", *(name for name, _ in columns)], lines)


def coloured_pdb(
    pdb: str, positions: Sequence[int], values: Float[np.ndarray, " n_residues"], scale: float, remark: str
) -> str:
    """The structure with activation in the B-factor column: 100 = full colour, 0 = silent; other chains keep theirs.

    Args:
        pdb: chain A counts its residues 1, 2, 3, ...
        positions: place in the sequence of each, 1-based, 0 = none.
        values: activation per residue of the sequence.
        scale: activation of full colour.
        remark: what the numbers are, for REMARK records.
    """
    out = [f"REMARK   1 {line}"[:80] for line in _wrapped(remark, 68)]
    for line in pdb.splitlines():
        if line.startswith(("ATOM", "HETATM")) and line[21] == "A":
            index = int(line[22:26]) - 1
            position = positions[index] if 0 <= index < len(positions) else 0
            share = 100 * min(1.0, float(values[position - 1]) / scale) if position > 0 and scale > 0 else 0.0
            out.append(f"{line[:60].ljust(60)}{share:6.2f}{line[66:]}")
        else:
            out.append(line)
    return "\n".join(out) + "\n"


def fasta(name: str, sequence: str) -> str:
    """One FASTA record in lines of 60."""
    lines = "\n".join(sequence[i : i + 60] for i in range(0, len(sequence), 60))
    return f">{' '.join(name.split())}\n{lines}\n"


def stem(name: str) -> str:
    """A file's name without the endings of structure files: 'mine.pdb.gz' is mine."""
    return re.sub(r"(\.(pdb|ent|cif|mmcif|gz))+$", "", name, flags=re.IGNORECASE)


def file_name(*parts: object) -> str:
    """A safe file name from these parts."""
    return "_".join(re.sub(r"[^\w.-]+", "-", str(part)).strip("-") for part in parts if str(part))


def _wrapped(text: str, width: int) -> list[str]:
    lines, current = [], ""
    for word in text.encode("ascii", "replace").decode().split():
        if current and len(current) + 1 + len(word) > width:
            lines.append(current)
            current = word
        else:
            current = f"{current} {word}".strip()
    return [*lines, current] if current else lines
