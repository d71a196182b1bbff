"""Lay the explorer out as a Hugging Face Space (Docker): `python deploy/space.py OUT [--bundle DIR]`.

OUT holds the Dockerfile at its root, a README with the header that Spaces read, the code, the bundle, and
`.gitattributes` that sends its large files through LFS. Nothing is uploaded: the last line says the command that does.

Source: https://huggingface.co/docs/hub/spaces-sdks-docker, https://huggingface.co/docs/hub/spaces-config-reference
"""

import argparse
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CODE = ("protsae", "precompute", "explorer", "pyproject.toml", "requirements.lock", "LICENSE")
PORT = 8501
"""That the Dockerfile exposes."""

HEADER = f"""---
title: ProtSAE Explorer
emoji: 🧬
colorFrom: purple
colorTo: yellow
sdk: docker
app_port: {PORT}
license: other
short_description: Which part of a protein language model knows about zinc?
---

The explorer runs in this Space without any account, database or network. Its code is MIT; the weights of the embedded
language model carry the licences in `assets/demo/plm.NOTICE.txt`.

"""
LARGE = ("*.safetensors", "*.duckdb", "*.parquet", "*.png")
"""Spaces refuse plain files above 10 MB and binary ones of any size."""

_PICTURE = re.compile(r"^!\[.*\]\(assets/[^)]*\)\n+", re.MULTILINE)
"""Of the README; pictures are not part of a Space."""

IN_A_FRAME = """
# A Space is shown in a frame of another site, where browsers keep the cookie back that uploads are checked by. There is
# no account here that another site's form could misuse.
ENV STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION=false
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Lay it out; gives the exit code."""
    parser = argparse.ArgumentParser(description="Lay the explorer out as a Hugging Face Space.")
    parser.add_argument("out", type=Path, help="folder to make; must not exist")
    parser.add_argument("--bundle", type=Path, default=ROOT / "assets" / "demo", help="bundle to show")
    given = parser.parse_args(argv)
    if given.out.exists():
        sys.stderr.write(f"{given.out} exists already; choose another folder\n")
        return 2
    if not (given.bundle / "manifest.json").is_file():
        sys.stderr.write(f"{given.bundle} holds no manifest.json, so it is no bundle; give a finished one\n")
        return 2
    lay_out(given.out, given.bundle)
    sys.stdout.write(f"hf upload USER/SPACE {given.out} . --repo-type space\n")
    return 0


def lay_out(out: Path, bundle: Path) -> None:
    """Copy what runs, and write what Spaces want besides."""
    out.mkdir(parents=True)
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", "*.work", "*.partial", ".*.lock")
    for name in CODE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, out / name, ignore=ignored)
        else:
            shutil.copy2(source, out / name)
    shutil.copytree(bundle, out / "assets" / "demo", ignore=ignored)
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    (out / "Dockerfile").write_text(dockerfile.rstrip() + "\n" + IN_A_FRAME, encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (out / "README.md").write_text(HEADER + _PICTURE.sub("", readme), encoding="utf-8")
    lines = [f"{pattern} filter=lfs diff=lfs merge=lfs -text" for pattern in LARGE]
    (out / ".gitattributes").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
