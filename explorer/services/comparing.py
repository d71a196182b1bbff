"""What the Compare page knows of terms under two autoencoders: scores at every threshold, at residues, and sharing.

Read `all_terms`, then `areas`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from explorer.services import data
from explorer.services.cached import bundle, cached_by_bundle
from explorer.services.refs import FeatureRef
from protsae.store.analyses import curves, sites
from protsae.store.analyses.curves import AreaBaseline, AreaDifference, CurvePoint, Sharing, TermArea
from protsae.store.rows import TermFeature, TermRow


class Versus(NamedTuple):
    """Who is compared for the terms of a sub-ontology, by name."""

    namespace: str
    guided: str
    baseline: str


class Area(NamedTuple):
    """One feature's curve and its area for a term."""

    area: TermArea
    points: list[CurvePoint]


class Areas(NamedTuple):
    """Both features of a term at every threshold."""

    guided: Area
    baseline: Area
    difference: AreaDifference | None
    alone: AreaBaseline | None
    """What needs no feature."""


@cached_by_bundle(8, spinner="Reading the terms …")
def all_terms(sides: Sequence[Versus]) -> pd.DataFrame:
    """Every term that guides, of all sub-ontologies asked for, with the scores of both sides.

    Columns: guided_sae, baseline_sae, those of `compare_table`, of `curves.area_table` and of `sites.site_table`
    without its features.
    """
    reader = bundle().reader
    frames = []
    for one in sides:
        rows = data.compare_table(one.guided, one.baseline, one.namespace)
        rows = rows.merge(curves.area_table(reader, one.guided, one.baseline), on="go_id", how="left")
        at_residues = sites.site_table(reader, one.guided, one.baseline)
        rows = rows.assign(guided_sae=one.guided, baseline_sae=one.baseline)
        frames.append(
            rows.merge(
                at_residues.drop(columns=["namespace", "guided_feature", "baseline_feature"]), on="go_id", how="left"
            )
        )
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


@cached_by_bundle(8)
def site_terms(guided: str, baseline: str) -> pd.DataFrame:
    """Terms that are judged by residues, as `sites.site_table` has them."""
    return sites.site_table(bundle().reader, guided, baseline)


def areas(guided: TermFeature, baseline: TermFeature) -> Areas | None:
    """Both features of a term at every threshold; None where that was not measured."""
    reader = bundle().reader
    found = []
    for row in (guided, baseline):
        area = curves.term_area(reader, row.go_id, row.sae, row.feature)
        if area is None or area.ap is None:
            return None
        found.append(Area(area, curves.term_curve(reader, row.go_id, row.sae, row.feature)))
    difference = curves.area_difference(reader, guided.go_id, guided.sae, baseline.sae)
    return Areas(found[0], found[1], difference, curves.area_baseline(reader, guided.go_id))


def holding(ref: FeatureRef) -> list[TermFeature]:
    """The feature's alignments that hold on unseen proteins, its guiding term first."""
    return [row for row in data.feature_terms(ref) if row.grade != "none"]


def shared(row: TermFeature) -> list[TermRow]:
    """Unrelated terms that the term's feature serves, too, the most clearly separated first."""
    found = curves.shared_terms(bundle().reader, row.go_id, row.sae, row.feature)
    return [term for go_id in found if (term := data.term(go_id)) is not None]


@cached_by_bundle(4)
def sharing() -> list[Sharing]:
    """How far the features of each autoencoder serve unrelated terms, by sub-ontology."""
    return curves.sharing(bundle().reader)


@cached_by_bundle(256)
def relatives(go_id: str) -> tuple[frozenset[str], frozenset[str]]:
    """GO ids of all terms above and of all below."""
    reader = bundle().reader
    return frozenset(row.go_id for row in reader.ancestors(go_id)), frozenset(reader.below(go_id))
