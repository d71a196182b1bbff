"""`python -m protsae.api BUNDLE`: serve a bundle as JSON on this machine.

What the user can mend is one line on standard error and exit code 2. Read `main`.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from protsae.api.limits import Limits
from protsae.api.opened import open_bundle
from protsae.errors import ConfigError, ProtSAEError


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until interrupted; gives the exit code."""
    parser = argparse.ArgumentParser(prog="protsae.api", description="Serve a bundle as JSON.")
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="Folder of a finished bundle.")
    parser.add_argument("--host", default="127.0.0.1", help="Address; 0.0.0.0 is for others, too.")
    parser.add_argument("--port", type=int, default=8800)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda.")
    for field in fields(Limits):
        flag = f"--most-{field.name.replace('_', '-')}"
        parser.add_argument(flag, type=int, default=field.default, dest=field.name, metavar="N")
    given = parser.parse_args(argv)
    try:
        limits = Limits(**{field.name: getattr(given, field.name) for field in fields(Limits)})
        _serve(given, limits)
    except ProtSAEError as error:
        sys.stderr.write("protsae.api: " + " ".join(str(error).split()) + "\n")
        return 2
    return 0


def _serve(given: argparse.Namespace, limits: Limits) -> None:
    try:
        import uvicorn  # noqa: PLC0415 - of the extra `api`

        from protsae.api.http import create_app  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(f"{error.name} is not installed: pip install 'protsae-explorer[api]'") from error
    with open_bundle(given.bundle, device=given.device) as bundle:
        uvicorn.run(create_app(bundle, limits), host=given.host, port=given.port, log_level="warning")


if __name__ == "__main__":
    sys.exit(main())
