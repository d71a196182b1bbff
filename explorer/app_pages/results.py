"""Results: why should I believe this, in a biologist's words."""

import streamlit as st

from explorer.draw import corpus, markup, words
from explorer.draw.bars import Drawn, bars
from explorer.findings import answers, audit_view, onset_chart, suite_view
from explorer.findings.answers import Answer
from explorer.services import data, measured, provenance, seeds
from explorer.shell import frame, links, takeaway
from protsae.store.analyses.onsets import ONSETS
from protsae.store.analyses.seeds import SEEDS
from protsae.store.analyses.sites import SITES
from protsae.store.analyses.steerability import STEERABILITY

LIMITS = (
    (
        "A missing annotation is counted as an absent function. Most proteins are not fully annotated, so some false "
        "alarms may be real and others are not; the lists of candidates say which evidence there is."
    ),
    (
        "Families were kept apart by sequence similarity: no protein of a test family trained or chose anything. "
        "Distant relatives that no alignment shows can still be on both sides."
    ),
    "A feature that predicts a function need not cause anything in the language model. Only the Steer page tests that.",
    (
        "F1 depends on how common a function is, so a feature is compared with luck and with others of the same term, "
        "not with features of other terms."
    ),
    "It is one language model at one layer. A larger one knows more; the same commands build its bundle.",
)
WORDS = {
    "Feature": "one of the directions into which an autoencoder splits the language model's inner state",
    "Held-out": "measured on proteins of families that were used neither to train nor to choose",
    "F1": "how far the proteins that a feature calls are those that carry the term: 1 where they are the same, 0 where "
    "none is shared",
    "AUROC": "how often a carrier of the term is ranked above another protein: 0.5 is a coin, 1 always",
    "Average precision": "how high the right residues stand in the ranking of all residues of a protein",
    "Null": "the same number where nothing can be found: labels shuffled, or sites shifted along the chain",
    "Guided": "trained to follow a Gene Ontology term; the others are free",
    "Interval": "95 % of the values that resampled test proteins give",
}


def main() -> None:
    """The page."""
    found = [answer for answer in questions() if answer is not None]
    frame.headline(
        "What was measured, and what it means",
        "Every number on these pages comes from proteins of families that took no part in training or choosing. Here "
        "is "
        "what they add up to for this bundle, the weak results with the strong ones.",
        tab=("Results",),
    )
    for place, answer in enumerate(found):
        show(answer, place)
    curves()
    suite_view.show()
    audit_view.show()
    for reason in filter(None, map(data.absence, (SITES, STEERABILITY, SEEDS, ONSETS))):
        frame.say(reason, "ps-soft ps-small")
    on_what()
    st.header("What none of this means", anchor=False)
    st.html(markup.wrap(f"<ul>{''.join(f'<li>{markup.escape(text)}</li>' for text in LIMITS)}</ul>"))
    st.header("Words", anchor=False)
    st.html(markup.wrap(markup.facts((name, meaning, "") for name, meaning in WORDS.items())))
    st.header("For researchers", anchor=False)
    with st.container(horizontal=True):
        frame.link(
            links.Link("compare", {"view": "methods"}), "Every method, ablation and seed", icon=":material/table:"
        )
        takeaway.as_json(
            "These results (JSON)",
            {"answers": found},
            f"results_{provenance.bundle_id()[:8]}",
            provenance.of(saes=[sae.name for sae in data.saes()]),
        )


def questions() -> list[Answer | None]:
    """The answers in the order of the page."""
    saes = data.saes()
    guided, other = next(iter(data.guided_saes()), None), next(iter(data.baseline_saes()), None)
    asked: list[Answer | None] = [answers.names_hold(saes, {sae.name: data.map_points(sae.name) for sae in saes})]
    if guided is not None:
        asked.append(answers.beats_simple(measured.guiding(guided.name), guided))
    if guided is not None and other is not None:
        asked.append(answers.guidance_helps(measured.differences(guided.name, other.name), guided, other))
        asked.append(answers.finds_site(*measured.sites(), guided, other))
    asked.append(answers.steers(data.steerability(), len(data.validated())))
    asked.append(answers.comes_back(seeds.whole(), saes))
    asked.append(answers.learns_when(seeds.learnt(), saes))
    asked.append(answers.kept(saes, measured.liveness()))
    return asked


def show(answer: Answer, place: int) -> None:
    """One question with its answer, its picture, and how far it reaches."""
    with st.container(border=True):
        st.header(answer.question, anchor=False)
        frame.say(answer.finding, "")
        with takeaway.figure(f"answer_{place}", answer.question, saes=[sae.name for sae in data.saes()]):
            st.html(markup.wrap(drawn(answer)))
        st.html(
            markup.wrap(
                markup.verdict("What it means", answer.means), markup.verdict("What it does not mean", answer.not_means)
            )
        )


def curves() -> None:
    """What features knew of the terms while they were trained, step by step."""
    looks = {sae.name: seeds.curve(sae.name) for sae in data.saes()}
    looks = {name: rows for name, rows in looks.items() if rows}
    if not looks:
        return
    with st.container(border=True):
        st.header("How the functions appear, step by step", anchor=False)
        frame.say(onset_chart.CAPTION, "ps-soft ps-small")
        drawn = onset_chart.figure(looks, {sae.name: sae for sae in data.saes()}, frame.mode())
        takeaway.chart(
            drawn, "onsets", "Held-out AUROC of terms along the training", alt=onset_chart.told(looks), saes=list(looks)
        )


def drawn(answer: Answer) -> str:
    """The answer's bars."""
    rows = (Drawn(bar.name, bar.value / answer.full, bar.text or f"{bar.value:.2f}", bar.role) for bar in answer.bars)
    return bars(rows, answer.scale)


def on_what() -> None:
    """Proteins, language model, sources."""
    held = data.corpus()
    st.header("On what", anchor=False)
    if held.n_all:
        frame.say(
            f"{words.count(held.n_all, 'protein')}: {held.n_train:,} trained the autoencoders, {held.n_valid:,} chose "
            f"features and thresholds, {held.n_test:,} tested them. {corpus.holdings(held)}",
            "",
        )
    frame.say(corpus.model(data.bundle().plm), "")
    for source in data.bundle().manifest.get("sources", []):
        frame.say(str(source), "ps-soft ps-small")


main()
