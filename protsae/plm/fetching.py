"""A download that people watch: one line that says how much comes from where, then a progress bar, on standard error.

Read `fetch_shown`.
"""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from protsae.plm.registry import about_plm, fetch_plm


def fetch_shown(name_or_path: str | Path, *, sha256: str = "", quiet: bool = False) -> None:
    """Get the weights of a model that goes by name; says nothing where they are on this machine.

    Args:
        name_or_path: of the model.
        sha256: what they must have, in hexadecimal; '' where it is not known.
        quiet: say nothing at all.

    Raises:
        InputError: there is no such model, or the download failed.
        ArtifactError: what came is damaged or something else.
    """
    console = Console(stderr=True, quiet=quiet, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task(str(name_or_path), total=None, visible=False)

        def show(done: int, total: int) -> None:
            if not bar.tasks[task].visible:
                size = f"{total / 1e6:,.0f} MB" if total else "a file of unknown size"
                source = about_plm(name_or_path).source
                console.print(f"{name_or_path} is not on this machine: {size} come from {source}", markup=False)
            bar.update(task, completed=done, total=total or None, visible=True)

        fetch_plm(name_or_path, sha256=sha256, progress=show)
