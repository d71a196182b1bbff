"""Feature, in a language model's words: absent unless named or stored, sent by a click alone, escaped, one sentence."""

from collections.abc import Iterator

import pytest
from chat_server import ChatServer, said
from tiny_audits import EXPLAINED

from explorer.feature import in_words
from explorer.services import explaining
from explorer.services.explaining import ENDPOINT, MODEL, Endpoint, named_endpoint
from explorer.services.refs import FeatureRef
from protsae.errors import ConfigError
from protsae.explaining.chat import KEY
from protsae.store.analyses.explanations import Explanation

from .conftest import OpenPage, html_of, subheaders_of, text_of

TITLE = "Explain in words"
ASK = "ask_in_words"


@pytest.fixture
def server() -> Iterator[ChatServer]:
    made = ChatServer()
    yield made
    made.close()


@pytest.fixture
def named(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> ChatServer:
    """An endpoint that whoever started the explorer named."""
    monkeypatch.setenv(ENDPOINT, server.endpoint)
    monkeypatch.setenv(MODEL, "words-1")
    monkeypatch.setenv(KEY, "sesame")
    return server


def test_without_an_endpoint_and_without_answers_there_is_no_such_part(open_page: OpenPage) -> None:
    app = open_page("feature", sae="protsae_mfo", feature="0")
    assert TITLE not in subheaders_of(app)


def test_nothing_is_sent_before_the_click_and_the_answer_is_escaped_and_scored(
    open_page: OpenPage, named: ChatServer
) -> None:
    named.reply = lambda prompt: said("[1, 2, 3]" if "JSON list" in prompt else "a <b>bold</b> motif")
    app = open_page("feature", sae="protsae_mfo", feature="0")
    assert not app.exception
    assert TITLE in subheaders_of(app)
    assert named.asked == []
    plan = explaining.plan(FeatureRef("protsae_mfo", 0))
    assert plan is not None
    words = text_of(app)
    assert f"{len(plan.prompts)} prompt" in words
    assert f"about {plan.tokens_in:,} tokens to 127.0.0.1:" in words
    assert plan.prompts[0] in [block.value for block in app.code], "what would be sent is shown"

    app.button(key=ASK).click().run()
    assert not app.exception
    assert named.asked[0]["messages"][0]["content"] == plan.prompts[0]
    assert len(named.asked) == len(plan.prompts)
    assert set(named.keys) == {"Bearer sesame"}
    assert {body["model"] for body in named.asked} == {"words-1"}
    assert "“a <b>bold</b> motif”" in text_of(app)
    assert not [block for block in html_of(app, "ps") if "<b>bold</b>" in block], "escaped in the page"
    assert "A guess of the language model words-1" in text_of(app)

    app.run()
    assert len(named.asked) == len(plan.prompts), "kept, not asked again"
    assert "“a <b>bold</b> motif”" in text_of(app)


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        ((401, b"no such key"), "refuses (401: no such key)"),
        ((200, b"<html>"), "not as an OpenAI-compatible chat endpoint does"),
    ],
)
def test_an_endpoint_that_fails_is_one_sentence(
    open_page: OpenPage, named: ChatServer, reply: tuple[int, bytes], sentence: str
) -> None:
    named.reply = lambda _: reply
    app = open_page("feature", sae="protsae_mfo", feature="0")
    app.button(key=ASK).click().run()
    assert not app.exception
    assert sentence in text_of(app)
    assert "A guess of the language model" not in text_of(app)


def test_an_endpoint_that_is_gone_is_one_sentence(open_page: OpenPage, named: ChatServer) -> None:
    named.close()
    app = open_page("feature", sae="protsae_mfo", feature="0")
    app.button(key=ASK).click().run()
    assert not app.exception
    assert "does not answer" in text_of(app)


def test_half_an_endpoint_says_what_is_missing(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT, "ftp://x")
    monkeypatch.setenv(MODEL, "m")
    app = open_page("feature", sae="protsae_mfo", feature="0")
    assert not app.exception
    assert "must begin with http:// or https://, got 'ftp://x'" in text_of(app)


def test_options_win_over_the_environment() -> None:
    environment = {ENDPOINT: "http://a/v1", MODEL: "m"}
    assert named_endpoint([], {}) is None
    assert named_endpoint(["--debug"], environment) == Endpoint("http://a/v1", "m")
    assert named_endpoint(["--explain-endpoint", "http://b/v1", "--explain-model", "n"], environment) == Endpoint(
        "http://b/v1", "n"
    )
    assert Endpoint("http://b:8080/v1", "n").host == "b:8080"
    with pytest.raises(ConfigError, match="PROTSAE_LLM_ENDPOINT is set, but no model"):
        named_endpoint([], {ENDPOINT: "http://a/v1"})
    with pytest.raises(ConfigError, match="need a value each"):
        named_endpoint(["--explain-endpoint"], {})


def test_what_the_bundle_holds_is_shown_without_any_endpoint(open_page: OpenPage) -> None:
    app = open_page("feature", sae="protsae_mfo", feature=str(EXPLAINED))
    assert TITLE in subheaders_of(app)
    assert "“<i>zinc</i> finger”" in text_of(app)
    assert "balanced accuracy of 0.80 (0.5 is guessing, 0.50 from the explanation of another feature)" in text_of(app)
    assert ASK not in [button.key for button in app.button]
    assert TITLE not in subheaders_of(open_page("feature", sae="vanilla", feature=str(EXPLAINED)))


def test_what_has_no_score_says_why() -> None:
    found = Explanation("a", 1, "x", None, None, "", 0, "m")
    assert in_words.worth(found) == "Too few test proteins to score it."
    assert "did not say on which stretches" in in_words.worth(found._replace(n_asked=10))
