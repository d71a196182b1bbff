"""How the guiding terms of one sub-ontology lie among each other, and how much information each carries.

    information(c) = log2(proteins with all parents of c / proteins with c)

Read `ancestors_among`, then `conditional_information`.

Source: Clark and Radivojac 2013 (doi:10.1093/bioinformatics/btt228), whose Smin sums information given the parents.
"""

from collections.abc import Sequence

import numpy as np

from precompute.corpus.codes import CSR
from protsae.ontology.graph import Ontology


def ancestors_among(go_ids: Sequence[str], ontology: Ontology) -> np.ndarray:
    """[m, m] bool: [c, a] where term a is a proper ancestor of term c, over is_a and part_of."""
    place = {go_id: number for number, go_id in enumerate(go_ids)}
    above = np.zeros((len(go_ids), len(go_ids)), dtype=bool)
    for go_id, row in place.items():
        above[row, [place[ancestor] for ancestor in ontology.ancestors(go_id) if ancestor in place]] = True
    np.fill_diagonal(above, val=False)
    return above


def conditional_information(go_ids: Sequence[str], labels: CSR, columns: np.ndarray, ontology: Ontology) -> np.ndarray:
    """[m] bits of information in a term where its parents are known; all proteins count, not only those of training.

    Args:
        go_ids: the m terms.
        labels: [n_proteins, n_terms] of 0 and 1, closed under ancestors, roots left out.
        columns: [n_terms] GO id of each column.
        ontology: for the parents, over is_a and part_of, of the same sub-ontology.
    """
    place = {go_id: number for number, go_id in enumerate(columns.tolist())}
    has_term = labels.tocsc() > 0
    roots = set(ontology.roots())
    bits = np.zeros(len(go_ids))
    for number, go_id in enumerate(go_ids):
        namespace = ontology.term(go_id).namespace
        kin = [parent for parent in ontology.parents(go_id) if ontology.term(parent).namespace == namespace]
        with_term = has_term[:, [place[go_id]]].sum()
        if set(kin) <= roots:
            same = np.array([ontology.term(column).namespace == namespace for column in columns])
            candidates = np.count_nonzero(has_term[:, np.flatnonzero(same)].sum(axis=1))
        else:
            parents = [place[parent] for parent in kin if parent not in roots]
            candidates = np.count_nonzero(has_term[:, parents].sum(axis=1) == len(parents))
        bits[number] = np.log2(candidates / with_term) if with_term else 0.0
    return bits
