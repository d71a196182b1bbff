"""What the reader returns of the analyses beside the store: one named tuple a row.

Its fields are named after the columns in `analysis.py`; those that no column of that name holds are explained here.
"""

from typing import NamedTuple

from protsae.store.analysis import STEERABLE_Q


class ConfoundRow(NamedTuple):
    """How well one simple fact alone predicts where a feature fires."""

    confound: str
    """amino_acid | position | length | family | organism"""
    auroc: float | None
    f1: float
    null_f1: float
    explains: bool
    """It alone explains when the feature fires; true for one row of a feature at most."""


class FeatureSite(NamedTuple):
    """How well a feature finds the residues that carry a term's function, beside what else finds them."""

    go_id: str
    term_name: str
    is_guiding: bool
    """The term guided the feature; else the feature is its SAE's best on validation proteins."""
    n_proteins: int
    """Unseen proteins with named residues."""
    n_residues: int
    """Named residues of these."""
    ap: float | None
    """Average precision within a protein, mean over proteins; so are the others that end in _ap."""
    null_ap: float | None
    """With the named residues shifted along each protein."""
    auroc: float | None
    f1: float | None
    top_share: float | None
    """Share of a protein's activation in its top 5 % of residues."""
    density: float
    """Share of the residues of all test proteins."""
    letter_ap: float | None
    """Of the amino acid alone."""
    window_ap: float | None
    """Of a regression on the letters of 15 residues."""
    neuron_ap: float | None
    """Of the best single dimension of the language model's states."""
    unguided_ap: float | None
    """Of the best feature of an SAE that no term guides."""
    probe_ap: float | None
    """Of a regression on the language model's states, fitted on named residues: the ceiling."""


class SteerabilityRow(NamedTuple):
    """Whether raising a feature raises its own function; columns of the analysis `steerability`."""

    sae: str
    feature: int
    go_id: str
    term_name: str
    probe_auroc: float
    n_proteins: int
    effect: float
    random_feature: float
    random_direction: float
    difference: float
    difference_low: float
    difference_high: float
    p_value: float
    q_value: float
    n_changed: float
    n_changed_random: float
    surprisal_change: float
    specificity: float

    @property
    def is_steerable(self) -> bool:
        """It raises its own function more than the controls do."""
        return self.q_value < STEERABLE_Q and self.difference > 0
