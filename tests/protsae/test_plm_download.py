"""Weights from a server on this machine: whole, resumed, refused; and nothing is fetched that was not asked for."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from esm.model.esm2 import ESM2
from esm2_files import random_model, write_pt

from protsae.errors import ArtifactError, InputError
from protsae.plm import download, weights
from protsae.plm.__main__ import main
from protsae.plm.esm2_plm import ESM2PLM
from protsae.plm.fetching import fetch_shown
from protsae.plm.registry import about_plm, fetch_plm, load_plm

NAME = "esm2_t6_8M_UR50D"
CHUNK = download._CHUNK


@dataclass
class Server:
    """What the server has, how it behaves, and what it was asked for."""

    content: bytes = b""
    etag: str = '"one"'
    sends: list[int] = field(default_factory=list)
    """Bytes after which each of the next answers breaks off."""

    status: list[int] = field(default_factory=list)
    """Of the next answers, instead of the file."""

    ranges: list[str | None] = field(default_factory=list)
    """The Range of every request."""

    paths: list[str] = field(default_factory=list)
    """What every request asked for."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            state.ranges.append(asked)
            state.paths.append(self.path)
            if state.status:
                self.send_error(state.status.pop(0))
                return
            same = self.headers.get("If-Range") == state.etag
            start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and same else 0
            size = len(state.content)
            if start >= size > 0:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{size}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
            self.send_header("Content-Length", str(size - start))
            self.send_header("ETag", state.etag)
            self.end_headers()
            stop = start + state.sends.pop(0) if state.sends else size
            self.wfile.write(state.content[start:stop])

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setattr(weights, "_URL", f"http://127.0.0.1:{http.server_port}/{{name}}.pt")
    monkeypatch.setattr(weights, "MD5", {})
    monkeypatch.setattr(download, "WAIT_S", 0.0)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    yield state
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def model(server: Server, tmp_path: Path) -> ESM2:
    """The server has this one."""
    made = random_model()
    write_pt(tmp_path / "made.pt", made)
    server.content = (tmp_path / "made.pt").read_bytes()
    (tmp_path / "made.pt").unlink()
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.suffix != ".lock"}


def test_a_named_model_is_fetched_once_and_loads(server: Server, model: ESM2, folder: Path) -> None:
    seen: list[tuple[int, int]] = []

    for _ in range(2):
        fetch_plm(NAME, progress=lambda done, total: seen.append((done, total)))

    size = len(server.content)
    assert server.ranges == [None]
    assert seen[-1] == (size, size)
    assert left(folder) == {f"{NAME}.pt"}
    assert load_plm(NAME, device="cpu").d_model == 32


def test_a_broken_download_goes_on_where_it_was(server: Server, model: ESM2, folder: Path) -> None:
    server.sends = [2 * CHUNK, 0, CHUNK]

    fetch_plm(NAME)

    assert server.ranges == [None, f"bytes={2 * CHUNK}-", f"bytes={2 * CHUNK}-", f"bytes={3 * CHUNK}-"]
    assert (folder / f"{NAME}.pt").read_bytes() == server.content


def test_what_has_come_is_kept_when_it_is_given_up(server: Server, model: ESM2, folder: Path) -> None:
    server.sends = [CHUNK + 10, *[0] * (download.ATTEMPTS - 1)]
    with pytest.raises(InputError, match=r"could not be downloaded .* ask again, what has come so far is kept"):
        fetch_plm(NAME)
    assert left(folder) == {f"{NAME}.pt.partial", f"{NAME}.pt.partial.tag"}

    fetch_plm(NAME)

    assert server.ranges[-1] == f"bytes={CHUNK}-"
    assert (folder / f"{NAME}.pt").read_bytes() == server.content


def test_a_killed_download_goes_on_where_it_was(server: Server, model: ESM2, folder: Path) -> None:
    def killed(done: int, total: int) -> None:
        if done >= 2 * CHUNK:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_plm(NAME, progress=killed)
    assert left(folder) == {f"{NAME}.pt.partial", f"{NAME}.pt.partial.tag"}
    seen: list[tuple[int, int]] = []

    fetch_plm(NAME, progress=lambda done, total: seen.append((done, total)))

    assert server.ranges == [None, f"bytes={2 * CHUNK}-"]
    assert seen[0] == (2 * CHUNK, len(server.content))
    assert (folder / f"{NAME}.pt").read_bytes() == server.content


def test_a_file_that_has_changed_since_starts_anew(server: Server, model: ESM2, folder: Path) -> None:
    server.sends = [CHUNK + 10, *[0] * (download.ATTEMPTS - 1)]
    with pytest.raises(InputError):
        fetch_plm(NAME)
    write_pt(folder / "other", random_model(width=16, heads=2))
    server.etag, server.content = '"two"', (folder / "other").read_bytes()

    fetch_plm(NAME)

    assert server.ranges[-1] == f"bytes={CHUNK}-"
    assert (folder / f"{NAME}.pt").read_bytes() == server.content


def test_a_file_that_had_come_whole_is_not_asked_for_again(server: Server, model: ESM2, folder: Path) -> None:
    folder.mkdir()
    (folder / f"{NAME}.pt.partial").write_bytes(server.content)
    (folder / f"{NAME}.pt.partial.tag").write_text(server.etag)

    fetch_plm(NAME)

    assert server.ranges == [f"bytes={len(server.content)}-"]
    assert left(folder) == {f"{NAME}.pt"}


def test_the_checksum_decides(server: Server, model: ESM2, folder: Path) -> None:
    right = hashlib.sha256(server.content).hexdigest()
    with pytest.raises(ArtifactError, match=f"has the SHA-256 {right} instead of 0000.*was not kept"):
        fetch_plm(NAME, sha256="0" * 64)
    assert left(folder) == set()

    fetch_plm(NAME, sha256=right.upper())

    assert left(folder) == {f"{NAME}.pt"}


def test_the_checksum_that_is_known_of_a_name_decides(
    server: Server, model: ESM2, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = hashlib.md5(server.content, usedforsecurity=False).hexdigest()
    monkeypatch.setattr(weights, "MD5", {NAME: "0" * 32})
    with pytest.raises(ArtifactError, match=f"has the MD5 {right} instead of 0000.*was not kept"):
        fetch_plm(NAME)
    assert left(folder) == set()

    monkeypatch.setattr(weights, "MD5", {NAME: right})
    fetch_plm(NAME)

    assert left(folder) == {f"{NAME}.pt"}


def test_every_named_model_has_a_checksum_and_says_what_it_is() -> None:
    assert set(weights.MD5) == set(weights.FAIR_ESM_MODELS)
    assert all(len(digest) == 32 for digest in weights.MD5.values())
    assert [about_plm(name).title for name in weights.FAIR_ESM_MODELS] == [
        f"ESM-2 {size}" for size in ("8M", "35M", "150M", "650M", "3B", "15B")
    ]
    assert about_plm(NAME).source == "https://dl.fbaipublicfiles.com/fair-esm/models/esm2_t6_8M_UR50D.pt"


@pytest.mark.parametrize("has_head", [True, False])
def test_the_contact_head_is_neither_needed_nor_asked_for(server: Server, folder: Path, has_head: bool) -> None:
    made = random_model()
    folder.mkdir()
    write_pt(folder / "made.pt", made)
    saved = torch.load(folder / "made.pt", weights_only=False)
    if has_head:
        head = {n: v for n, v in made.state_dict().items() if n.startswith("contact_head")}
        saved["model"] |= {f"encoder.{name}": value for name, value in head.items()}
    torch.save(saved, folder / "made.pt")
    server.content = (folder / "made.pt").read_bytes()
    (folder / "made.pt").unlink()

    fetch_plm(NAME)

    plm = load_plm(NAME, device="cpu")
    assert torch.equal(
        plm.embed("MKTAYIAK", layer=2), ESM2PLM(random_model(), name="x", device="cpu").embed("MKTAYIAK", layer=2)
    )
    assert server.paths == [f"/{NAME}.pt"]


@pytest.mark.parametrize("place", [0.25, 0.5, 0.75])
def test_a_flipped_bit_is_found_without_a_checksum(server: Server, model: ESM2, folder: Path, place: float) -> None:
    content = bytearray(server.content)
    content[int(place * len(content))] ^= 1
    server.content = bytes(content)

    with pytest.raises(ArtifactError, match="What was downloaded is damaged"):
        fetch_plm(NAME)

    assert left(folder) == set()


@pytest.mark.parametrize(("status", "requests"), [(404, 1), (403, 1), (503, download.ATTEMPTS)])
def test_a_refusal_is_one_sentence(server: Server, model: ESM2, folder: Path, status: int, requests: int) -> None:
    server.status = [status] * 9

    with pytest.raises(InputError, match=f"could not be downloaded .*{status}") as caught:
        fetch_plm(NAME)

    assert "\n" not in str(caught.value)
    assert len(server.ranges) == requests


def test_a_server_that_stumbles_is_asked_again(server: Server, model: ESM2, folder: Path) -> None:
    server.status = [503]
    fetch_plm(NAME)
    assert left(folder) == {f"{NAME}.pt"}


def test_without_network_it_is_one_sentence(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(weights, "_URL", "http://127.0.0.1:9/{name}.pt")
    assert main([NAME]) == 2
    assert "esm2_t6_8M_UR50D.pt could not be downloaded" in capsys.readouterr().err


def test_the_command_says_where_the_weights_are(
    server: Server, model: ESM2, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([NAME]) == 0
    said = capsys.readouterr()
    assert f"2 layers of width 32, in {folder / NAME}.pt" in said.out
    assert f"{NAME} is not on this machine: 0 MB come from http://127.0.0.1" in said.err.replace("\n", "")


def test_what_is_here_is_not_spoken_of(
    server: Server, model: ESM2, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch_shown(NAME, quiet=True)
    fetch_shown(NAME)

    said = capsys.readouterr()
    assert said.out == ""
    assert [line for line in said.err.splitlines() if line.strip() and "HTTP/1.1" not in line] == []
    assert server.ranges == [None]


def test_only_fetch_uses_the_network(server: Server, model: ESM2, folder: Path) -> None:
    with pytest.raises(InputError, match="not on this machine"):
        load_plm(NAME)
    with pytest.raises(InputError, match="no language model 'esm9'"):
        fetch_plm("esm9")
    assert server.ranges == []
