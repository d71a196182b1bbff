"""The stages in order: what each runs, and what its result depends on.

Read `STAGES`; they are run by `precompute/pipeline/runner.py`.
"""

from precompute.corpus.forecast import forecast
from precompute.pipeline.runner import Stage
from precompute.stages import (
    activations,
    associate,
    confounds,
    embed,
    examples,
    layout,
    probe,
    proteins,
    publish,
    sites,
    statistics,
    structures,
    train,
)

STAGES: tuple[Stage, ...] = (
    Stage(
        name="proteins",
        run=proteins.run,
        settings=("shipped", "seed"),
        inputs=("proteins", "more_proteins", "annotations", "ontology", "clusters", "contacts", "structures"),
        foretells=forecast,
    ),
    Stage(
        name="embed",
        run=embed.run,
        settings=("layer", "site", "max_residues_per_shard"),
        inputs=("plm",),
        after=("proteins",),
        resumes=True,
    ),
    Stage(name="probe", run=probe.run, after=("proteins", "embed")),
    Stage(
        name="train",
        run=train.run,
        settings=(
            *("min_term_proteins", "max_concepts", "d_sae", "k", "epochs", "residues_per_protein", "batch_size"),
            *("learning_rate", "schedule", "epochs_before_drop", "lambda_annot", "lambda_axiom", "annotation"),
            *("positive_weight", "forcing_strength", "selection", "rate_share", "rate_min", "rate_max", "site_weight"),
            *("spread", "detector", "predictor_l2", "detector_l2", "guided_pace"),
            *("normalise", "saes", "sae_dtype", "seed"),
            *("auxk", "rate_bound", "vanilla_k", "vanilla_only", "widths", "seeds", "sae"),
        ),
        inputs=("ontology", "sae"),
        after=("proteins", "embed"),
        resumes=True,
    ),
    Stage(name="activations", run=activations.run, after=("embed", "train"), resumes=True),
    Stage(name="structures", run=structures.run, inputs=("structures",), after=("proteins",)),
    Stage(name="statistics", run=statistics.run, after=("proteins", "embed", "train", "activations"), version=2),
    Stage(
        name="associate",
        run=associate.run,
        version=2,
        settings=("seed",),
        after=("proteins", "embed", "train", "activations", "statistics"),
    ),
    Stage(
        name="confounds",
        run=confounds.run,
        settings=("seed",),
        after=("proteins", "embed", "train", "activations", "statistics", "associate"),
    ),
    Stage(
        name="sites",
        run=sites.run,
        settings=("seed",),
        after=("proteins", "embed", "train", "activations"),
    ),
    Stage(
        name="examples",
        run=examples.run,
        after=("proteins", "embed", "train", "activations", "structures", "statistics", "associate"),
    ),
    Stage(name="layout", run=layout.run, settings=("seed",), after=("train", "statistics"), version=2),
    Stage(
        name="publish",
        run=publish.run,
        settings=("out",),
        after=(
            *(
                "proteins",
                "embed",
                "probe",
                "train",
                "statistics",
                "associate",
                "examples",
                "confounds",
                "sites",
                "layout",
                "structures",
            ),
        ),
    ),
)
"""Each depends on earlier ones only."""

STAGE_NAMES = tuple(stage.name for stage in STAGES)
