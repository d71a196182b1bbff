"""Get the weights of a language model onto this machine: `python -m protsae.plm NAME [--sha256 HEX]`.

They go to torch's hub folder, where fair-esm looks, too. What the user can mend is one line and exit code 2.
"""

import argparse
import sys

from protsae.errors import ProtSAEError
from protsae.plm.fetching import fetch_shown
from protsae.plm.registry import load_plm, model_names


def main(argv: list[str] | None = None) -> int:
    """Run the command; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m protsae.plm", description="Get a language model's weights.")
    parser.add_argument("name", metavar="NAME", help=", ".join(model_names()))
    parser.add_argument("--sha256", default="", metavar="HEX", help="Refuse weights that have another SHA-256.")
    arguments = parser.parse_args(argv)
    try:
        fetch_shown(arguments.name, sha256=arguments.sha256)
        plm = load_plm(arguments.name, device="cpu")
    except ProtSAEError as error:
        sys.stderr.write(f"protsae.plm: {error}\n")
        return 2
    sys.stdout.write(f"{plm.name}: {plm.num_layers} layers of width {plm.d_model}, in {plm.weights}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
