"""Does losing a metal site lower the metal features more than another substitution does? On held-out families.

    python benchmarks/metal_sites.py [--bundle assets/demo] [--split test] [--most 400] [--out FILE.json]

For each test protein with residues that bind a metal (UniProt's binding sites that name one, and contacts in
structures), and for each guided feature of "metal ion binding" or a term below it: every site residue that is C, H, D
or E (at most 8) becomes alanine; so does, for each, one residue at random that is no site, and one of the same letter
that is no site. Two losses of a protein are told, of mean activations over the chain and means over the substitutions:
of "features" the mean over the features that fire of the fall as a share of the wild type's, in which a feature that
hardly fires weighs as much as one that does; of "activation" the fall summed over the features, each in units of its
full colour, as a share of the sum in the wild type. Test families are none of training's; sign flips and the bootstrap
are over families (homology clusters), so that relatives count once.
"""

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from protsae.bundle.layout import sae_folder
from protsae.bundle.opening import Bundle, open_bundle
from protsae.measures.paired import bootstrap_mean
from protsae.plm.base import PLM
from protsae.plm.registry import open_plm
from protsae.plm.spec import PLMSpec
from protsae.sae import SAE, load_sae
from protsae.store.rows import ProteinRow

METAL_BINDING = "GO:0046872"
METALS = ("zinc", "iron", "magnesium", "manganese", "calcium", "copper", "cobalt", "nickel", "metal", "cadmium")
LIGANDS = "CHDE"
MOST_SITES = 8
N_FLIPS = 100_000


class Protein(NamedTuple):
    """A test protein with a metal site; positions from 0."""

    row: ProteinRow
    sites: list[int]
    same_letter: list[int]
    anywhere: list[int]


class Models(NamedTuple):
    """What reads the features."""

    plm: PLM
    spec: PLMSpec
    sae: SAE
    features: list[int]
    full: np.ndarray
    """Activation of full colour of each."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=Path("assets/demo"))
    parser.add_argument("--most", type=int, default=400, help="proteins, the first by accession")
    parser.add_argument("--split", choices=("test", "valid"), default="test")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    begun = time.monotonic()
    with open_bundle(args.bundle) as opened:
        found = measure(opened, args.split, args.most)
    found["seconds"] = round(time.monotonic() - begun)
    text = json.dumps(found, indent=1)
    sys.stdout.write(f"{text}\n")
    if args.out:
        args.out.write_text(text)


def measure(opened: Bundle, split: str, most: int) -> dict[str, object]:
    """Losses of all proteins, and what they say."""
    sae_row = next(row for row in opened.reader.saes() if row.role == "guided")
    plm, spec = open_plm(opened.folder)
    sae = load_sae(sae_folder(opened.folder, sae_row.name)).eval()
    wanted = {METAL_BINDING, *opened.reader.below(METAL_BINDING)}
    terms = [term for term in opened.reader.guiding_features(sae_row.name) if term.go_id in wanted]
    features = [term.feature for term in terms]
    full = opened.reader.feature_table(sae_row.name)["p999_act"].to_numpy(float)[features]
    models = Models(plm, spec, sae, features, full)
    families: dict[str, list[np.ndarray]] = defaultdict(list)
    n_proteins = n_substitutions = 0
    for protein in proteins(opened, split, most):
        losses = losses_in(protein, models)
        if losses is not None:
            families[protein.row.cluster].append(losses)
            n_proteins += 1
            n_substitutions += len(protein.sites)
    means = np.array([np.mean(one, axis=0) for _, one in sorted(families.items())])
    return {
        "terms": [f"{term.go_id} {term.term_name} #{term.feature} {term.grade}" for term in terms],
        "proteins": n_proteins,
        "families": len(means),
        "site_substitutions": n_substitutions,
        **{
            name: {
                "loss_at_sites": round(float(loss[:, 0].mean()), 4),
                "against_same_letter": paired(loss[:, 0], loss[:, 1]),
                "against_any_residue": paired(loss[:, 0], loss[:, 2]),
            }
            for name, loss in (("features", means[:, 0]), ("activation", means[:, 1]))
        },
    }


def proteins(opened: Bundle, split: str, most: int) -> list[Protein]:
    """Proteins of a split with a metal site and room for controls, the first by accession."""
    found: list[Protein] = []
    for accession in sorted(opened.reader.sequence_index()["accession"]):
        row = opened.reader.protein(accession)
        if row is None or row.split != split or len(row.sequence) > 1000:
            continue
        named = {
            position - 1
            for one in opened.reader.annotations(accession)
            if one.kind == "Metal contact"
            or (one.kind == "Binding site" and any(metal in one.label.lower() for metal in METALS))
            for position in range(one.start_pos, one.end_pos + 1)
        }
        protein = with_controls(row, sorted(named))
        if protein is not None:
            found.append(protein)
        if len(found) == most:
            break
    return found


def with_controls(row: ProteinRow, named: Sequence[int]) -> Protein | None:
    """The protein with as many controls as sites; None where there is no site or no control of the same letter."""
    rng = np.random.default_rng(sum(map(ord, row.accession)))
    sites = [place for place in named if row.sequence[place] in LIGANDS]
    if len(sites) > MOST_SITES:
        sites = sorted(rng.choice(sites, MOST_SITES, replace=False).tolist())
    free = [place for place in range(1, len(row.sequence)) if place not in set(named)]
    same = [[place for place in free if row.sequence[place] == row.sequence[site]] for site in sites]
    paired_sites = [(site, places) for site, places in zip(sites, same, strict=True) if places]
    other = [place for place in free if row.sequence[place] != "A"]
    if not paired_sites or not other:
        return None
    return Protein(
        row,
        [site for site, _ in paired_sites],
        [int(rng.choice(places)) for _, places in paired_sites],
        rng.choice(other, len(paired_sites)).tolist(),
    )


@torch.inference_mode()
def losses_in(protein: Protein, models: Models) -> np.ndarray | None:
    """[2 kinds of loss, 3]: mean loss at sites, at the same letter elsewhere, anywhere; None where all are silent."""
    sequence = protein.row.sequence
    places = [*protein.sites, *protein.same_letter, *protein.anywhere]
    read = [sequence, *(f"{sequence[:place]}A{sequence[place + 1 :]}" for place in places)]
    states = dict(models.plm.harvest(read, layer=models.spec.layer, site=models.spec.site, tokens_per_batch=1400))
    rows = torch.cat([states[index] for index in range(len(read))])
    acts = np.stack([models.sae.encode_feature(rows, feature).numpy() for feature in models.features])
    means = acts.reshape(len(models.features), len(read), len(sequence)).mean(axis=2)
    fires = means[:, 0] > 0
    if not fires.any():
        return None
    share = 1 - means[fires, 1:] / means[fires, :1]
    summed = (means / models.full[:, None]).sum(axis=0)
    both = np.stack([share.mean(axis=0), 1 - summed[1:] / summed[0]])
    return both.reshape(2, 3, len(protein.sites)).mean(axis=2)


def paired(at_sites: np.ndarray, control: np.ndarray) -> dict[str, float]:
    """How much more is lost at sites, with its interval, and p of a sign-flip test (one-sided, over families)."""
    differences = at_sites - control
    interval = bootstrap_mean(differences)
    rng = np.random.default_rng(0)
    flipped = np.array([
        (rng.choice((-1.0, 1.0), (1000, len(differences))) * differences).sum(axis=1) for _ in range(N_FLIPS // 1000)
    ])  # fmt: skip
    return {
        "loss_at_control": round(float(control.mean()), 4),
        "difference": round(float(differences.mean()), 4),
        "low": round(interval.low, 4),
        "high": round(interval.high, 4),
        "share_of_families_above": round(float((differences > 0).mean()), 3),
        "p": float((1 + (flipped >= differences.sum()).sum()) / (1 + flipped.size)),
    }


if __name__ == "__main__":
    main()
