"""What a corpus is large enough for, told before anything long begins: which sub-ontologies can guide.

Read `forecast`.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from precompute.config import RunConfig
from precompute.saes import SAESpec
from protsae.errors import ConfigError, InputError
from protsae.ontology.namespaces import WHOLE_GO, Namespace, members

FEW = 30
"""Held-out proteins below which scores are called coarse."""

MORE = "lower --min-term-proteins or give more annotated proteins"


def forecast(config: RunConfig, work: Path) -> Iterator[str]:
    """Sentences on what will guide and what will be left out, from the tables of the stage `proteins`.

    Raises:
        InputError: a split has no protein, or no SAE of the list can be trained.
        ConfigError: an SAE would have no free feature.
    """
    split = pd.read_parquet(work / "proteins" / "proteins.parquet", columns=["split"])["split"].to_numpy(dtype=str)
    check_splits(split)
    counts = Counter(split.tolist())
    if min(counts["valid"], counts["test"]) < FEW:
        yield (
            f"only {counts['valid']} proteins to choose on and {counts['test']} to score on: held-out scores will be "
            "coarse; more families make them finer"
        )
    terms = pd.read_parquet(work / "proteins" / "go_term.parquet", columns=["go_id", "namespace", "n_train"])
    frequent = Counter(terms.loc[terms["n_train"] >= config.min_term_proteins, "namespace"])
    most = config.max_concepts or len(terms)
    n_terms = {namespace: min(frequent[namespace], most) for namespace in members(WHOLE_GO)}
    guided = [spec for spec in config.sae_list if spec.namespace is not None]
    for namespace in dict.fromkeys(name for spec in guided for name in scope_of(spec)):
        yield _sentence(namespace, n_terms[namespace], terms, config)
    for spec in guided:
        n, d_sae = sum(n_terms[name] for name in scope_of(spec)), spec.d_sae or config.d_sae
        if d_sae is not None and d_sae <= n:
            raise ConfigError(f"d_sae={d_sae} of {spec.name} leaves no free feature beside {n} guiding terms; raise it")
    left_out = [spec for spec in guided if not sum(n_terms[name] for name in scope_of(spec))]
    if left_out and len(left_out) == len(config.sae_list):
        raise InputError(f"{nothing_guides(left_out[0], config)}, and no other SAE is in the list; {MORE}")
    if left_out and len(left_out) == len(guided):
        yield f"so no SAE can be guided, and the bundle will hold the unguided ones alone; {MORE}"


def scope_of(spec: SAESpec) -> tuple[Namespace, ...]:
    """The sub-ontologies whose terms guide an SAE."""
    return members(spec.namespace or "")


def nothing_guides(spec: SAESpec, config: RunConfig) -> str:
    """Why a guided SAE is left out."""
    few = f"no {spec.namespace} term is carried by {config.min_term_proteins} training proteins"
    return f"{few}; {spec.title} is left out"


def check_splits(split: Collection[str] | np.ndarray) -> None:
    """Refuse a corpus that leaves a split empty.

    Raises:
        InputError: train, valid or test has no protein.
    """
    counts = Counter(np.asarray(split).tolist())
    for part in ("train", "valid", "test"):
        if not counts[part]:
            raise InputError(
                f"no protein falls into the {part} split ({len(split)} proteins in all); give more proteins of other "
                "families, splits follow homology clusters"
            )


def _sentence(namespace: str, n_terms: int, terms: pd.DataFrame, config: RunConfig) -> str:
    least = f"{config.min_term_proteins} training proteins"
    if n_terms:
        guide = "1 term guides, carried" if n_terms == 1 else f"{n_terms:,} terms guide, each carried"
        return f"{namespace}: {guide} by at least {least}"
    here = terms.loc[(terms["namespace"] == namespace) & (terms["n_train"] > 0)]
    if here.empty:
        return f"{namespace}: nothing guides, no training protein carries a term"
    n, go_id = max(zip(here["n_train"].tolist(), here["go_id"].tolist(), strict=True))
    return f"{namespace}: nothing guides, no term is carried by {least} (the most frequent, {go_id}, by {n})"
