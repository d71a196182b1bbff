"""A full, valid bundle of made-up proteins, written in seconds and without precompute.

Forty random sequences (`tiny_proteins.py`) and four random SAEs of 64 features over a random two-layer ESM-2. What the
store says of a feature (density, maximum, examples) is counted from these very models, so encoding a stored protein
gives the stored activations. Alignment scores, confounds and the evaluation are drawn, seeded; they mean nothing.
`python tests/tiny_bundle.py FOLDER` writes one to look at.

Read `build_tiny_bundle`.
"""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import torch
from esm.model.esm2 import ESM2
from safetensors.torch import save_file
from tiny_alignments import (
    alignment_table,
    annotation_alignment_table,
    confound_table,
    difference_table,
    graded,
    kind_baseline_table,
    site_tables,
    term_baseline_table,
)
from tiny_audits import alikeness_table, breadth_table, explanation_table, fold_table, telling_table
from tiny_calibration import calibration_table
from tiny_confusion import confusion_table
from tiny_curves import curve_tables
from tiny_dense import dense_table
from tiny_enriched import enriched_tables
from tiny_evaluation import evaluation_table
from tiny_families import family_tables
from tiny_maps import map_tables
from tiny_motifs import motif_tables
from tiny_proteins import (
    ROOTS,
    SYNONYMS,
    TERMS,
    annotation_table,
    edge_table,
    go_term_table,
    made_up_proteins,
    protein_go_table,
    split_counts,
    structure_table,
)
from tiny_seeds import onset_tables, seed_tables
from tiny_shortlist import shortlist_tables
from tiny_steerability import steerability_tables
from tiny_themes import theme_tables

from protsae.alphabet import AMINO_ACIDS
from protsae.bundle.manifest import write_manifest
from protsae.files import sha256
from protsae.ontology.namespaces import GOScope, members
from protsae.plm.registry import open_plm
from protsae.plm.spec import PLMSpec
from protsae.sae.base import SAE
from protsae.sae.protsae import ProtSAE
from protsae.sae.protsae_config import ProtSAEConfig
from protsae.sae.topk import TopKSAE, TopKSAEConfig
from protsae.store.analyses.files import write_analysis
from protsae.store.analyses.known import ANALYSES
from protsae.store.grades import SITE_RULE, TERM_RULE
from protsae.store.rows import Role
from protsae.store.writer import StoreWriter

CREATED_BY = "tests/tiny_bundle.py"
D_MODEL, D_SAE, K, LAYERS, HEADS, LAYER = 32, 64, 8, 2, 2, 1
SILENT = slice(15, None, 16)
"""Features that never fire."""
BANDS = {"top": slice(0, 6), "high": slice(8, 10), "low": slice(-2, None)}


class TinySAE(NamedTuple):
    """What one of the bundle's SAEs is."""

    name: str
    display_name: str
    role: Role
    namespace: GOScope | Literal[""] = ""
    """Whose terms guide it; a ProtSAE where there is one, else a TopK."""


def guided(name: str, display_name: str, namespace: GOScope) -> TinySAE:
    return TinySAE(name, display_name, "guided", namespace)


VANILLA = TinySAE("vanilla", "Vanilla", "unguided")
ONE_FOR_ALL = (guided("protsae", "ProtSAE", "GO"), VANILLA)
"""What a run makes by default."""
SAES = (
    guided("protsae_mfo", "ProtSAE MFO", "MFO"),
    guided("protsae_bpo", "ProtSAE BPO", "BPO"),
    guided("protsae_cco", "ProtSAE CCO", "CCO"),
    VANILLA,
)


class Parts(NamedTuple):
    """What a bundle is put together from."""

    tables: dict[str, pd.DataFrame]
    """By the names of schema.sql, residues from 0."""
    analyses: dict[str, dict[str, pd.DataFrame]]
    """By analysis and table."""
    saes: dict[str, SAE]
    spec: PLMSpec


def build_tiny_bundle(folder: Path, saes: Sequence[TinySAE] = SAES) -> Path:
    """Write the bundle to `folder`, which is emptied first, and return it."""
    shutil.rmtree(folder, ignore_errors=True)
    parts = tiny_parts(folder, saes)
    for name, sae in parts.saes.items():
        sae.save(folder / "sae" / name, "float32")
    with StoreWriter(folder / "store.duckdb") as store:
        splits = parts.tables["protein"]["split"].value_counts()
        store.meta(
            {
                "bundle_id": "tiny",
                "created_by": CREATED_BY,
                "plm": parts.spec.name,
                "layer": parts.spec.layer,
                "site": parts.spec.site,
                **{f"n_{split}_proteins": splits[split] for split in ("train", "valid", "test")},
                "n_shipped_proteins": len(parts.tables["protein"]),
            }
        )
        for table, frame in parts.tables.items():
            store.insert(table, frame)
    for name, analysis in ANALYSES.items():
        facts = {"bundle_id": "tiny", "created_by": CREATED_BY, "settings": {}}
        write_analysis(folder / "analyses" / name, analysis, parts.analyses[name], **facts)
    _write_manifest(folder, list(parts.saes))
    return folder


def tiny_parts(folder: Path, saes: Sequence[TinySAE] = SAES) -> Parts:
    """Everything but the files; the language model alone is written to `folder`, since the rest is counted from it."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    proteins = made_up_proteins(rng)
    protein_go = protein_go_table(rng, proteins)
    spec, states = _write_plm(folder, proteins)
    x = np.concatenate(states)
    scale = float(np.sqrt(D_MODEL / (x**2).sum(axis=1).mean()))
    models = {sae.name: _sae(sae.namespace, seed, scale) for seed, sae in enumerate(saes)}
    acts = {name: model.encode(torch.from_numpy(x)).detach().numpy() for name, model in models.items()}
    features = pd.concat([_features(rng, sae, acts[sae.name], proteins) for sae in saes], ignore_index=True)
    alone = [sae.name for sae in saes if not sae.namespace]
    alignments = alignment_table(rng, features, alone, split_counts(proteins, protein_go))
    sites = annotation_alignment_table(rng, list(models))
    of_terms, of_kinds = term_baseline_table(alignments), kind_baseline_table()
    alignments = graded(alignments, of_terms, "go_id", TERM_RULE)
    _label(features, alignments)
    shown = [_examples(name, acts[name], proteins) for name in models]
    named = [_term_bands(name, acts[name], proteins, protein_go, alignments) for name in models]
    tables = {
        "protein": proteins,
        "annotation": annotation_table(rng, proteins),
        "go_term": go_term_table(proteins, protein_go),
        "go_synonym": pd.DataFrame(SYNONYMS, columns=["go_id", "synonym", "scope"]),
        "go_edge": edge_table(),
        "protein_go": protein_go,
        "sae": pd.DataFrame([_sae_row(sae, models[sae.name], acts[sae.name], x) for sae in saes]),
        "feature": features,
        "term_baseline": of_terms,
        "feature_go": alignments,
        "feature_difference": difference_table(alignments, alone),
        "kind_baseline": of_kinds,
        "feature_annotation": graded(sites, of_kinds, "kind", SITE_RULE),
        "example_band": pd.concat([*shown, *named], ignore_index=True),
        "example": pd.concat(
            [_active(name, acts[name], proteins, bands) for name, *bands in zip(models, shown, named, strict=True)],
            ignore_index=True,
        ),
        "neighbour": _neighbours(models, {name: _means(acts[name], proteins) for name in models}),
        "structure": structure_table(proteins),
    }
    analyses = {
        "folds": {"fold": fold_table(features)},
        "breadth": {"breadth": breadth_table(features)},
        "alikeness": {"alikeness": alikeness_table(features)},
        "calibration": {"term_band": calibration_table(alignments)},
        "confounds": {"feature_confound": confound_table(features)},
        "curves": curve_tables(alignments, alone),
        "confusion": {"sibling_confusion": confusion_table(alignments)},
        "dense": {"dense_tag": dense_table(features)},
        "enriched": enriched_tables(features, list(concepts("MFO"))),
        "evaluation": {"evaluation": evaluation_table()},
        "explanations": {"explanation": explanation_table(features)},
        "families": family_tables(features),
        "motifs": motif_tables(features),
        "maps": map_tables(features, list(models)),
        "onsets": onset_tables(features),
        "seeds": seed_tables(features),
        "shortlist": shortlist_tables(features, proteins),
        "themes": theme_tables(features, proteins),
        "sites": site_tables(features, alone),
        "steerability": steerability_tables(alignments, spec.embed_dim),
        "telling": {"telling": telling_table(features)},
    }
    return Parts(tables, analyses, models, spec)


def concepts(scope: str) -> tuple[str, ...]:
    """Terms that guide the SAE of a scope; feature 0 is guided by the first."""
    return tuple(sorted(go_id for go_id, term in TERMS.items() if term[1] in members(scope) and go_id not in ROOTS))


def _write_plm(folder: Path, proteins: pd.DataFrame) -> tuple[PLMSpec, list[np.ndarray]]:
    """Embed a random ESM-2 in the bundle; returns its activations [n_residues, d_model] of every protein too."""
    torch.manual_seed(0)
    model = ESM2(num_layers=LAYERS, embed_dim=D_MODEL, attention_heads=HEADS)
    skipped = ("contact_head.", "lm_head.weight")
    state = {name: tensor.half().contiguous() for name, tensor in model.state_dict().items()}
    weights = {n: t for n, t in state.items() if not n.startswith(skipped) and not n.endswith("inv_freq")}
    save_file(weights, folder / "plm.safetensors", metadata={"format": "pt"})
    spec = PLMSpec(
        name="tiny_esm2",
        layer=LAYER,
        site="resid_mid",
        num_layers=LAYERS,
        embed_dim=D_MODEL,
        attention_heads=HEADS,
        weights="plm.safetensors",
        weights_sha256=sha256(folder / "plm.safetensors"),
    )
    spec.write(folder / "plm.json")
    plm, _ = open_plm(folder, device="cpu")
    found = dict(plm.harvest(proteins["sequence"].tolist(), layer=spec.layer, site=spec.site))
    return spec, [found[i].numpy() for i in range(len(proteins))]


def _sae(namespace: GOScope | Literal[""], seed: int, scale: float) -> SAE:
    if namespace == "":
        vanilla = TopKSAE(TopKSAEConfig(d_model=D_MODEL, d_sae=D_SAE, k=K), seed=seed)
        vanilla.b_enc.data[SILENT] = -1e3
        sae: SAE = vanilla
    else:
        guides = concepts(namespace)
        cfg = ProtSAEConfig(d_model=D_MODEL, d_sae=D_SAE, k=K, concepts=guides, namespace=namespace)
        guided = ProtSAE(cfg, seed=seed)
        guided.fit_prevalence(torch.full((len(guides),), 0.02))
        guided.b_free.data[torch.arange(D_SAE)[SILENT] - len(guides)] = -1e3
        sae = guided
    sae.scale.fill_(scale)
    return sae


def _sae_row(what: TinySAE, sae: SAE, acts: np.ndarray, x: np.ndarray) -> dict[str, Any]:
    l0 = float((acts > 0).sum(axis=1).mean())
    x_hat = sae.decode(torch.from_numpy(acts)).detach().numpy()
    return {
        "name": what.name,
        "display_name": what.display_name,
        "role": what.role,
        "architecture": sae.architecture,
        "namespace": what.namespace,
        "d_model": D_MODEL,
        "d_sae": D_SAE,
        "k": K,
        "n_defined": len(concepts(what.namespace)),
        "l0": l0,
        "l0_forced": max(0.0, l0 - K),
        "explained_variance": 1 - float(((x - x_hat) ** 2).sum() / ((x - x.mean(axis=0)) ** 2).sum()),
        "share_alive": float((acts > 0).any(axis=0).mean()),
    }


def _features(rng: np.random.Generator, sae: TinySAE, acts: np.ndarray, proteins: pd.DataFrame) -> pd.DataFrame:
    guides = concepts(sae.namespace)
    peaks = np.maximum.reduceat(acts, _first_rows(proteins))
    letters = np.array([AMINO_ACIDS.index(letter) for letter in "".join(proteins["sequence"])])
    corpus = np.bincount(letters, minlength=20) / len(letters)
    rows: list[dict[str, Any]] = []
    for feature, column in enumerate(acts.T):
        active = column[column > 0]
        fires = len(active) > 0
        share = np.bincount(letters[column > 0], minlength=20) / max(1, len(active))
        rows.append(
            {
                "sae": sae.name,
                "feature": feature,
                "kind": "defined" if feature < len(guides) else "free",
                "go_id": guides[feature] if feature < len(guides) else None,
                "density": float((column > 0).mean()),
                "protein_density": float((peaks[:, feature] > 0).mean()),
                "max_act": float(column.max()),
                "mean_act": float(active.mean()) if fires else 0.0,
                "p99_act": float(np.quantile(active, 0.99)) if fires else 0.0,
                "p999_act": float(np.quantile(active, 0.999)) if fires else 0.0,
                "histogram": np.histogram(active, 40, (0, column.max()))[0].tolist() if fires else [],
                "aa_effect": (centred := rng.normal(0, 0.1, 20)) - centred.mean(),
                "aa_enrichment": np.log2((share + 1e-3) / (corpus + 1e-3)) if fires else np.zeros(20),
                "umap_x": float(rng.normal()) if fires else None,
                "umap_y": float(rng.normal()) if fires else None,
                "label": "",
                "label_id": "",
                "label_origin": "none",
                "label_grade": "none",
                "label_f1": None,
                "label_null_f1": None,
            }
        )
    return pd.DataFrame(rows)


def _first_rows(proteins: pd.DataFrame) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(proteins["length"])[:-1]])


def _means(acts: np.ndarray, proteins: pd.DataFrame) -> np.ndarray:
    return np.add.reduceat(acts, _first_rows(proteins)) / proteins["length"].to_numpy()[:, None]


def _examples(name: str, acts: np.ndarray, proteins: pd.DataFrame) -> pd.DataFrame:
    """Bands by the strongest residue."""
    peaks = np.maximum.reduceat(acts, _first_rows(proteins))
    rows = []
    for feature in np.flatnonzero(peaks.max(axis=0) > 0):
        order = [p for p in np.argsort(-peaks[:, feature], kind="stable") if peaks[p, feature] > 0]
        for band, places in BANDS.items():
            shown = order[places] if band == "top" or len(order) > 12 else []
            rows += [(name, feature, band, rank, p, peaks[p, feature]) for rank, p in enumerate(shown, start=1)]
    return _band_rows(rows, proteins)


def _term_bands(
    name: str, acts: np.ndarray, proteins: pd.DataFrame, protein_go: pd.DataFrame, alignments: pd.DataFrame
) -> pd.DataFrame:
    """Bands by the score of the term that names the feature."""
    scores = {"max": np.maximum.reduceat(acts, _first_rows(proteins)), "mean": _means(acts, proteins)}
    rows = []
    for pair in alignments.loc[alignments["sae"] == name].drop_duplicates("feature", keep="last").to_dict("records"):
        score = scores[pair["pooling"]][:, pair["feature"]]
        carries = (
            proteins["accession"].isin(protein_go.loc[protein_go["go_id"] == pair["go_id"], "accession"]).to_numpy()
        )
        order = np.argsort(-score, kind="stable")
        for band, places in (
            ("with", [p for p in order if carries[p] and score[p] > 0]),
            ("without", [p for p in order if not carries[p] and score[p] > 0]),
            ("silent", [p for p in order[::-1] if carries[p] and score[p] <= pair["threshold"]]),
        ):
            rows += [(name, pair["feature"], band, i, p, score[p]) for i, p in enumerate(places[:4], start=1)]
    return _band_rows(rows, proteins)


def _band_rows(rows: list[tuple[Any, ...]], proteins: pd.DataFrame) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["sae", "feature", "band", "rank", "protein", "score"])
    return table.assign(accession=proteins["accession"].to_numpy()[table["protein"].to_numpy(dtype=int)])


def _active(name: str, acts: np.ndarray, proteins: pd.DataFrame, bands: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """All active residues of the proteins in these bands."""
    by_protein = np.split(acts, _first_rows(proteins)[1:])
    rows = []
    for feature, protein in pd.concat(bands)[["feature", "protein"]].drop_duplicates().itertuples(index=False):
        column = by_protein[protein][:, feature]
        positions = np.flatnonzero(column)
        if len(positions):
            rows.append(
                {
                    "sae": name,
                    "feature": feature,
                    "accession": proteins["accession"].iloc[protein],
                    "peak_act": float(column.max()),
                    "peak_pos": int(column.argmax()),
                    "positions": positions,
                    "acts": np.ceil(column[positions] / acts[:, feature].max() * 255 - 1e-5),
                }
            )
    return pd.DataFrame(rows)


def _label(features: pd.DataFrame, alignments: pd.DataFrame) -> None:
    """Each feature is called after one of its terms; whether that one holds is as drawn."""
    for row in alignments.to_dict("records"):
        here = (features["sae"] == row["sae"]) & (features["feature"] == row["feature"])
        names = [TERMS[row["go_id"]][0], row["go_id"], "guided" if row["is_guiding"] else "go", row["grade"]]
        features.loc[here, ["label", "label_id", "label_origin", "label_grade"]] = names
        features.loc[here, ["label_f1", "label_null_f1"]] = [row["test_f1"], row["null_f1"]]


def _neighbours(saes: dict[str, SAE], means: dict[str, np.ndarray]) -> pd.DataFrame:
    rows = []
    for sae, own in saes.items():
        for other, theirs in saes.items():
            cosine = (own.W_dec @ theirs.W_dec.T).detach().numpy()
            with np.errstate(invalid="ignore"):
                alike = np.nan_to_num(np.corrcoef(means[sae].T, means[other].T)[:D_SAE, D_SAE:])
            ranked = alike.copy()
            if other == sae:
                np.fill_diagonal(ranked, -2)
            near = np.argsort(-ranked, axis=1)[:, : 5 if other == sae else 2]
            rows += [
                (sae, feature, other, number, alike[feature, number], float(cosine[feature, number]), rank)
                for feature, numbers in enumerate(near)
                for rank, number in enumerate(numbers.tolist(), start=1)
            ]
    names = ["sae", "feature", "other_sae", "other_feature", "correlation", "cosine", "rank"]
    return pd.DataFrame(rows, columns=names)


def _write_manifest(folder: Path, saes: Sequence[str]) -> None:
    facts = {
        "bundle_id": "tiny",
        "created_by": CREATED_BY,
        "seeds": {"seed": 0},
        "config": {"d_sae": D_SAE, "k": K},
        "inputs": {"plm": sha256(folder / "plm.safetensors")},
        "metrics": {
            "plm": {"name": "tiny_esm2", "masked_perplexity": 20.0, "unigram_perplexity": 18.3},
            "saes": {name: {"explained_variance": 0.71, "mean_test_f1": 0.5, "mean_null_f1": 0.2} for name in saes},
        },
        "sources": ["Made-up proteins; Gene Ontology (CC BY 4.0) for term names"],
    }
    write_manifest(folder, facts)


if __name__ == "__main__":
    build_tiny_bundle(Path(sys.argv[1]))
