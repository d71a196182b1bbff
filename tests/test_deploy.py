"""Where others run the explorer: the files for it agree with one another and with what is in the repository."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit import config

from protsae.bundle.opening import open_bundle

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"


def read(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def instructions(name: str) -> list[str]:
    """Of a Dockerfile, one a line, without comments."""
    lines = [line for line in read(name).splitlines() if not line.startswith("#")]
    return [line for line in "\n".join(lines).replace("\\\n", " ").splitlines() if line.strip()]


def command() -> list[str]:
    (line,) = [one for one in instructions("Dockerfile") if one.startswith("CMD")]
    return json.loads(line.removeprefix("CMD"))


def option(words: list[str], name: str) -> str:
    return words[words.index(name) + 1]


def test_what_the_image_copies_is_there_and_let_in() -> None:
    let_in = {line[1:] for line in read("Dockerfile.dockerignore").splitlines() if line.startswith("!")}
    copied = [line.split()[1:-1] for line in instructions("Dockerfile") if re.match("COPY [^-]", line)]
    sources = {source for line in copied for source in line}

    assert sources == let_in
    assert all((ROOT / source).exists() for source in sources)
    assert (ROOT / command()[2]).is_file()


def test_the_image_runs_without_rights_and_writes_to_tmp_only() -> None:
    lines = instructions("Dockerfile")
    user = max(number for number, line in enumerate(lines) if line.startswith("USER"))

    assert lines[user] == "USER explorer"
    assert [line for line in lines[user:] if line.startswith(("RUN", "COPY", "ADD"))] == []
    (environment,) = [line for line in lines if line.startswith("ENV")]
    for name in ("HOME", "NUMBA_CACHE_DIR", "PROTSAE_CACHE"):
        assert re.search(rf"{name}=/tmp\b", environment)


def test_every_option_is_one_of_streamlits_and_ports_and_paths_agree() -> None:
    (start,) = re.findall(r"^ExecStart=(.*)$", read("protsae-explorer.service"), re.MULTILINE)
    service, image = start.split(), command()
    known = config.get_config_options()

    for word in (word for word in (*service, *image) if word.startswith("--")):
        assert word.removeprefix("--") in known
    port = option(image, "--server.port")
    assert option(service, "--server.port") == port
    assert f"EXPOSE {port}" in instructions("Dockerfile")
    assert f"127.0.0.1:{port}/_stcore/health" in read("Dockerfile")
    assert f"proxy_pass http://127.0.0.1:{port};" in read("nginx.conf")
    assert f"location /{option(service, '--server.baseUrlPath')}/ {{" in read("nginx.conf")
    assert f"app_port: {port}\n" in space_header(read("space.py").replace("{PORT}", port))


def space_header(text: str) -> str:
    (header,) = re.findall(r"---\n.*?\n---\n", text, re.DOTALL)
    return header


def test_a_space_is_laid_out_whole(tiny_bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "space"
    words = [sys.executable, str(DEPLOY / "space.py"), str(out), "--bundle", str(tiny_bundle)]

    done = subprocess.run(words, capture_output=True, text=True, check=True)

    assert done.stdout == f"hf upload USER/SPACE {out} . --repo-type space\n"
    open_bundle(out / "assets" / "demo")
    readme = (out / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("---\ntitle: ProtSAE Explorer\n")
    assert "](assets/" not in readme
    assert "app_port: 8501\n" in space_header(readme)
    assert (out / "Dockerfile").read_text().endswith("ENV STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION=false\n")
    assert "server.enableXsrfProtection" in config.get_config_options()
    for source in re.findall(r"^COPY (?!-)(.*) \S+$", (out / "Dockerfile").read_text(), re.MULTILINE):
        assert all((out / name).exists() for name in source.split())
    assert not list(out.rglob("__pycache__"))
    large = [path for path in out.rglob("*") if path.is_file() and path.stat().st_size > 10_000_000]
    attributes = (out / ".gitattributes").read_text()
    assert all(f"*{path.suffix} filter=lfs" in attributes for path in large)
    shutil.rmtree(out)


@pytest.mark.parametrize(("makes", "said"), [(True, "exists already"), (False, "is no bundle")])
def test_a_space_is_not_laid_over_something_or_without_a_bundle(tmp_path: Path, makes: bool, said: str) -> None:
    out = tmp_path / "space"
    if makes:
        out.mkdir()
    words = [sys.executable, str(DEPLOY / "space.py"), str(out), "--bundle", str(tmp_path)]

    done = subprocess.run(words, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert said in done.stderr
