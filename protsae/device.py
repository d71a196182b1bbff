"""Where tensors are computed: the one choice that language model, SAEs and training share. Read `pick_device`."""

from functools import cache

import torch

from protsae.errors import ConfigError


def pick_device(device: str | torch.device) -> torch.device:
    """The device of that name; `auto` is CUDA where there is one, else the CPU.

    Raises:
        ConfigError: there is no such device.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise ConfigError(f"device must be auto, cpu or cuda, got {device!r}.") from error
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"This machine has no CUDA device, so {str(device)!r} cannot be used: choose cpu or auto.")
    return chosen


@cache
def multiplies_halves() -> bool:
    """Whether this CPU has instructions that multiply bfloat16 matrices, several times as fast as single precision."""
    known = getattr(torch.cpu, "get_capabilities", dict)()  # torch has it from 2.10 on
    return any(known.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
