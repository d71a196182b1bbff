"""One feature explained in words, and the explanation scored beside another text.

Three prompts: what makes it fire; which of ten stretches of test proteins it fires on, from that explanation; and the
same from a text about something else, which is the null.

Read `prompts_of`, then `explained`.

Source: Delphi, Paulo et al. 2024 (arXiv:2410.13928).
"""

from collections.abc import Callable
from typing import NamedTuple

from protsae.explaining.chat import Chat
from protsae.explaining.prompts import (
    ANSWER_TOKENS,
    Windows,
    balanced_accuracy,
    explain_prompt,
    n_tokens,
    read_answer,
    score_prompt,
)

PLACEHOLDER = "(the explanation that comes back)"


class Explained(NamedTuple):
    """What came back of one feature."""

    explanation: str
    score: float | None
    """Balanced accuracy, .5 is guessing; None where test proteins are too few, or the answer held no list."""
    null_score: float | None
    """The same from another text; None where there was none."""


def prompts_of(windows: Windows) -> list[str]:
    """All prompts that `explained` sends, but that the explanation is not known yet."""
    first = [explain_prompt(windows)]
    return first + [score_prompt(PLACEHOLDER, windows.asked)] * (2 if windows.asked else 0)


def cost_of(prompts: list[str]) -> tuple[int, int]:
    """About how many tokens these prompts have, and how many their answers have at most."""
    return sum(map(n_tokens, prompts)), ANSWER_TOKENS * len(prompts)


def explanation_of(chat: Chat, windows: Windows) -> str:
    """What makes it fire.

    Raises:
        InputError: no answer came.
    """
    return chat.ask(explain_prompt(windows), most_tokens=ANSWER_TOKENS).text.strip()


def score_of(chat: Chat, explanation: str, windows: Windows) -> float | None:
    """How well a text tells the stretches apart; see `Explained.score`.

    Raises:
        InputError: no answer came.
    """
    if not windows.asked:
        return None
    answer = chat.ask(score_prompt(explanation, windows.asked), most_tokens=ANSWER_TOKENS)
    chosen = read_answer(answer.text, len(windows.asked))
    return None if chosen is None else balanced_accuracy(chosen, windows.asked)


def explained(chat: Chat, windows: Windows, own: Callable[[], str], other: Callable[[], str | None]) -> Explained:
    """Explain a feature and score it.

    Args:
        chat: who answers.
        windows: what is shown and asked.
        own: gives the explanation; asks for it where it is not known yet.
        other: gives the text that is the null.

    Raises:
        InputError: no answer came.
    """
    text, null = own(), other()
    return Explained(text, score_of(chat, text, windows), None if null is None else score_of(chat, null, windows))
