"""python -m protsae.steering RECIPE.json --bundle DIR: what the Steer page did, again, as FASTA.

Read `main`.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from protsae.bundle.layout import sae_folder
from protsae.bundle.manifest import read_manifest
from protsae.errors import InputError, ProtSAEError
from protsae.plm.registry import open_plm
from protsae.sae import load_sae
from protsae.steering.recipe import MOST_BYTES, Recipe, replay
from protsae.steering.samples import Sample


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay a recipe; 0 where it went well, 2 for a mistake of the user."""
    parser = argparse.ArgumentParser(prog="python -m protsae.steering", description="Replay a steering recipe.")
    parser.add_argument("recipe", type=Path, metavar="RECIPE.json", help="as the Steer page writes it")
    parser.add_argument("--bundle", type=Path, required=True, metavar="DIR", help="the bundle that it was made with")
    parser.add_argument("--out", type=Path, metavar="FILE", help="FASTA to write; standard output where left out")
    parser.add_argument("--device", default="auto", help="cpu, cuda or auto; only the CPU repeats the page bit by bit")
    args = parser.parse_args(arguments)
    try:
        text = replayed(args.recipe, args.bundle, args.device)
    except ProtSAEError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if args.out is None:
        sys.stdout.write(text)
    else:
        args.out.write_text(text, encoding="ascii")
    return 0


def replayed(path: Path, bundle: Path, device: str = "auto") -> str:
    """The recipe's sequences as FASTA.

    Raises:
        InputError: the recipe cannot be read, or belongs to another bundle.
        ArtifactError: the bundle's models are missing or damaged.
    """
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        raise InputError(f"{path} is no recipe: give a JSON file of at most {MOST_BYTES:,} bytes.")
    recipe = Recipe.read(path.read_text(encoding="utf-8", errors="replace"))
    made_with = str(read_manifest(bundle)["bundle_id"])
    if recipe.bundle_id != made_with:
        raise InputError(
            f"The recipe was made with bundle {recipe.bundle_id!r}, but {bundle} is {made_with!r}: its features mean "
            "something else. Give the bundle that it was made with."
        )
    plm, spec = open_plm(bundle, device=device)
    folder = sae_folder(bundle, recipe.sae)
    if not folder.is_dir():
        raise InputError(f"The recipe steers {recipe.sae!r}, but {bundle} has no such SAE.")
    return fasta(recipe, replay(recipe, plm, spec, load_sae(folder).eval().to(plm.device)))


def fasta(recipe: Recipe, found: Iterable[Sample]) -> str:
    """One record a sample; its header says what was done."""
    raised = ",".join(f"{feature}" for feature in (*recipe.features, *recipe.always))
    lines = []
    for seed, written in found:
        head = f"steered sae={recipe.sae} features={raised} strength={recipe.strength:g} method={recipe.config.method}"
        lines.append(f">{head} seed={seed} changed={len(written.changed)}\n{written.steered}\n")
    return "".join(lines)


if __name__ == "__main__":
    sys.exit(main())
