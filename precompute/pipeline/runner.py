"""Runs the stages in order, skips what is done, and starts again only where something has changed.

Each stage leaves a folder in the work folder and, as its very last act, `done.json` there: the fingerprint of all that
went in (settings it depends on, the input files' contents, the fingerprints of the stages before it), what it took and
what it counts. A stage whose `done.json` carries the present fingerprint is skipped. The long stages (embed, train,
activations) go on where they were killed; the others start again in a clean folder. Which stages there are stands in
`precompute/stages/order.py`.

Read `Runner.run_stage`.
"""

import hashlib
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from precompute.checking import check_inputs
from precompute.config import RunConfig, settings_of
from precompute.inputs.structure_files import table_of
from precompute.pipeline.progress import Console, PeakMemory, StageRecord
from protsae.bundle.layout import PLM
from protsae.errors import ConfigError, InputError
from protsae.files import json_sha256, locked, read_json, sha256, write_json
from protsae.plm.registry import is_bundle, weights_file

FORMAT = 2
"""Raised when the files of all stages change their meaning, so that old work folders are not taken up."""

RUN_NAME = "run.json"
"""In the work folder: every setting of the last run, paths in full."""


Run = Callable[[RunConfig, Path, Callable[[str], None]], Mapping[str, int | float | str]]
"""(settings, work folder, where to report progress) -> numbers of the summary"""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What a stage does and what it depends on."""

    name: str

    run: Run
    """Does the work, and gives what the summary shows of it."""

    settings: tuple[str, ...] = ()
    """Fields of `RunConfig` that change its result."""

    inputs: tuple[str, ...] = ()
    """Fields of `RunConfig` that name files it reads."""

    after: tuple[str, ...] = ()
    """Stages whose results it reads."""

    resumes: bool = False
    """It keeps its unfinished folder and goes on in it."""

    version: int = 1
    """Raised when its files change their meaning, so that what an older program left is not taken up."""

    foretells: Callable[[RunConfig, Path], Iterable[str]] | None = None
    """Sentences on what is to come, told once it is done; it may refuse what cannot work."""


class Runner:
    """One run: a configuration, its work folder, and the stages."""

    def __init__(self, config: RunConfig, console: Console, stages: Sequence[Stage]) -> None:
        """Check the inputs and make the work folder.

        Args:
            config: the run's settings.
            console: where progress and summary go.
            stages: all of them, in order; each depends on earlier ones only.

        Raises:
            InputError: an input is missing.
        """
        check_inputs(config)
        self.stages = tuple(stages)
        self.config, self.work, self._console = config, config.work, console
        self.work.mkdir(parents=True, exist_ok=True)
        self._fingerprints: dict[str, str] = {}
        self._input_hashes: dict[str, str] = {}

    def stage(self, name: str) -> Stage:
        """The stage called `name`.

        Raises:
            ConfigError: there is none.
        """
        for stage in self.stages:
            if stage.name == name:
                return stage
        names = ", ".join(stage.name for stage in self.stages)
        raise ConfigError(f"there is no stage {name!r}; the stages are {names}")

    def is_done(self, name: str) -> bool:
        """Whether the stage `name` is done with these settings."""
        return self._done(self.stage(name)) is not None

    def run(self) -> list[StageRecord]:
        """Run every stage in order and print the summary."""
        with locked(self.work):
            write_json(self.work / RUN_NAME, run_settings(self.config))
            records = [self._run_and_tell(stage) for stage in self.stages]
        self._console.summary(records)
        return records

    def _run_and_tell(self, stage: Stage) -> StageRecord:
        record = self.run_stage(stage)
        for sentence in stage.foretells(self.config, self.work) if stage.foretells else ():
            self._console.say(f"  {sentence}")
        return record

    def run_one(self, name: str, *, force: bool = False, remember: bool = True) -> StageRecord:
        """Run the one stage `name`; the stages before it must be done with the same settings.

        Args:
            name: of the stage.
            force: run it again even where it is done.
            remember: keep the settings as those of the last run, which what reads the work folder later goes by.

        Raises:
            InputError: a stage before it is not done.
        """
        self.check_before(name)
        with locked(self.work):
            if remember:
                write_json(self.work / RUN_NAME, run_settings(self.config))
            record = self.run_stage(self.stage(name), force=force)
        self._console.summary([record])
        return record

    def check_before(self, name: str) -> None:
        """See that the stages before `name` are done with the same settings.

        Raises:
            InputError: one is not.
        """
        for earlier in self.stage(name).after:
            if not self.is_done(earlier):
                raise InputError(
                    f"stage {name} needs stage {earlier}, which is not done for these settings; run it first"
                )

    def run_stage(self, stage: Stage, *, force: bool = False) -> StageRecord:
        """Run `stage` unless it is done; its `done.json` is written last."""
        record = None if force else self._done(stage)
        if record is not None:
            self._console.say(f"{stage.name}: already done")
            return record
        folder = self.work / stage.name
        if folder.exists() and (force or not stage.resumes):
            shutil.rmtree(folder)
        folder.mkdir(exist_ok=True)
        (folder / "done.json").unlink(missing_ok=True)
        start = time.monotonic()
        with self._console.stage(stage.name) as report, PeakMemory() as memory:
            numbers = dict(stage.run(self.config, self.work, report))
        wall_s = round(time.monotonic() - start, 2)
        record = StageRecord(stage.name, wall_s, round(memory.peak_mb, 1), numbers, was_done=False)
        write_json(folder / "done.json", {"fingerprint": self.fingerprint(stage), **record._asdict()})
        return record

    def fingerprint(self, stage: Stage) -> str:
        """Hash of everything that decides the stage's result."""
        if stage.name not in self._fingerprints:
            settings = settings_of(self.config)
            content = {
                "format": FORMAT,
                "stage": stage.name,
                **({"version": stage.version} if stage.version > 1 else {}),
                "settings": {name: _plain(settings[name]) for name in stage.settings if name in settings},
                "inputs": {name: self._hash_input(name) for name in stage.inputs if getattr(self.config, name) != ()},
                "after": {name: self.fingerprint(self.stage(name)) for name in stage.after},
            }
            self._fingerprints[stage.name] = json_sha256(content)
        return self._fingerprints[stage.name]

    def _done(self, stage: Stage) -> StageRecord | None:
        saved = read_json(self.work / stage.name / "done.json")
        if saved is None or saved.get("fingerprint") != self.fingerprint(stage):
            return None
        if stage.name == "publish" and not (self.config.out / "manifest.json").is_file():
            return None
        return StageRecord(stage.name, saved["wall_s"], saved["peak_rss_mb"], saved["numbers"], was_done=True)

    def _hash_input(self, name: str) -> str:
        if name not in self._input_hashes:
            value = getattr(self.config, name)
            if name == "sae":
                self._input_hashes[name] = json_sha256([spec.content() for spec in value])
                return self._input_hashes[name]
            path = None if value is None else Path(value)
            if path is not None and is_bundle(path):
                path = weights_file(path) or path / PLM
            if path is None or not path.exists():
                self._input_hashes[name] = str(value)
            elif path.is_file():
                self._input_hashes[name] = sha256(path)
            else:
                self._input_hashes[name] = _folder_hash(path)
        return self._input_hashes[name]


def _folder_hash(folder: Path) -> str:
    """Names and contents of a folder's files, and of the table of structures that belongs to it."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    table = table_of(folder)
    files += [table] if table is not None and table.parent != folder else []
    return hashlib.sha256("".join(f"{path.name}:{sha256(path)}\n" for path in files).encode()).hexdigest()


def run_settings(config: RunConfig) -> dict[str, Any]:
    """Every setting, paths in full, as JSON; a PLM given as a folder counts as a path."""
    values = settings_of(config)
    local = Path(config.plm)
    values["plm"] = local.resolve() if config.plm and local.exists() else config.plm
    return {name: str(v.resolve()) if isinstance(v, Path) else v for name, v in values.items()}


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value
