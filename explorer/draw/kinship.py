"""What the explorer says of a feature's family: one sentence for each thing that was measured, with its null.

Read `shared`, then `agreement`.
"""

from collections.abc import Sequence

from explorer.draw import words
from protsae.store.analyses.families import AGREES_Q, AbsorbedRow, FamilyRow, FamilySummary, Member

HELP = (
    "Which features fire on the same residues, counted on test proteins. A broader feature stands above: it fires on "
    "most residues on which the narrower one fires, and on others. Twins fire on nearly the same residues. Which "
    "feature stands above which was chosen on validation proteins."
)
ALONE = "No other feature shares most of its residues beyond what amino acids explain, or it fires too rarely to tell."
TOO_DENSE = "It fires on more than a tenth of all residues: nearly everything would be its family, so none is drawn up."


def shared(member: Member) -> str:
    """How much of a feature its parent covers, beside chance; '' for a root."""
    if member.parent is None or member.shared is None:
        return ""
    null = f"chance {words.percent(member.chance or 0)}, amino acids alone {words.percent(member.by_letter or 0)}"
    if member.relation == "twin":
        return f"twin: {words.percent(member.overlap or 0)} of the residues of either are common ({null} of its own)"
    return f"{words.percent(member.shared)} of its residues lie in the one above ({null})"


def facts(member: Member) -> str:
    """Grade, density and what it shares with its parent."""
    grade = member.label_grade if member.label_grade != "none" else "not validated"
    parts = [grade, f"fires on {words.percent(member.density)}", shared(member)]
    return " · ".join(part for part in parts if part)


def agreement(row: FamilyRow) -> str:
    """Whether the names of a family's members lie close in the ontology, beside features drawn at random."""
    if row.agreement is None or row.q_value is None:
        return (
            f"Of its {words.count(row.size, 'feature')}, {row.n_named} are called after a GO term that guides them or "
            "holds: too few to ask whether the names agree."
        )
    closer = row.q_value < AGREES_Q
    verdict = "lie closer in the ontology than chance" if closer else "do not lie clearly closer than chance"
    return (
        f"The GO terms of its {row.n_named} named features {verdict}: mean similarity {words.number(row.agreement)}; "
        f"named features of the same density, drawn at random, have {words.number(row.null_agreement)} "
        f"(95 % of draws below {words.number(row.null_high)}; q = {row.q_value:.2g})."
    )


def split(member: Member, n_narrower: int) -> str:
    """That a feature's children say piece by piece what it says."""
    return (
        f"{n_narrower} narrower features together fire on {words.percent(member.covered or 0)} of its residues (with "
        f"their amino acids alone they would on {words.percent(member.covered_chance or 0)}), and none of them on more "
        "than half. What this feature says as a whole they say piece by piece: look at them, too."
    )


def twins(member: Member, children: Sequence[Member]) -> str:
    """Which features fire on nearly the same residues; '' where none does."""
    pairs = [(child.feature, child.overlap or 0) for child in children if child.relation == "twin"]
    if member.relation == "twin" and member.parent is not None:
        pairs.insert(0, (member.parent, member.overlap or 0))
    if not pairs:
        return ""
    named = words.join([f"#{feature} ({words.percent(overlap)})" for feature, overlap in pairs])
    return (
        f"Nearly the same residues make {named} fire; the share is that of residues common to both among those of "
        "either. Count them as one finding, not as several."
    )


def absorption(row: AbsorbedRow, feature: int) -> str:
    """That the general feature of a pair is silent where the specific one fires."""
    general = "It" if row.feature == feature else f"#{row.feature}"
    specific = "it" if row.child == feature else f"#{row.child}"
    return (
        f"{general} stands for “{row.term_name}”. Of test proteins with “{row.child_name}”, which have that function, "
        f"too, it calls {words.percent(row.recall_with)} where {specific} calls them; of the others with "
        f"“{row.term_name}” {words.percent(row.recall_without)}. Absorbed: {words.percent(row.rate)} of "
        f"{words.count(row.n_child, 'protein')} (with shuffled calls {words.percent(row.null_rate)}; "
        f"q = {row.q_value:.2g}). Its silence there does not speak against the function."
    )


def overall(row: FamilySummary) -> str:
    """All families of an autoencoder beside their nulls."""
    held = "" if row.share_held is None else f" {words.percent(row.share_held)} of the links hold on test proteins."
    agree = f" Families with two names or more: {row.n_judged:,}; agreeing beyond chance: {row.n_agree:,}."
    absorbed = ""
    if row.n_pairs and row.absorption is not None and row.null_absorption is not None:
        absorbed = (
            f" Absorption over {words.count(row.n_pairs, 'pair')} of a term and one below it: mean "
            f"{words.percent(row.absorption)}, with shuffled calls {words.percent(row.null_absorption)}."
        )
    return (
        f"Of {row.n_considered:,} features that fire often enough, and not nearly everywhere, {row.n_members:,} have a "
        f"relative, in {row.n_families:,} families; firing at random {row.null_members:,} would, on random "
        f"residues of the same amino acids {row.null_letter_members:,}.{held}{agree}{absorbed}"
    )
