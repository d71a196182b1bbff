"""Do guided features hold in an organism that the training never saw? One is left out, and judged on unseen families.

    python benchmarks/organisms.py BUNDLE [--organisms "Bacillus subtilis" "Saccharomyces cerevisiae"] [--threads 1]

For each organism the bundle's form of ProtSAE is trained anew without any of its proteins (nor are they among those
that choose the epoch and the pooling), and scored on its proteins of the test split, whose families nobody trained on.
On the same proteins, over the terms that at least five of them carry and five do not: a logistic regression on
amino-acid composition and length, one on the language model's mean state, and the vanilla SAE's best feature by train
AUROC, all fitted without the organism; and the bundle's own ProtSAE, which saw other families of the organism.
Intervals are bootstraps over terms. The vanilla SAE is the bundle's: it saw the organism's sequences, no label.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from precompute.align.ranks import POOLINGS
from precompute.corpus.proteins import Corpus, composition, read_corpus
from precompute.evaluation.config import EvaluateConfig
from precompute.evaluation.context import Context, Space
from precompute.evaluation.pooling import pool
from precompute.evaluation.rows import plan_rows
from precompute.evaluation.store import tuned_switches
from precompute.evaluation.training import train_row
from precompute.features.counts import read_pooled
from precompute.pipeline.finished import read_run
from precompute.pipeline.progress import Console
from protsae.measures.paired import bootstrap_mean
from protsae.measures.probes import best_features, choose_logistic
from protsae.measures.ranking import aurocs
from protsae.store.evaluation.methods import TUNED

LEAST = 5
"""Proteins of the organism with a term, and without it."""

UNUSED = "left out"
"""In the place of train and valid, for the organism's proteins."""

METHODS = ("guided", "guided, organism seen", "composition", "probe", "vanilla")


Scores = dict[str, tuple[np.ndarray, np.ndarray]]
"""By pooling, of the valid proteins and of the test proteins."""


class Judged(NamedTuple):
    """The terms of one sub-ontology in one organism, AUROCs [n_terms] by method."""

    namespace: str
    n_proteins: int
    aurocs: dict[str, np.ndarray]


class Task(NamedTuple):
    """The terms of one sub-ontology that are judged, and on which proteins."""

    context: Context
    space: Space
    terms: np.ndarray
    """Places in the sub-ontology."""

    valid: np.ndarray
    """Proteins of the corpus that choose, none of the organism."""

    test: np.ndarray
    """Proteins of the corpus that are judged, all of the organism."""

    @property
    def go_id(self) -> list[str]:
        """Of the terms."""
        return [self.space.concepts.go_id[term] for term in self.terms]

    def labels(self, proteins: np.ndarray) -> np.ndarray:
        """[n_proteins, n_terms] bool."""
        return self.space.labels[np.searchsorted(self.space.rows, proteins)][:, self.terms]

    def by_pooling(self, scores: Scores) -> np.ndarray:
        """[n_terms] test AUROC, by the pooling with the better mean AUROC on valid."""
        truth = self.labels(self.valid)
        fits = truth.any(axis=0) & ~truth.all(axis=0)
        chosen = max(scores, key=lambda name: aurocs(scores[name][0][:, fits], truth[:, fits]).mean())
        return aurocs(scores[chosen][1], self.labels(self.test))


def main() -> None:
    """Train, score and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--organisms", nargs="+", default=["Bacillus subtilis", "Saccharomyces cerevisiae"])
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    sys.stdout.write(f"| organism | proteins left out | test | terms | {' | '.join(METHODS)} | less composition |\n")
    sys.stdout.write("|---" * (len(METHODS) + 5) + "|\n")
    for organism in args.organisms:
        n_left_out, judged = without(args.bundle, organism)
        for one in [*judged, together(judged)]:
            sys.stdout.write(f"| {organism}, {one.namespace} | {n_left_out:,} | {line(one)} |\n")
        sys.stdout.flush()


def line(one: Judged) -> str:
    """Cells of the table."""
    means = " | ".join(f"{one.aurocs[method].mean():.3f}" for method in METHODS)
    ahead = one.aurocs["guided"] - one.aurocs["composition"]
    low, high = bootstrap_mean(ahead)
    return f"{one.n_proteins:,} | {len(ahead)} | {means} | {ahead.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


def together(judged: list[Judged]) -> Judged:
    """All terms of all sub-ontologies."""
    found = {method: np.concatenate([one.aurocs[method] for one in judged]) for method in METHODS}
    return Judged("all", max(one.n_proteins for one in judged), found)


def without(bundle: Path, organism: str) -> tuple[int, list[Judged]]:
    """Proteins left out of train and valid, and what each method is worth on the organism's test proteins."""
    config = EvaluateConfig(bundle=bundle, seeds=1)
    run = read_run(bundle, "the organisms")
    whole = read_corpus(run.work)
    names = pd.read_parquet(run.work / "proteins" / "proteins.parquet", columns=["organism"])["organism"]
    is_its = names.str.startswith(organism).to_numpy()
    if not is_its.any():
        raise SystemExit(f"No protein is of {organism!r}; there are {', '.join(sorted(set(names) - {''}))}.")
    split = np.where(is_its & (whole.split != "test"), UNUSED, whole.split)
    context = Context(config, run, whole._replace(split=split))
    rows = plan_rows(run, list(context.spaces), 1, tuned_switches(context), d_sae=context.width)
    row = next(row for row in rows if row.method == TUNED)
    folder = config.folder / f"without-{organism.lower().replace(' ', '-')}"
    with Console().stage(organism) as report:
        trained = train_row(context, row, row.k, folder, report)
    held_out = np.flatnonzero((split == "valid") | (is_its & (split == "test")))
    pooled = pool(trained.sae, context.reader, held_out, split[held_out], train_residues=1)
    stored = {name: read_pooled(run.work / "statistics" / f"{name}.pooled.npz") for name in ("protsae", "vanilla")}
    new, old = ({term: place for place, term in enumerate(one.guides[row.scope].concepts.go_id)}
                for one in (context, Context(config, run)))  # fmt: skip
    judged = []
    for task in tasks(context, is_its):
        features = np.array([[known[term] for term in task.go_id] for known in (new, old)])
        found = {
            "guided": task.by_pooling(columns(pooled, features[0], held_out, task)),
            "guided, organism seen": task.by_pooling(columns(stored["protsae"], features[1], None, task)),
            "vanilla": task.by_pooling(best(stored["vanilla"], task)),
            **regressions(task, whole),
        }
        judged.append(Judged(task.space.namespace, len(task.test), found))
    return int((split == UNUSED).sum()), judged


def tasks(context: Context, is_its: np.ndarray) -> Iterator[Task]:
    """One a sub-ontology in which a term can be judged."""
    for space in context.spaces.values():
        test = space.rows[is_its[space.rows] & space.on("test")]
        task = Task(context, space, np.arange(space.m), space.rows[space.on("valid")], test)
        carried = task.labels(test).sum(axis=0)
        terms = np.flatnonzero((carried >= LEAST) & (len(test) - carried >= LEAST))
        if len(terms):
            yield task._replace(terms=terms)


def columns(pooled: Any, features: np.ndarray, rows: np.ndarray | None, task: Task) -> Scores:
    """Scores of some features; `rows` are the proteins of the corpus that `pooled` holds, None where it holds all."""
    places = [one if rows is None else np.searchsorted(rows, one) for one in (task.valid, task.test)]
    found = {name: getattr(pooled, name).tocsc()[:, features].tocsr() for name in POOLINGS}
    return {name: (matrix[places[0]].toarray(), matrix[places[1]].toarray()) for name, matrix in found.items()}


def best(pooled: Any, task: Task) -> Scores:
    """Scores of the feature with the best AUROC on train, by term."""
    train = task.space.rows[task.space.on("train")]
    scores: Scores = {}
    for name in POOLINGS:
        features = best_features(getattr(pooled, name).tocsr()[train], task.labels(train))
        scores |= {name: columns(pooled, features, None, task)[name]}
    return scores


def regressions(task: Task, corpus: Corpus) -> dict[str, np.ndarray]:
    """[n_terms] test AUROC of the two regressions."""
    lengths = np.array([len(sequence) for sequence in corpus.sequence])
    letters = np.column_stack([composition(corpus.sequence), np.log(lengths)])
    found = {}
    for name, x in (("composition", letters), ("probe", task.context.states)):
        space = task.space
        probe = choose_logistic(x[space.rows], task.labels(space.rows), space.split, criterion="auc")
        found[name] = aurocs(probe.logits(x[task.test]), task.labels(task.test))
    return found


if __name__ == "__main__":
    main()
