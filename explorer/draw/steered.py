"""Whether a feature raises its own function, in the few words that stand beside its F1.

Read `brief`.
"""

from protsae.store.analyses.steerability import SteerabilityRow

HELP = (
    "The feature was turned up in held-out proteins without the function. The number is how far a linear probe's "
    "log-odds of the function rise more than under a random feature of equal density; the probe knows no autoencoder. "
    "Said to raise its function: it beats that feature and a random direction pushed as far, each by a test of its own."
)


def brief(row: SteerabilityRow | None) -> str:
    """A clause, e.g. "raises its function: +3.07 [2.45, 3.64]"; '' where it was not measured."""
    if row is None:
        return ""
    interval = f"{row.difference:+.2f} [{row.difference_low:+.2f}, {row.difference_high:+.2f}]"
    if row.is_steerable:
        return f"raises its function when turned up: {interval} log-odds"
    return f"not shown to raise its function when turned up: {interval} log-odds"
