"""Nothing on the way of the commands calls what only some systems have, unless it asks for the system first."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(path for package in ("protsae", "precompute", "explorer") for path in (ROOT / package).rglob("*.py"))

ONLY_SOMEWHERE = {
    "os": {"sched_getaffinity", "sched_setaffinity", "fork", "getuid", "geteuid", "setsid", "killpg", "mkfifo", "nice"},
    "signal": {"SIGKILL", "SIGHUP", "SIGALRM", "SIGUSR1", "alarm", "setitimer", "pthread_kill"},
}
MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "msvcrt", "winreg", "_winapi", "syslog"}


def findings(source: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in ONLY_SOMEWHERE.get(node.value.id, ()):
                found.append(f"{node.value.id}.{node.attr}")
        elif isinstance(node, ast.Import):
            found += [name.name for name in node.names if name.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found += [node.module] if node.module.split(".")[0] in MODULES else []
            found += [f"{node.module}.{n.name}" for n in node.names if n.name in ONLY_SOMEWHERE.get(node.module, ())]
    return found


def test_the_search_finds_what_it_looks_for() -> None:
    source = "import fcntl, json\nfrom os import fork, path\nfrom resource import x\nos.getuid()\nos.getpid()\n"
    assert sorted(findings(source)) == ["fcntl", "os.fork", "os.getuid", "resource"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_needs_one_system(path: Path) -> None:
    assert findings(path.read_text(encoding="utf-8")) == []
