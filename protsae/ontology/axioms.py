"""Description-logic axioms of an ontology in the four normal forms that ELEmbeddings train on.

    NF1  C <= D                      is_a
    NF2  C and D <= E                from definitions
    NF3  R some C <= D               from definitions
    NF4  C <= R some D               part_of, regulates, has_part, ... and from definitions

A definition `A = G and (R some D) and ...` gives, top down, A <= G (NF1) and A <= R some D (NF4); bottom up it needs
fresh classes that stand for the nested expressions:

    R some D <= "R some D"   (NF3),   G and "R some D" <= A   (NF2; more conjuncts are joined two at a time)

Read `normalise`. Source: Kulmanov et al. 2019 (arXiv:1902.10499); Baader et al. 2005 for the normalisation.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np


class Axioms(NamedTuple):
    """Axioms as rows of indices into `classes` and `roles`; every row occurs once, in sorted order."""

    classes: tuple[str, ...]
    """GO ids, the given terms first, then others that the axioms name, then fresh classes."""

    roles: tuple[str, ...]
    """Relations of NF3 and NF4, sorted."""

    nf1: np.ndarray
    """[n, 2] (c, d)"""

    nf2: np.ndarray
    """[n, 3] (c, d, e)"""

    nf3: np.ndarray
    """[n, 3] (role, c, d)"""

    nf4: np.ndarray
    """[n, 3] (c, role, d)"""


def normalise(
    terms: Sequence[str],
    edges: Iterable[tuple[str, str, str]],
    definitions: Iterable[tuple[str, Sequence[tuple[str, str]]]],
) -> Axioms:
    """Axioms of a set of relations and definitions.

    Args:
        terms: become the first classes, in this order, whether an axiom names them or not.
        edges: (child, relation, parent).
        definitions: (term, conjuncts), each conjunct a (relation, term), the relation of a genus ''.
    """
    nf1: set[tuple[str, str]] = set()
    nf2: set[tuple[str, str, str]] = set()
    nf3: set[tuple[str, str, str]] = set()
    nf4: set[tuple[str, str, str]] = set()
    for child, relation, parent in edges:
        if relation == "is_a":
            nf1.add((child, parent))
        else:
            nf4.add((child, relation, parent))
    for term, conjuncts in definitions:
        names = []
        for relation, target in conjuncts:
            if not relation:
                nf1.add((term, target))
                names.append(target)
                continue
            fresh = f"{relation} some {target}"
            nf4.add((term, relation, target))
            nf3.add((relation, target, fresh))
            names.append(fresh)
        _join(sorted(names), term, nf1, nf2)
    named = [*nf1, *((c, d) for c, _, d in nf4), *((c, d) for _, c, d in nf3), *nf2]
    others = sorted({name for row in named for name in row} - set(terms), key=lambda name: (" " in name, name))
    classes = (*terms, *others)
    roles = tuple(sorted({role for role, _, _ in nf3} | {role for _, role, _ in nf4}))
    of_class = {name: i for i, name in enumerate(classes)}
    of_role = {name: i for i, name in enumerate(roles)}
    return Axioms(
        classes,
        roles,
        _rows(2, ((of_class[c], of_class[d]) for c, d in nf1)),
        _rows(3, ((of_class[c], of_class[d], of_class[e]) for c, d, e in nf2)),
        _rows(3, ((of_role[r], of_class[c], of_class[d]) for r, c, d in nf3)),
        _rows(3, ((of_class[c], of_role[r], of_class[d]) for c, r, d in nf4)),
    )


def _join(names: list[str], term: str, nf1: set[tuple[str, str]], nf2: set[tuple[str, str, str]]) -> None:
    if len(names) == 1:
        nf1.add((names[0], term))
        return
    left = names[0]
    for right in names[1:-1]:
        fresh = f"{left} and {right}"
        nf2.add((left, right, fresh))
        left = fresh
    nf2.add((left, names[-1], term))


def _rows(width: int, rows: Iterable[tuple[int, ...]]) -> np.ndarray:
    return np.array(sorted(rows), dtype=np.int64).reshape(-1, width)
