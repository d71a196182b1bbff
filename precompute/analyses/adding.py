"""`python -m precompute analyse BUNDLE NAME`: compute one analysis and put it into a finished bundle.

The bundle's store, SAEs and language model stay as they are, byte for byte. Stages whose results the analysis reads,
and which are not done, are run first.

Read `analyse`.
"""

from collections.abc import Sequence
from pathlib import Path

from precompute.analyses.registry import COMPUTED, CREATED_BY
from precompute.pipeline.finished import read_run
from precompute.pipeline.progress import Console
from precompute.pipeline.runner import Runner, Stage
from protsae.bundle.building import add_analysis
from protsae.bundle.layout import MANIFEST
from protsae.bundle.opening import open_bundle
from protsae.errors import ConfigError, InputError
from protsae.files import locked, read_json
from protsae.store.analyses.known import ANALYSES


def analyse(bundle: Path, name: str, console: Console, stages: Sequence[Stage]) -> None:
    """Add the analysis `name` to a bundle, in the place of an earlier one.

    Args:
        bundle: its folder.
        name: of an analysis.
        console: where progress goes.
        stages: of a run, in order; those that the analysis reads are run where they are not done.

    Raises:
        ConfigError: there is no such analysis, or it has a command of its own.
        BundleError: there is no bundle, or it is of another version.
        InputError: the bundle's run is gone or has gone on since, or another process is changing the bundle.
    """
    if name not in COMPUTED:
        own = (
            f"run `{ANALYSES[name].command(str(bundle))}`" if name in ANALYSES else f"choose from {', '.join(COMPUTED)}"
        )
        raise ConfigError(f"the analysis {name!r} is not computed by this command; {own}")
    run = read_run(bundle, f"the analysis {name}")
    open_bundle(bundle).reader.close()
    _check_same_run(bundle, run.work)
    runner = Runner(run, console, stages)
    for stage in ANALYSES[name].reads:
        runner.run_one(stage, remember=False)
    with locked(run.work), console.stage(name) as report:
        tables, settings = COMPUTED[name](run, run.work, report)
        add_analysis(bundle, ANALYSES[name], tables, created_by=CREATED_BY, settings=settings)


def _check_same_run(bundle: Path, work: Path) -> None:
    """Refuse a work folder that has made another bundle since."""
    here, made = read_json(bundle / MANIFEST), read_json(work / "publish" / "done.json")
    published = None if made is None else made["numbers"].get("bundle_id")
    if here is None or here["bundle_id"] != published:
        raise InputError(
            f"{work} is not the run that made {bundle} as it is now (it made {published or 'none that is known'}); run "
            "`python -m precompute run` again, finished stages are kept"
        )
