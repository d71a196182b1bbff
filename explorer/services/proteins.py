"""What pages ask about stored proteins beyond `data.py`: relatives, sequences, organisms, outlines of structures.

Read any look-up.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import hypergeom

from explorer.components.thumbnails import Outline, outline, row_picture
from explorer.services import data
from explorer.services.cached import bundle, cached_by_bundle
from explorer.services.refs import FeatureRef
from protsae.store.rows import ProteinHit, ProteinRow

MIN_OF_ORGANISM = 5
"""Proteins of an organism that must carry a term before it counts as one of its own."""


@cached_by_bundle(256)
def family(cluster: str) -> list[ProteinHit]:
    """Shipped proteins of a homology cluster, those with a structure first."""
    return bundle().reader.family(cluster)


def with_sequence(sequence: str) -> ProteinRow | None:
    """The shipped protein that has this very sequence, None where there is none."""
    return bundle().reader.with_sequence(sequence)


def organisms_called(text: str) -> list[str]:
    """Organisms whose name begins with `text`, those with most proteins first; '' and short texts mean none."""
    asked = " ".join(text.casefold().split())
    names = [row.name for row in data.corpus().organisms if row.name]
    return [name for name in names if len(asked) > 3 and name.casefold().startswith(asked)]


@cached_by_bundle(16, shared=True)
def organism_terms(organism: str) -> pd.DataFrame:
    """Terms that its proteins carry more often than the others', the surest first.

    Columns beside those of the store: share_here and share_elsewhere, of proteins annotated in the term's sub-ontology,
    and p_value, the chance that as many proteins drawn from all carry it as often (hypergeometric, one-sided).
    """
    rows = bundle().reader.organism_terms(organism)
    rows = rows.loc[rows["n_here"] >= MIN_OF_ORGANISM].reset_index(drop=True)
    n_here, n_all, here, everywhere = (rows[name].to_numpy(float) for name in ("n_here", "n_all", "here", "everywhere"))
    elsewhere = everywhere - here
    rest = np.divide(n_all - n_here, elsewhere, out=np.zeros(len(rows)), where=elsewhere > 0)
    chance = hypergeom.sf(n_here - 1, everywhere, n_all, here)
    rows = rows.assign(share_here=n_here / np.maximum(here, 1), share_elsewhere=rest, p_value=chance)
    more = rows.loc[(rows["share_here"] > rows["share_elsewhere"]) & (elsewhere > 0)]
    return more.sort_values(["p_value", "n_here"], ascending=[True, False], ignore_index=True)


@cached_by_bundle(4, shared=True)
def in_space() -> dict[FeatureRef, str]:
    """For every feature that has an example with a structure, the accession of the first."""
    rows = bundle().reader.in_space()
    refs = zip(rows["sae"].tolist(), rows["feature"].tolist(), strict=True)
    return dict(zip((FeatureRef(sae, int(feature)) for sae, feature in refs), rows["accession"].tolist(), strict=True))


@cached_by_bundle(2, shared=True)
def _outlines() -> dict[str, Outline]:
    """Filled as pages ask."""
    return {}


@cached_by_bundle(2, shared=True)
def _pictures() -> dict[FeatureRef, str]:
    """Filled as pages ask."""
    return {}


def outlines(accessions: Sequence[str]) -> dict[str, Outline]:
    """Outlines of stored structures by accession; those without a structure are left out."""
    kept = _outlines()
    missing = [accession for accession in dict.fromkeys(accessions) if accession not in kept]
    for accession, positions, pdb in bundle().reader.structure_texts(missing) if missing else ():
        kept[accession] = outline(pdb, positions)
    return {accession: kept[accession] for accession in accessions if accession in kept}


def pictures_of_proteins(accessions: Sequence[str]) -> list[str]:
    """Small pictures of structures, '' where none is stored."""
    found = outlines(accessions)
    return [row_picture(found[accession]) if accession in found else "" for accession in accessions]


def pictures_of_features(refs: Sequence[FeatureRef]) -> list[str]:
    """The structure of an example of each feature, coloured by it; '' where no example has one."""
    kept, accession_of = _pictures(), in_space()
    missing = [ref for ref in refs if ref in accession_of and ref not in kept]
    shapes = outlines([accession_of[ref] for ref in missing])
    pairs = [(ref.sae, ref.feature, accession_of[ref]) for ref in missing]
    for sae, feature, accession, positions, shares in bundle().reader.activations(pairs):
        if accession in shapes:
            values = np.zeros(int(max(positions.max(), shapes[accession].positions.max(initial=0))))
            values[positions - 1] = shares
            kept[FeatureRef(sae, feature)] = row_picture(shapes[accession], values)
    return [kept.get(ref, "") for ref in refs]
