"""Every command and every line of Python in the tutorials and how-to pages runs, and so does the notebook.

They run in a folder that looks like the repository: `assets/demo` is the made-up bundle, `theirs` an SAE as SAELens
writes it. A block below `<!-- not run: reason -->` is left out, one below `<!-- server -->` goes on meanwhile.
"""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

import pytest
import torch
from safetensors.torch import save_file

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [ROOT / "docs" / "index.md", *(ROOT / "docs" / "tutorials").glob("*.md"), *(ROOT / "docs" / "howto").glob("*.md")]
)
BLOCK = re.compile(r"(?:<!-- (?P<mark>[^>]*) -->\n)?```(?P<kind>sh|python)\n(?P<text>.*?)```", re.DOTALL)
D, N, SECONDS = 32, 40, 120


class Block(NamedTuple):
    """A block of a page."""

    mark: str
    kind: str
    text: str

    @property
    def runs(self) -> bool:
        """Whether nothing says that it does not."""
        return not self.mark.startswith("not run: ")


def blocks(page: Path) -> list[Block]:
    return [Block(m["mark"] or "", m["kind"], m["text"]) for m in BLOCK.finditer(page.read_text(encoding="utf-8"))]


def commands(text: str) -> list[list[str]]:
    lines = text.replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.strip() and not line.startswith("#")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like the repository."""
    from tiny_bundle import ONE_FOR_ALL, build_tiny_bundle

    folder = tmp_path_factory.mktemp("docs")
    build_tiny_bundle(folder / "assets" / "demo", ONE_FOR_ALL)
    (folder / "explorer").symlink_to(ROOT / "explorer")
    theirs = folder / "theirs"
    theirs.mkdir()
    cfg = {"architecture": "standard", "d_in": D, "d_sae": N, "apply_b_dec_to_input": True}
    (theirs / "cfg.json").write_text(json.dumps(cfg))
    decoder = torch.randn(N, D, generator=torch.Generator().manual_seed(0))
    weights = {"W_enc": decoder.T.contiguous(), "W_dec": decoder, "b_enc": torch.zeros(N), "b_dec": torch.zeros(D)}
    save_file(weights, theirs / "sae_weights.safetensors")
    return folder


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def run(arguments: list[str], place: Path) -> str:
    if arguments[0] == "python":
        arguments = [sys.executable, *arguments[1:]]
    done = subprocess.run(
        arguments, cwd=place, env=environment(), capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, f"{shlex.join(arguments)}\n{done.stderr}"
    return done.stdout


@contextmanager
def served(arguments: list[str], place: Path, port: int, path: str) -> Iterator[None]:
    """A server that answers, until the block ends."""
    program = subprocess.Popen(
        arguments, cwd=place, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(10 * SECONDS):
            try:
                with urlopen(f"http://127.0.0.1:{port}{path}", timeout=5):
                    break
            except OSError:
                assert program.poll() is None, f"{shlex.join(arguments)} ended with {program.returncode}"
                time.sleep(0.1)
        else:
            pytest.fail(f"{shlex.join(arguments)} did not answer")
        yield
    finally:
        program.send_signal(signal.SIGTERM)
        program.wait(timeout=SECONDS)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_the_search_finds_blocks_and_marks() -> None:
    found = {page.stem: blocks(page) for page in PAGES}
    assert sum(block.runs for page in found.values() for block in page) >= 12
    assert all(block.mark in {"", "server"} or len(block.mark) > 20 for page in found.values() for block in page)
    assert commands("a \\\n  b c\n# no\nd 'e f'") == [["a", "b", "c"], ["d", "e f"]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_of_a_page_runs(page: Path, place: Path) -> None:
    shells = [block for block in blocks(page) if block.kind == "sh" and block.runs]
    if any(block.mark == "server" for block in shells):
        pytest.importorskip("fastapi", reason="the HTTP API needs the extra `api`")
    waiting: list[str] | None = None
    for block in shells:
        for command in commands(block.text):
            port = free_port()
            if command[0] == "streamlit":
                options = ["--server.port", str(port), "--server.headless", "true"]
                at = command.index("--")
                started = [sys.executable, "-m", *command[:at], *options, *command[at:]]
                with served(started, place, port, "/_stcore/health"):
                    pass
            elif block.mark == "server":
                waiting = command
            elif command[0] != "curl":
                run(command, place)
        if waiting is not None and "curl" in block.text:
            port = free_port()
            started = [sys.executable, *waiting[1:-1], str(port)]
            assert waiting[-2] == "--port"
            with served(started, place, port, "/bundle"):
                for command in commands(block.text.replace(f":{waiting[-1]}/", f":{port}/")):
                    assert "error" not in json.loads(run(command, place)), command


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(b.kind == "python" and b.runs for b in blocks(page))],
    ids=lambda page: page.stem,
)
def test_every_line_of_python_runs(page: Path, place: Path) -> None:
    text = "\n".join(block.text for block in blocks(page) if block.kind == "python" and block.runs)
    assert run(["python", "-c", text], place)


def test_the_notebook_runs_and_holds_no_outputs(place: Path) -> None:
    nbformat = pytest.importorskip("nbformat", reason="the notebook needs nbclient and ipykernel")
    nbclient = pytest.importorskip("nbclient", reason="the notebook needs nbclient and ipykernel")
    pytest.importorskip("ipykernel", reason="the notebook needs nbclient and ipykernel")
    notebook = nbformat.read(ROOT / "docs" / "tutorials" / "bundle.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs for cell in code)
    tutorial = "\n".join(
        b.text.strip() for b in blocks(ROOT / "docs" / "tutorials" / "researcher.md") if b.kind == "python"
    )
    assert "\n".join(cell.source for cell in code) == tutorial

    client = nbclient.NotebookClient(notebook, timeout=SECONDS, resources={"metadata": {"path": str(place)}})
    client.execute(env=environment())
    assert any("L0" in output.text for cell in code for output in cell.outputs if output.output_type == "stream")


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="the site needs the extra `docs`")
    arguments = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    run(arguments, ROOT)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "fonts.googleapis" not in page
    assert "OpenBundle" in (tmp_path / "reference" / "python" / "index.html").read_text(encoding="utf-8")
