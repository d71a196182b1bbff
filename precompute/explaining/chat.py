"""Asking a language model of words: one small interface, and an OpenAI-compatible endpoint behind it.

Read `Chat`, then `HTTPChat`.
"""

import json
from typing import NamedTuple, Protocol

import requests

from protsae.errors import InputError

TIMEOUT_S = 120
MOST_BYTES = 1 << 20


class Answer(NamedTuple):
    """What came back."""

    text: str
    tokens_in: int
    """As the endpoint counts them; 0 where it does not say."""
    tokens_out: int


class Chat(Protocol):
    """Whoever answers."""

    def ask(self, prompt: str, *, most_tokens: int) -> Answer:
        """Answer one prompt.

        Raises:
            InputError: no answer came; the sentence says why.
        """
        ...


class HTTPChat:
    """An OpenAI-compatible chat endpoint."""

    def __init__(self, endpoint: str, model: str, key: str) -> None:
        """Send nothing yet.

        Args:
            endpoint: its address.
            model: name of the model there.
            key: sent as a bearer token; '' for none.
        """
        self._endpoint, self._model = endpoint, model
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def ask(self, prompt: str, *, most_tokens: int) -> Answer:
        """Answer one prompt; see `Chat`."""
        body = {
            "model": self._model,
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": most_tokens,
            "temperature": 0,
        }
        try:
            found = requests.post(
                self._endpoint, json=body, headers=self._headers, timeout=TIMEOUT_S, allow_redirects=False, stream=True
            )
            content = found.raw.read(MOST_BYTES, decode_content=True)
        except (requests.RequestException, OSError) as error:
            why = " ".join(str(error).split())[:160]
            raise InputError(f"{self._endpoint} does not answer ({why}); what was answered before is kept") from None
        if found.status_code != requests.codes.ok:
            said = " ".join(content.decode("utf-8", "replace").split())[:160]
            raise InputError(f"{self._endpoint} refuses ({found.status_code}: {said}); check model, key and address")
        return self._read(content)

    def _read(self, content: bytes) -> Answer:
        try:
            answer = json.loads(content)
            text, usage = answer["choices"][0]["message"]["content"], answer.get("usage") or {}
            counts = [int(usage.get(name, 0)) for name in ("prompt_tokens", "completion_tokens")]
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            raise InputError(f"{self._endpoint} answers, but not as an OpenAI-compatible chat endpoint does") from None
        return Answer(str(text), *counts)
