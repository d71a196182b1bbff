"""The terms around a GO term: parents, children and siblings, each with its guided feature, and what confuses them.

Read `around`.
"""

from typing import Literal, NamedTuple

from explorer.services import data
from explorer.services.cached import bundle, cached_by_bundle
from protsae.store.analyses.confusion import SiblingConfusion, term_confusions
from protsae.store.rows import TermFeature, TermRow

Relation = Literal["parent", "child", "sibling"]


class Relative(NamedTuple):
    """A term near another one."""

    relation: Relation
    term: TermRow
    guided: TermFeature | None
    """The best of the features that it guides."""
    confusion: dict[str, SiblingConfusion]
    """By autoencoder: how often the first term's feature calls this sibling's proteins."""


class Around(NamedTuple):
    """What lies around a term."""

    relatives: tuple[Relative, ...]
    features: dict[str, TermFeature]
    """By autoencoder: the features that stand for the term, whose recall is held beside what they confuse."""


@cached_by_bundle(256, shared=True)
def around(go_id: str) -> Around:
    """Parents by name, siblings with the most confused ones first, then children, those in use before the others."""
    reader = bundle().reader
    groups: dict[Relation, list[TermRow]] = {
        "parent": reader.parents(go_id),
        "sibling": reader.siblings(go_id),
        "child": data.children(go_id),
    }
    ids = [term.go_id for terms in groups.values() for term in terms]
    guided: dict[str, TermFeature] = {}
    for row in reader.best_guided(ids):
        guided.setdefault(row.go_id, row)
    confusion: dict[str, dict[str, SiblingConfusion]] = {}
    for found in term_confusions(reader, go_id):
        confusion.setdefault(found.sibling, {})[found.sae] = found
    relatives = [
        Relative(relation, term, guided.get(term.go_id), confusion.get(term.go_id, {}))
        for relation, terms in groups.items()
        for term in terms
    ]
    order: dict[Relation, int] = {"parent": 0, "sibling": 1, "child": 2}
    relatives.sort(key=lambda row: (order[row.relation], -_worst(row), -row.term.n_test, -row.term.n_shipped))
    own = {row.sae: row for row in reader.term_features(go_id) if row.is_best_for_term or row.is_guiding}
    own |= {row.sae: row for row in reader.term_features(go_id) if row.is_guiding}
    features = {sae.name: own[sae.name] for sae in data.saes() if sae.name in own}
    return Around(tuple(relatives), features)


def _worst(row: Relative) -> float:
    return max((found.share for found in row.confusion.values()), default=-1.0)
