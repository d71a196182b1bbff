"""Settings of one precompute run: which files go in, what is trained, where the bundle goes.

The same class is the command line (`precompute/options.py` turns every field into a flag, its docstring into the help)
and the TOML file given by `--config`. Its defaults are the recommended form; the paper's is a preset
(`precompute/presets.py`).

Read `RunConfig` first.

Source: defaults of the method from Liu et al. 2025 (arXiv:2509.05309) where the paper states them.
"""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from precompute.expansion import expanded
from precompute.imported import ImportSpec
from precompute.presets import PRESETS, SWITCHES_OF_A_RUN
from precompute.saes import DEFAULT_SAES, SAESpec, check_list
from protsae.errors import ConfigError
from protsae.plm.sites import Site
from protsae.sae.config import Normalise
from protsae.sae.protsae_config import ProtSAEConfig
from protsae.training.config import Schedule

LAYER_DEPTH = 0.73
"""Relative depth of the paper's layer: 35 of 48."""

_AT_LEAST: dict[str, float] = {
    "layer": 1,
    "shipped": 1,
    "min_term_proteins": 1,
    "max_concepts": 1,
    "d_sae": 1,
    "k": 1,
    "epochs": 1,
    "epochs_before_drop": 0,
    "residues_per_protein": 1,
    "batch_size": 1,
    "vanilla_k": 1,
    "auxk": 0,
    "lambda_annot": 0,
    "lambda_axiom": 0,
    "positive_weight": 0,
    "rate_share": 0,
    "site_weight": 0,
    "spread": 0,
    "predictor_l2": 0,
    "detector_l2": 0,
    "seed": 0,
    "max_residues_per_shard": 1024,
    "workers": 1,
    "train_processes": 1,
}


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """What one bundle is made from, and how."""

    presets = PRESETS

    proteins: Path
    """UniProtKB TSV export or FASTA, optionally gzipped."""

    annotations: Path
    """GO annotations in GAF 2.2, optionally gzipped."""

    ontology: Path
    """Gene Ontology in OBO format, optionally gzipped."""

    out: Path
    """Folder of the bundle; work in progress goes to OUT.work beside it."""

    more_proteins: Path | None = None
    """More proteins in one of the same formats; those with a GO annotation or a structure join the others."""

    clusters: Path | None = None
    """Homology clusters: accession, representative (TSV). Without it MMseqs2 must be installed."""

    contacts: Path | None = None
    """Residues that touch a ligand: Entry, kind, position (TSV)."""

    structures: Path | None = None
    """Folder of PDB or mmCIF files."""

    plm: str = ""
    """Language model: a fair-esm name (esm2_t6_8M_UR50D; downloaded where it is not here), a fair-esm .pt, a folder
    with config.json and one .safetensors (Hugging Face's of an ESM-2, too), or a bundle, whose model it is."""

    preset: Literal["recommended", "paper"] = "recommended"
    """Form of guidance and training: the recommended one (the defaults), or the paper's; settings given besides win."""

    layer: int | None = None
    """Layer to read, counted from 1; without it the one at 73 % depth."""

    layers: tuple[int, ...] = ()
    """Several layers, each in a bundle of its own, from one pass of the PLM: OUT/H3, OUT/H4, ... and OUT/suite.json."""

    site: Site = "resid_mid"
    """Where in the layer: the residual stream after attention (the paper's) or at its end, or what attention or the MLP
    adds to it."""

    sites: tuple[Literal["R", "A", "M", "H", "resid_post", "attn_out", "mlp_out", "resid_mid"], ...] = ()
    """Several sites, each at every layer, as with several layers: R the residual stream at the layer's end, A what
    attention adds, M what the MLP adds, H the stream halfway (after attention); of these what the PLM offers."""

    shipped: int | None = None
    """Most proteins that go into the bundle, those with a structure first; None takes all."""

    min_term_proteins: int = 50
    """A GO term guides a feature where at least this many training proteins carry it."""

    max_concepts: int | None = None
    """Most guiding terms per sub-ontology, the most frequent first; without it all."""

    d_sae: int | None = None
    """Features per SAE; without it max(8 d_model, terms + 4 d_model)."""

    k: int = 32
    """Features kept per residue by TopK, before forced ones."""

    epochs: int = 20
    """Passes over the training proteins (the paper makes 50)."""

    learning_rate: float = 1e-3
    """Adam's, before it falls."""

    guided_pace: float = 10.0
    """Factor of the learning rate for what labels and axioms move: concept predictor, detector and n-balls."""

    schedule: Schedule = "linear"
    """Learning rate: drop to a tenth once, as in the paper, or linear: warmed up, then to 0 over the last fifth."""

    epochs_before_drop: int = 14
    """Epochs after which the schedule drop cuts the learning rate (the paper: 5, of many more steps each)."""

    normalise: Normalise = "dimension"
    """How residues come into an SAE's own units: by one scale, by one a dimension, or each (token) by its own."""

    residues_per_protein: int = 100
    """Residues drawn from each training protein per epoch."""

    batch_size: int = 2048
    """Residues per optimizer step."""

    lambda_annot: float = 10.0
    """Weight of the annotation loss against the reconstruction loss."""

    lambda_axiom: float = 0.1
    """Weight of the axiom loss against the reconstruction loss."""

    annotation: Literal["residue", "protein", "bag", "top"] = "protein"
    """What the annotation loss judges: every residue (the paper's), a protein's mean, a bag of its residues by the
    log-mean-exp of their logits, or by the mean of the highest."""

    selection: Literal["joint", "apart"] = "apart"
    """Defined features compete for the k places (the paper's), or fire apart, each at a rate of its own."""

    detector: bool = True
    """Apart: defined features read directions of their own, which residues guide, and the concept predictor is left to
    the annotation loss, then on residues or proteins."""

    predictor_l2: float = 0.0003
    """Ridge penalty on the directions of the concept predictor."""

    detector_l2: float = 0.005
    """The same on the directions of the detector."""

    rate_share: float = 0.2
    """Apart: share of a carrier's residues on which a term's feature is to fire."""

    rate_min: float = 0.013
    """Apart: least share of residues on which a defined feature fires."""

    rate_max: float = 0.08
    """Apart: largest share of residues on which a defined feature fires."""

    site_weight: float = 3.0
    """What the residues that annotations name for a term weigh against its labels; 0 for nothing, as in the paper."""

    spread: float = 0.07
    """Weight of spreading over proteins the places where a feature fires; 0 for none, as in the paper."""

    positive_weight: float = 0.75
    """Power by which rare positives weigh more in the annotation loss; 0 for the paper's, 1 for full balance."""

    forcing_strength: Literal["mean", "graded"] = "mean"
    """Force predicted features to the mean activation (the paper's), or by degrees as the probability grows."""

    auxk: int = 0
    """Dead features that may explain what the others leave over (AuxK); 0 for none, as in the paper."""

    rate_bound: float = 0.08
    """Share of residues above which biases of free features sink, while those of silent ones rise; 0 for no bounds."""

    vanilla_k: int | None = None
    """Features kept per residue by the unguided SAEs; without it as many as the guided ones have active."""

    vanilla_only: bool = False
    """Make the unguided SAEs alone."""

    widths: tuple[int, ...] = ()
    """Several widths (features per SAE); the list of SAEs is made at each."""

    seeds: tuple[int, ...] = ()
    """Several seeds of start and training; the list of SAEs is made with each."""

    saes: tuple[SAESpec, ...] = DEFAULT_SAES
    """The SAEs to make; without it one ProtSAE for all of GO and a TopK SAE at its L0."""

    sae: tuple[ImportSpec, ...] = ()
    """SAEs of other programs that join those that are made: NAME=PATH:FORMAT, and what their files do not say behind
    it, as in :k=64:layer=24:site=resid_post:plm=NAME."""

    sae_dtype: Literal["float32", "float16"] = "float32"
    """Precision of the saved SAE weights."""

    seed: int = 0
    """Seed of everything random."""

    device: str = "auto"
    """auto, cpu or cuda."""

    max_residues_per_shard: int = 131_072
    """Residues per file of embeddings: what is held in memory at a time."""

    train_processes: int = 1
    """Processes of this machine that train each SAE together, every one with its share of each batch and a GPU of its
    own, or a share of the cores; several machines: torchrun (docs/scale.md)."""

    workers: int = 1
    """Processes that embed, encode and count side by side, each with its share of the cores and its own model."""

    engine: Literal["local", "ray"] = "local"
    """Where they run: on this machine, or in the Ray cluster that RAY_ADDRESS names (docs/scale.md)."""

    shards_at: str = ""
    """Folder or URL (s3://bucket/run) where shards lie, too: machines then need share no path, and what a run with the
    same settings has left there is not computed again."""

    def __post_init__(self) -> None:
        for name, least in _AT_LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise ConfigError(f"{name} must be at least {least}, got {value}")
        if self.d_sae is not None and self.k > self.d_sae:
            raise ConfigError(f"k must be at most d_sae={self.d_sae}, got {self.k}")
        for name, values in (("widths", self.widths), ("layers", self.layers), ("seeds", self.seeds)):
            least = 0 if name == "seeds" else 1
            if min(values, default=least) < least:
                raise ConfigError(f"{name} must be at least {least}, got {min(values)}")
        for one, several, default in (
            ("d_sae", "widths", None),
            ("layer", "layers", None),
            ("site", "sites", "resid_mid"),
        ):
            value, values = getattr(self, one), getattr(self, several)
            if value != default and values:
                both = f"{one}={value} and {several} {' '.join(map(str, values))}"
                raise ConfigError(f"{both} were given; drop one of them")
        check_list(self.saes)
        check_list(self.sae_list, self.sae)
        self._check_rates()
        self._check_guidance()
        self._check_sizes()
        if self.train_processes > self.batch_size:
            both = f"train_processes={self.train_processes} and batch_size={self.batch_size}"
            raise ConfigError(f"a batch has less than a residue for each process, got {both}; lower the first")
        if self.device not in {"auto", "cpu"} and not self.device.startswith("cuda"):
            raise ConfigError(f"device must be auto, cpu or cuda, got {self.device!r}")

    def _check_guidance(self) -> None:
        """Let a ProtSAE of these switches refuse what contradicts itself, whatever its size and its concepts."""
        if any(spec.role == "guided" for spec in self.sae_list):
            switches = {name: getattr(self, name) for name in SWITCHES_OF_A_RUN}
            shape = {"d_model": 1, "d_sae": 2, "k": 1, "concepts": ("GO:0",), "namespace": "GO"}
            ProtSAEConfig(**switches, **shape, normalise=self.normalise)

    def _check_rates(self) -> None:
        if not 0 <= self.rate_bound < 1:
            raise ConfigError(f"rate_bound must be at least 0 and below 1, got {self.rate_bound}")
        for name, most in (("learning_rate", 1), ("guided_pace", 1000)):
            if not 0 < getattr(self, name) <= most:
                raise ConfigError(f"{name} must be above 0 and at most {most}, got {getattr(self, name)}")

    def _check_sizes(self) -> None:
        """Refuse widths that could not hold what is to be active or guided, as far as they are known."""
        for spec in self.sae_list:
            d_sae, k = spec.d_sae or self.d_sae, spec.k or self.k
            if d_sae is None:
                continue
            if k > d_sae and not spec.match_l0:
                raise ConfigError(f"k of {spec.name} must be at most d_sae={d_sae}, got {k}")
            if spec.role == "guided" and self.max_concepts is not None and d_sae <= self.max_concepts:
                raise ConfigError(
                    f"d_sae={d_sae} of {spec.name} leaves no free feature beside max_concepts={self.max_concepts} "
                    "guiding terms; raise it or lower them"
                )

    @property
    def sae_list(self) -> tuple[SAESpec, ...]:
        """The SAEs that are made: `saes`, at every width and with every seed, without the guided ones where asked."""
        return expanded(
            self.saes,
            vanilla_only=self.vanilla_only,
            vanilla_k=self.vanilla_k,
            widths=self.widths,
            seeds=self.seeds,
        )

    @property
    def is_suite(self) -> bool:
        """Whether it asks for several layers or sites, so that OUT is a folder of bundles."""
        return bool(self.layers or self.sites)

    @property
    def work(self) -> Path:
        """Folder of the stages' results, beside the bundle: OUT.work."""
        return self.out.with_name(self.out.name + ".work")

    def layer_of(self, num_layers: int) -> int:
        """The layer to read of a PLM with `num_layers` blocks.

        Raises:
            ConfigError: the PLM has no such layer.
        """
        layer = max(1, round(LAYER_DEPTH * num_layers)) if self.layer is None else self.layer
        if layer > num_layers:
            raise ConfigError(f"layer must be in 1..{num_layers} for {self.plm}, got {layer}")
        return layer

    def width_of(self, d_model: int, n_concepts: int) -> int:
        """Features of an SAE that reads `d_model` dimensions and is guided by at most `n_concepts` terms.

        Raises:
            ConfigError: `d_sae` is given and leaves no free feature.
        """
        given = self.widths[0] if self.widths else self.d_sae
        width = max(8 * d_model, n_concepts + 4 * d_model) if given is None else given
        if width <= n_concepts:
            raise ConfigError(f"d_sae={width} leaves no free feature beside {n_concepts} guiding terms; raise it")
        return width


def settings_of(config: RunConfig) -> dict[str, Any]:
    """Every setting by its name, lists of SAEs as plain tables; `sae` and `sites` only where there are any."""
    values = {field.name: getattr(config, field.name) for field in fields(config)}
    values["saes"] = [asdict(spec) for spec in config.saes]
    if not config.sites:
        del values["sites"]
    imported = [{**asdict(spec), "path": str(spec.path.resolve())} for spec in values.pop("sae")]
    return values | ({"sae": imported} if imported else {})
