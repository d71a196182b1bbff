"""Families of features: which one a feature belongs to, and what is known of it.

Read `family_of`.
"""

from typing import NamedTuple

from explorer.services.cached import bundle, cached_by_bundle
from explorer.services.refs import FeatureRef
from protsae.store.analyses import families
from protsae.store.analyses.families import AbsorbedRow, FamilyRow, FamilySummary, Member


class Family(NamedTuple):
    """A feature's family as a tree."""

    members: list[Member]
    """By depth, then the densest first."""
    row: FamilyRow | None

    def member(self, feature: int) -> Member:
        """One of them."""
        return next(one for one in self.members if one.feature == feature)

    def children(self, feature: int) -> list[Member]:
        """Those directly below one, the densest first."""
        return [one for one in self.members if one.parent == feature]

    def path(self, feature: int) -> list[Member]:
        """From the root down to one, both included."""
        above: list[Member] = []
        at: int | None = feature
        while at is not None:
            above.append(self.member(at))
            at = above[-1].parent
        return above[::-1]

    def in_order(self) -> list[Member]:
        """All as a tree is read: each followed by what hangs on it."""
        found: list[Member] = []
        waiting = [one for one in self.members if one.parent is None]
        while waiting:
            found.append(waiting.pop(0))
            waiting = self.children(found[-1].feature) + waiting
        return found


def family_of(ref: FeatureRef) -> Family | None:
    """The family of a feature; None where it has no relatives."""
    members = families.family_of_feature(bundle().reader, *ref)
    return Family(members, families.family(bundle().reader, ref.sae, members[0].family)) if members else None


def absorbed(ref: FeatureRef) -> list[AbsorbedRow]:
    """Pairs for a general term and one below it in which the feature stands and one is silent where the other fires."""
    return [row for row in families.absorbed_pairs(bundle().reader, *ref) if row.is_absorbed]


@cached_by_bundle(8)
def summary(sae: str) -> FamilySummary | None:
    """All families of an autoencoder in numbers."""
    return families.family_summary(bundle().reader, sae)
