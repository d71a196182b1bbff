"""What the Steer page opens on: the most convincing of a few examples, chosen by a rule that the page states.

Features that raise their own function are tried, where the bundle holds that measurement, each in a protein in which
it fires weakly; those that fire on the most residues first, for the mean over the chain judges, and a feature of few
residues hardly moves it at the strength of natural proteins. Without the measurement, graded features are tried in
turn, each in a protein that carries its term. Features that an amino acid explains come last. The first example whose
concept rises by mean and peak, as strongly as in natural proteins and by more than one letter, is shown; where none
does, the one that comes nearest. The choice never looks at random features: whether a change is specific stays an open
question. Read `opening`.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, zip_longest
from typing import NamedTuple

from explorer.draw import words
from explorer.services import data, live
from explorer.services.cached import cached_by_bundle
from explorer.services.explained import explained
from explorer.services.refs import FeatureRef
from explorer.steer import runs, steerable, verdicts
from explorer.steer.address import STRENGTH
from explorer.steer.runs import Plan
from protsae.errors import ProtSAEError
from protsae.steering.steer import SteerConfig

MOST_MEASURED, MOST_GRADED = 3, 8
"""Examples tried at most: few where a measurement has chosen the features, for the page waits for them."""

RISES = 1.1
"""The mean over the chain must grow by this factor, and the peak must grow, too."""


class Outcome(NamedTuple):
    """What came of an example; the greater one, compared field by field, is the more convincing one."""

    rises_by_several: bool = False
    """Mean and peak rise, and the changed residues did not nearly all become one amino acid."""

    rises: bool = False
    """Mean and peak rise."""

    share: float = 0.0
    """The peak after the push, in 99th percentiles of the feature in natural proteins."""

    @property
    def convinces(self) -> bool:
        """The new sequence carries more of the concept, as strongly as natural ones, and not by one letter."""
        return self.rises_by_several and self.share >= verdicts.THERE


class Example(NamedTuple):
    """A feature, and the protein that it is raised in."""

    ref: FeatureRef
    protein: str | None
    """None where the bundle holds no protein."""

    n_tried: int = 0
    """Examples that were run before this one was chosen; 0 where nothing could be run."""

    outcome: Outcome = Outcome()


@cached_by_bundle(8, spinner="Looking for an example …")
def opening(sae: str) -> Example:
    """What the page opens on with an autoencoder."""
    found = most_convincing(candidates(sae))
    ref = data.default_feature(sae)
    return found or Example(ref, runs.default_protein(ref))


def most_convincing(examples: Iterable[Example]) -> Example | None:
    """The first example that convinces, else the most convincing one, run one after the other; None where none is."""
    tried: list[Example] = []
    try:
        for example in examples:
            tried.append(example)
            tried[-1] = example._replace(outcome=outcome(example))
            if tried[-1].outcome.convinces:
                break
    except ProtSAEError:  # no language model here: the page says so, and needs no example that was run
        return next(iter(tried), None)
    best = max(tried, key=lambda example: example.outcome, default=None)
    return best and best._replace(n_tried=len(tried))


def candidates(sae: str) -> Iterator[Example]:
    """At most so many: features that raise their function, each in a protein; else graded ones, each in a carrier."""
    by_letter = {feature for feature, row in explained(sae).items() if row.fact.confound == "amino_acid"}
    surest = steerable.best(sae)
    if surest:
        density = live.features(sae)["density"].to_numpy()
        surest.sort(key=lambda feature: -density[feature])
        refs = [FeatureRef(sae, feature) for feature in surest]
        several, one = ([ref for ref in refs if (ref.feature in by_letter) is is_one] for is_one in (False, True))
        yield from islice(chain(in_turn(several), in_turn(one)), MOST_MEASURED)
        return
    used: set[str] = set()
    graded = [term for term in data.validated() if term.sae == sae]
    for term in sorted(graded, key=lambda term: term.feature in by_letter):
        if len(used) == MOST_GRADED:
            return
        if protein := carrier(term.go_id, used):
            used.add(protein)
            yield Example(FeatureRef(sae, term.feature), protein)


def in_turn(refs: Sequence[FeatureRef]) -> Iterator[Example]:
    """The first protein of every feature, then the second one of each, of as many features as can be tried."""
    chosen = refs[:MOST_MEASURED]
    for proteins in zip_longest(*map(weakest_first, chosen)):
        for ref, protein in zip(chosen, proteins, strict=True):
            if protein is not None:
                yield Example(ref, protein)


def weakest_first(ref: FeatureRef) -> Iterator[str | None]:
    """Listed proteins in which a feature fires, those with room to rise first; else one in which it is silent."""
    listed = runs.stored_proteins()
    fires = dict.fromkeys(row.accession for band in ("low", "high", "3d", "top") for row in data.examples(ref, band))
    yield from [accession for accession in fires if accession in listed] or [runs.default_protein(ref)]


def carrier(go_id: str, without: set[str]) -> str | None:
    """The first of the listed proteins that carries a term and is not among those."""
    carriers = data.accessions_with_term(go_id)
    return next((name for name in runs.stored_proteins() if name in carriers and name not in without), None)


def outcome(example: Example) -> Outcome:
    """What raising the feature does in the protein, at the strength that the page opens with.

    Raises:
        ProtSAEError: it cannot be run here.
    """
    row, feature = data.protein(example.protein) if example.protein else None, data.feature(example.ref)
    if row is None or feature is None:
        return Outcome()
    result = runs.answer(Plan(*example.ref, row.sequence, SteerConfig()), STRENGTH)
    before, after = result.before[0], result.after[0]
    rises = after.mean_act > RISES * before.mean_act and after.max_act > before.max_act
    return Outcome(rises and verdicts.one_letter(result) is None, rises, after.max_act / feature.p99_act)


def sentence(example: Example) -> str:
    """How the example was chosen; '' where none was run."""
    if not example.n_tried:
        return ""
    tried = words.count(example.n_tried, "example")
    found = example.outcome
    if found.convinces:
        first = "the first example tried" if example.n_tried == 1 else f"the first of {tried} tried"
        how = f"{first} whose concept rises at strength {STRENGTH:g}"
    else:
        what = (
            f"rises, but only to {words.percent(found.share)} of its 99th percentile in natural proteins"
            if found.rises_by_several
            else "rises, but by one letter"
            if found.rises
            else "does not rise in mean and peak"
        )
        how = f"the best of {tried} tried at strength {STRENGTH:g}, though it does not convince: its concept {what}"
    return f"The page opens on {how}; random features were not looked at."
