"""What all rows share: proteins, labels, axioms, mean states, linear probes, the PLM. Made once per process.

An SAE is scored in each sub-ontology by itself (`Space`), whether terms of one guided it or of all (`Guide`).

Read `Space`, then `Guide`, then `Context`.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from precompute.align.site_tasks import SiteTasks
from precompute.align.sites import SiteLabels, site_labels
from precompute.config import RunConfig
from precompute.corpus.concepts import Concepts, choose_concepts
from precompute.corpus.labels import read_labels
from precompute.corpus.proteins import Corpus, read_corpus
from precompute.evaluation.config import EvaluateConfig
from precompute.evaluation.hierarchy import ancestors_among, conditional_information
from precompute.evaluation.rows import own_scopes
from precompute.pipeline.plan import array_hash, text_hash
from precompute.pipeline.tables import write_arrays
from protsae.device import pick_device
from protsae.files import read_json
from protsae.measures.fidelity import MAX_RESIDUES, FidelityBench
from protsae.measures.probes import LogisticProbe, choose_logistic
from protsae.ontology.axioms import Axioms
from protsae.ontology.graph import Ontology
from protsae.ontology.namespaces import WHOLE_GO, GOScope, Namespace, members
from protsae.plm.base import PLM
from protsae.plm.registry import fetch_plm, open_plm
from protsae.plm.spec import PLMSpec
from protsae.shards import ShardReader


class Space(NamedTuple):
    """One sub-ontology: its guiding terms, and the proteins on which their labels are known."""

    namespace: Namespace
    concepts: Concepts
    rows: np.ndarray
    """[n] proteins of `Corpus` with at least one annotation in the sub-ontology."""

    labels: np.ndarray
    """[n, m] bool, closed under ancestors"""

    split: np.ndarray
    """[n] train | valid | test"""

    ancestors: np.ndarray
    """[m, m] bool: [c, a] where a is a proper ancestor of c."""

    information: np.ndarray
    """[m] bits, given the parents"""

    axioms: Axioms

    @property
    def m(self) -> int:
        """Guiding terms."""
        return len(self.concepts.go_id)

    @property
    def related(self) -> np.ndarray:
        """[m, m] bool: the same term, an ancestor or a descendant."""
        return self.ancestors | self.ancestors.T | np.eye(self.m, dtype=bool)

    def on(self, part: str) -> np.ndarray:
        """[n] bool: proteins of one split."""
        return self.split == part

    def fingerprint(self) -> str:
        """Hash of proteins, labels, splits, terms and axioms."""
        arrays = (self.rows, self.labels, self.split, *self.axioms[2:])
        return text_hash(*self.concepts.go_id, *(array_hash(np.asarray(array)) for array in arrays))


class Guide(NamedTuple):
    """What guides one SAE: the terms of a sub-ontology, or of all three."""

    concepts: Concepts
    axioms: Axioms

    @property
    def m(self) -> int:
        """Guiding terms."""
        return len(self.concepts.go_id)

    def features(self, space: Space) -> np.ndarray:
        """[space.m] the feature that each term of a sub-ontology guides."""
        place = {go_id: feature for feature, go_id in enumerate(self.concepts.go_id)}
        return np.array([place[go_id] for go_id in space.concepts.go_id], dtype=np.int64)

    def fingerprint(self) -> str:
        """Hash of labels, which of them are known, terms and axioms."""
        arrays = (self.concepts.labels, self.concepts.known, *self.axioms[2:])
        return text_hash(*self.concepts.go_id, *(array_hash(np.asarray(array)) for array in arrays))


class Context:
    """Lazily read and computed; mean states and probes are kept in BUNDLE.work/evaluate/context."""

    def __init__(self, config: EvaluateConfig, run: RunConfig, corpus: Corpus | None = None) -> None:
        """Read proteins, labels and ontology.

        `spaces` holds the chosen sub-ontologies that have a guiding term; `guides` what may guide an SAE: the terms of
        each of them, and those of all of GO where the bundle's own SAE is guided by these. `corpus` takes the place of
        the run's own, where some proteins belong to another split or to none.
        """
        self.config, self.run = config, run
        self.device = pick_device(config.device)
        self.corpus = read_corpus(run.work) if corpus is None else corpus
        self.reader = ShardReader(run.work / "embed")
        self.embed_plan = read_json(run.work / "embed" / "plan.json")
        self.spaces: dict[Namespace, Space] = {}
        self.guides: dict[GOScope, Guide] = {}
        self._read_spaces_and_guides()
        self.width = run.width_of(self.reader.d_model, max((guide.m for guide in self.guides.values()), default=0))

    def _read_spaces_and_guides(self) -> None:
        ontology = Ontology.read(self.run.ontology)
        terms = pd.read_parquet(self.run.work / "proteins" / "go_term.parquet", columns=["go_id", "namespace"])
        labels = read_labels(self.run.work, self.corpus, terms)
        names = terms["go_id"].to_numpy(dtype=str)

        def guide(scope: GOScope) -> Guide:
            concepts = choose_concepts(
                labels,
                terms,
                scope,
                split=self.corpus.split,
                roots=ontology.roots(),
                min_proteins=self.run.min_term_proteins,
                max_concepts=self.run.max_concepts,
            )
            return Guide(concepts, ontology.axioms(scope))

        for namespace in members(WHOLE_GO):
            if namespace not in self.config.namespaces:
                continue
            concepts, axioms = found = guide(namespace)
            if not concepts.go_id:
                continue
            rows = np.flatnonzero(concepts.annotated)
            self.guides[namespace] = found
            self.spaces[namespace] = Space(
                namespace,
                concepts,
                rows,
                concepts.labels[rows],
                self.corpus.split[rows],
                ancestors_among(concepts.go_id, ontology),
                conditional_information(concepts.go_id, labels, names, ontology),
                axioms,
            )
        if self.spaces and WHOLE_GO in own_scopes(self.run, list(self.spaces)):
            self.guides[WHOLE_GO] = guide(WHOLE_GO)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of everything that all rows depend on."""
        whole = [guide.fingerprint() for scope, guide in self.guides.items() if scope == WHOLE_GO]
        spaces = [space.fingerprint() for space in self.spaces.values()]
        sites = [*self.site_tasks.go_id, array_hash(self.site_tasks.residues.indices)]
        return text_hash(str(self.embed_plan), str(self.width), *spaces, *whole, *sites)

    @cached_property
    def states(self) -> np.ndarray:
        """[n_proteins, d_model] float32 mean residue of every protein."""
        everything = np.arange(self.corpus.n_proteins)
        return self._kept("states", lambda: {"states": self.reader.protein_means(everything)})["states"]

    @cached_property
    def mean_state(self) -> np.ndarray:
        """[d_model] mean residue of the training proteins."""
        train = self.corpus.split == "train"
        return np.average(self.states[train], axis=0, weights=self.reader.lengths[train]).astype(np.float32)

    def probe(self, namespace: Namespace) -> LogisticProbe:
        """The linear probe of one sub-ontology on mean states."""
        space = self.spaces[namespace]

        def fit() -> dict[str, np.ndarray]:
            probe = choose_logistic(self.states[space.rows], space.labels, space.split)
            return {name: np.asarray(value) for name, value in probe._asdict().items()}

        kept = self._kept(f"probe_{namespace}", fit)
        l2 = float(kept.pop("l2"))
        return LogisticProbe(**kept, l2=l2)

    @cached_property
    def site_labels(self) -> SiteLabels:
        """Residues that annotations name, by term of the map."""
        return site_labels(self.run.work, self.corpus)

    @cached_property
    def site_tasks(self) -> SiteTasks:
        """The terms that are judged by residues, guiding or not."""
        return SiteTasks.of(self.site_labels, self.corpus, seed=0)

    @cached_property
    def plm(self) -> PLM:
        """The bundle's language model."""
        return self._plm_and_spec[0]

    @cached_property
    def bench(self) -> FidelityBench:
        """Test proteins for the loss recovered, drawn by seed among those that fit into the PLM."""
        plm, spec = self._plm_and_spec
        fits = np.flatnonzero((self.corpus.split == "test") & (self.corpus.length <= plm.max_residues))
        n = min(len(fits), self.config.fidelity_proteins)
        drawn = np.random.default_rng(0).choice(fits, n, replace=False)
        drawn = np.sort(drawn[np.cumsum(self.corpus.length[drawn]) <= MAX_RESIDUES])
        mean = torch.from_numpy(self.mean_state)
        sequences = [self.corpus.sequence[row] for row in drawn]
        return FidelityBench(plm, sequences, layer=spec.layer, site=spec.site, mean_state=mean, seed=0)

    @cached_property
    def _plm_and_spec(self) -> tuple[PLM, PLMSpec]:
        spec = PLMSpec.read(self.config.bundle / "plm.json")
        if spec.weights is None:
            fetch_plm(spec.what_to_load(), sha256=spec.weights_sha256)
        return open_plm(self.config.bundle, device=self.config.device)

    def _kept(self, name: str, make: Callable[[], Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
        path = self.config.folder / "context" / f"{name}-{self.fingerprint[:16]}.npz"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_arrays(path, make())
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
