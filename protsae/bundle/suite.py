"""`suite.json`: the registry of a suite, one entry an SAE, above bundles that differ in layer and site.

    SUITE/suite.json          what this module reads and writes
    SUITE/R4/, SUITE/A4/ ...  a bundle each, named after its place (`protsae/plm/sites.py`)

An entry's name is the SAE's own, its place and its width: `protsae-R4-4096`, and `protsae-R4-4096-s1` where the run
made it with several seeds. Every metric has the split that it was measured on and, where there is one, the same number
without an SAE. A bundle alone is a suite of its own SAEs (`registry_of`). Nothing here imports torch or loads a model.

Read `Registry`, then `entry_of`.

Source: He et al. 2024 (arXiv:2410.20526), Llama Scope, for the names and for what an entry says.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, Literal, NamedTuple

from protsae.bundle.layout import MANIFEST, SAES, sae_folder
from protsae.bundle.opening import Bundle
from protsae.errors import BundleError
from protsae.files import inside, read_object, sha256, write_json
from protsae.plm.sites import SITES, Place, Site
from protsae.store.rows import Role, SAERow, TermFeature

FILE = "suite.json"
FORMAT = 1
WEIGHTS = "sae.safetensors"


class Metric(NamedTuple):
    """A number about an SAE, beside what needs no SAE."""

    value: float | None
    """None where it cannot be measured."""
    baseline: float | None
    """The same for `baseline_is`; None where nothing stands beside it."""
    baseline_is: str
    split: str
    """Proteins that it was measured on: valid, test or all."""


class About(NamedTuple):
    """What a metric is, for people."""

    title: str
    meaning: str
    best: Literal["high", "low", "neither"]


METRICS: dict[str, About] = {
    "explained_variance": About("Explained variance", "Share of the states' variance that it explains", "high"),
    "l0": About("L0", "Features that fire on a residue, on average", "neither"),
    "dead_share": About("Dead", "Share of features that fire on no residue", "low"),
    "delta_loss": About(
        "Loss added", "Nats by which hidden letters become harder to predict with its reconstruction in place", "low"
    ),
    "guided_auroc": About("AUROC of guided features", "Mean over terms of how well the term's feature ranks", "high"),
    "guided_f1": About("F1 of guided features", "Mean over terms, threshold chosen on validation proteins", "high"),
}
"""By the name in the file."""


class Entry(NamedTuple):
    """One SAE of a suite."""

    name: str
    bundle: str
    """Folder below the suite's; '.' where the suite is the bundle."""
    bundle_id: str
    sae: str
    """Its name in the bundle."""
    title: str
    role: Role
    trainer: str
    """Its architecture."""
    layer: int
    site: Site
    d_model: int
    width: int
    """Features."""
    k: int
    normalise: str
    seed: int
    sha256: str
    """Of its weights."""
    cfg_sha256: str
    """Of its configuration."""
    n_terms: int
    terms_sha256: str
    """Of the ordered ids of the terms that guide it, one a line; '' where none do."""
    metrics: Mapping[str, Metric]
    """By the names of `METRICS`."""

    @property
    def place(self) -> Place:
        """Where it sits."""
        return Place(self.layer, self.site)


class Registry(NamedTuple):
    """Every SAE of a suite, and what they share."""

    plm: str
    plm_sha256: str
    """Of the language model's weights; '' where they are not known by a file."""
    num_layers: int
    go_release: str
    """As the ontology's file states it; '' where it does not."""
    go_sha256: str
    """Of the ontology's file."""
    entries: tuple[Entry, ...]

    def entry(self, name: str) -> Entry:
        """An SAE by its name in the suite.

        Raises:
            BundleError: there is none.
        """
        for entry in self.entries:
            if entry.name == name:
                return entry
        raise BundleError(f"There is no {name[:60]!r} in this suite; it has {', '.join(e.name for e in self.entries)}.")

    @property
    def bundles(self) -> list[str]:
        """Folders of its bundles, in the order of the entries."""
        return list(dict.fromkeys(entry.bundle for entry in self.entries))


def name_of(sae: str, place: Place, width: int) -> str:
    """An SAE's name in a suite: what several widths and seeds have added to its own goes to its place in the name."""
    own = re.sub(rf"_w{width}(?=_s\d+$|$)", "", sae)
    seeded = re.fullmatch(r"(.+)_s(\d+)", own)
    base, seed = (seeded[1], f"-s{seeded[2]}") if seeded else (own, "")
    return f"{base}-{place.name}-{width}{seed}"


def terms_sha256(concepts: Sequence[str]) -> str:
    """Hash of an ordered list of terms; '' of none."""
    return hashlib.sha256("\n".join(concepts).encode()).hexdigest() if concepts else ""


def registry_of(bundles: Mapping[str, Bundle], *, go_release: str = "", losses: Mapping[str, Metric] = {}) -> Registry:
    """The registry of open bundles.

    Args:
        bundles: by their folder below the suite's.
        go_release: as the ontology's file states it.
        losses: metric `delta_loss` by the SAE's name in the suite.

    Raises:
        BundleError: two SAEs would have one name, or the bundles are not of one language model and one ontology.
    """
    entries = [entry_of(bundle, at, row, losses) for at, bundle in bundles.items() for row in bundle.reader.saes()]
    _one_each(entry.name for entry in entries)
    shared = {(b.plm.name, b.plm.weights_sha256, b.plm.num_layers, _ontology(b)) for b in bundles.values()}
    if len(shared) > 1:
        names = " and ".join(f"{name} with the ontology {go[:8]}" for name, _, _, go in sorted(shared)[:2])
        raise BundleError(f"a suite is of one language model and one ontology, but these bundles are of {names}")
    plm, digest, num_layers, go = shared.pop()
    return Registry(plm, digest, num_layers, go_release, go, tuple(entries))


def entry_of(bundle: Bundle, at: str, row: SAERow, losses: Mapping[str, Metric]) -> Entry:
    """What a registry says of one SAE of an open bundle."""
    place = Place(bundle.plm.layer, bundle.plm.site)
    name = name_of(row.name, place, row.d_sae)
    cfg = read_object(sae_folder(bundle.folder, row.name) / "cfg.json")
    concepts = tuple(map(str, cfg.get("concepts", ())))
    seeded = re.search(r"-s(\d+)$", name)
    files = bundle.manifest.get("files", {})
    nothing = Metric(None, None, "", "test")
    return Entry(
        name=name,
        bundle=at,
        bundle_id=str(bundle.manifest.get("bundle_id", "")),
        sae=row.name,
        title=row.display_name,
        role=row.role,
        trainer=row.architecture,
        layer=place.layer,
        site=place.site,
        d_model=row.d_model,
        width=row.d_sae,
        k=row.k,
        normalise=str(cfg.get("normalise", "scalar")),
        seed=int(seeded[1]) if seeded else int(bundle.manifest.get("seeds", {}).get("seed", 0)),
        sha256=str(files.get(f"{SAES}/{row.name}/{WEIGHTS}", "")),
        cfg_sha256=str(files.get(f"{SAES}/{row.name}/cfg.json", "")),
        n_terms=len(concepts),
        terms_sha256=terms_sha256(concepts),
        metrics={
            "explained_variance": Metric(row.explained_variance, 0.0, "the mean residue", "test"),
            "l0": Metric(row.l0, None, "", "valid"),
            "dead_share": Metric(1 - row.share_alive, None, "", "all"),
            "delta_loss": losses.get(name, nothing),
            **_guided(bundle.reader.guiding_features(row.name)),
        },
    )


def _guided(terms: Sequence[TermFeature]) -> dict[str, Metric]:
    """What guided features are worth on test proteins, over the terms for which both numbers are known."""
    auroc = Metric(None, None, "", "test")
    both = [(t.test_auroc, t.composition_auroc) for t in terms]
    ranked = [(own, letters) for own, letters in both if own is not None and letters is not None]
    if ranked:
        own, letters = zip(*ranked, strict=True)
        auroc = Metric(fmean(own), fmean(letters), "amino-acid composition", "test")
    f1 = Metric(None, None, "", "test")
    if terms:
        f1 = Metric(fmean(t.test_f1 for t in terms), fmean(t.null_f1 for t in terms), "shuffled labels", "test")
    return {"guided_auroc": auroc, "guided_f1": f1}


def write_registry(folder: Path, registry: Registry) -> None:
    """Write `suite.json`."""
    shared = {name: value for name, value in registry._asdict().items() if name != "entries"}
    saes = [
        {**entry._asdict(), "metrics": {name: metric._asdict() for name, metric in entry.metrics.items()}}
        for entry in registry.entries
    ]
    write_json(folder / FILE, {"format": FORMAT, **shared, "saes": saes})


def read_registry(folder: Path) -> Registry:
    """The registry of a suite, its fields of the right kind, its bundles inside the folder.

    Raises:
        BundleError: the file is missing, no JSON, of another version, or misstates a field.
    """
    path = folder / FILE
    content = read_object(path)
    if content.get("format") != FORMAT:
        raise BundleError(f"{path} is of format {content.get('format')!r}, this program reads {FORMAT}; run again")
    saes = content.get("saes")
    if not isinstance(saes, list) or not saes:
        raise BundleError(f"{path} lists no SAE; copy or build the suite again")
    shared = _fields(Registry, content, path, without=("entries",))
    entries = tuple(_entry(table, path) for table in saes)
    _one_each(entry.name for entry in entries)
    for entry in entries:
        if entry.site not in SITES:
            raise BundleError(f"{path}: {entry.name} names the site {entry.site!r}; copy or build the suite again")
        if "/" in entry.bundle or "\\" in entry.bundle:
            raise BundleError(f"{path}: the bundle {entry.bundle!r} leads out of the suite; copy it again")
        inside(folder, entry.bundle, MANIFEST)
    return Registry(**shared, entries=entries)


def is_suite(folder: Path) -> bool:
    """Whether a folder holds several bundles under a registry."""
    return (folder / FILE).is_file()


def check_entry(folder: Path, registry: Registry, entry: Entry) -> Path:
    """The folder of an SAE whose files and terms are as the registry says.

    Raises:
        BundleError: a file, the list of terms or the ontology is another one.
    """
    bundle = folder / entry.bundle
    place = sae_folder(bundle, entry.sae)
    for name, digest in ((WEIGHTS, entry.sha256), ("cfg.json", entry.cfg_sha256)):
        path = place / name
        if not path.is_file() or (digest and sha256(path) != digest):
            raise BundleError(f"{path} is not the file that the suite lists for {entry.name}; copy the suite again.")
    concepts = read_object(place / "cfg.json").get("concepts", ())
    if terms_sha256(concepts) != entry.terms_sha256:
        raise BundleError(
            f"{entry.name} is not guided by the terms, in the order, that the suite lists (hash "
            f"{entry.terms_sha256[:12] or 'of none'}), so its features would be called by wrong names; copy it again."
        )
    built_with = read_object(bundle / MANIFEST).get("inputs", {}).get("ontology", "")
    if built_with != registry.go_sha256:
        raise BundleError(
            f"{bundle} was built with another Gene Ontology ({str(built_with)[:12]}) than the suite names "
            f"({registry.go_release or registry.go_sha256[:12]}); copy or build the suite again."
        )
    return place


def check_ontology(registry: Registry, path: Path) -> None:
    """Refuse an ontology that is not the one whose terms guide the suite.

    Raises:
        BundleError: it is another one.
    """
    if sha256(path) != registry.go_sha256:
        release = f"release {registry.go_release}, " if registry.go_release else ""
        raise BundleError(
            f"{path} is not the Gene Ontology of this suite ({release}SHA-256 {registry.go_sha256[:12]}): terms may "
            "have changed their meaning since; give that file."
        )


def _ontology(bundle: Bundle) -> str:
    return str(bundle.manifest.get("inputs", {}).get("ontology", ""))


def _one_each(names: Iterable[str]) -> None:
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise BundleError(f"{count} SAEs of the suite would be called {name!r}; give them names of their own")


def _entry(table: Any, path: Path) -> Entry:
    if not isinstance(table, dict) or not isinstance(table.get("metrics"), dict):
        raise BundleError(f"{path} holds an entry that is no SAE; copy or build the suite again")
    metrics = {}
    for name, metric in table["metrics"].items():
        if name not in METRICS or not isinstance(metric, dict):
            raise BundleError(f"{path} holds the metric {name!r}, which is unknown; copy or build the suite again")
        metrics[name] = Metric(**_fields(Metric, metric, path))
    return Entry(**_fields(Entry, table, path, without=("metrics",)), metrics=metrics)


_KINDS: dict[Any, tuple[type, ...]] = {
    str: (str,),
    int: (int,),
    float | None: (float, int, type(None)),
    Site: (str,),
    Role: (str,),
}


def _fields(kind: Any, table: Mapping[str, Any], path: Path, without: Sequence[str] = ()) -> dict[str, Any]:
    """The values of a named tuple's fields, of the right kinds."""
    found = {}
    for name, hint in kind.__annotations__.items():
        if name in without:
            continue
        if name not in table or type(table[name]) not in _KINDS[hint]:
            given = repr(table[name])[:40] if name in table else "missing"
            raise BundleError(f"{path}: {name} is {given}; copy or build the suite again")
        found[name] = table[name]
    return found
