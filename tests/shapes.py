"""How the shapes that model code declares are checked while tests run; `conftest.py` installs it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from beartype import beartype

ROOT = Path(__file__).parents[1]
PACKAGES = ("measures", "plm", "sae", "steering", "training")

MODEL_CODE = [
    *(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for package in PACKAGES
        for path in sorted((ROOT / "protsae" / package).rglob("*.py"))
        if path.name != "__init__.py" and not path.name.startswith("kernels")  # numba compiles these
    ),
    "protsae.shards",
]
"""Every module whose calls are checked."""


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Check the arrays among a function's arguments and results; plain types are pyright's business."""
    hints = getattr(function, "__annotations__", {})
    function.__annotations__ = {name: hint if "jaxtyping." in repr(hint) else Any for name, hint in hints.items()}
    return beartype(function)
