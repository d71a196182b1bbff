"""Explanations by a language model of words: a dry run sends nothing; a local server is asked and mistrusted."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from chat_server import ChatServer, said

from precompute.__main__ import main
from protsae.bundle.building import check_bundle
from protsae.bundle.opening import open_bundle
from protsae.errors import InputError
from protsae.explaining.chat import KEY, HTTPChat
from protsae.explaining.prompts import (
    ASKED,
    REACH,
    Window,
    balanced_accuracy,
    explain_prompt,
    read_answer,
    score_prompt,
    windows_of,
)
from protsae.store.analyses.explanations import EXPLANATIONS, explanation_of
from protsae.store.rows import ExampleRow


def example(number: int, split: str) -> ExampleRow:
    """A protein of 100 letters that fires on its only tryptophan and the residue behind it."""
    middle = 20 + number
    sequence = "A" * (middle - 1) + "WK" + "A" * (99 - middle)
    return ExampleRow(
        accession=f"P{number}", protein_name="", length=100, sequence=sequence, split=split, has_structure=False,
        band="top", rank=number, score=1.0, peak_act=2.0, peak_pos=middle, positions=np.array([middle, middle + 1]),
        acts=np.array([2.0, 0.5]),
    )  # fmt: skip


EXAMPLES = [*(example(number, "train") for number in range(6)), *(example(number, "test") for number in range(10, 18))]


def test_the_explainer_sees_marks_and_the_scorer_other_proteins() -> None:
    windows = windows_of(EXAMPLES, seed=0)

    assert windows.shown[0] == "A" * REACH + "[W]K" + "A" * (REACH - 1)
    assert len(windows.shown) == 6
    assert len(windows.asked) == 2 * ASKED
    assert sum(window.fires for window in windows.asked) == ASKED
    assert all(("W" in window.text) == window.fires for window in windows.asked)
    assert windows == windows_of(EXAMPLES, seed=0)
    assert "[W]K" in explain_prompt(windows)
    assert "[" not in score_prompt("x", windows.asked).split("\n\n", 1)[1], "the scorer is not shown where it fires"
    assert windows_of(EXAMPLES[:8], seed=0).asked == []


def test_answers_are_read_and_scored() -> None:
    asked = [Window("A", fires=True), Window("B", fires=False), Window("C", fires=True), Window("D", fires=False)]
    assert read_answer("I think [1, 3].", 4) == {1, 3}
    assert read_answer("[]", 4) == set()
    assert read_answer("[9, 2]", 4) == {2}
    assert read_answer("none of them", 4) is None
    assert read_answer("[1,,2]", 4) is None
    assert balanced_accuracy(frozenset({1, 3}), asked) == 1
    assert balanced_accuracy(frozenset({2, 4}), asked) == 0
    assert balanced_accuracy(frozenset(), asked) == 0.5
    assert balanced_accuracy(frozenset({1, 2, 3, 4}), asked) == 0.5


@pytest.fixture
def server() -> Iterator[ChatServer]:
    made = ChatServer()
    yield made
    made.close()


def features(bundle: Path) -> list[str]:
    """Two that fire."""
    with open_bundle(bundle) as opened:
        rows = opened.reader.tuples(
            "SELECT DISTINCT sae, feature FROM example_band JOIN protein USING (accession) "
            "WHERE split <> 'test' AND band = 'top' ORDER BY sae, feature LIMIT 2"
        )
    return [f"{sae}:{number}" for sae, number in rows]


def command(bundle: Path, server: ChatServer, *more: str) -> list[str]:
    return ["explain", str(bundle), "--features", *features(bundle), "--endpoint", server.endpoint, *more]


def test_without_being_told_to_it_sends_nothing(
    finished_run: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(finished_run, server, "--price-in", "3", "--price-out", "15")) == 0
    told = " ".join("".join(capsys.readouterr()).split())
    assert server.asked == []
    assert "Nothing was sent." in told
    assert "tokens of answers, about 0." in told
    assert "fires on the residues in [brackets]" in told


def test_it_asks_scores_and_goes_on(
    finished_run: Path, server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, "sesame")
    server.reply = lambda prompt: said("[1, 2]" if "JSON list" in prompt else "a tryptophan")
    out = tmp_path / "told.jsonl"
    arguments = command(finished_run, server, "--model", "m", "--send", "--quiet", "--out", str(out))
    assert main(arguments) == 0

    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [f"{row['sae']}:{row['feature']}" for row in rows] == features(finished_run)
    assert {row["explanation"] for row in rows} == {"a tryptophan"}
    assert set(server.keys) == {"Bearer sesame"}
    assert {body["model"] for body in server.asked} == {"m"}
    assert "sesame" not in out.read_text()

    n_asked = len(server.asked)
    assert main(arguments) == 0
    assert len(server.asked) == n_asked, "what is done is not asked again"


def test_what_came_back_stands_in_the_bundle_where_it_is_kept(
    copy_run: Callable[..., Path], server: ChatServer, tmp_path: Path
) -> None:
    server.reply = lambda prompt: said("[1, 2]" if "JSON list" in prompt else "a <b>tryptophan</b>")
    bundle, out = copy_run(tmp_path), tmp_path / "told.jsonl"
    assert main(command(bundle, server, "--model", "m", "--send", "--keep", "--quiet", "--out", str(out))) == 0

    with open_bundle(bundle) as opened:
        rows = opened.reader.analysis_table(EXPLANATIONS, "explanation")
        found = explanation_of(opened.reader, str(rows["sae"][0]), int(rows["feature"][0]))
    assert len(rows) == len(features(bundle))
    assert found is not None
    assert (found.explanation, found.model) == ("a <b>tryptophan</b>", "m")
    assert found.null_text == "explanation of another feature"
    written = json.loads(out.read_text().splitlines()[0])
    assert (found.score, found.null_score) == (written["score"], written["null_score"])
    check_bundle(bundle)


def test_an_answer_that_drips_is_given_up(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.reply = lambda _: said("x" * 100_000)
    clock = iter(range(0, 10_000, 5))
    monkeypatch.setattr("protsae.explaining.chat.time.monotonic", lambda: next(clock))
    chat = HTTPChat(server.endpoint, "m", "", timeout_s=12)
    with pytest.raises(InputError, match="has not finished its answer after 12 s"):
        chat.ask("?", most_tokens=5)


@pytest.fixture
def asking(finished_run: Path, server: ChatServer, tmp_path: Path) -> Callable[[], int]:
    """Sends; gives the exit code."""
    out = str(tmp_path / "told.jsonl")
    return lambda: main(command(finished_run, server, "--model", "m", "--send", "--quiet", "--out", out))


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        ((401, b"no such key"), "refuses (401: no such key)"),
        ((200, b"<html>"), "not as an OpenAI-compatible chat endpoint does"),
        ((200, b'{"choices": []}'), "not as an OpenAI-compatible chat endpoint does"),
        ((302, b""), "refuses (302"),
    ],
)
def test_an_endpoint_that_does_not_play_along_is_one_line(
    reply: tuple[int, bytes],
    sentence: str,
    asking: Callable[[], int],
    server: ChatServer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.reply = lambda _: reply
    assert asking() == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "no feature is named"),
        (["--features", "nope:1"], "'nope:1' is no feature of this bundle"),
        (["--features", "vanilla:99999"], "'vanilla:99999' is no feature"),
        (["--features", "vanilla:1", "--send"], "--send needs --endpoint and --model and --out"),
        (
            ["--features", "vanilla:1", "--send", "--endpoint", "ftp://x", "--model", "m", "--out", "o"],
            "must begin with http:// or https://, got 'ftp://x'",
        ),
        (["--features", "vanilla:1", "--keep"], "--keep puts answers into the bundle, so it needs --send"),
        (["--features", "vanilla:1", "--price-in", "-1"], "prices must be 0 or more"),
    ],
)
def test_a_mistake_is_one_line(
    finished_run: Path, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", str(finished_run), "--quiet", *arguments]) == 2
    assert sentence in capsys.readouterr().err
