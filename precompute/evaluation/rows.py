"""Which trainings and scorings make up the evaluation, in order of importance.

A row is one unit of work: one SAE that is trained and scored (for one sub-ontology or for all), or one probe. The
paper's ProtSAE is trained once a sub-ontology; the bundle's own form as the bundle has it, once a sub-ontology or once
for all of GO, and then also once a sub-ontology with the budget of one. An unguided SAE aims at the total L0 (k and
forced features) that the bundle's form of ProtSAE really has at seed 0, so it needs these results first. Some numbers
stand in two parts (the paper's ProtSAE is also the first line of the ablation): `ALIASES` lists them, nothing is
trained twice.

Read `Row`, then `plan_rows`, then `chosen_rows`.

Source: Liu et al. 2025 (arXiv:2509.05309) for the comparison and the ablations.
"""

import itertools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from precompute.config import RunConfig
from precompute.evaluation.config import EvaluateConfig
from precompute.presets import PAPER_SWITCHES as PAPER
from protsae.ontology.namespaces import WHOLE_GO, GOScope, Namespace, members
from protsae.store.evaluation import methods
from protsae.store.evaluation.methods import METHODS, PROTSAE, TUNED, PartKey

Overrides = tuple[tuple[str, Any], ...]

UNGUIDED: Mapping[str, str] = MappingProxyType(
    {method.architecture: method.name for method in METHODS.values() if method.kind == "unguided"}
)
"""Architecture -> how it is called."""

ABLATIONS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        methods.NO_DETACH: {"detach": False},
        methods.ABLATED_AXIOMS: {"axioms": False},
        methods.NO_FORCING: {"forced_activation": False},
        methods.NO_RESCALE: {"rescale": False},
    }
)
"""What is changed against the paper's form."""

GUIDANCE: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "graded force": {"forcing_strength": "graded"},
        "positives weighed, w = .75": {"positive_weight": 0.75},
        "bags of residues": {"annotation": "bag"},
        "protein means": {"annotation": "protein"},
    }
)
"""Other ways to guide, one change each against the paper's form; docs/guidance.md has their combinations, on valid."""

SPARSITY = (16, 32, 64, 128)


class Row(NamedTuple):
    """One unit of work."""

    part: PartKey
    method: str
    """As shown."""

    kind: str
    """An architecture (protsae, topk, ...), or probe, site, neurons, permuted, random, splice."""

    namespace: GOScope | Literal[""]
    """MFO | BPO | CCO; GO where terms of all of them guide it, '' where none do and it is scored in all."""

    k: int
    """Features that TopK keeps; 0 where it follows from the rows in `needs`, or where there is none."""

    seed: int
    overrides: Overrides = ()
    """Of `ProtSAEConfig`, against the bundle's own configuration."""

    needs: tuple[str, ...] = ()
    """Names of rows whose mean L0 this one aims at."""

    sharing: int = 1
    """Rows that have one SAE's budget together: each has that part of the free features and of the steps."""

    @property
    def name(self) -> str:
        """What the user reads and gives to `--only`."""
        k = f" k{self.k}" if self.part == "sparsity" else ""
        return f"{self.part}/{self.method}{k}/{self.namespace or 'all'}/seed {self.seed}"

    @property
    def scope(self) -> GOScope:
        """Whose terms guide it."""
        if not self.namespace:
            raise AssertionError(f"{self.name} is guided by no term")
        return self.namespace

    @property
    def scored_in(self) -> tuple[Namespace, ...]:
        """Sub-ontologies in which it is scored, one by one."""
        return members(self.namespace or WHOLE_GO)

    @property
    def space(self) -> Namespace:
        """The one sub-ontology in which it is scored."""
        (namespace,) = self.scored_in
        return namespace

    @property
    def slug(self) -> str:
        """Name of the row's folder."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower().replace("+", " plus ")).strip("-")


class Alias(NamedTuple):
    """A method of one part whose numbers are shown in another part, too."""

    part: PartKey
    method: str
    to_part: PartKey
    to_method: str


ALIASES = (
    Alias("main", PROTSAE, "ablation", PROTSAE),
    Alias("main", PROTSAE, "sparsity", PROTSAE),
    Alias("main", PROTSAE, "guidance", "paper's form"),
    Alias("main", TUNED, "guidance", TUNED),
)


def own_scopes(run: RunConfig, namespaces: Sequence[Namespace]) -> tuple[GOScope, ...]:
    """What guides the bundle's own SAEs: all of GO in one where its list has such an SAE, else each sub-ontology."""
    return (WHOLE_GO,) if any(spec.namespace == WHOLE_GO for spec in run.sae_list) else tuple(namespaces)


def plan_rows(
    run: RunConfig, namespaces: Sequence[Namespace], seeds: int, tuned: Mapping[str, Any], *, d_sae: int
) -> list[Row]:
    """All rows of all parts, most important first.

    Args:
        run: of the bundle.
        namespaces: those that have guiding terms.
        seeds: trainings of each method.
        tuned: switches of the bundle's own ProtSAE; left out where they and its scope are the paper's.
        d_sae: features of every SAE; a larger k is left out.
    """
    if not namespaces:
        return []
    first = namespaces[0]
    main = [_main(run, namespaces, seed, tuned) for seed in range(seeds)]
    ablations = [
        [
            Row("ablation", method, "protsae", first, run.k, seed, _overrides(change))
            for method, change in ABLATIONS.items()
        ]
        for seed in range(seeds)
    ]
    again = list(itertools.chain.from_iterable(main[1:]))
    urgent = [row for row in main[0] if _is_core(row)]
    urgent += [row for row in main[0] if not _is_core(row) and row.namespace in {"", WHOLE_GO, first}]
    repeated = [row for row in again if _is_core(row) and row.namespace in {"", WHOLE_GO, first}]
    rows = [*urgent, *ablations[0], *repeated, *_guidance(run, first), *main[0], *again, *_sparsity(run, first, d_sae)]
    return list(dict.fromkeys([*rows, *itertools.chain.from_iterable(ablations[1:])]))


def _is_core(row: Row) -> bool:
    """One of the methods whose spread over seeds is wanted first, or what they are held against."""
    return row.method in {PROTSAE, TUNED, methods.TOPK, methods.LINEAR_PROBE}


def chosen_rows(every: Sequence[Row], config: EvaluateConfig) -> list[Row]:
    """The rows of the chosen parts whose names begin with `only`, and those that they need or borrow."""
    wanted = [row for row in every if row.part in _sources(config.parts, row)]
    if config.only is not None:
        wanted = [row for row in wanted if row.name.startswith(config.only)]
    return with_needs(every, wanted)


def with_needs(every: Sequence[Row], wanted: Iterable[Row]) -> list[Row]:
    """The wanted rows and those they need, in the order of `every`."""
    by_name = {row.name: row for row in every}
    found: set[str] = set()
    waiting = [row.name for row in wanted]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(by_name[name].needs)
    return [row for row in every if row.name in found]


def _sources(parts: Collection[PartKey], row: Row) -> set[str]:
    """The parts whose rows are wanted, with those that lend this row's numbers to one of them."""
    lent = {alias.part for alias in ALIASES if alias.to_part in parts and alias.method == row.method}
    return {*parts, *(lent if row.part in lent else ())}


def _main(run: RunConfig, namespaces: Sequence[Namespace], seed: int, tuned: Mapping[str, Any]) -> list[Row]:
    def guided(method: str, change: Mapping[str, Any], scopes: Sequence[GOScope], sharing: int = 1) -> list[Row]:
        return [
            Row("main", method, "protsae", scope, run.k, seed, _overrides(change), sharing=sharing) for scope in scopes
        ]

    scopes = own_scopes(run, namespaces)
    is_paper = dict(tuned) == dict(PAPER) and scopes == tuple(namespaces)
    paper = guided(PROTSAE, {}, namespaces)
    own = [] if is_paper else guided(TUNED, tuned, scopes)
    needs = tuple(row._replace(seed=0).name for row in own or paper)
    rows = []
    if seed == 0:
        probes = [Row("main", methods.LINEAR_PROBE, "probe", ns, 0, 0) for ns in namespaces]
        probes += [Row("main", method, "site", "", 0, 0) for method in methods.SITE_BASELINES]
        rows = [*probes, Row("main", methods.NEURONS, "neurons", "", 0, 0)]
    rows += [*(own or paper), Row("main", methods.TOPK, "topk", "", 0, seed, needs=needs)]
    if own:
        rows += paper
    if WHOLE_GO in scopes:
        rows += guided(methods.ONE_EACH, tuned, namespaces, sharing=len(namespaces))
    if own and tuned.get("axioms"):
        rows += guided(methods.NO_AXIOMS, {**tuned, "axioms": False}, scopes)
    rows += [Row("main", UNGUIDED[kind], kind, "", 0, seed, needs=needs) for kind in UNGUIDED if kind != "topk"]
    if seed == 0:
        rows += [Row("main", methods.SPLICE, "splice", ns, 0, 0, needs=needs) for ns in namespaces]
    rows += [Row("main", methods.PERMUTED, "permuted", ns, 0, seed) for ns in namespaces]
    rows.append(Row("main", methods.RANDOM, "random", "", 0, seed, needs=needs))
    return rows


def _guidance(run: RunConfig, namespace: Namespace) -> list[Row]:
    return [
        Row("guidance", method, "protsae", namespace, run.k, 0, _overrides(change))
        for method, change in GUIDANCE.items()
    ]


def _sparsity(run: RunConfig, namespace: Namespace, d_sae: int) -> list[Row]:
    rows = []
    for k in (k for k in SPARSITY if k <= d_sae):
        guided = Row("sparsity", PROTSAE, "protsae", namespace, k, 0, _overrides({}))
        if k == run.k:
            guided = guided._replace(part="main")
        else:
            rows.append(guided)
        rows.append(Row("sparsity", methods.TOPK, "topk", namespace, k, 0, needs=(guided.name,)))
    return rows


def _overrides(change: Mapping[str, Any]) -> Overrides:
    return tuple(sorted({**PAPER, **change}.items()))
