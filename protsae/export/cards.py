"""Cards: one for the data, one for each SAE, as Markdown with the front matter that Hugging Face reads.

Every number is the bundle's own, from its store and manifest. Read `data_card` and `model_card`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from protsae.plm.spec import PLMSpec
from protsae.store.reader import StoreReader
from protsae.store.rows import SAERow

_SPLITS = (
    "Splits follow homology clusters, so no family is in two of them: features and thresholds were chosen on valid, "
    "scores are told on test."
)
_GRADES = (
    "Strong: the F1 interval on test lies above shuffled labels and above calling every protein positive, the AUROC "
    "interval above a regression on amino-acid composition. Weak: above the first two and above guessing."
)


def data_card(reader: StoreReader, plm: PLMSpec, manifest: Mapping[str, Any]) -> str:
    """What the SAEs learnt from and were scored on."""
    corpus, meta = reader.corpus(), reader.meta()
    lines = [
        *_front("protsae bundle", ["cc-by-4.0"]),
        f"# Data of bundle {meta.get('bundle_id', '')}",
        "",
        f"{corpus.n_all:,} proteins, of which {corpus.n_shipped:,} are shipped. {_SPLITS}",
        "",
        "| split | proteins |",
        "|---|---|",
        *(f"| {name} | {n:,} |" for name, n in zip(("train", "valid", "test"), corpus[:3], strict=True)),
        "",
        f"Language model: {plm.shown}, layer {plm.layer} of {plm.num_layers}, site {plm.site}.",
        *([f"Licence of its weights: {plm.licence}."] if plm.licence else []),
        "",
        "## Organisms of the shipped proteins",
        "",
        *(f"- {organism.name or 'not named'}: {organism.n_proteins:,}" for organism in corpus.organisms[:20]),
        "",
        "## Sources",
        "",
        *(f"- {source}" for source in manifest.get("sources", [])),
        "",
        "## Inputs",
        "",
        *(f"- {name}: SHA-256 `{digest}`" for name, digest in manifest.get("inputs", {}).items()),
        "",
    ]
    return "\n".join(lines)


def model_card(reader: StoreReader, plm: PLMSpec, manifest: Mapping[str, Any], sae: SAERow) -> str:
    """What an SAE is, how well it does, and how far its labels hold."""
    table = reader.feature_table(sae.name)
    grades = Counter(table["label_grade"])
    lines = [
        *_front("saelens", ["mit"], ["sparse-autoencoder", "protein-language-model", "gene-ontology"]),
        f"# {sae.display_name}",
        "",
        f"A sparse autoencoder ({sae.architecture}, {sae.role}) over {plm.shown}, layer {plm.layer}, site {plm.site}:",
        f"{sae.d_sae:,} features over {sae.d_model} dimensions.",
        "",
        "| on held-out families | |",
        "|---|---|",
        f"| explained variance (test) | {sae.explained_variance:.3f} |",
        f"| active features a residue (valid) | {sae.l0:.1f} |",
        f"| features that ever fire | {sae.share_alive:.1%} |",
        f"| labels that hold strongly | {grades['strong']:,} |",
        f"| labels that hold weakly | {grades['weak']:,} |",
        f"| no confirmed label | {grades['none']:,} |",
        "",
        *_guidance(reader, sae),
        _GRADES,
        "",
        f"Bundle `{manifest.get('bundle_id', '')}`, made by {manifest.get('created_by', 'an unknown program')}.",
        "",
    ]
    return "\n".join(lines)


def _guidance(reader: StoreReader, sae: SAERow) -> Iterator[str]:
    rows = reader.guiding_features(sae.name)
    if not rows:
        return
    yield f"{sae.n_defined:,} features are guided by terms of the Gene Ontology; they come first."
    yield ""
    yield "| guided features | mean test F1 | mean F1 of shuffled labels |"
    yield "|---|---|---|"
    f1 = sum(row.test_f1 for row in rows) / len(rows)
    null = sum(row.null_f1 for row in rows) / len(rows)
    yield f"| {len(rows):,} scored | {f1:.3f} | {null:.3f} |"
    yield ""


def _front(library: str, licences: list[str], tags: list[str] | None = None) -> list[str]:
    front = ["---", f"library_name: {library}", f"license: {licences[0]}"]
    return [*front, *(["tags:", *(f"- {tag}" for tag in tags)] if tags else []), "---", ""]
