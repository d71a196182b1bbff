"""Get the weights of a language model onto this machine: `python -m protsae.plm NAME [--sha256 HEX]`.

They go to torch's hub folder, where fair-esm looks, too. What the user can mend is one line and exit code 2.
"""

import argparse
import sys

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from protsae.errors import ProtSAEError
from protsae.plm.registry import fetch_plm, load_plm, model_names


def main(argv: list[str] | None = None) -> int:
    """Run the command; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m protsae.plm", description="Get a language model's weights.")
    parser.add_argument("name", metavar="NAME", help=", ".join(model_names()))
    parser.add_argument("--sha256", default="", metavar="HEX", help="Refuse weights that have another SHA-256.")
    arguments = parser.parse_args(argv)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    try:
        with Progress(*columns, TimeRemainingColumn()) as bar:
            task = bar.add_task(arguments.name, total=None)
            fetch_plm(
                arguments.name,
                sha256=arguments.sha256,
                progress=lambda done, total: bar.update(task, completed=done, total=total or None),
            )
        plm = load_plm(arguments.name, device="cpu")
    except ProtSAEError as error:
        sys.stderr.write(f"protsae.plm: {error}\n")
        return 2
    sys.stdout.write(f"{plm.name}: {plm.num_layers} layers of width {plm.d_model}, in {plm.weights}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
