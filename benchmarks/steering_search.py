"""Which recipe makes features raise their own function: a search over recipes; JSON, a line a recipe.

    python benchmarks/steering_search.py [--bundle DIR] [--around shipped|paper] [--part valid|test] [--features 40]
        [--proteins 6] [--seed 0] [--only NAME ...]

Needs the run's work folder beside the bundle. Features are drawn at random among the validated ones, as many of each
SAE; proteins are of valid (choose there) or of test (tell there), lack the term and are at most 200 residues long. Two
judges that steering does not touch read the new sequences: the linear probe of `precompute/analyses/read_out.py` and
3-mers of train proteins. Each effect is the feature's minus a random feature's of equal density under the same recipe,
in units of the judge's spread over proteins. `sure` is the share of features that beat their random feature on every
protein; `sure_by_chance` is what luck gives. `gain` is the effect less that of the first recipe on the same features,
proteins and random features, with a 95 % interval over features. One thread.
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

from precompute.analyses.read_out import Readable, ReadOut, kmer_judge, read_out, readable
from precompute.corpus.proteins import Corpus, read_corpus
from protsae.bundle.layout import STORE, sae_folder
from protsae.measures.paired import bootstrap_mean
from protsae.plm.base import PLM
from protsae.plm.registry import open_plm
from protsae.plm.sites import Site
from protsae.plm.spec import PLMSpec
from protsae.sae import load_sae
from protsae.steering.controls import nearest_in_density
from protsae.steering.judges import KmerJudge
from protsae.steering.steer import SteerableSAE, SteerConfig, Steering
from protsae.steering.types import TESTED_STRENGTH
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
    """Layer and site at which the feature's direction is added, as large a share of a residue's norm there; None where
    the SAE reads."""
    along: str = "feature"
    """Or `caa`: the difference of means, at each residue as long as the feature's push."""
    norm: float | None = None
    """Push so far, as a share of the mean residue's norm, whatever the feature's natural strength."""


PAPER = {"mask_choice": "low_activation", "mask_ratio": 0.3}


def around_paper() -> Iterator[Recipe]:
    """One change at a time of the paper's hiding: strength, residues, method, direction."""
    for strength in (5, 1, 2, 8):
        yield Recipe(f"as the paper, strength {strength}", strength, PAPER)
    yield Recipe("30 % most responsive, strength 5", 5, {"mask_ratio": 0.3})
    yield Recipe("half, least active, strength 5", 5, PAPER | {"mask_ratio": 0.5})
    yield Recipe("half, most responsive, strength 5", 5, {})
    yield Recipe("random mask, strength 5", 5, PAPER | {"mask_choice": "random"})
    yield Recipe("nothing hidden, strength 5", 5, {"method": "unmasked", "mask_ratio": 0.3})
    yield Recipe("gibbs, strength 5", 5, PAPER | {"method": "gibbs"})
    yield Recipe("every hidden residue refilled, strength 5", 5, PAPER | {"refill": "all"})
    yield Recipe("three rounds, strength 5", 5, PAPER | {"rounds": 3})
    yield Recipe("equal length, a residue's whole norm", 1, PAPER, norm=1.0)
    yield Recipe("logits amplified, strength 10", 10, PAPER | {"by": "logits"})
    yield Recipe("layers above, too, strength 2", 2, PAPER | {"reach": "above"})
    yield Recipe("difference of means, strength 5", 5, PAPER, along="caa")


def around_shipped() -> Iterator[Recipe]:
    """One change at a time of what the explorer does: where it pushes, how far, and what becomes of the error."""
    yield Recipe("shipped", TESTED_STRENGTH, {})
    yield Recipe("layers above, too", TESTED_STRENGTH, {"reach": "above"})
    yield Recipe("layers above, too, strength 2", 2, {"reach": "above"})
    yield Recipe("without the error term", TESTED_STRENGTH, {"add_error": False})
    yield Recipe("without the error term, layers above, too", TESTED_STRENGTH, {"add_error": False, "reach": "above"})
    for norm in (0.5, 1.0, 2.0):
        yield Recipe(f"equal length, {norm:g} of a residue's norm", 1, {}, norm=norm)
    for layer in (2, 3, 5, 6):
        yield Recipe(f"at layer {layer}", TESTED_STRENGTH, {}, place=(layer, "resid_mid"))
    yield Recipe("after the SAE's block", TESTED_STRENGTH, {}, place=(4, "resid_post"))
    for strength in (2, 10):
        yield Recipe(f"strength {strength}", strength, {})
    yield Recipe("three rounds", TESTED_STRENGTH, {"rounds": 3})
    yield Recipe("difference of means", TESTED_STRENGTH, {}, along="caa")


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
    norms: dict[tuple[int, Site], float]
    """Mean norm of a residue at the SAE's place and at the others that are tried."""


def main() -> None:
    """Try the recipes one after another and print what each does."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=ROOT / "assets" / "demo")
    parser.add_argument("--around", choices=["shipped", "paper"], default="shipped")
    parser.add_argument("--part", choices=["valid", "test"], default="valid")
    parser.add_argument("--features", type=int, default=40)
    parser.add_argument("--proteins", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[])
    args = parser.parse_args()
    torch.set_num_threads(1)
    recipes = list(around_shipped() if args.around == "shipped" else around_paper())
    recipes = recipes[:1] + [r for r in recipes[1:] if not args.only or any(part in r.name for part in args.only)]
    bench, cases = prepare(args.bundle, recipes, args)
    first = None
    for recipe in recipes:
        began = time.process_time()
        rows = tried(bench, cases, recipe)
        first = rows if first is None else first
        seconds = time.process_time() - began
        n = sum(len(case.proteins) for case in cases)
        luck = 2.0**-args.proteins
        line = {"recipe": recipe.name, **told(rows, first), "sure_by_chance": luck, "ms": round(500 * seconds / n)}
        json.dump(line, sys.stdout)
        sys.stdout.write("\n")
        sys.stdout.flush()


def prepare(bundle: Path, recipes: list[Recipe], args: argparse.Namespace) -> tuple[Bench, list[Case]]:
    """Models, judges, and what is steered."""
    work, rng = bundle.with_name(f"{bundle.name}.work"), np.random.default_rng(args.seed)
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
        drawn = [own[place] for place in rng.permutation(len(own))[: args.features // len(names)].tolist()]
        cases += [
            case_of(row, spaces[row.namespace], corpus, tables[name], args.proteins, part=args.part, rng=rng)
            for row in drawn
        ]
    saes = {name: load_sae(sae_folder(bundle, name)) for name in names}
    p99 = {name: tables[name]["p99_act"].to_numpy(float) for name in names}
    kmers = {case.row.go_id: kmer_judge(corpus, spaces[case.row.namespace], case.concept, args.seed) for case in cases}
    proteins = [corpus.sequence[case.proteins[0]] for case in cases[:8]]
    places = {(spec.layer, spec.site), *(recipe.place for recipe in recipes if recipe.place is not None)}
    norms = {place: mean_norm(plm, proteins, *place) for place in places}
    return Bench(plm, spec, saes, p99, corpus, outs, kmers, norms), cases


def mean_norm(plm: PLM, proteins: list[str], layer: int, site: Site) -> float:
    """Of the residues of some proteins."""
    return float(torch.cat([plm.embed(protein, layer=layer, site=site) for protein in proteins]).norm(dim=-1).mean())


def case_of(
    row: TermFeature,
    space: Readable,
    corpus: Corpus,
    table: Any,
    n_proteins: int,
    *,
    part: str,
    rng: np.random.Generator,
) -> Case:
    """Proteins of a part of the corpus without the term, and a random feature for each."""
    concept = space.go_id.index(row.go_id)
    free = space.rows[~space.labels[:, concept]]
    free = free[(corpus.split[free] == part) & (corpus.length[free] <= MOST_RESIDUES)]
    proteins = np.sort(rng.choice(free, n_proteins, replace=False)).tolist()
    p99, density = table["p99_act"].to_numpy(float), table["density"].to_numpy(float)
    near = nearest_in_density(row.feature, p99=p99, density=density, without=())
    return Case(row, concept, proteins, rng.choice(near, n_proteins, replace=False).tolist())


def tried(bench: Bench, cases: list[Case], recipe: Recipe) -> np.ndarray:
    """[features, proteins, 6] what a recipe does, as `outcome` tells it."""
    return np.array(
        [[outcome(bench, case, place, recipe) for place in range(len(case.proteins))] for case in cases], dtype=float
    )


def told(rows: np.ndarray, first: np.ndarray) -> dict[str, Any]:
    """Means and medians over features, beside the first recipe's on the same."""
    means, before = rows.mean(axis=1), first.mean(axis=1)
    found: dict[str, Any] = {}
    for judge, name in enumerate(("probe", "kmer")):
        effect, gain = means[:, judge], means[:, judge] - before[:, judge]
        sure = (rows[:, :, judge] > 0).all(axis=1).mean()
        spans = {name: bootstrap_mean(effect), f"{name}_gain": bootstrap_mean(gain)}
        found |= {name: effect.mean(), f"{name}_median": np.median(effect), f"{name}_sure": sure}
        found |= {f"{name}_gain": gain.mean(), **{f"{key}_95": list(span) for key, span in spans.items()}}
    found["both_rise"] = (means[:, :2] > 0).all(axis=1).mean()
    names = ("changed", "changed_random", "surprisal", "surprisal_random")
    found |= dict(zip(names, means[:, 2:].mean(axis=0), strict=True))
    return {name: np.round(value, 4).tolist() for name, value in found.items()}


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
            here = bench.norms[spec.layer, spec.site]
            if recipe.norm is not None:
                strength = recipe.norm * here / float(vector.norm())
            if recipe.place is not None:
                strength *= bench.norms[recipe.place] / here
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
