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
    values: dict[str, Any] | None = read_json(work / RUN_NAME)
    if values is None:
        raise InputError(f"{work} holds no {RUN_NAME}; run `precompute run` again, finished stages are kept")
    known = {name: value for name, value in values.items() if value is not None}
    here = {"out": str(bundle.resolve()), "engine": "local", "shards_at": ""}  # its work folder has all that it needs
    run = build(RunConfig, {**known, **here})
    if not run.ontology.is_file():
        raise InputError(f"the ontology {run.ontology} of the bundle's run does not exist any more; put it back")
    return run
