"""The stage train on several machines, as torchrun starts it: one process a GPU, the same command in each.

    torchrun --nnodes 2 --nproc-per-node 8 --rdzv-endpoint HOST:29500 -m precompute stage train ...

The first process decides whether there is anything to do, writes and reports, as it would alone; the others take their
share of every batch. All read the work folder under the same path.

Read `train_launched`.
"""

from dataclasses import replace
from pathlib import Path

from precompute.config import RunConfig
from precompute.pipeline.progress import Console, Report
from precompute.pipeline.runner import Runner
from precompute.stages import train
from precompute.stages.order import STAGES
from protsae.device import pick_device
from protsae.errors import ConfigError, InputError
from protsae.parallel.ranks import Ranks
from protsae.parallel.together import Place, joined

STAGE = "train"


def check_launched(place: Place, command: str, stage: str) -> None:
    """Refuse what torchrun must not start several times.

    Args:
        place: of this process.
        command: that it runs.
        stage: where the command is `stage`, else "".

    Raises:
        ConfigError: it is not the stage train.
    """
    if (command, stage) != ("stage", STAGE):
        what = f"{command} {stage}".strip()
        raise ConfigError(
            f"torchrun has started {place.size} processes of `{what}`, and only `stage train` can use them"
        )


def train_launched(place: Place, config: RunConfig, console: Console, *, force: bool) -> None:
    """Run the stage train as one of the processes.

    Raises:
        ConfigError: the settings ask for processes beside those of torchrun.
        InputError: a stage before it is not done.
        PeerLostError: another process died.
    """
    if config.train_processes > 1:
        given = f"--train-processes {config.train_processes}"
        raise ConfigError(f"torchrun has started {place.size} processes; leave {given} out")
    with joined(place, pick_device(config.device)) as ranks:
        if ranks.is_first:
            lead(ranks, config, console, force=force)
        elif (ranks.told(None) or {}).get("needed"):
            train.train_list(config, config.work, ranks, lambda _: None)


def lead(ranks: Ranks, config: RunConfig, console: Console, *, force: bool) -> None:
    """Run the stage train as the first process, which tells the others whether there is anything to do.

    Raises:
        InputError: a stage before it is not done.
    """

    def together(config: RunConfig, work: Path, report: Report) -> train.Numbers:
        return train.train_list(config, work, ranks, report)

    stages = [replace(stage, run=together) if stage.name == STAGE else stage for stage in STAGES]
    runner = Runner(config, console, stages)
    try:
        runner.check_before(STAGE)
    except InputError:
        ranks.told({"needed": False})  # the others end, and this sentence stands alone
        raise
    ranks.told({"needed": force or not runner.is_done(STAGE)})
    runner.run_one(STAGE, force=force)
