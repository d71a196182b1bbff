"""What the numbers of the table `evaluation` are called and mean, for the report and for the explorer.

Read `METRICS`. The methods that they judge are in `methods.py`.
"""

from typing import Literal, NamedTuple

GroupKey = Literal["function", "fidelity", "meaning", "site", "liveness"]


class Group(NamedTuple):
    """Metrics that answer one question."""

    key: GroupKey
    title: str
    question: str


GROUPS: dict[str, Group] = {
    group.key: group
    for group in (
        Group("function", "Function prediction", "Do the predictions of GO terms hold on unseen proteins?"),
        Group("fidelity", "Fidelity", "How much of the language model's states do the features keep?"),
        Group("meaning", "Meaning of single features", "Does one feature stand for one term?"),
        Group("site", "Sites", "Does a feature find the residues that carry its function?"),
        Group("liveness", "Liveness", "Do all features work, and none all the time?"),
    )
}
"""In the order of pages."""


class Metric(NamedTuple):
    """One number of a method on held-out proteins."""

    key: str
    title: str
    group: GroupKey
    better: Literal["higher", "lower", "neither"]
    sentence: str
    """What it says, in plain words."""
    digits: int = 3
    """Decimals worth showing."""

    unit: str = ""
    """'' for shares, chances and what else has none."""

    @property
    def heading(self) -> str:
        """Title and unit, for the head of a column and for an axis."""
        return f"{self.title}, {self.unit}" if self.unit else self.title


_METRICS = (
    Metric(
        "fmax",
        "Fmax",
        "function",
        "higher",
        "Best balance of precision and recall, over all thresholds, when the method predicts the GO terms of "
        "a protein; 1 is perfect.",
    ),
    Metric(
        "smin",
        "Smin",
        "function",
        "lower",
        "Information, in bits per protein, that these predictions miss or wrongly claim at the threshold that "
        "is best for it.",
        digits=2,
        unit="bits",
    ),
    Metric(
        "aupr",
        "AUPR",
        "function",
        "higher",
        "Area under precision over recall of these predictions, both averaged over proteins; 1 is perfect.",
    ),
    Metric(
        "auc",
        "AUC",
        "function",
        "higher",
        "Chance that a protein with a term scores above one without it, averaged over terms; 0.5 is a coin.",
    ),
    Metric(
        "feature_fmax",
        "Fmax of features",
        "function",
        "higher",
        "Fmax when every term is predicted from the activation of its one feature alone.",
    ),
    Metric(
        "feature_auc",
        "AUC of features",
        "function",
        "higher",
        "AUC when every term is predicted from the activation of its one feature alone.",
    ),
    Metric(
        "feature_auc_valid",
        "AUC of features, valid",
        "function",
        "neither",
        "AUC of features on the validation proteins, by which forms of guidance are chosen; no result of its own.",
    ),
    Metric(
        "ev",
        "Explained variance",
        "fidelity",
        "higher",
        "Share of the variance of residue states that the reconstruction keeps; 1 is all, 0 is what the mean "
        "state keeps.",
    ),
    Metric(
        "lr_masked",
        "Loss recovered",
        "fidelity",
        "higher",
        "How much of the language model's skill at filling in masked residues survives when it works on the "
        "reconstruction: 1 is all of it, 0 is no better than states set to zero.",
    ),
    Metric(
        "lr_masked_mean",
        "Loss recovered (mean)",
        "fidelity",
        "higher",
        "The same on masked residues, where 0 is no better than every state set to the mean state.",
    ),
    Metric(
        "lr_unmasked",
        "Loss recovered, unmasked",
        "fidelity",
        "higher",
        "Loss recovered on visible residues, where copying the input is enough: an easier task, for "
        "comparison with earlier work.",
    ),
    Metric(
        "lr_unmasked_mean",
        "Loss recovered, unmasked (mean)",
        "fidelity",
        "higher",
        "The same on visible residues, where 0 is no better than every state set to the mean state.",
    ),
    Metric(
        "l0",
        "L0",
        "fidelity",
        "neither",
        "Features active on a residue, forced ones included; methods compare at about equal L0.",
        digits=1,
        unit="features",
    ),
    Metric(
        "l0_forced",
        "Forced L0",
        "fidelity",
        "neither",
        "Features on a residue that are active only because their term was predicted there.",
        digits=2,
        unit="features",
    ),
    Metric(
        "share_alive",
        "Ever active",
        "fidelity",
        "higher",
        "Share of features that fire on at least one held-out residue.",
    ),
    Metric(
        "f1",
        "Held-out F1",
        "meaning",
        "higher",
        "How well the one feature of a term tells proteins with it from others; feature and threshold were "
        "chosen before, on other proteins.",
    ),
    Metric(
        "f1_null",
        "Null F1",
        "meaning",
        "neither",
        "Held-out F1 after shuffling the labels over proteins: what choosing among many features gives by "
        "luck. The yardstick for held-out F1.",
    ),
    Metric(
        "f1_top10",
        "F1, ten best terms",
        "meaning",
        "higher",
        "Held-out F1 averaged over the ten terms that looked best on validation proteins.",
    ),
    Metric(
        "participation",
        "Participation",
        "meaning",
        "higher",
        "Where a guided autoencoder predicts a term on a residue: how often the term's feature is really active there.",
    ),
    Metric(
        "serves_own",
        "Serves its term",
        "meaning",
        "higher",
        "Share of terms whose feature really separates their test proteins (AUROC of .7 or more, beyond luck).",
    ),
    Metric(
        "entanglement",
        "Entanglement",
        "meaning",
        "lower",
        "How many unrelated terms such a feature serves beside its own, beyond those that a plain probe of its term "
        "serves too.",
        digits=2,
        unit="terms",
    ),
    Metric(
        "probe_1",
        "Probe, 1 feature",
        "meaning",
        "higher",
        "Chance that a protein with a term scores above one without it when a small classifier reads one "
        "feature, chosen and fitted on train proteins.",
    ),
    Metric(
        "probe_2",
        "Probe, 2 features",
        "meaning",
        "higher",
        "The same when the classifier reads two features.",
    ),
    Metric(
        "probe_5",
        "Probe, 5 features",
        "meaning",
        "higher",
        "The same when the classifier reads five features.",
    ),
    Metric(
        "absorption",
        "Absorption",
        "meaning",
        "lower",
        "How often the feature of a general term falls silent because the feature of a more specific term "
        "took its place.",
    ),
    Metric(
        "perturbation",
        "Targeted perturbation",
        "meaning",
        "higher",
        "How much more it hurts the detection of a term than that of other terms when the features of that "
        "term are switched off.",
    ),
    Metric(
        "site_ap",
        "AP of sites",
        "site",
        "higher",
        "Inside proteins that have a function and whose residues for it are known: average precision of the score"
        " for these residues, averaged over proteins and terms; 1 is perfect.",
    ),
    Metric(
        "site_null_ap",
        "Null AP of sites",
        "site",
        "neither",
        "The same with the named residues shifted along each protein. The yardstick for AP of sites.",
    ),
    Metric(
        "site_auroc",
        "AUROC of sites",
        "site",
        "higher",
        "Chance that a named residue scores above another one of its protein, averaged over proteins and terms; "
        "0.5 is a coin.",
    ),
    Metric(
        "site_f1",
        "F1 of sites",
        "site",
        "higher",
        "How well the score, above a threshold chosen on other proteins, tells named residues from the others of "
        "these proteins.",
    ),
    Metric(
        "site_null_f1",
        "Null F1 of sites",
        "site",
        "neither",
        "The same with the named residues shifted along each protein.",
    ),
    Metric(
        "top_share",
        "In the top 5 %",
        "site",
        "neither",
        "Share of a protein's activation that lies in its top 5 % of residues: 0.05 is spread evenly, 1 is all in"
        " one place.",
    ),
    Metric(
        "site_terms",
        "Terms with sites",
        "site",
        "neither",
        "GO terms whose residues are named in enough proteins of every split.",
        digits=0,
    ),
    Metric(
        "share_live",
        "Alive",
        "liveness",
        "higher",
        "Share of features that fire on at least one held-out residue in 10,000.",
    ),
    Metric(
        "share_dense",
        "Dense",
        "liveness",
        "lower",
        "Share of features that fire on more than a tenth of held-out residues: too often to stand for one idea.",
    ),
    Metric(
        "guided_density",
        "Density of guided features",
        "liveness",
        "neither",
        "Share of held-out residues on which a guided feature fires; the median over guided features.",
        digits=4,
    ),
    Metric(
        "annotation_features",
        "Features of annotations",
        "liveness",
        "higher",
        "Features that mark the residues of a kind of UniProt annotation with held-out F1 above .5 (InterPLM's "
        "count), on a sample of annotated proteins.",
        digits=0,
    ),
    Metric(
        "annotation_kinds",
        "Kinds of annotations",
        "liveness",
        "higher",
        "Kinds of UniProt annotations that some feature marks with held-out F1 above .5.",
        digits=0,
    ),
    Metric(
        "seconds",
        "Training time",
        "fidelity",
        "neither",
        "Training on this hardware, one run at a time.",
        digits=0,
        unit="s",
    ),
)

METRICS: dict[str, Metric] = {metric.key: metric for metric in _METRICS}
"""By key, in the order of tables."""

OVERVIEW = ("auc", "feature_auc", "lr_masked", "site_ap", "share_live", "share_dense", "entanglement", "perturbation")
"""One or two of every group, wherever a method stands in them: what a reader sees first."""
