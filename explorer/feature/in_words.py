"""A language model of words' guess at what makes the feature fire: stored in the bundle, or asked for by a click.

Absent where the bundle holds none and whoever started the explorer named no endpoint. Read `card`.
"""

import streamlit as st

from explorer.draw import words
from explorer.services import explaining
from explorer.services.explaining import Endpoint
from explorer.services.refs import FeatureRef
from explorer.shell import frame
from protsae.errors import ProtSAEError
from protsae.store.analyses.explanations import Explanation
from protsae.store.rows import FeatureRow

ANSWERS = "explained_in_words"
"""What this reader's clicks brought, in the session: (bundle, feature, model) -> explanation."""

HELP = (
    "A language model of words is shown stretches of sequence with the residues marked on which the feature fires, and "
    "writes what they have in common. Then it is asked which of ten stretches of test proteins the feature fires on, "
    "from that text alone: share of right answers, 0.5 is guessing. Null: the same from a text about another feature. "
    "Ten stretches are few: one more right answer is a tenth."
)


def card(row: FeatureRow) -> None:
    """The part of the page; nothing where there is nothing to show and nobody to ask."""
    ref = FeatureRef(row.sae, row.feature)
    stored = explaining.stored(ref)
    try:
        endpoint = explaining.endpoint()
    except ProtSAEError as error:
        endpoint, problem = None, str(error)
    else:
        problem = ""
    if (stored is None and endpoint is None and not problem) or row.max_act <= 0:
        return
    with st.container(border=True, key="in_words"):
        st.header("Explain in words", anchor=False, help=HELP)
        if problem:
            frame.say(problem)
        if stored is not None:
            told(stored)
        if endpoint is not None:
            asking(ref, endpoint)


def told(found: Explanation) -> None:
    """The guess, who made it, and what it is worth."""
    frame.say(f"“{found.explanation}”", "")
    frame.say(f"A guess of the language model {found.model}, from marked stretches of sequence. {worth(found)}")


def worth(found: Explanation) -> str:
    """Its detection score beside the null, in a sentence."""
    if found.score is None:
        return (
            "Too few test proteins to score it."
            if not found.n_asked
            else "The model did not say on which stretches of test proteins the feature fires, so it has no score."
        )
    null = "" if found.null_score is None else f", {words.number(found.null_score)} from the {found.null_text}"
    return (
        f"From it the model tells {found.n_asked} stretches of test proteins with a balanced accuracy of "
        f"{words.number(found.score)} (0.5 is guessing{null})."
    )


def _asking(ref: FeatureRef, endpoint: Endpoint) -> None:
    plan = explaining.plan(ref)
    if plan is None:
        frame.say("It fires in no example protein of train or valid, so there is nothing that a model could be shown.")
        return
    key = (explaining.bundle_id(), ref, endpoint)
    answers = st.session_state.setdefault(ANSWERS, {})
    frame.say(
        f"Asking sends {words.count(len(plan.prompts), 'prompt')} of about {plan.tokens_in:,} tokens to "
        f"{endpoint.host} and gets at most {plan.tokens_out:,} tokens back, from the model {endpoint.model}. "
        "Nothing is sent before you click."
    )
    with st.expander("What would be sent"):
        for number, prompt in enumerate(plan.prompts[:2]):
            st.caption("To score it, once more with the null in its place" if number else "To explain")
            st.code(prompt, language=None, wrap_lines=True)
        if plan.null:
            st.caption(words.md(f"Null, the label of another feature: {plan.null}"))
    if st.button(f"Ask {words.md(endpoint.model)}", key="ask_in_words", icon=":material/send:"):
        try:
            with st.spinner(f"{words.md(endpoint.model)} is asked …"):
                answers[key] = explaining.ask(ref, endpoint)
        except ProtSAEError as error:
            frame.say(str(error))
    if key in answers:
        told(answers[key])


asking = st.fragment(frame.guarded(_asking))
"""What would be sent, and the button that sends it."""
