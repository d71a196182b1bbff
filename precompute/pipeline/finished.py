"""The run that made a finished bundle: its settings, read back from the work folder beside it.

Read `read_run`.
"""

from pathlib import Path
from typing import Any

from precompute.config import RunConfig
from precompute.options import build
from precompute.pipeline.runner import RUN_NAME
from protsae.bundle.layout import MANIFEST, STORE
from protsae.errors import BundleError, InputError
from protsae.files import read_json

EARLIER_BOUND = 0.095
"""`rate_bound` of runs that say `bound_rates`, as they did before the bound could be chosen."""


def kept_settings(work: Path) -> dict[str, Any] | None:
    """What a work folder says of its run, less what was left open; None where it says nothing."""
    values = read_json(work / RUN_NAME)
    if values is None:
        return None
    known = {name: value for name, value in values.items() if value is not None}
    if (was_bound := known.pop("bound_rates", None)) is not None:
        known["rate_bound"] = EARLIER_BOUND if was_bound else 0.0
    return known


def read_run(bundle: Path, reader: str) -> RunConfig:
    """The settings with which a bundle was made.

    Args:
        bundle: its folder.
        reader: what reads the run, as errors call it.

    Raises:
        BundleError: there is no finished bundle.
        InputError: its work folder is gone or was made by an older version, or the ontology is gone.
    """
    for name in (MANIFEST, STORE):
        if not (bundle / name).is_file():
            raise BundleError(
                f"{bundle} is no bundle (it has no {name}); give a folder that `precompute run` has written"
            )
    work = bundle.with_name(bundle.name + ".work")
    if not work.is_dir():
        raise InputError(f"{work} does not exist, but {reader} reads its embeddings; run `precompute run` again")
    known = kept_settings(work)
    if known is None:
        raise InputError(f"{work} holds no {RUN_NAME}; run `precompute run` again, finished stages are kept")
    here = {"out": str(bundle.resolve()), "engine": "local", "shards_at": ""}  # its work folder has all that it needs
    run = build(RunConfig, {**known, **here})
    if not run.ontology.is_file():
        raise InputError(f"the ontology {run.ontology} of the bundle's run does not exist any more; put it back")
    return run
