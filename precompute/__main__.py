"""The command line: `python -m precompute run`, and the commands beside it; `--help` lists them.

What the user can mend is one line on standard error and exit code 2; what is our fault keeps its traceback. With
`--debug`, in whatever place, what the user can mend comes with its traceback, too.

Read `main`.
"""

import argparse
import errno
import shutil
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from precompute.analyses.adding import analyse
from precompute.checking import check_inputs
from precompute.config import RunConfig
from precompute.evaluation.config import EvaluateConfig
from precompute.evaluation.runner import evaluate
from precompute.explaining.config import ExplainConfig
from precompute.explaining.explain import explain
from precompute.fetching.config import FetchConfig
from precompute.fetching.run import fetch
from precompute.importing import check_imported, describe, formats
from precompute.inputs.homology import cluster_with_mmseqs
from precompute.inputs.uniprot import read_proteins
from precompute.launched import check_launched, train_launched
from precompute.options import add_flags, build
from precompute.pipeline.places import one_a_place
from precompute.pipeline.progress import Console
from precompute.pipeline.runner import Runner
from precompute.plm.training import PLMTrainConfig, train
from precompute.stages.order import STAGE_NAMES, STAGES
from precompute.suite import run_one, run_suite
from precompute.training.ensembles import EnsembleConfig, make_ensemble
from precompute.training.seeds import SeedsConfig, train_seeds
from protsae.api.opened import open_bundle
from protsae.bundle.migrating import migrate_bundle
from protsae.errors import ConfigError, ProtSAEError
from protsae.export.registry import TARGETS, export
from protsae.files import write_text
from protsae.parallel.together import launched
from protsae.plm.sites import SITES
from protsae.sae.loaders import Told
from protsae.store.analyses.known import ANALYSES
from protsae.store.schema import SCHEMA_VERSION

USER_FAULT = 2
INTERRUPTED = 130
DEBUG = "--debug"


MENDABLE = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
        *(errno.EACCES, errno.EPERM, errno.EROFS),
        *(errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG),
        *(errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENFILE),
    }
)
"""Errors of the system that come from the user's disk, permissions or names; all others are our own faults."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    given = sys.argv[1:] if argv is None else argv
    try:
        arguments = _parser().parse_args(given)
        place = launched()
        if place is not None:
            check_launched(place, arguments.command, vars(arguments).get("stage", ""))
        _COMMANDS[arguments.command](arguments)
    except KeyboardInterrupt:
        _complain("interrupted; the same command goes on from where it stopped")
        return INTERRUPTED
    except ProtSAEError as error:
        return _refuse(str(error), error, debug=DEBUG in given)
    except OSError as error:
        if error.errno not in MENDABLE:
            raise
        where = f" ({error.filename})" if error.filename else ""
        sentence = f"{error.strerror}{where}; nothing is lost, the same command goes on once this is mended"
        return _refuse(sentence, error, debug=DEBUG in given)
    return 0


class _Parser(argparse.ArgumentParser):
    """An argument parser that keeps to one line."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}; see `{self.prog} --help`")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="precompute", description="Sequences and GO annotations in, a bundle for the explorer out.")
    parser.add_argument(DEBUG, action="store_true", help=_DEBUG_HELP)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    run = commands.add_parser("run", help="all stages, in order", description="Make a bundle.")
    run.add_argument("--clean", action="store_true", help="Remove the work folder after success.")
    stage = commands.add_parser("stage", help="one stage", description="Run one stage; those before it must be done.")
    stage.add_argument("stage", choices=STAGE_NAMES, metavar="NAME", help=", ".join(STAGE_NAMES))
    stage.add_argument("--force", action="store_true", help="Run it again from the start even where it is done.")
    about = "Compute one analysis and put it into a finished bundle; its store stays as it is."
    analyse = commands.add_parser("analyse", help="add an analysis to a bundle", description=about)
    analyse.add_argument("bundle", type=Path, metavar="BUNDLE", help="Folder of a finished bundle.")
    analyse.add_argument("name", choices=tuple(ANALYSES), metavar="NAME", help=", ".join(ANALYSES))
    analyse.add_argument("--quiet", action="store_true", help="No progress, no summary.")
    about = (
        "Train the SAEs of a run from other seeds too, for the analyses `seeds` and `onsets`; finished ones are kept."
    )
    seeds = commands.add_parser("seeds", help="train from other seeds", description=about)
    seeds.add_argument("--quiet", action="store_true", help="No progress.")
    add_flags(seeds, SeedsConfig)
    about = "Present several trainings of one SAE as one: as their mean, or each trained on what is left over."
    ensemble = commands.add_parser("ensemble", help="several SAEs as one", description=about)
    ensemble.add_argument("--quiet", action="store_true", help="No progress.")
    add_flags(ensemble, EnsembleConfig)
    about = "Bring a bundle of the version before to this program's, in its place."
    migrate = commands.add_parser("migrate", help="update an old bundle", description=about)
    migrate.add_argument("bundle", type=Path, metavar="BUNDLE", help="Folder of a bundle.")
    migrate.add_argument("--quiet", action="store_true", help="No summary.")
    about = "Train every method on a bundle's embeddings and score it on held-out proteins."
    evaluate = commands.add_parser("evaluate", help="compare all methods", description=about)
    evaluate.add_argument("bundle", type=Path, metavar="BUNDLE", help="Folder of a finished bundle.")
    about = "Have features explained by a language model of words; shows the prompts and their cost unless --send."
    explain = commands.add_parser("explain", help="explain features in words", description=about)
    explain.add_argument("bundle", type=Path, metavar="BUNDLE", help="Folder of a finished bundle.")
    _add_import(commands.add_parser("import-sae", help="check an SAE of another program", description=_IMPORT))
    _add_export(commands.add_parser("export", help="a bundle in other tools' files", description=_EXPORT))
    plm = commands.add_parser("plm", help="train a small PLM", description="Train a PLM of ESM-2's architecture.")
    cluster = commands.add_parser("cluster", help="homology clusters", description="Cluster a FASTA with MMseqs2.")
    cluster.add_argument("--sequences", type=Path, required=True, metavar="FILE", help="FASTA or UniProtKB TSV.")
    cluster.add_argument("--out", type=Path, required=True, metavar="FILE", help="TSV: name, representative.")
    about = "Fetch proteins, GO annotations, the ontology and structures from the public databases, for a run."
    fetching = commands.add_parser("fetch", help="inputs from UniProt, QuickGO, PDB", description=about)
    for command in commands.choices.values():
        command.add_argument(DEBUG, action="store_true", help=_DEBUG_HELP)
    configs = (
        (run, RunConfig),
        (stage, RunConfig),
        (evaluate, EvaluateConfig),
        (explain, ExplainConfig),
        (plm, PLMTrainConfig),
        (fetching, FetchConfig),
    )
    for command, config_class in configs:
        command.add_argument("--quiet", action="store_true", help="No progress, no summary.")
        add_flags(command, config_class, without=("bundle",))
    commands.metavar = "|".join(commands.choices)
    return parser


_IMPORT = "Say what an SAE of another program is, and what a run would still ask for; `run --sae` takes it in."


def _add_import(command: argparse.ArgumentParser) -> None:
    command.add_argument("path", type=Path, metavar="PATH", help="Folder or file of the SAE.")
    command.add_argument(
        "--format", choices=formats(), metavar="NAME", help=f"{', '.join(formats())}; else it is found."
    )
    command.add_argument("--bundle", type=Path, metavar="BUNDLE", help="Measure it on this bundle's language model.")
    command.add_argument("--out", type=Path, metavar="DIR", help="Write it there in our own form.")
    for name, kind, text in (
        ("k", int, "Features that TopK keeps per residue, where no file says it."),
        ("layer", int, "Block whose states it reads, from 1."),
        ("scale", float, "Factor of its input, where its files only say that there is one."),
    ):
        command.add_argument(f"--{name}", type=kind, metavar="N", help=text)
    command.add_argument("--site", choices=SITES, default="", help="Where in the block.")
    command.add_argument("--plm", default="", metavar="NAME", help="Language model whose states it reads.")
    command.add_argument(
        "--kind", choices=("topk", "batchtopk"), help="Which rule made it, where its tensors do not say."
    )


_EXPORT = "Write a bundle, or some of its SAEs, in the files of other tools."


def _add_export(command: argparse.ArgumentParser) -> None:
    command.add_argument("bundle", type=Path, metavar="BUNDLE", help="Folder of a finished bundle.")
    command.add_argument("--to", choices=tuple(TARGETS), required=True, metavar="TOOL", help=", ".join(TARGETS))
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="Folder to write to.")
    command.add_argument("--sae", nargs="+", metavar="NAME", help="Only these SAEs; without it all.")


_DEBUG_HELP = "Print the traceback of every error."


def _run(arguments: argparse.Namespace) -> None:
    config = build(RunConfig, vars(arguments))
    check_inputs(config)
    configs = one_a_place(config)
    console = Console(quiet=arguments.quiet)
    for one in configs:
        check_inputs(one)
        check_imported(one)
    if config.is_suite:
        run_suite(config.out, configs, console)
    else:
        run_one(config, console)
    if arguments.clean:
        for one in configs:
            shutil.rmtree(one.work)


def _stage(arguments: argparse.Namespace) -> None:
    config = build(RunConfig, vars(arguments))
    for name, values in (("layer", config.layers), ("site", config.sites)):
        if values:
            given = " ".join(map(str, values))
            raise ConfigError(f"a stage is run for one {name}, got {name}s {given}; give --{name}")
    place = launched()
    if place is not None:
        train_launched(place, config, Console(quiet=arguments.quiet), force=arguments.force)
        return
    Runner(config, Console(quiet=arguments.quiet), STAGES).run_one(arguments.stage, force=arguments.force)


def _analyse(arguments: argparse.Namespace) -> None:
    analyse(arguments.bundle, arguments.name, Console(quiet=arguments.quiet), STAGES)


def _import_sae(arguments: argparse.Namespace) -> None:
    given = arguments
    told = Told(given.k, given.layer, given.site, given.plm, given.scale, given.kind)
    for line in describe(given.path, given.format, told, bundle=given.bundle, out=given.out):
        sys.stdout.write(line + "\n")


def _export(arguments: argparse.Namespace) -> None:
    with open_bundle(arguments.bundle) as bundle:
        for path in export(bundle, arguments.to, arguments.out, arguments.sae):
            sys.stdout.write(f"{path}\n")


def _seeds(arguments: argparse.Namespace) -> None:
    settings = build(SeedsConfig, vars(arguments))
    train_seeds(settings.run(), settings.work, Console(quiet=arguments.quiet).say, settings.members)


def _ensemble(arguments: argparse.Namespace) -> None:
    make_ensemble(build(EnsembleConfig, vars(arguments)), Console(quiet=arguments.quiet).say)


def _migrate(arguments: argparse.Namespace) -> None:
    changed = migrate_bundle(arguments.bundle)
    version = f"schema version {SCHEMA_VERSION}"
    Console(quiet=arguments.quiet).say(f"{arguments.bundle}: {'now' if changed else 'already'} of {version}")


def _evaluate(arguments: argparse.Namespace) -> None:
    evaluate(build(EvaluateConfig, vars(arguments)), Console(quiet=arguments.quiet))


def _explain(arguments: argparse.Namespace) -> None:
    explain(build(ExplainConfig, vars(arguments)), Console(quiet=arguments.quiet).say)


def _plm(arguments: argparse.Namespace) -> None:
    config = build(PLMTrainConfig, vars(arguments))
    train(config, Console(quiet=arguments.quiet).say)


def _cluster(arguments: argparse.Namespace) -> None:
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    proteins = read_proteins(arguments.sequences)
    clusters = cluster_with_mmseqs({protein.accession: protein.sequence for protein in proteins})
    write_text(arguments.out, "".join(f"{name}\t{cluster}\n" for name, cluster in clusters.items()))


def _fetch(arguments: argparse.Namespace) -> None:
    command = fetch(build(FetchConfig, vars(arguments)), Console(quiet=arguments.quiet))
    sys.stdout.write(f"{command}\n")


_COMMANDS = {
    "run": _run,
    "stage": _stage,
    "analyse": _analyse,
    "seeds": _seeds,
    "ensemble": _ensemble,
    "evaluate": _evaluate,
    "explain": _explain,
    "import-sae": _import_sae,
    "export": _export,
    "migrate": _migrate,
    "plm": _plm,
    "cluster": _cluster,
    "fetch": _fetch,
}


def _refuse(sentence: str, error: Exception, *, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    _complain(sentence)
    return USER_FAULT


def _complain(text: str) -> None:
    sys.stderr.write("precompute: " + " ".join(text.split()) + "\n")


if __name__ == "__main__":
    sys.exit(main())
