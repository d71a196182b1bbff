"""What an SAE of a run is made of, and what it learns from.

A guided SAE learns from the training proteins with at least one annotation in the sub-ontologies whose terms guide it;
where such a protein has none in one of them, its labels there are unknown and guide nothing. An unguided SAE learns
from all.

Read `Recipe`, then `Sources`.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from precompute.align.sites import SiteLabels, guiding_sites, site_labels
from precompute.config import RunConfig
from precompute.corpus.concepts import Concepts, choose_concepts
from precompute.corpus.labels import read_labels
from precompute.corpus.proteins import Corpus, read_corpus
from precompute.presets import SWITCHES_OF_A_RUN
from precompute.saes import SAESpec
from protsae.errors import ConfigError
from protsae.ontology.axioms import Axioms
from protsae.ontology.graph import Ontology
from protsae.ontology.namespaces import GOScope
from protsae.sae import SAE, ProtSAEConfig
from protsae.sae.base import ARCHITECTURES, SAEConfig
from protsae.sae.config import Normalise
from protsae.shards import ShardReader
from protsae.training.config import TrainingData


class Recipe(NamedTuple):
    """One SAE, and what it learns from."""

    spec: SAESpec
    cfg: SAEConfig
    data: TrainingData
    seed: int

    @property
    def concepts(self) -> tuple[str, ...]:
        """Guiding terms of features 0, 1, ..."""
        return self.cfg.concepts if isinstance(self.cfg, ProtSAEConfig) else ()


class Sources:
    """Everything that trainings of one run read, each part once."""

    def __init__(self, config: RunConfig, work: Path) -> None:
        """Open the proteins, embeddings and ontology of a run.

        Args:
            config: of the run.
            work: its folder; the stages proteins and embed are done.
        """
        self.config = config
        self.corpus: Corpus = read_corpus(work)
        self.reader = ShardReader(work / "embed")
        self._ontology = Ontology.read(config.ontology)
        self._terms = pd.read_parquet(work / "proteins" / "go_term.parquet", columns=["go_id", "namespace"])
        self._labels = read_labels(work, self.corpus, self._terms)
        self._sites = site_labels(work, self.corpus) if config.site_weight else None
        self._guides: dict[GOScope, Concepts] = {}

    def concepts(self, scope: GOScope) -> Concepts:
        """The guiding terms of one sub-ontology, or of all three."""
        if scope not in self._guides:
            self._guides[scope] = choose_concepts(
                self._labels,
                self._terms,
                scope,
                split=self.corpus.split,
                roots=self._ontology.roots(),
                min_proteins=self.config.min_term_proteins,
                max_concepts=self.config.max_concepts,
            )
        return self._guides[scope]

    def data(self, scope: GOScope | None) -> TrainingData:
        """What an SAE learns from that these terms guide; None for one that none do."""
        if scope is None:
            return training_data(self.reader, self.corpus.split, None, None)
        axioms = self._ontology.axioms(scope)
        return training_data(self.reader, self.corpus.split, self.concepts(scope), axioms, self._sites)


def sae_config(
    config: RunConfig, spec: SAESpec, concepts: Concepts | None, *, d_model: int, d_sae: int, l0: Sequence[float]
) -> SAEConfig:
    """The configuration of one SAE of the list.

    Args:
        config: of the run.
        spec: the SAE.
        concepts: that guide it; None where none do.
        d_model: width that it reads.
        d_sae: features where the SAE names no number of its own.
        l0: of the SAEs that it is to match and that have been trained.

    Raises:
        ConfigError: it would have no free feature, or fewer features than are to be active.
    """
    d_sae = spec.d_sae or d_sae
    k = spec.k or config.k
    normalise = spec.normalise or config.normalise
    if l0:
        k = max(1, min(d_sae, round(float(np.mean(l0)))))
    if k > d_sae:
        raise ConfigError(f"k of {spec.name} must be at most its d_sae={d_sae}, got {k}")
    if concepts is None:
        return unguided_config(spec.architecture, d_model=d_model, d_sae=d_sae, k=k, normalise=normalise)
    if d_sae <= len(concepts.go_id):
        found = f"d_sae={d_sae} of {spec.name}"
        raise ConfigError(f"{found} leaves no free feature beside {len(concepts.go_id)} guiding terms; raise it")
    return replace(protsae_config(config, concepts, d_model, d_sae), k=k, normalise=normalise)


def training_data(
    reader: ShardReader,
    split: np.ndarray,
    concepts: Concepts | None,
    axioms: Axioms | None,
    sites: SiteLabels | None = None,
) -> TrainingData:
    """What an SAE learns from.

    Args:
        reader: of the activations.
        split: [n_proteins] train, valid or test.
        concepts: that guide it; None where none do, which lets it learn from every protein.
        axioms: of their sub-ontologies.
        sites: residues that annotations name, of all proteins.
    """
    in_scope = np.ones(len(split), dtype=bool) if concepts is None else concepts.annotated
    train, valid = (np.flatnonzero(in_scope & (split == part)) for part in ("train", "valid"))
    if concepts is None:
        return TrainingData(reader, train, valid)
    known = None if concepts.known[in_scope].all() else concepts.known
    named = None if sites is None else guiding_sites(sites, split, concepts.go_id)
    return TrainingData(reader, train, valid, concepts.labels, axioms, known, named)


def protsae_config(config: RunConfig, concepts: Concepts, d_model: int, d_sae: int) -> ProtSAEConfig:
    """The ProtSAE of one sub-ontology or of all, with the run's own k."""
    return ProtSAEConfig(
        **{name: getattr(config, name) for name in SWITCHES_OF_A_RUN},
        d_model=d_model,
        d_sae=d_sae,
        concepts=concepts.go_id,
        namespace=concepts.scope,
        k=config.k,
        normalise=config.normalise,
    )


def with_what_there_is(cfg: ProtSAEConfig, data: TrainingData) -> ProtSAEConfig:
    """The same without a loss on named residues where annotations name none for any guiding term."""
    return replace(cfg, site_weight=0.0) if data.sites is None else cfg


def unguided_config(architecture: str, *, d_model: int, d_sae: int, k: int, normalise: Normalise) -> SAEConfig:
    """The configuration of an SAE that no term guides, by the name of its architecture."""
    made: Any = ARCHITECTURES[architecture].config_class
    return made(d_model=d_model, d_sae=d_sae, k=k, normalise=normalise)


def fresh_sae(architecture: str, cfg: SAEConfig, *, seed: int) -> SAE:
    """An SAE before its training, by the name of its architecture."""
    made: Any = ARCHITECTURES[architecture]
    return made(cfg, seed=seed)
