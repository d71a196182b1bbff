"""Which recipe makes features raise their own function: a search on validation proteins; JSON, a line a recipe.

    python benchmarks/steering_search.py [--bundle DIR] [--features 40] [--proteins 6] [--seed 0] [--only NAME ...]

Needs the run's work folder beside the bundle. Features are drawn at random among the validated ones, as many of each
SAE; proteins are of valid, lack the term and are at most 200 residues long. Two judges that steering does not touch
read the new sequences: the linear probe of `precompute/analyses/read_out.py` and 3-mers of train proteins. Each effect
is the feature's minus a random feature's of equal density under the same recipe, in units of the judge's spread over
proteins. `sure` is the share of features that beat their random feature on every protein; `sure_by_chance` is what
luck gives. One thread.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from precompute.analyses.read_out import Readable, ReadOut, read_out, readable
from precompute.corpus.proteins import Corpus, read_corpus
from protsae.bundle.layout import STORE, sae_folder
from protsae.plm.base import PLM
from protsae.plm.registry import open_plm
from protsae.plm.sites import Site
from protsae.plm.spec import PLMSpec
from protsae.sae import load_sae
from protsae.steering.controls import nearest_in_density
from protsae.steering.judges import KmerJudge
from protsae.steering.steer import SteerableSAE, SteerConfig, Steering
from protsae.store.reader import StoreReader
from protsae.store.rows import TermFeature

ROOT = Path(__file__).resolve().parents[1]
MOST_RESIDUES = 200


class Recipe(NamedTuple):
    """How every feature is steered."""

    name: str
    strength: float
    config: dict[str, Any]
    place: tuple[int, Site] | None = None
    """Layer and site at which the feature's direction is added; None where the SAE reads."""
    along: str = "feature"
    """Or `caa`: the difference of means, at each residue as long as the feature's push."""
    norm: float | None = None
    """Push so far, as a share of the mean residue's norm, whatever the feature's natural strength."""


def recipes() -> Iterator[Recipe]:
    """All that are tried."""
    for strength in (1, 2, 5):
        yield Recipe(f"as shipped, strength {strength}", strength, {})
    for strength in (2, 5):
        yield Recipe(f"responsive mask, strength {strength}", strength, {"mask_choice": "responsive"})
    for strength in (1, 2, 5):
        yield Recipe(f"nothing hidden, strength {strength}", strength, {"method": "unmasked"})
    for norm in (0.25, 0.5, 1.0):
        yield Recipe(f"equal length, {norm:g} of a residue's norm", 1, {}, norm=norm)
    yield Recipe("difference of means, strength 5", 5, {}, along="caa")
    for strength in (5, 10):
        yield Recipe(f"logits amplified, strength {strength}", strength, {"by": "logits"})
    yield Recipe("layers above, too, strength 2", 2, {"reach": "above"})
    yield Recipe("gibbs, strength 5", 5, {"method": "gibbs"})
    yield Recipe("random mask, strength 5", 5, {"mask_choice": "random"})
    for layer in (2, 3, 5, 6):
        yield Recipe(f"at layer {layer} resid_mid, strength 5", 5, {}, place=(layer, "resid_mid"))
    yield Recipe("every hidden residue refilled, strength 5", 5, {"refill": "all"})
    yield Recipe("three rounds, strength 5", 5, {"rounds": 3})
    yield Recipe("half of the residues, strength 5", 5, {"mask_ratio": 0.5})
    yield Recipe("without the error term, strength 5", 5, {"add_error": False})
    wide = {"mask_choice": "responsive", "mask_ratio": 0.5}
    for strength in (2, 5, 10):
        yield Recipe(f"responsive half, strength {strength}", strength, wide)
    yield Recipe("responsive half, three rounds, strength 5", 5, wide | {"rounds": 3})
    yield Recipe("responsive half, difference of means, strength 5", 5, wide, along="caa")
    yield Recipe("as shipped, strength 8", 8, {})


class Directions:
    """Directions as the features of an SAE that never fires: they can be pushed at any layer."""

    def __init__(self, rows: Tensor) -> None:
        self.rows, self.d_sae = rows, len(rows)

    def encode(self, x: Tensor) -> Tensor:
        """Nothing fires."""
        return torch.zeros(len(x), self.d_sae)

    def decode(self, acts: Tensor, _x: Tensor | None = None) -> Tensor:
        """The sum of the directions that were raised."""
        return acts @ self.rows


class Case(NamedTuple):
    """One feature in some proteins, with its random features."""

    row: TermFeature
    concept: int
    proteins: list[int]
    controls: list[int]


class Bench(NamedTuple):
    """What every recipe works with."""

    plm: PLM
    spec: PLMSpec
    saes: Mapping[str, SteerableSAE]
    p99: dict[str, np.ndarray]
    corpus: Corpus
    outs: dict[str, ReadOut]
    kmers: dict[str, tuple[KmerJudge, float]]
    """Term -> judge and its spread over valid proteins."""
    norm: float
    """Mean norm of a residue at the SAE's place."""


def main() -> None:
    """Try the recipes one after another and print what each does."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=ROOT / "assets" / "demo")
    parser.add_argument("--features", type=int, default=40)
    parser.add_argument("--proteins", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[])
    args = parser.parse_args()
    torch.set_num_threads(1)
    bench, cases = prepare(args.bundle, args.features, args.proteins, args.seed)
    for recipe in recipes():
        if args.only and not any(part in recipe.name for part in args.only):
            continue
        began = time.perf_counter()
        told = tried(bench, cases, recipe)
        seconds = time.perf_counter() - began
        n = sum(len(case.proteins) for case in cases)
        line = {"recipe": recipe.name, **told, "sure_by_chance": 2.0**-args.proteins, "ms": round(500 * seconds / n)}
        json.dump(line, sys.stdout)
        sys.stdout.write("\n")
        sys.stdout.flush()


def prepare(bundle: Path, n_features: int, n_proteins: int, seed: int) -> tuple[Bench, list[Case]]:
    """Models, judges, and what is steered."""
    work, rng = bundle.with_name(f"{bundle.name}.work"), np.random.default_rng(seed)
    corpus = read_corpus(work)
    with StoreReader.open(bundle / STORE) as reader:
        validated = reader.validated_features(1_000_000)
        names = sorted({row.sae for row in validated})
        tables = {name: reader.feature_table(name) for name in names}
    plm, spec = open_plm(bundle, device="cpu")
    spaces = readable(work, corpus, {(row.namespace, row.go_id) for row in validated})
    folder = work / "steering_search"
    folder.mkdir(exist_ok=True)
    outs = {name: read_out(work, corpus, space, folder, lambda _: None) for name, space in spaces.items()}
    cases = []
    for name in names:
        own = [row for row in validated if row.sae == name and row.go_id in spaces[row.namespace].go_id]
        drawn = rng.permutation(len(own))[: n_features // len(names)].tolist()
        cases += [
            case_of(own[place], spaces[own[place].namespace], corpus, tables[name], n_proteins, rng=rng)
            for place in drawn
        ]
    saes = {name: load_sae(sae_folder(bundle, name)) for name in names}
    p99 = {name: tables[name]["p99_act"].to_numpy(float) for name in names}
    kmers = {case.row.go_id: kmer_judge(case.row.go_id, spaces[case.row.namespace], corpus, rng) for case in cases}
    x = plm.embed(corpus.sequence[cases[0].proteins[0]], layer=spec.layer, site=spec.site)
    return Bench(plm, spec, saes, p99, corpus, outs, kmers, float(x.norm(dim=-1).mean())), cases


def case_of(
    row: TermFeature, space: Readable, corpus: Corpus, table: Any, n_proteins: int, *, rng: np.random.Generator
) -> Case:
    """Valid proteins without the term, and a random feature for each."""
    concept = space.go_id.index(row.go_id)
    free = space.rows[~space.labels[:, concept]]
    free = free[(corpus.split[free] == "valid") & (corpus.length[free] <= MOST_RESIDUES)]
    proteins = np.sort(rng.choice(free, n_proteins, replace=False)).tolist()
    p99, density = table["p99_act"].to_numpy(float), table["density"].to_numpy(float)
    near = nearest_in_density(row.feature, p99=p99, density=density, without=())
    return Case(row, concept, proteins, rng.choice(near, n_proteins, replace=False).tolist())


def kmer_judge(go_id: str, space: Readable, corpus: Corpus, rng: np.random.Generator) -> tuple[KmerJudge, float]:
    """From at most 1,000 train proteins of each kind."""
    carried = space.labels[:, space.go_id.index(go_id)]
    train, valid = (space.rows[corpus.split[space.rows] == part] for part in ("train", "valid"))
    has = dict(zip(space.rows.tolist(), carried.tolist(), strict=True))
    kinds = [[row for row in rng.permutation(train).tolist() if has[row] is kind][:1000] for kind in (True, False)]
    judge = KmerJudge.of(*([corpus.sequence[row] for row in rows] for rows in kinds))
    spread = np.std([judge.similarity(corpus.sequence[row]) for row in valid[:300].tolist()])
    return judge, float(spread)


def tried(bench: Bench, cases: list[Case], recipe: Recipe) -> dict[str, float]:
    """What a recipe does over all cases."""
    probe, kmer, sure, changed, worse = [], [], [], [], []
    for case in cases:
        rows = np.array([outcome(bench, case, place, recipe) for place in range(len(case.proteins))])
        probe.append(rows[:, 0].mean())
        kmer.append(rows[:, 1].mean())
        sure.append([(rows[:, judge] > 0).all() for judge in (0, 1)])
        changed.append(rows[:, 2:4].mean(axis=0))
        worse.append(rows[:, 4:].mean(axis=0))
    every = np.array(sure, float).mean(axis=0)
    found = {
        "probe": np.mean(probe), "probe_median": np.median(probe), "probe_sure": every[0],
        "kmer": np.mean(kmer), "kmer_median": np.median(kmer), "kmer_sure": every[1],
        "both_rise": np.mean((np.array(probe) > 0) & (np.array(kmer) > 0)),
        "changed": np.mean(changed, axis=0)[0], "changed_random": np.mean(changed, axis=0)[1],
        "surprisal": np.mean(worse, axis=0)[0], "surprisal_random": np.mean(worse, axis=0)[1],
    }  # fmt: skip
    return {name: round(float(value), 4) for name, value in found.items()}


def outcome(bench: Bench, case: Case, place: int, recipe: Recipe) -> tuple[float, ...]:
    """Probe and 3-mers against the random feature, residues changed by both, surprisal of the changes by both."""
    row, sequence = case.row, bench.corpus.sequence[case.proteins[place]]
    out, (judge, spread) = bench.outs[row.namespace], bench.kmers[row.go_id]
    config = SteerConfig(**recipe.config)
    written, shared = [], None
    for number, along in ((row.feature, recipe.along), (case.controls[place], "feature")):
        feature, p99 = number, bench.p99[row.sae][number]
        sae, spec, strength = bench.saes[row.sae], bench.spec, recipe.strength
        direction = torch.from_numpy(out.difference[case.concept]).float() if along == "caa" else None
        if recipe.norm is not None or recipe.place is not None:
            one = torch.zeros(2, sae.d_sae)
            one[1, feature] = p99
            nothing, push = sae.decode(one)
            vector = (push - nothing).detach()
            if recipe.norm is not None:
                strength = recipe.norm * bench.norm / float(vector.norm())
            if recipe.place is not None:
                sae, feature, p99 = Directions(vector[None]), 0, 1.0
                spec = bench.plm.spec(layer=recipe.place[0], site=recipe.place[1])
        if shared is None or recipe.place is not None:
            shared = Steering(bench.plm, spec, sae, sequence, config)
        written.append(shared.rewrite({feature: float(p99)}, strength=strength, direction=direction))
    means = [
        bench.plm.embed(one.steered, layer=bench.spec.layer, site=bench.spec.site).double().mean(dim=0).numpy()
        for one in written
    ]
    log_odds = out.probe.logits(np.stack(means))[:, case.concept]
    near = [judge.similarity(one.steered) for one in written]
    return (
        float(log_odds[0] - log_odds[1]) / float(out.spread[case.concept]),
        (near[0] - near[1]) / spread,
        *(float(len(one.changed)) for one in written),
        *(one.surprisal_after - one.surprisal_before for one in written),
    )


if __name__ == "__main__":
    main()
