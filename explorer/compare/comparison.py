"""What the Compare page sets side by side: which autoencoders, which term first, which proteins, their activations.

Read `proteins`: the choice must favour neither feature.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import Float

from explorer.draw import verdicts, views, words
from explorer.protein.predictions import pooled
from explorer.services import data, live
from explorer.services.cached import cached_by_bundle
from explorer.services.refs import FeatureRef
from protsae.errors import ProtSAEError
from protsae.store.rows import SAERow, TermFeature

Item = TypeVar("Item")
WITH_TERM, WITHOUT_EACH = 6, 2
MOST_TRIED, NEAR_FULL = 6, 0.8
"""Terms that are tried for the opening, and the median peak, as a share of full colour, that ends the search."""


class Sides(NamedTuple):
    """The two autoencoders that are compared."""

    guided: SAERow
    baseline: SAERow


class Picked(NamedTuple):
    """A protein on which both features are shown."""

    accession: str
    name: str
    length: int
    has_structure: bool
    carries: bool
    """It is annotated with the term."""


def preferred(rows: Sequence[SAERow], sae: str) -> list[SAERow]:
    """The autoencoders that can stand on one side, the side bar's first where it is one of them."""
    return sorted(rows, key=lambda row: row.name != sae)


def sides(namespace: str, sae: str, asked: Mapping[str, str]) -> Sides | None:
    """Who is compared for a namespace's terms; None where the bundle lacks one side.

    Args:
        namespace: whose terms guide one of them, alone or among others.
        sae: the side bar's autoencoder, which stands on its side where the address names no other.
        asked: the address: `guided` and `against` name autoencoders.
    """
    found = []
    for name, rows in (("guided", data.guided_saes(namespace)), ("against", data.baseline_saes())):
        ranked = preferred(rows, sae)
        found.append(next((row for row in ranked if row.name == asked.get(name)), next(iter(ranked), None)))
    guided, baseline = found
    return None if guided is None or baseline is None else Sides(guided, baseline)


@cached_by_bundle(8, spinner="Looking for a term to open on …")
def default_term(compared: Sides, namespace: str) -> str | None:
    """The term that the page opens on; None where no term of the namespace that guides was scored.

    Of the graded guided terms that the baseline has a feature for, too, those with the best evidence are tried: the
    first one whose guided feature fires near full colour on most of the term's proteins shown, else the one on whose
    it fires most. Scores, not colours, say which feature is better.
    """
    rows = data.compare_table(compared.guided.name, compared.baseline.name, namespace)
    both = set(rows.loc[rows["guided_f1"].notna() & rows["baseline_f1"].notna(), "go_id"])
    graded = [row.go_id for row in data.validated() if row.is_guiding and row.go_id in both][:MOST_TRIED]
    shown: dict[str, float] = {}
    try:
        for go_id in graded:
            shown[go_id] = firing(go_id, compared)
            if shown[go_id] >= NEAR_FULL:
                break
    except ProtSAEError:  # no language model here: the page says so, and shows scores without it
        return graded[0]
    if shown:
        return max(shown, key=lambda go_id: shown[go_id])
    return min(both or map(str, rows["go_id"].head(1)), default=None)


def firing(go_id: str, compared: Sides) -> float:
    """Median peak of the guided feature on the term's proteins shown, as a share of its full colour."""
    pair = data.term_pair(go_id, compared.guided.name, compared.baseline.name)
    assert pair.guided is not None, go_id
    assert pair.baseline is not None, go_id
    ref = FeatureRef(pair.guided.sae, pair.guided.feature)
    feature, chosen = data.feature(ref), [p for p in proteins(go_id, pair.guided, pair.baseline) if p.carries]
    if feature is None or not chosen:
        return 0.0
    (full,) = views.full_colour([feature], "normalised")
    return float(np.median([row.max() / full for (row,) in activations(chosen, [ref]).values()]))


def proteins(go_id: str, guided: TermFeature, baseline: TermFeature) -> list[Picked]:
    """Proteins for both columns, in one order.

    With the term: drawn evenly from all that carry it, those with a structure first, whatever the features do on them.
    Without: the strongest examples of either feature that do not carry it, equally many of each.
    """
    hits = data.proteins_with_term(go_id)
    shaped, plain = [h for h in hits if h.has_structure], [h for h in hits if not h.has_structure]
    drawn = evenly(shaped, WITH_TERM // 2)
    drawn += evenly(plain, WITH_TERM - len(drawn))
    drawn += evenly([h for h in shaped if h not in drawn], WITH_TERM - len(drawn))
    picked = [Picked(h.accession, h.protein_name, h.length, h.has_structure, carries=True) for h in drawn]
    carriers, seen = {h.accession for h in hits}, set()
    for row in (guided, baseline):
        fresh = [
            e
            for e in data.examples(FeatureRef(row.sae, row.feature), "top")
            if e.accession not in carriers and e.accession not in seen
        ][:WITHOUT_EACH]
        seen |= {e.accession for e in fresh}
        picked += [Picked(e.accession, e.protein_name, e.length, e.has_structure, carries=False) for e in fresh]
    return picked


def by_score(
    chosen: Sequence[Picked], rows: Mapping[str, Sequence[Float[np.ndarray, " n_residues"]]], guided: TermFeature
) -> list[Picked]:
    """Proteins with the term first, these by the score that the guided feature's card uses, the highest first.

    Args:
        chosen: as `proteins` found them; the rest keeps its order.
        rows: activations by accession, the guided feature's first.
        guided: whose pooling makes the score.
    """

    def place(picked: Picked) -> tuple[bool, float]:
        return not picked.carries, -pooled(rows[picked.accession][0], guided.pooling) if picked.carries else 0.0

    return sorted((picked for picked in chosen if picked.accession in rows), key=place)


def evenly(items: Sequence[Item], number: int) -> list[Item]:
    """At most `number` items, spread evenly over the list."""
    if number <= 0 or not items:
        return []
    places = np.unique(np.linspace(0, len(items) - 1, min(number, len(items))).round().astype(int))
    return [items[int(place)] for place in places]


def activations(
    chosen: Sequence[Picked], refs: Sequence[FeatureRef]
) -> dict[str, list[Float[np.ndarray, " n_residues"]]]:
    """Both features' activations on every chosen protein, encoded live."""
    rows = {}
    for picked in chosen:
        protein = data.protein(picked.accession)
        if protein is not None:
            rows[picked.accession] = live.feature_rows(protein.sequence, list(refs))
    return rows


def entanglement(also: Sequence[TermFeature]) -> str:
    """Which other terms the feature serves, in words."""
    holding = [row for row in also if verdicts.is_validated(row)]
    names = [f"{row.term_name} (F1 {words.number(row.test_f1)})" for row in holding[:3]]
    return f"It also goes with {words.join(names)}." if names else "No other term holds on unseen proteins."
