"""Asking a language model of words: one small interface, and an OpenAI-compatible endpoint behind it.

Read `Chat`, then `HTTPChat`.
"""

import json
import time
from typing import NamedTuple, Protocol

import requests

from protsae.errors import ConfigError, InputError

KEY = "PROTSAE_LLM_KEY"
"""The environment variable that holds the endpoint's key; a key is never a flag and never written."""

TIMEOUT_S = 120.0
MOST_BYTES = 1 << 20
_PIECE = 1 << 14


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


def checked_endpoint(address: str) -> str:
    """The address.

    Raises:
        ConfigError: it is no address of the web.
    """
    if not address.startswith(("http://", "https://")):
        raise ConfigError(f"the endpoint must begin with http:// or https://, got {address!r}")
    return address


class HTTPChat:
    """An OpenAI-compatible chat endpoint."""

    def __init__(self, endpoint: str, model: str, key: str, *, timeout_s: float = TIMEOUT_S) -> None:
        """Send nothing yet.

        Args:
            endpoint: its address.
            model: name of the model there.
            key: sent as a bearer token; '' for none.
            timeout_s: an answer that is not whole by then is given up.
        """
        self._endpoint, self._model, self._timeout_s = endpoint, model, timeout_s
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def ask(self, prompt: str, *, most_tokens: int) -> Answer:
        """Answer one prompt; see `Chat`."""
        body = {
            "model": self._model,
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": most_tokens,
            "temperature": 0,
        }
        until = time.monotonic() + self._timeout_s
        try:
            with requests.post(
                self._endpoint,
                json=body,
                headers=self._headers,
                timeout=self._timeout_s,
                allow_redirects=False,
                stream=True,
            ) as found:
                content = self._whole(found, until)
        except (requests.RequestException, OSError) as error:
            why = " ".join(str(error).split())[:160]
            raise InputError(f"{self._endpoint} does not answer ({why}); what was answered before is kept") from None
        if found.status_code != requests.codes.ok:
            said = " ".join(content.decode("utf-8", "replace").split())[:160]
            raise InputError(f"{self._endpoint} refuses ({found.status_code}: {said}); check model, key and address")
        return self._read(content)

    def _whole(self, found: requests.Response, until: float) -> bytes:
        """The answer, cut at `MOST_BYTES`; given up when time is over, however steadily it drips."""
        content = b""
        for piece in found.iter_content(_PIECE):
            content += piece
            if len(content) >= MOST_BYTES:
                break
            if time.monotonic() > until:
                raise InputError(
                    f"{self._endpoint} has not finished its answer after {self._timeout_s:g} s; ask again later"
                )
        return content[:MOST_BYTES]

    def _read(self, content: bytes) -> Answer:
        try:
            answer = json.loads(content)
            text, usage = answer["choices"][0]["message"]["content"], answer.get("usage") or {}
            counts = [int(usage.get(name, 0)) for name in ("prompt_tokens", "completion_tokens")]
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            raise InputError(f"{self._endpoint} answers, but not as an OpenAI-compatible chat endpoint does") from None
        return Answer(str(text), *counts)
