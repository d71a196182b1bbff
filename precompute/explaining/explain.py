"""`python -m precompute explain BUNDLE`: have features explained in words, and score the explanations.

Without `--send` it shows every prompt and what sending would cost, and sends nothing. With it, each feature costs three
questions: what makes it fire; which of ten stretches of test proteins it fires on, from that explanation; and the same
from the explanation of another feature, which is the null. Answers are written as they come, so that a run that breaks
off goes on with the same command.

Read `explain`. Source: Delphi, Paulo et al. 2024 (arXiv:2410.13928).
"""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from precompute.explaining.chat import Chat, HTTPChat
from precompute.explaining.config import KEY, ExplainConfig
from precompute.explaining.prompts import (
    ANSWER_TOKENS,
    Windows,
    balanced_accuracy,
    explain_prompt,
    n_tokens,
    read_answer,
    score_prompt,
    windows_of,
)
from protsae.bundle.opening import open_bundle
from protsae.errors import ConfigError, InputError
from protsae.store.reader import StoreReader

PLACEHOLDER = "(the explanation that comes back)"
MILLION = 1_000_000


class Asked(NamedTuple):
    """A feature and what is asked about it."""

    sae: str
    feature: int
    windows: Windows

    @property
    def name(self) -> str:
        """As --features has it."""
        return f"{self.sae}:{self.feature}"


def explain(config: ExplainConfig, say: Callable[[str], None], chat: Chat | None = None) -> None:
    """Show the prompts and their cost, or send them and write what comes back.

    Args:
        config: which features, and whether anything is sent.
        say: takes lines for the user.
        chat: who answers, in the place of the endpoint.

    Raises:
        ConfigError: a feature is not in the bundle.
        InputError: a feature has nothing to be shown, or the endpoint does not answer.
    """
    with open_bundle(config.bundle) as opened:
        asked = [_asked(opened.reader, name, config.seed) for name in dict.fromkeys(config.features)]
    if not config.send:
        _show(asked, config, say)
        return
    assert config.out is not None
    done = _done(config.out)
    left = [one for one in asked if one.name not in done]
    answering = chat or HTTPChat(config.endpoint, config.model, os.environ.get(KEY, ""))
    say(f"{len(left)} of {len(asked)} features to explain; {_cost(left, config)}")
    texts = {name: str(row["explanation"]) for name, row in done.items()}

    def text_of(one: Asked) -> str:
        if one.name not in texts:
            answer = answering.ask(explain_prompt(one.windows), most_tokens=ANSWER_TOKENS)
            texts[one.name] = answer.text.strip()
        return texts[one.name]

    for one in left:
        own = text_of(one)
        other = next((text_of(another) for another in asked if another.name != one.name), None)
        row = {
            "sae": one.sae,
            "feature": one.feature,
            "explanation": own,
            "score": _score(answering, own, one.windows),
            "null_score": None if other is None else _score(answering, other, one.windows),
            "null": "explanation of another feature",
            "n_asked": len(one.windows.asked),
            "model": config.model,
            "endpoint": config.endpoint,
        }
        _append(config.out, row)
        say(f"{one.name}: {row['explanation']} (score {row['score']}, null {row['null_score']})")


def _asked(reader: StoreReader, name: str, seed: int) -> Asked:
    sae, _, number = name.rpartition(":")
    known = {row.name: row.d_sae for row in reader.saes()}
    if sae not in known or not number.isdecimal() or int(number) >= known[sae]:
        choose = ", ".join(f"{one}:0 to {one}:{size - 1}" for one, size in known.items())
        raise ConfigError(f"{name!r} is no feature of this bundle; it has {choose}")
    windows = windows_of(reader.examples(sae, int(number), band=None), seed=seed)
    if not windows.shown:
        raise InputError(f"{name} fires in no example protein of train or valid, so there is nothing to show")
    return Asked(sae, int(number), windows)


def _prompts(one: Asked) -> list[str]:
    first = [explain_prompt(one.windows)]
    return first + [score_prompt(PLACEHOLDER, one.windows.asked)] * (2 if one.windows.asked else 0)


def _show(asked: Sequence[Asked], config: ExplainConfig, say: Callable[[str], None]) -> None:
    for one in asked:
        prompts = _prompts(one)
        say(f"--- {one.name}, to explain ---\n{prompts[0]}")
        if one.windows.asked:
            say(f"--- {one.name}, to score (asked again with another feature's explanation) ---\n{prompts[1]}")
        else:
            say(f"--- {one.name}: too few test proteins to score it ---")
    say(f"Nothing was sent. {_cost(asked, config)} Add --send to send them.")


def _cost(asked: Sequence[Asked], config: ExplainConfig) -> str:
    prompts = [prompt for one in asked for prompt in _prompts(one)]
    tokens_in, tokens_out = sum(map(n_tokens, prompts)), ANSWER_TOKENS * len(prompts)
    cost = (tokens_in * config.price_in + tokens_out * config.price_out) / MILLION
    priced = f", about {cost:.4f}" if cost else "; name --price-in and --price-out for what that costs"
    return f"{len(prompts)} prompts of about {tokens_in:,} tokens, at most {tokens_out:,} tokens of answers{priced}."


def _score(chat: Chat, explanation: str, windows: Windows) -> float | None:
    if not windows.asked:
        return None
    answer = chat.ask(score_prompt(explanation, windows.asked), most_tokens=ANSWER_TOKENS)
    chosen = read_answer(answer.text, len(windows.asked))
    return None if chosen is None else balanced_accuracy(chosen, windows.asked)


def _done(path: Path) -> dict[str, dict[str, Any]]:
    """What an earlier run has written, by feature."""
    if not path.is_file():
        return {}
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            found[f"{row['sae']}:{row['feature']}"] = {"explanation": row["explanation"]}
        except (ValueError, KeyError, TypeError):
            raise InputError(f"line {number} of {path} holds no explanation; choose another --out") from None
    return found


def _append(path: Path, row: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as handle:
        handle.write(json.dumps(row) + "\n")
