"""Which features raise their own function, as measured beforehand on held-out proteins: the page's words about it.

Read `best`, then `sentence` and `none_raises`.
"""

from explorer.draw import words
from explorer.services import data
from explorer.services.refs import FeatureRef
from protsae.steering.types import TESTED_STRENGTH
from protsae.store.analyses.steerability import STEERABILITY, SteerabilityRow

BOTH = "a random feature of matched density and a random direction pushed as far"
"""What a feature is tested against; its p-value is the larger of the two tests'."""


def best(sae: str) -> list[int]:
    """Features of an autoencoder that raise their own function more than both controls do, the surest first."""
    return [row.feature for row in data.steerability() if row.sae == sae and row.is_steerable]


def none_raises(sae: str) -> str:
    """That no feature of an autoencoder, or of the whole bundle, raises its own function; '' where one does."""
    rows = data.steerability()
    own = [row for row in rows if row.sae == sae]
    if any(row.is_steerable for row in own) or not rows:
        return ""
    if any(row.is_steerable for row in rows):
        whose, tested = data.sae(sae).display_name, own
    else:
        whose, tested = "this bundle", rows
    return f"No feature of {whose} raises its own function more than {BOTH} do ({len(tested):,} tested)."


def sentence(ref: FeatureRef) -> str:
    """What was measured for one feature, beside its controls; or why nothing was."""
    if absence := data.absence(STEERABILITY):
        return absence
    row = next((row for row in data.steerability() if (row.sae, row.feature) == ref), None)
    if row is None:
        return (
            "Whether this feature raises a function was not measured: only validated features are, where held-out "
            "proteins allow it."
        )
    return f"{_measured(row)} {_verdict(row)}"


def _measured(row: SteerabilityRow) -> str:
    proteins = words.count(row.n_proteins, "held-out protein")
    return (
        f"Measured beforehand on {proteins} without “{row.term_name}”: raised by itself at strength "
        f"{TESTED_STRENGTH:g}, it "
        f"moves the term's log-odds by {row.effect:+.2f}, a random feature by {row.random_feature:+.2f}, a random "
        f"direction by {row.random_direction:+.2f}. The judge is a linear probe on the language model's states of the "
        f"new sequence, which knows no autoencoder (AUROC {row.probe_auroc:.2f} on held-out proteins)."
    )


def _verdict(row: SteerabilityRow) -> str:
    interval = f"{row.difference:+.2f} [{row.difference_low:+.2f}, {row.difference_high:+.2f}]"
    if row.is_confirmed:
        sure = f"q = {row.q_value:.2g} by the weaker of both tests, on proteins that did not choose it"
    else:
        sure = (
            f"p = {row.p_value:.2g} by the weaker of both tests, before correction; not among the clearest, so not "
            "tested again"
        )
    other = f"of the other terms {words.percent(row.specificity)} rise less (50 % by chance)"
    so = "So it raises" if row.is_steerable else "So it is not shown to raise"
    return f"{so} its own function more than {BOTH} do (by {interval} against the random feature; {sure}); {other}."
