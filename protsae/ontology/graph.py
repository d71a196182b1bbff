"""The Gene Ontology as a graph: terms, synonyms, closure over is_a and part_of.

Annotations propagate along is_a and part_of, within a namespace and across (a molecular function may be part of a
biological process); `Term.namespace` tells where an ancestor lies. Logical axioms for ProtSAE are in `axioms.py`.

Read `Ontology.read`, then `Ontology.ancestors`.
"""

import re
from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, NamedTuple, Self

import obonet

from protsae.errors import InputError
from protsae.ontology.axioms import Axioms, normalise
from protsae.ontology.namespaces import NAMESPACES, GOScope, Namespace, members
from protsae.text_files import open_text

CLOSURE_RELATIONS = ("is_a", "part_of")

_SYNONYM = re.compile(r'^"(?P<text>(?:[^"\\]|\\.)*)"\s*(?P<scope>EXACT|NARROW|BROAD|RELATED)?')


class Term(NamedTuple):
    """One GO term."""

    go_id: str
    name: str
    namespace: Namespace
    is_obsolete: bool
    synonyms: tuple[tuple[str, str], ...]
    """(text, scope); scope is EXACT, NARROW, BROAD or RELATED."""

    alt_ids: tuple[str, ...]
    """Ids of terms that were merged into this one."""

    replaced_by: str = ""
    """Of an obsolete term: the one id that takes its place, '' where there is none or more than one."""


class Edge(NamedTuple):
    """One relation between two terms: `child` relation `parent`, e.g. is_a, part_of, regulates."""

    child: str
    relation: str
    parent: str


class Definition(NamedTuple):
    """A logical definition: `term` is the same as all `conjuncts` together."""

    term: str
    conjuncts: tuple[tuple[str, str], ...]
    """(relation, term); the relation of a genus is ''."""


class Ontology:
    """GO terms and their relations. Ids may be alternative or replaced ones wherever a method takes one."""

    def __init__(
        self,
        terms: Mapping[str, Term],
        edges: Collection[Edge],
        definitions: Collection[Definition] = (),
        *,
        n_merged: int = 0,
    ) -> None:
        """Index the graph.

        Args:
            terms: by id.
            edges: between these terms.
            definitions: logical definitions over these terms.
            n_merged: terms that the file still held although others had taken them up.

        Raises:
            InputError: is_a and part_of run in a circle.
        """
        self.terms = dict(terms)
        self.n_merged = n_merged
        self._edges = tuple(sorted(edges))
        self._definitions = tuple(definitions)
        self._main_id = {alt: term.go_id for term in self.terms.values() for alt in term.alt_ids}
        known = self.terms.keys() | self._main_id.keys()
        self._main_id |= {
            t.go_id: t.replaced_by for t in self.terms.values() if t.is_obsolete and t.replaced_by in known
        }
        self._main_id |= {term.go_id: term.go_id for term in self.terms.values() if not term.is_obsolete}
        self._main_id = {go_id: self._current(go_id) for go_id in self._main_id}
        self._parents: dict[str, list[str]] = {go_id: [] for go_id in self.terms}
        self._children: dict[str, list[str]] = {go_id: [] for go_id in self.terms}
        for child, relation, parent in self._edges:
            if relation in CLOSURE_RELATIONS and parent not in self._parents[child]:
                self._parents[child].append(parent)
                self._children[parent].append(child)
        self._ancestors = self._close_all()

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """The ontology in an OBO file, gzipped or not.

        Terms outside GO's three namespaces are left out, and so are relations to terms that the file does not define.
        A file that mixes releases may still define terms that another one has taken up, under its name: these become
        that term, `n_merged` in all, and what was said of a term below them holds of a term below it.

        Raises:
            InputError: the file is missing, damaged, no OBO, holds no GO terms, lacks the parent of a term, or its
                is_a and part_of run in a circle.
        """
        with open_text(Path(path)) as handle:
            try:
                graph = obonet.read_obo(handle, ignore_obsolete=False)
            except (ValueError, KeyError, IndexError) as error:
                if isinstance(error, UnicodeError):
                    raise
                reason = str(error).split("\n", maxsplit=1)[0]
                raise InputError(
                    f"{path} cannot be read as OBO ({reason}): give GO's go.obo or go-basic.obo."
                ) from error
        default = graph.graph.get("default-namespace", [""])[0]
        terms = {
            go_id: _term(go_id, data, NAMESPACES[data.get("namespace", default)])
            for go_id, data in graph.nodes(data=True)
            if data.get("namespace", default) in NAMESPACES and "name" in data
        }
        if not terms:
            raise InputError(f"{path} holds no Gene Ontology terms: give GO's go.obo or go-basic.obo.")
        for child, parent, relation in graph.edges(keys=True):
            if relation == "is_a" and child in terms and "name" not in graph.nodes[parent]:
                raise InputError(f"{path} lacks {parent}, which {child} is a kind of: the file is incomplete.")
        taken_up = _taken_up(terms)
        terms = {go_id: term for go_id, term in terms.items() if go_id not in taken_up}
        edges = {
            Edge(child, relation, taken_up.get(parent, parent))
            for child, parent, relation in graph.edges(keys=True)
            if child in terms and taken_up.get(parent, parent) in terms and taken_up.get(parent) != child
        }
        definitions = (_definition(go_id, graph.nodes[go_id]) for go_id in terms)
        known = [d for d in definitions if d.conjuncts and all(target in terms for _, target in d.conjuncts)]
        try:
            return cls(terms, edges, known, n_merged=len(taken_up))
        except InputError as error:
            raise InputError(f"{path}: {error}; give another release of GO, or its go-basic.obo.") from error

    def __contains__(self, go_id: object) -> bool:
        """Whether the id is known, as a term's own, an alternative or an obsolete one."""
        return go_id in self.terms or go_id in self._main_id

    def resolve(self, go_id: str) -> str:
        """The current id: of an alternative id its term, of an obsolete term the one that replaces it, if there is one.

        Raises:
            InputError: the ontology has no such id.
        """
        if go_id in self:
            return self._main_id.get(go_id, go_id)
        raise InputError(f"{go_id!r} is no term of this ontology: ids look like GO:0008270.")

    def term(self, go_id: str) -> Term:
        """The term of an id.

        Raises:
            InputError: the ontology has no such id.
        """
        return self.terms[self.resolve(go_id)]

    def parents(self, go_id: str) -> tuple[str, ...]:
        """Direct parents over is_a and part_of.

        Raises:
            InputError: the ontology has no such id.
        """
        return tuple(self._parents[self.resolve(go_id)])

    def children(self, go_id: str) -> tuple[str, ...]:
        """Direct children over is_a and part_of.

        Raises:
            InputError: the ontology has no such id.
        """
        return tuple(self._children[self.resolve(go_id)])

    def ancestors(
        self, go_id: str, *, include_self: bool = False, namespace: Namespace | None = None
    ) -> frozenset[str]:
        """All terms above one, over is_a and part_of.

        Args:
            go_id: the term.
            include_self: the term, too.
            namespace: only ancestors of this namespace; None for all.

        Raises:
            InputError: the ontology has no such id.
        """
        found = self._ancestors[self.resolve(go_id)]
        if include_self:
            found |= {self.resolve(go_id)}
        return frozenset(t for t in found if self.terms[t].namespace == namespace) if namespace else found

    def close(self, go_ids: Collection[str]) -> set[str]:
        """The terms, by their current ids, and all their ancestors.

        Raises:
            InputError: the ontology lacks one of them.
        """
        return set().union(*(self.ancestors(go_id, include_self=True) for go_id in go_ids))

    def roots(self) -> tuple[str, ...]:
        """Current terms without a parent: one a namespace in GO."""
        return tuple(t for t in sorted(self.terms) if not self._parents[t] and not self.terms[t].is_obsolete)

    def edges(self) -> tuple[Edge, ...]:
        """Every relation between two terms, sorted; those of CLOSURE_RELATIONS make the closure."""
        return self._edges

    def axioms(self, scope: GOScope, *, within: Collection[str] | None = None) -> Axioms:
        """GO's relations and definitions in the normal forms NF1 to NF4, see `axioms.py`.

        Args:
            scope: of the terms that the axioms are about; relations may lead out of a sub-ontology.
            within: only axioms whose terms are all among these; None for all.
        """
        chosen = set(self.terms if within is None else map(self.resolve, within))
        namespaces = members(scope)

        def is_about(term: str, targets: Collection[str]) -> bool:
            return self.terms[term].namespace in namespaces and term in chosen and chosen.issuperset(targets)

        edges = [edge for edge in self._edges if is_about(edge.child, [edge.parent])]
        definitions = [d for d in self._definitions if is_about(d.term, [target for _, target in d.conjuncts])]
        terms = [t for t in sorted(chosen) if self.terms[t].namespace in namespaces and not self.terms[t].is_obsolete]
        return normalise(terms, edges, definitions)

    def _current(self, go_id: str) -> str:
        """Follow merged ids and replacements, which may themselves be merged or replaced, to a current term.

        A trail that ends in a circle or at an obsolete term leads nowhere: the first term on it stands for itself.
        """
        trail = [go_id]
        while (following := self._main_id.get(trail[-1])) is not None and following not in trail:
            trail.append(following)
        passed = [self.terms[one] for one in trail if one in self.terms]
        return (passed[0] if passed[-1].is_obsolete else passed[-1]).go_id

    def _close_all(self) -> dict[str, frozenset[str]]:
        ancestors: dict[str, frozenset[str]] = {}
        try:
            for go_id in TopologicalSorter(self._parents).static_order():
                direct = self._parents[go_id]
                ancestors[go_id] = frozenset(direct).union(*(ancestors[parent] for parent in direct))
        except CycleError as error:
            circle = " -> ".join(reversed(error.args[1]))
            raise InputError(f"the ontology's is_a and part_of run in a circle: {circle}") from error
        return ancestors


def _taken_up(terms: Mapping[str, Term]) -> dict[str, str]:
    """Terms that another one lists as an alternative id and whose name it bears -> that one."""
    pairs = ((alt, term) for term in terms.values() for alt in term.alt_ids if alt in terms)
    return {alt: term.go_id for alt, term in pairs if not terms[alt].is_obsolete and terms[alt].name == term.name}


def _term(go_id: str, data: Mapping[str, Any], namespace: Namespace) -> Term:
    synonyms = []
    for line in data.get("synonym", ()):
        match = _SYNONYM.match(line)
        if match:
            synonyms.append((re.sub(r"\\(.)", r"\1", match["text"]), match["scope"] or "RELATED"))
    replacements = data.get("replaced_by", ())
    return Term(
        go_id=go_id,
        name=data["name"],
        namespace=namespace,
        is_obsolete=data.get("is_obsolete") == "true",
        synonyms=tuple(synonyms),
        alt_ids=tuple(data.get("alt_id", ())),
        replaced_by=replacements[0].partition(" ")[0] if len(replacements) == 1 else "",
    )


def _definition(go_id: str, data: Mapping[str, Any]) -> Definition:
    parts = [line.split() for line in data.get("intersection_of", ()) if line.strip()]
    return Definition(go_id, tuple((part[0], part[1]) if len(part) > 1 else ("", part[0]) for part in parts))
