"""Processes that are joined by torch.distributed: on GPUs by NCCL, one GPU a process; on the CPU by gloo.

They are started side by side on one machine (`precompute/pipeline/together.py`), or on several by torchrun
(`launched`). A process that loses the others says so in a sentence.

Read `ranks.py` first, then `Together` and `joined`.

Source: https://docs.pytorch.org/docs/stable/distributed.html
"""

import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import joblib
import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from protsae.errors import ConfigError, ProtSAEError
from protsae.parallel.ranks import Ranks

TIMEOUT = timedelta(minutes=10)
"""How long a process waits for the others, who may be writing a checkpoint or reading their data."""

BY_ENVIRONMENT = "env://"
"""The processes meet where torchrun has told each."""

_LAUNCHED = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


class PeerLostError(ProtSAEError):
    """Another process of the group died or does not answer."""

    timed_out: bool = False
    """It did not answer in time, rather than closed its connection."""


class Together(Ranks):
    """One of several processes, which torch.distributed has brought together."""

    def __init__(self, rank: int, size: int, local_rank: int, timeout: timedelta) -> None:
        """Made by `joined`.

        Args:
            rank: from 0, over all machines.
            size: processes in all.
            local_rank: from 0, on this machine: the number of its GPU.
            timeout: after which a process that waits gives up.
        """
        self.rank, self.size, self._local_rank, self._timeout = rank, size, local_rank, timeout

    @override
    def on(self, device: torch.device) -> torch.device:
        """GPUs are given out in order."""
        return torch.device(device.type, self._local_rank) if device.type == "cuda" else device

    @override
    def total(self, x: Tensor) -> Tensor:
        """Sum."""
        return self._reduced(x, dist.ReduceOp.SUM)

    @override
    def total_with_gradient(self, x: Tensor) -> Tensor:
        """Sum; backwards the gradients are summed likewise."""
        return _Total.apply(x, self)

    @override
    def largest(self, x: Tensor) -> Tensor:
        """Maximum."""
        return self._reduced(x, dist.ReduceOp.MAX)

    @override
    def gathered(self, x: Float[Tensor, " n"]) -> Float[Tensor, " n_all"]:
        """Padded to the longest on the way."""
        lengths = torch.zeros(self.size, dtype=torch.int64)
        lengths[self.rank] = len(x)
        lengths = self.total(lengths).tolist()
        padded = x.new_zeros(max(lengths))
        padded[: len(x)] = x
        parts = [torch.empty_like(padded) for _ in lengths]
        with self._asking():
            dist.all_gather(parts, padded)
        return torch.cat([part[:length] for part, length in zip(parts, lengths, strict=True)])

    @torch.no_grad()
    @override
    def sum_gradients(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """All in one vector, which also says who has one."""
        there = [p.grad is not None for p in parameters]
        parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        summed = torch.cat([*(part.flatten() for part in parts), parts[0].new_tensor(there)])
        self._reduce(summed, dist.ReduceOp.SUM)
        *grads, n_there = summed.split([*(p.numel() for p in parameters), len(there)])
        for parameter, grad, n in zip(parameters, grads, n_there.tolist(), strict=True):
            parameter.grad = grad.view_as(parameter) if n else None

    @override
    def told(self, content: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """Length, then text."""
        text = json.dumps(content).encode() if self.is_first else b""
        n = self.total(torch.tensor(len(text)))
        sent = torch.zeros(int(n), dtype=torch.uint8)
        sent[: len(text)] = torch.frombuffer(bytearray(text), dtype=torch.uint8) if text else 0
        with self._asking():
            dist.broadcast(sent, src=0)
        return json.loads(bytes(sent.tolist()))

    @override
    def check_same(self, what: str, content: str) -> None:
        """By their hashes."""
        digest = torch.frombuffer(bytearray(hashlib.sha256(content.encode()).digest()), dtype=torch.uint8)
        everyone = self.gathered(digest).view(self.size, -1)
        others = (everyone != everyone[0]).any(dim=1).nonzero().flatten().tolist()
        if others:
            numbers = ", ".join(str(number + 1) for number in others)
            raise ConfigError(
                f"{what} of training process {numbers} of {self.size} are not those of the first; let all of them read "
                "the same files, under the same path"
            )

    @torch.no_grad()
    @override
    def follow_first(self, tensors: Sequence[Tensor]) -> None:
        """One after the other."""
        for tensor in tensors:
            sent = tensor.contiguous()
            with self._asking():
                dist.broadcast(sent, src=0)
            tensor.copy_(sent)

    @override
    def wait(self) -> None:
        """A sum of nothing."""
        self.total(torch.zeros(1))

    def _reduced(self, x: Tensor, how: Any) -> Tensor:
        own = x.detach().clone(memory_format=torch.contiguous_format)
        self._reduce(own, how)
        return own

    def _reduce(self, own: Tensor, how: Any) -> None:
        with self._asking():
            dist.all_reduce(own, how)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        asked = time.monotonic()
        try:
            yield
        except RuntimeError as error:
            patience = self._timeout.total_seconds()
            lost = PeerLostError(
                f"training process {self.rank + 1} of {self.size} has lost the others: one of them died, or did not "
                f"answer for {patience:.0f} s ({_reason(error)}); the same command goes on from "
                "the last checkpoint"
            )
            lost.timed_out = time.monotonic() - asked >= patience
            raise lost from error


def _reason(error: RuntimeError) -> str:
    """What the transport says, without the place in its source and its advice."""
    text = " ".join(str(error).split())
    return re.sub(r"^\[[^\]]*\] ", "", text).split(". ")[0][:160]


class _Total(torch.autograd.Function):
    """A sum over processes, forwards and backwards."""

    @staticmethod
    def forward(ctx: Any, *args: Any) -> Tensor:
        """args: this process's part, the processes."""
        part, ctx.ranks = args
        return ctx.ranks.total(part)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Gradient of the part."""
        return ctx.ranks.total(grads[0]), None


class Place(NamedTuple):
    """Where a process stands among those that start together."""

    rank: int
    size: int
    local_rank: int
    """On its machine."""
    local_size: int


def launched() -> Place | None:
    """What torchrun has told this process; None where it started none, or this one alone.

    Raises:
        ConfigError: a variable of the environment is no number.
    """
    told = [os.environ.get(name) for name in _LAUNCHED]
    if None in told or told[1] == "1":
        return None
    try:
        return Place(*(int(str(text)) for text in (told[0], told[1], told[2], told[3])))
    except ValueError as error:
        given = ", ".join(f"{name}={text}" for name, text in zip(_LAUNCHED, told, strict=True))
        raise ConfigError(f"the environment ({given}) does not number this process; start it by torchrun") from error


def check_room(n: int, device: torch.device) -> None:
    """See that a machine has a GPU or a core for each of n processes.

    Raises:
        ConfigError: it has fewer, or the device is one GPU of several.
    """
    if device.type == "cuda":
        what, there = "GPUs", torch.cuda.device_count()
        if device.index is not None and n > 1:
            raise ConfigError(f"device {str(device)!r} is one GPU, and {n} training processes need one each; give cuda")
    else:
        what, there = "cores", joblib.cpu_count()
    if n > there:
        raise ConfigError(f"{n} training processes are more than the {there} {what} of this machine; start fewer")


@contextmanager
def joined(
    place: Place, device: torch.device, *, meeting: str = BY_ENVIRONMENT, timeout: timedelta = TIMEOUT
) -> Iterator[Ranks]:
    """Join those that start together, until the block ends.

    Args:
        place: of the caller's process.
        device: cpu or cuda; which GPU follows from the place.
        meeting: address at which the processes find each other, file://PATH or where torchrun says.
        timeout: after which a process that waits gives up.

    Raises:
        ConfigError: this machine has not enough GPUs or cores.
        PeerLostError: the others do not come.
    """
    check_room(place.local_size, device)
    ranks = Together(place.rank, place.size, place.local_rank, timeout)
    backend = "gloo" if device.type == "cpu" else "cpu:gloo,cuda:nccl"
    if device.type == "cuda":
        torch.cuda.set_device(ranks.on(device))
    with ranks._asking():  # noqa: SLF001 - of this module
        dist.init_process_group(backend, rank=place.rank, world_size=place.size, init_method=meeting, timeout=timeout)
    try:
        yield ranks
    finally:
        dist.destroy_process_group()
