"""What the Steer page opens on: an example worth looking at, chosen by a rule that the page states.

The feature is the one that raises its own function most surely, where the bundle holds that measurement. Where it does
not, graded features are tried in turn, each in a protein that carries its term, and the first whose concept rises is
shown. The choice never looks at random features: whether a change is specific stays an open question. Read `opening`.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from explorer.services import data
from explorer.services.cached import cached_by_bundle
from explorer.services.refs import FeatureRef
from explorer.steer import runs, steerable, verdicts
from explorer.steer.address import STRENGTH
from explorer.steer.runs import Plan
from protsae.errors import ProtSAEError
from protsae.steering.steer import SteerConfig

MOST_TRIED = 8
RISES = 1.1
"""The mean over the chain must grow by this factor, and the peak must grow, too."""


class Example(NamedTuple):
    """A feature, and the protein that it is raised in."""

    ref: FeatureRef
    protein: str | None
    """None where the bundle holds no protein."""

    n_tried: int = 0
    """Examples that were run until the concept of this one rose; 0 where it rose in none, or nothing could be run."""


@cached_by_bundle(8, spinner="Looking for an example …")
def opening(sae: str) -> Example:
    """The first of at most eight examples in which the concept rises; the first where it does in none."""
    found = list(islice(candidates(sae), MOST_TRIED))
    try:
        for place, example in enumerate(found):
            if rises(example):
                return example._replace(n_tried=place + 1)
    except ProtSAEError:  # no language model here: the page says so, and needs no example that was run
        pass
    ref = data.default_feature(sae)
    return next(iter(found), None) or Example(ref, runs.default_protein(ref))


def candidates(sae: str) -> Iterator[Example]:
    """Proteins for the feature that raises its function most surely, else one carrier for each graded feature."""
    surest = steerable.best(sae)[:1]
    if surest:
        ref = FeatureRef(sae, surest[0])
        listed = runs.stored_proteins()
        weak_first = (row.accession for band in ("low", "high", "3d", "top") for row in data.examples(ref, band))
        yield from (Example(ref, accession) for accession in dict.fromkeys(weak_first) if accession in listed)
        yield Example(ref, runs.default_protein(ref))
        return
    used: set[str] = set()
    for term in data.validated():
        if term.sae == sae and (protein := carrier(term.go_id, used)):
            used.add(protein)
            yield Example(FeatureRef(sae, term.feature), protein)


def carrier(go_id: str, without: set[str]) -> str | None:
    """The first of the listed proteins that carries a term and is not among those."""
    carriers = data.accessions_with_term(go_id)
    return next((name for name in runs.stored_proteins() if name in carriers and name not in without), None)


def rises(example: Example) -> bool:
    """Whether the new sequence carries more of the concept, by mean and by peak, and as strongly as natural ones."""
    row, feature = data.protein(example.protein) if example.protein else None, data.feature(example.ref)
    if row is None or feature is None:
        return False
    result = runs.answer(Plan(*example.ref, row.sequence, SteerConfig()), STRENGTH)
    before, after = result.before[0], result.after[0]
    grew = after.mean_act > RISES * before.mean_act and after.max_act > before.max_act
    return grew and verdicts.is_there(feature, after)


def sentence(example: Example) -> str:
    """How the example was chosen; '' where it was not by its outcome."""
    if not example.n_tried:
        return ""
    tried = "the first example tried" if example.n_tried == 1 else f"the first of {example.n_tried} examples tried"
    return (
        f"The page opens on {tried} whose concept rises at strength {STRENGTH:g}; random features were not looked at."
    )
