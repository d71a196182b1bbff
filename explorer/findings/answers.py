"""The bundle's measurements as answers to a biologist's questions, whichever way they fall out.

Every number is computed here from what the store and its analyses say of the open bundle; nothing is written by hand.
Each answer says what it means and what it does not. Read `Answer`, then any question.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from explorer.draw import words
from protsae.store.analyses.onsets import Onset
from protsae.store.analyses.seeds import SAESeeds
from protsae.store.analyses.steerability import STEERABLE_Q, SteerabilityRow
from protsae.store.rows import Role, SAERow, TermFeature

CHANCE = 0.025
"""Share of terms that a 95 % interval puts on one side of zero where there is no difference at all."""


class Bar(NamedTuple):
    """One measured thing."""

    name: str
    value: float
    role: Role | None = None
    """Whose colour it takes; None: neither side's, a yardstick."""
    text: str = ""
    """The number as read; two decimals where nothing is given."""


class Answer(NamedTuple):
    """A question, what was found, and how far it reaches."""

    question: str
    finding: str
    bars: tuple[Bar, ...]
    scale: str
    """What the bars' lengths are."""
    means: str
    not_means: str
    full: float = 1.0
    """Value of a bar of full length."""


def names_hold(saes: Sequence[SAERow], features: dict[str, pd.DataFrame]) -> Answer:
    """How many features bear a name that holds on unseen proteins.

    Args:
        saes: of the bundle.
        features: of each SAE `label_grade`, `label_f1`, `label_null_f1`, one row a feature.
    """
    sentences, bars = [], []
    for sae in saes:
        rows = features[sae.name]
        holds = rows.loc[rows["label_grade"] != "none"]
        strong = int((rows["label_grade"] == "strong").sum())
        median = (
            f" Half of these reach a held-out F1 of {holds['label_f1'].median():.2f} or more, where shuffled labels "
            f"give "
            f"{holds['label_null_f1'].median():.2f}."
            if len(holds)
            else ""
        )
        sentences.append(
            f"{words.sae_long(sae)}: {len(holds):,} of {words.count(len(rows), 'feature')} bear a name that holds on "
            f"proteins of families that training never saw, {strong:,} of them on strong evidence.{median}"
        )
        for name, n in (("strong", strong), ("weak", len(holds) - strong)):
            share = n / max(len(rows), 1)
            bars.append(Bar(f"{sae.display_name}, {name}", share, sae.role, f"{n:,} ({words.percent(share)})"))
    return Answer(
        "Do the names of the features hold?",
        " ".join(sentences),
        tuple(bars),
        "share of all features",
        "A name that holds was chosen on one set of protein families and checked on another. Weak: it beats shuffled "
        "names, calling every protein positive, and guessing. Strong: it also beats what amino-acid composition alone "
        "can tell.",
        "That a feature stands for nothing else, or that the other features mean nothing: no name in the ontology or "
        "among the residue annotations was found for them.",
    )


def guidance_helps(table: pd.DataFrame, guided: SAERow, other: SAERow) -> Answer | None:
    """For how many terms the guided feature is better than the best unguided one; None where no pair was measured.

    Args:
        table: rows of `StoreReader.compare_table`.
        guided: whose terms these are.
        other: what it is held against.
    """
    rows = table.dropna(subset=["difference", "difference_low", "difference_high"])
    if rows.empty:
        return None
    won, lost = int((rows["difference_low"] > 0).sum()), int((rows["difference_high"] < 0).sum())
    n = len(rows)
    level = n - won - lost
    return Answer(
        f"Is a guided feature better than the best one of {other.display_name}?",
        f"Of {words.count(n, 'term')}, the guided feature is clearly better for {won:,} and clearly worse for "
        f"{lost:,}; "
        f"for the other {level:,} the two cannot be told apart. Were there no difference at all, about "
        f"{CHANCE * n:.0f} would look better and {CHANCE * n:.0f} worse by luck. Mean difference of held-out F1: "
        f"{rows['difference'].mean():+.3f}.",
        (
            Bar(f"{guided.display_name} clearly better", won / n, guided.role, f"{won:,}"),
            Bar("not told apart", level / n, None, f"{level:,}"),
            Bar(f"{other.display_name} clearly better", lost / n, other.role, f"{lost:,}"),
        ),
        "share of terms",
        "Both features called the same unseen proteins; the interval of their difference, over resampled proteins, "
        "leaves out zero.",
        "That guidance is better for every term, or that it costs nothing elsewhere: it keeps a little less of the "
        "language model's own skill.",
    )


def beats_simple(rows: Sequence[TermFeature], guided: SAERow) -> Answer | None:
    """Guided features beside what simpler means reach for the same terms; None where these were not measured."""
    names = ("test_auroc", "composition_auroc", "neuron_auroc", "probe_auroc")
    table = pd.DataFrame([[getattr(row, name) for name in names] for row in rows], columns=list(names), dtype=float)
    table = table.dropna()
    if table.empty:
        return None
    mean = table.mean()
    ahead = float((table["test_auroc"] > table["composition_auroc"]).mean())
    return Answer(
        "Could something simpler tell the same?",
        f"Over {words.count(len(table), 'term')}, a guided feature ranks carriers of its term above others with AUROC "
        f"{mean['test_auroc']:.3f} on average. Counting amino acids alone reaches {mean['composition_auroc']:.3f}, "
        f"the best "
        f"single neuron of the language model {mean['neuron_auroc']:.3f}, and a classifier fitted on all of its "
        f"neurons "
        f"{mean['probe_auroc']:.3f}. The feature is ahead of composition for {words.percent(ahead)} of the terms.",
        (
            Bar("guessing", 0.5),
            Bar("amino-acid composition", mean["composition_auroc"]),
            Bar("best single neuron", mean["neuron_auroc"]),
            Bar(f"{guided.display_name}, one feature", mean["test_auroc"], guided.role),
            Bar("classifier on all neurons", mean["probe_auroc"]),
        ),
        "AUROC on unseen proteins, mean over terms",
        "0.5 is a coin, 1 is perfect. What lies between composition and the feature is more than letters can tell; "
        "what "
        "lies between the feature and the classifier is known to the language model and not in one feature.",
        "That the language model understands the function: it may know the family.",
    )


def finds_site(sites: pd.DataFrame, baselines: pd.DataFrame, guided: SAERow, other: SAERow) -> Answer | None:
    """Whether features find the residues that carry a function; None where it was not measured.

    Args:
        sites: table `feature_site`.
        baselines: table `site_baseline`.
        guided: whose features are judged.
        other: what it is held against.
    """
    own = sites.loc[(sites["sae"] == guided.name) & sites["is_guiding"]].set_index("go_id")
    theirs = sites.loc[sites["sae"] == other.name].groupby("go_id")["ap"].max()
    by = baselines.pivot_table(index="go_id", columns="baseline", values="ap")
    joined = own[["ap", "null_ap", "n_proteins"]].join(theirs.rename("other")).join(by).dropna()
    if joined.empty:
        return None
    mean = joined.mean(numeric_only=True)
    won = int((joined["ap"] > joined["other"]).sum())
    yardsticks = [
        (name, text)
        for name, text in (
            ("letter", "the amino acid alone"),
            ("neuron", "best single neuron"),
            ("window", "15 letters around it"),
            ("probe", "classifier fitted on named residues"),
        )
        if name in joined
    ]
    lines = [Bar("by chance", mean["null_ap"])]
    lines += [Bar(text, mean[name]) for name, text in yardsticks if name != "probe"]
    lines += [
        Bar(f"{other.display_name}, its best feature", mean["other"], other.role),
        Bar(f"{guided.display_name}", mean["ap"], guided.role),
    ]
    lines += [Bar(text, mean[name]) for name, text in yardsticks if name == "probe"]
    return Answer(
        "Does a feature find the site, or only the protein?",
        f"For {words.count(len(joined), 'term')} whose residues are named (metal and ligand contacts, active sites, "
        f"membrane segments and the like), inside unseen proteins that have them, the guided feature finds these "
        f"residues "
        f"with average precision {mean['ap']:.2f}; {other.display_name}'s best feature {mean['other']:.2f}, chance "
        f"{mean['null_ap']:.2f}. It is ahead of {other.display_name} for {won} of the {len(joined)}.",
        tuple(lines),
        "average precision within a protein, mean over terms",
        "1: every residue of the site comes before every other one. Chance is what shifted sites give. The guided "
        "autoencoder saw named residues of other families while it trained; the unguided one did not.",
        "That the strongest residue is catalytic: look at the structure.",
    )


def steers(rows: Sequence[SteerabilityRow], n_named: int) -> Answer | None:
    """Whether raising a feature raises its own function; None where it was not measured.

    Args:
        rows: one a feature that was measured.
        n_named: validated features that a GO term names, of which those are.
    """
    if not rows:
        return None
    raised, again = [row for row in rows if row.is_steerable], [row for row in rows if row.is_confirmed]
    luck = f" Among features called so, about one in {1 / STEERABLE_Q:.0f} is so by luck." if raised else ""
    which = (
        f"of the {len(again):,} clearest, raised again in proteins that did not choose them," if again else "of these,"
    )
    effect = float(np.mean([row.effect for row in rows]))
    control = float(np.mean([row.random_feature for row in rows]))
    full = max(abs(effect), abs(control), 1e-9)
    return Answer(
        "Does turning a feature up do what its name says?",
        f"{words.count(len(rows), 'feature')} (of {n_named:,} validated ones that a GO term names) were raised in "
        f"proteins that lack the function; {which} {len(raised):,} raise what a separate classifier reads of it more "
        f"than both a random feature as frequent and a random direction pushed as far do.{luck}",
        (
            Bar("the feature itself", max(effect, 0), "guided", f"{effect:+.3f}"),
            Bar("a random feature as frequent", max(control, 0), None, f"{control:+.3f}"),
        ),
        "change of the function's log-odds, mean over features and proteins",
        "The feature is not only there when the function is: pushing it moves the language model towards that "
        "function.",
        "That the changed sequence has the function. The judge is a classifier on the same language model, and the "
        "field "
        "disputes how far such steering goes.",
        full,
    )


def kept(saes: Sequence[SAERow], liveness: pd.DataFrame) -> Answer:
    """How much of the language model's states the SAEs keep, and how many of their features work."""
    live = liveness.set_index("sae")["share_live"] if len(liveness) else pd.Series(dtype=float)
    parts = []
    for sae in saes:
        alive = f", {words.percent(float(live[sae.name]))} of its features work" if sae.name in live else ""
        parts.append(
            f"{words.sae_long(sae)} keeps {words.percent(sae.explained_variance)} of the variance with {sae.l0:.0f} of "
            f"{sae.d_sae:,} features a residue{alive}"
        )
    return Answer(
        "How much of the language model is in the features?",
        f"{'; '.join(parts)}.",
        tuple(
            Bar(sae.display_name, sae.explained_variance, sae.role, words.percent(sae.explained_variance))
            for sae in saes
        ),
        "share of the variance of the language model's states that is kept",
        "What a feature list cannot say is in the rest. A feature works where it fires on at least one residue in "
        "10,000.",
        "That the rest is noise.",
    )


def comes_back(rows: Sequence[SAESeeds], saes: Sequence[SAERow]) -> Answer | None:
    """Whether another training finds the same features; None where there was none."""
    named = {sae.name: sae for sae in saes}
    rows = [row for row in rows if row.sae in named]
    if not rows:
        return None
    parts, lines = [], []
    for row in rows:
        sae = named[row.sae]
        same = (
            ""
            if row.guided_cosine is None or row.null_guided_cosine is None
            else f"; features guided by the same term have cosine {row.guided_cosine:.2f}, by another term "
            f"{row.null_guided_cosine:.2f}"
        )
        parts.append(
            f"{words.percent(row.share_found)} of the features of {words.sae_long(sae)} are found again in a training "
            f"from another start (in random directions of the same spread: {words.percent(row.null_share_found)}){same}"
        )
        lines.append(Bar(f"{sae.display_name}, found again", row.share_found, sae.role, words.percent(row.share_found)))
        lines.append(Bar("by chance", row.null_share_found, None, words.percent(row.null_share_found)))
    trainings = words.count(rows[0].n_others, "other training")
    return Answer(
        "Does another training find the same features?",
        f"{'; '.join(parts)}. Mean over {trainings}.",
        tuple(lines),
        "share of features with a direction of cosine 0.7 or more in the other training",
        "What comes back is in the language model's states, whichever way training begins. Each feature says in how "
        "many trainings it is found.",
        "That a feature which does not come back is wrong: the same states can be split in more than one way.",
    )


def learns_when(rows: Sequence[Onset], saes: Sequence[SAERow]) -> Answer | None:
    """When, in its training, an SAE learns its terms; None where nobody looked."""
    named = {sae.name: sae for sae in saes}
    rows = [row for row in rows if row.sae in named]
    if not rows:
        return None
    parts, lines = [], []
    for row in rows:
        sae, share = named[row.sae], row.n_onset / max(row.n_terms, 1)
        when = "" if row.median_step is None else f", half of them by step {row.median_step:,.0f} of {row.last_step:,}"
        parts.append(
            f"in {words.sae_long(sae)} the AUROC of {row.n_onset:,} of {words.count(row.n_terms, 'term')} steps "
            f"up{when} (of curves of shuffled labels {words.percent(row.null_share)} do)"
        )
        lines.append(Bar(f"{sae.display_name}, terms with an onset", share, sae.role, f"{row.n_onset:,}"))
        lines.append(Bar("by chance", row.null_share, None, words.percent(row.null_share)))
    return Answer(
        "When does a function appear while the autoencoder is trained?",
        f"Followed on test proteins, {'; '.join(parts)}.",
        tuple(lines),
        "share of terms whose AUROC steps up during training",
        "The best split of a term's curve into before and after says when: of a guided autoencoder for the feature "
        "that the term guides, else for the feature that is best on validation proteins at that step. Terms that "
        "random directions already tell apart step up little.",
        "That the language model learns it then: its weights stay as they are.",
    )
