"""The evidence column of a feature: held-out score, badges, when it fires, amino acids.

Each function draws one card. Read `how_we_know`, then `badges`.
"""

import streamlit as st

from explorer.draw import (
    columns,
    confounded,
    corpus,
    markup,
    outward,
    returning,
    steered,
    verdicts,
    words,
)
from explorer.services import audit, data, seeds
from explorer.services.refs import FeatureRef
from explorer.shell import frame
from protsae.store.analyses.confounds import CONFOUNDS, ConfoundRow
from protsae.store.analyses.dense import DENSEST
from protsae.store.analyses.sites import SITES, FeatureSite
from protsae.store.rows import FeatureAnnotation, FeatureRow, TermFeature

BIASED = 3.0
"""log2 enrichment from which on an amino acid is worth a word (eight times its usual share)."""

PREFERS = 0.8
"""AUROC from which on that preference has held on test proteins."""

Headline = TermFeature | FeatureAnnotation | None
"""The alignment that a feature is called after."""


def how_we_know(row: FeatureRow, headline: Headline, facts: list[ConfoundRow]) -> None:
    """The held-out card: what the label is worth, in three numbers, and every other number of it on demand."""
    with st.container(border=True):
        st.header("How do we know?", anchor=False, help=words.HELP["held_out"])
        st.html(markup.wrap(badges(row, headline, facts)))
        if headline is None:
            frame.say("Nothing could be scored against this feature: the examples are the evidence.")
            return
        name = f"{headline.kind} (residues)"
        if isinstance(headline, TermFeature):
            name = f"{words.capitalised(headline.term_name)} ({headline.go_id})"
        st.html(markup.wrap(_named(name, headline), markup.brief_score(headline, data.sae(row.sae).role)))
        if turned_up := steered.brief(audit.steered().get(FeatureRef(row.sae, row.feature))):
            st.caption(words.capitalised(turned_up) + ".", help=steered.HELP)
        with st.expander("Precision, recall, baselines"):
            if isinstance(headline, TermFeature):
                frame.say(verdicts.verdict(headline), "ps-small ps-soft")
                st.html(markup.wrap(_choices(headline)))
            else:
                frame.say(verdicts.of_site(headline), "ps-small ps-soft")
                st.html(markup.wrap(_sites_table([headline])))


def what_else_it_matches(headline: Headline, terms: list[TermFeature], sites: list[FeatureAnnotation]) -> None:
    """Other terms that it goes with, and other annotated sites, residue by residue."""
    also = [term for term in terms if term != headline and verdicts.is_validated(term)]
    others = [site for site in sites if site != headline]
    if not also and not others:
        return
    with st.container(border=True):
        st.header("What else does it match?", anchor=False, help=words.HELP["label_f1"])
        if also:
            st.html(markup.wrap(markup.paragraph("It also goes with:", "ps-small"), _terms_table(also)))
        if others:
            title = markup.paragraph("Residue by residue, against annotated sites:", "ps-small")
            st.html(markup.wrap(title, _sites_table(others[:4])))


def _named(name: str, headline: TermFeature | FeatureAnnotation) -> str:
    """What the scores below belong to; grey where it is a guess."""
    if verdicts.is_validated(headline):
        return f"<b>{outward.ids(name)}</b>"
    return f'<span class="ps-soft">guess: {outward.ids(name)}</span>'


def _choices(best: TermFeature) -> str:
    interval = verdicts.interval(best.test_auroc_low, best.test_auroc_high)
    return markup.facts(
        [
            (
                "AUROC",
                f"{words.number(best.test_auroc)} {interval}".rstrip(),
                words.HELP["auroc"],
            ),
            ("Composition", f"AUROC {words.number(best.composition_auroc)}", words.HELP["composition"]),
            ("All positive", f"F1 {words.number(best.all_positive_f1)}", words.HELP["all_positive"]),
            ("Test positives", f"{best.n_pos_test:,}", words.HELP["n"]),
            ("Precision", words.number(best.test_precision), words.HELP["precision"]),
            ("Recall", words.number(best.test_recall), words.HELP["recall"]),
            (
                "Called when",
                f"{best.pooling} over residues > {words.amount(best.threshold)}",
                words.HELP["threshold"] + " " + words.HELP["pooling"],
            ),
            (
                "Before the test",
                f"F1 {words.number(best.valid_f1)} on validation ({best.n_pos_valid} positives)",
                words.HELP["f1"],
            ),
            ("One neuron alone", f"AUROC {words.number(best.neuron_auroc)}", words.HELP["neuron"]),
            ("Linear probe", f"AUROC {words.number(best.probe_auroc)}", words.HELP["probe"]),
        ]
    )


def _terms_table(terms: list[TermFeature]) -> str:
    rows = [
        (
            row.term_name,
            words.number(row.test_f1),
            f"{words.number(row.test_f1_low)} to {words.number(row.test_f1_high)}",
            str(row.n_pos_test),
            verdicts.grade_name(row),
        )
        for row in terms[:4]
    ]
    return markup.table(("GO term", "F1", "interval", "n", "evidence"), rows)


def _sites_table(sites: list[FeatureAnnotation]) -> str:
    rows = [
        (
            row.kind,
            words.number(row.test_f1),
            f"{words.number(row.test_f1_low)} to {words.number(row.test_f1_high)}",
            f"{words.number(row.null_f1)}, {words.number(row.all_positive_f1)}",
            f"{words.number(row.test_auroc)} ({words.number(row.amino_acid_auroc)})",
            verdicts.grade_name(row),
        )
        for row in sites
    ]
    return markup.table(("Site", "F1", "interval", "null, all", "AUROC (amino acid)", "evidence"), rows)


def what_else(facts: list[ConfoundRow]) -> None:
    """How well simple facts alone predict where it fires: a label is worth little where one of them says as much."""
    absence = data.absence(CONFOUNDS)
    if not facts and not absence:
        return
    with st.container(border=True):
        st.header("What else could explain it?", anchor=False, help=words.HELP["confounds"])
        if absence:
            frame.say(absence, "ps-small ps-soft")
            return
        explains = next((fact for fact in facts if fact.explains), None)
        frame.say(words.confound(explains) if explains else "None of these facts alone explains where it fires.")
        rows = [
            (
                words.confound_words(fact.confound).name,
                words.number(fact.auroc),
                words.number(fact.f1),
                words.number(fact.null_f1),
            )
            for fact in facts
        ]
        st.html(markup.wrap(markup.table(("Fact alone", "AUROC", "F1", "null"), rows)))


def at_the_site(row: FeatureRow, sites: list[FeatureSite]) -> None:
    """How well it finds the residues that carry its function, beside what else finds them."""
    absence = data.absence(SITES)
    if not sites and not (absence and row.kind == "defined"):
        return
    with st.container(border=True):
        st.header("Does it find the site?", anchor=False, help=words.HELP["sites"])
        if absence:
            frame.say(absence, "ps-small ps-soft")
            return
        found = sites[0]
        frame.say(words.site(found))
        rows = [
            ("This feature", found.ap),
            ("Amino acid alone", found.letter_ap),
            ("15 letters", found.window_ap),
            ("Best single neuron", found.neuron_ap),
            ("Best unguided feature", found.unguided_ap),
            ("Supervised probe", found.probe_ap),
            ("Shifted positions", found.null_ap),
        ]
        shown = [(name, words.number(ap)) for name, ap in rows]
        share = "-" if found.top_share is None else words.percent(found.top_share)
        facts = [
            ("AUROC", words.number(found.auroc), words.HELP["sites"]),
            ("F1", words.number(found.f1), words.HELP["sites"]),
            ("In the top 5 %", share, words.HELP["top_share"]),
        ]
        st.html(markup.wrap(markup.table(("Finds the residues", "AP"), shown), markup.facts(facts)))


def badges(row: FeatureRow, headline: Headline, facts: list[ConfoundRow]) -> str:
    """Short notes that change how far to trust the label."""
    notes = []
    if row.kind == "defined":
        notes.append(
            markup.badge(
                "guided",
                f"Trained to follow {row.go_id}; it may fire beside a residue's strongest features.",
                "good",
            )
        )
    if headline is not None:
        notes.append(markup.grade(headline))
    if row.max_act <= 0:
        notes.append(markup.badge("no known activations", "It fired on no residue of the corpus.", "warn"))
    if row.density > DENSEST:
        notes.append(
            markup.badge(
                "dense",
                f"Fires on {words.percent(row.density)} of residues: whatever it stands for is not all it stands for.",
                "warn",
            )
        )
    notes.append(_confound_badge(row, facts))
    notes.append(_seed_badge(row))
    return "".join(notes)


def _seed_badge(row: FeatureRow) -> str:
    """In how many trainings it is found; '' where it was not trained again."""
    found = seeds.of_feature(FeatureRef(row.sae, row.feature))
    if found is None or row.max_act <= 0:
        return ""
    term = seeds.of_term(row.sae, row.go_id) if row.go_id else None
    return returning.badge(found, term) if term is not None or row.kind != "defined" else ""


def _confound_badge(row: FeatureRow, facts: list[ConfoundRow]) -> str:
    """The fact that explains the feature; else, as a mere remark, an amino acid that it prefers."""
    found = next((fact for fact in facts if fact.explains), None)
    if found is not None:
        return confounded.badge(found, row.aa_enrichment)
    letters = confounded.enriched(row.aa_enrichment)
    amino_acid = next((fact for fact in facts if fact.confound == "amino_acid"), None)
    if amino_acid is None or not letters or letters[0][1] < BIASED or (amino_acid.auroc or 0) < PREFERS:
        return ""
    name, gain = words.AMINO_ACID_NAMES[letters[0][0]], letters[0][1]
    tip = f"{name.capitalize()} is {2**gain:.0f} times as frequent where it fires, but alone does not say where: F1 "
    return markup.badge(f"prefers {name}", f"{tip}{words.number(amino_acid.f1)}.")


def when_it_fires(row: FeatureRow) -> None:
    """Density and the distribution of activations."""
    with st.container(border=True):
        st.header("When does it fire?", anchor=False)
        shares = [
            ("Residues", words.percent(row.density), words.HELP["density"]),
            ("Proteins", words.percent(row.protein_density), words.HELP["protein_density"]),
            (
                "Strongest",
                f"{words.amount(row.max_act)} (99.9th percentile {words.amount(row.p999_act)})",
                words.HELP["raw"],
            ),
        ]
        st.html(markup.wrap(markup.facts(shares)))
        if len(row.histogram):
            st.html(markup.wrap(columns.histogram(row.histogram.tolist(), row.max_act, row.p999_act)))


def amino_acids(row: FeatureRow) -> None:
    """On which amino acids it fires, and what it makes the language model expect."""
    with st.container(border=True):
        st.header("Amino acids", anchor=False)
        for title, values, unit, tip in (
            ("Fires on", row.aa_enrichment, "log2 enrichment", "aa_enrichment"),
            ("Makes the model expect", row.aa_effect, "logits", "aa_effect"),
        ):
            if len(values):
                st.caption(f"{title} ({unit})", help=words.HELP[tip])
                st.html(markup.wrap(columns.amino_acids(values, unit, title)))
        if why_not := corpus.reads_only(data.bundle().plm):
            st.caption(why_not)
