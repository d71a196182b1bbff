"""Which features go with which GO terms and residue annotations, which of two fits a term better, and what each
feature is called.

Choices are made on valid and scored on test; see `align/go.py`, `align/residues.py` and `align/labelling.py`. What a
label gives away without any feature is in `align/baselines.py`, the grade that follows in `protsae/store/grades.py`.
Writes

    feature_go.parquet           columns of `feature_go`
    term_baseline.parquet        columns of `term_baseline`
    feature_annotation.parquet   columns of `feature_annotation`
    kind_baseline.parquet        columns of `kind_baseline`
    feature_difference.parquet   columns of `feature_difference`
    label.parquet                sae, feature, and what `align/labelling.py` decides
    metrics.json                 held-out alignment of each guided SAE beside the first one without guidance

Read `run`.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from precompute.align import go as go_alignment
from precompute.align import residues
from precompute.align.baselines import kind_baselines, term_baselines
from precompute.align.differences import differences
from precompute.align.labelling import label_features
from precompute.align.regions import RegionTable
from precompute.align.summary import summarise
from precompute.config import RunConfig
from precompute.corpus.codes import code_path, read_codes
from precompute.corpus.labels import read_labels
from precompute.corpus.proteins import composition, read_corpus
from precompute.corpus.trained import baseline_of, read_trained
from precompute.features.counts import read_pooled
from precompute.pipeline.progress import Transient
from protsae.files import write_json
from protsae.shards import ShardReader
from protsae.store.grades import SITE_RULE, TERM_RULE, Rule, grade


def run(config: RunConfig, work: Path, report: Callable[[str], None]) -> dict[str, int | float | str]:
    """Write the tables named above."""
    corpus, saes = read_corpus(work), read_trained(work)
    terms = pd.read_parquet(work / "proteins" / "go_term.parquet", columns=["go_id", "name", "namespace"])
    terms = terms.sort_values("go_id", ignore_index=True)
    names = dict(zip(terms["go_id"], terms["name"], strict=True))
    labels = read_labels(work, corpus, terms)
    annotations = pd.read_parquet(work / "proteins" / "annotation.parquet")
    regions = RegionTable.from_annotations(annotations, corpus, seed=config.seed)
    max_acts = pd.read_parquet(work / "statistics" / "feature_stats.parquet", columns=["sae", "feature", "max_act"])
    report(Transient("associate: what composition, a probe and single neurons reach for every term"))
    guiding = sorted({go_id for sae in saes for go_id in sae.concepts})
    scored = go_alignment.term_tables(labels, terms, corpus.split, guiding=guiding, seed=config.seed)
    reader = ShardReader(work / "embed")
    states = reader.protein_means([reader.row_of(accession) for accession in corpus.accession])
    letters = np.column_stack([composition(corpus.sequence), np.log(corpus.length)])
    term_baseline = term_baselines(scored, labels, terms, corpus.split, letters=letters, states=states)
    kind_baseline = kind_baselines(corpus, regions)
    go_rows, annotation_rows, label_rows, scores = [], [], [], {}
    for sae in saes:
        report(Transient(f"associate: {sae.name} with GO terms"))
        tables = go_alignment.term_tables(labels, terms, corpus.split, guiding=sae.concepts, seed=config.seed)
        pooled = read_pooled(work / "statistics" / f"{sae.name}.pooled.npz")
        go = go_alignment.align(pooled._asdict(), tables, guiding=sae.concepts, seed=config.seed)
        go = go._replace(rows=_graded(go.rows, term_baseline, "go_id", TERM_RULE))
        scores[sae.name] = pooled._asdict()
        report(Transient(f"associate: {sae.name} with {len(regions.kinds)} kinds of residue annotation"))
        max_act = max_acts.loc[max_acts["sae"] == sae.name].sort_values("feature")["max_act"].to_numpy()
        folder = work / "activations" / sae.name
        annotation = residues.align(
            corpus,
            lambda shard, folder=folder: read_codes(code_path(folder, shard.number)),
            max_act,
            regions,
            seed=config.seed,
        )
        annotation = annotation._replace(rows=_graded(annotation.rows, kind_baseline, "kind", SITE_RULE))
        go_rows.append(go.rows.assign(sae=sae.name))
        annotation_rows.append(annotation.rows.assign(sae=sae.name))
        label_rows.append(label_features(sae.d_sae, sae.concepts, names, go, annotation).assign(sae=sae.name))
    folder = work / "associate"
    feature_go = pd.concat(go_rows, ignore_index=True)
    feature_annotation = pd.concat(annotation_rows, ignore_index=True)
    report(Transient("associate: guided features against those without guidance"))
    roles = {sae.name: sae.role for sae in saes}
    difference = differences(feature_go, roles, scores, scored, seed=config.seed)
    label = pd.concat(label_rows, ignore_index=True)
    feature_go.to_parquet(folder / "feature_go.parquet", index=False)
    feature_annotation.to_parquet(folder / "feature_annotation.parquet", index=False)
    term_baseline.to_parquet(folder / "term_baseline.parquet", index=False)
    kind_baseline.to_parquet(folder / "kind_baseline.parquet", index=False)
    label.to_parquet(folder / "label.parquet", index=False)
    difference.to_parquet(folder / "feature_difference.parquet", index=False)
    guided = {sae.name: sae.namespace for sae in saes if sae.role == "guided"}
    metrics = summarise(feature_go, guided, baseline_of(saes))
    write_json(folder / "metrics.json", metrics)
    return _numbers(feature_go, feature_annotation, label, metrics)


def _graded(rows: pd.DataFrame, baselines: pd.DataFrame, key: str, rule: Rule) -> pd.DataFrame:
    """The rows with their grades."""
    judged = rows.merge(baselines, on=key, how="left", validate="many_to_one")
    return rows.assign(grade=grade({name: judged[name].to_numpy() for name in judged.columns}, rule))


def _numbers(
    feature_go: pd.DataFrame, feature_annotation: pd.DataFrame, label: pd.DataFrame, metrics: dict[str, dict]
) -> dict[str, int | float | str]:
    numbers: dict[str, int | float | str] = {
        "feature-term pairs": len(feature_go),
        "feature-annotation pairs": len(feature_annotation),
        "named features": int((label["label_grade"] != "none").to_numpy().sum()),
        "guessed features": int(((label["label_grade"] == "none") & (label["label"] != "")).to_numpy().sum()),
    }
    for name in ("strong", "weak"):
        numbers[f"{name} feature-term pairs"] = int((feature_go["grade"] == name).to_numpy().sum())
    for sae, parts in metrics.items():
        concepts = parts["concept_terms"]
        for name in ("guided", "baseline_best"):
            value = concepts.get(name, {}).get("mean_f1")
            if value is not None:
                numbers[f"F1 {sae} {name} ({concepts['n']} terms)"] = value
    return numbers
