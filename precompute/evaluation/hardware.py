"""On what an evaluation ran: processor, cores, memory, GPU, torch. Never a host's name.

Read `describe`.
"""

import platform
from pathlib import Path

import psutil
import torch

from precompute.pipeline.executors import n_cores

_CPU_INFO = Path("/proc/cpuinfo")


def describe(device: str) -> str:
    """One line."""
    parts = [
        f"{_cpu()}, {n_cores()} cores",
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB memory",
    ]
    if device.startswith("cuda") and torch.cuda.is_available():
        parts.append(torch.cuda.get_device_name())
    return ", ".join([*parts, f"torch {torch.__version__}", f"Python {platform.python_version()}"])


def _cpu() -> str:
    if _CPU_INFO.is_file():
        for line in _CPU_INFO.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
