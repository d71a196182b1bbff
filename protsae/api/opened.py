"""A bundle opened from Python: what its store says, and what its models see in a sequence.

Look-ups (`features`, `alignments`, `examples`) are queries and load no model. The first call that takes a sequence
loads torch, the language model and the SAE, and keeps them. Residues count from 0 in `acts` and from 1 in every
`position`, as everywhere in this project.

Read `OpenBundle.features`, `OpenBundle.activations` and `OpenBundle.steer`.
"""

import functools
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
from jaxtyping import Float
from scipy import sparse

from protsae.bundle.layout import sae_folder
from protsae.bundle.opening import Bundle
from protsae.bundle.opening import open_bundle as open_checked
from protsae.errors import InputError
from protsae.measures.firing import ActiveFeature, Columns, Tails, ranked
from protsae.plm.spec import PLMSpec
from protsae.sequences import MAX_RESIDUES, clean_sequence
from protsae.store.reader import StoreReader
from protsae.store.rows import (
    ExampleRow,
    FeatureAnnotation,
    FeatureHit,
    FeatureRow,
    ProteinHit,
    ProteinRow,
    SAERow,
    TermFeature,
    TermHit,
    TermRow,
)

if TYPE_CHECKING:
    from torch import Tensor

    from protsae.plm.base import PLM
    from protsae.sae import SAE
    from protsae.steering.types import SteerConfig, SteerResult

_ROWS_AT_ONCE = 256


class Activations(NamedTuple):
    """What one SAE makes of a sequence."""

    sequence: str
    """As the language model read it: upper-case one-letter code."""
    sae: str
    acts: sparse.csr_array
    """[n_residues, d_sae], zeros left out, in the units of `FeatureRow.max_act`."""
    pi: Float[np.ndarray, "n_residues n_defined"]
    """Probability of each guiding term at each residue; no columns for an SAE that no term guides."""

    def of(self, feature: int) -> Float[np.ndarray, " n_residues"]:
        """One feature's activation on every residue.

        Raises:
            InputError: the SAE has no such feature.
        """
        if not 0 <= feature < self.acts.shape[1]:
            raise InputError(f"There is no feature {feature}: {self.sae} has features 0 to {self.acts.shape[1] - 1}.")
        return self.acts[:, [feature]].toarray().ravel()


class Alignments(NamedTuple):
    """What a feature is aligned with; each row carries its held-out scores, its nulls and its grade."""

    terms: list[TermFeature]
    """GO terms, the guiding one first, then the best."""
    annotations: list[FeatureAnnotation]
    """Kinds of residue annotation, the best first."""


class Found(NamedTuple):
    """What a text finds, by kind, best first."""

    terms: list[TermHit]
    features: list[FeatureHit]
    proteins: list[ProteinHit]


class Call(NamedTuple):
    """A guided feature's verdict on one sequence."""

    term: TermFeature
    score: float
    """Its pooled activation (`term.pooling`)."""

    @property
    def is_called(self) -> bool:
        """The score exceeds the threshold that was frozen on validation proteins."""
        return self.score > self.term.threshold


class OpenBundle:
    """A bundle that has passed every check; a context manager, safe to share between threads."""

    def __init__(self, bundle: Bundle, device: str) -> None:
        """Keep what was opened; use `protsae.open_bundle`."""
        self._bundle, self._device = bundle, device
        self._lock = threading.Lock()
        self._saes: dict[str, SAE] = {}
        self._tails_of: dict[str, Tails] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the store; the bundle cannot be used afterwards."""
        self.reader.close()

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self._bundle.folder

    @property
    def reader(self) -> StoreReader:
        """Every query that the explorer itself asks."""
        return self._bundle.reader

    @property
    def plm(self) -> PLMSpec:
        """The language model, and the layer and site that the SAEs read."""
        return self._bundle.plm

    def saes(self) -> list[SAERow]:
        """The SAEs, guided ones first, then unguided, then imported ones."""
        return self.reader.saes()

    def search(self, text: str, limit: int = 20) -> Found:
        """Terms, features and proteins that match a text, at most `limit` of each."""
        return Found(
            self.reader.search_terms(text, limit),
            self.reader.search_features(text, limit),
            self.reader.search_proteins(text, limit),
        )

    def term(self, term: str) -> TermRow:
        """A GO term by its id, an alternative id, or its very name or exact synonym.

        Raises:
            InputError: there is none; the sentence names the nearest.
        """
        found = self.reader.term(term)
        if found is not None:
            return found
        hits = self.reader.search_terms(term, 3)
        exact = [hit.go_id for hit in hits if hit.matched.casefold() == term.strip().casefold()]
        found = self.reader.term(exact[0]) if exact else None
        if found is not None:
            return found
        near = "; ".join(f"{hit.go_id} {hit.name}" for hit in hits)
        advice = f"near it are {near}" if near else "`search` finds terms by parts of their names"
        raise InputError(f"There is no GO term {term[:80]!r} in this bundle: {advice}.")

    def features(self, term: str, sae: str | None = None) -> list[TermFeature]:
        """Of each SAE the feature that a term guides and the one that fits it best, guided first, then by held-out F1.

        Args:
            term: GO id or name, see `term`.
            sae: only of this one.

        Raises:
            InputError: there is no such term or SAE.
        """
        if sae is not None:
            self._row(sae)
        found = self.reader.term_features(self.term(term).go_id)
        return [row for row in found if sae in {None, row.sae}]

    def feature(self, sae: str, feature: int) -> FeatureRow:
        """What one feature does: density, range, histogram, amino acids, label.

        Raises:
            InputError: there is no such SAE or feature.
        """
        row = self._row(sae)
        found = self.reader.feature(sae, feature) if 0 <= feature < row.d_sae else None
        if found is None:
            raise InputError(f"There is no feature {feature}: {sae} has features 0 to {row.d_sae - 1}.")
        return found

    def alignments(self, sae: str, feature: int) -> Alignments:
        """GO terms and residue annotations that a feature aligns with, scored on held-out proteins.

        Raises:
            InputError: there is no such SAE or feature.
        """
        self.feature(sae, feature)
        return Alignments(self.reader.feature_terms(sae, feature), self.reader.feature_annotations(sae, feature))

    def examples(self, sae: str, feature: int, band: str | None = "top", limit: int | None = None) -> list[ExampleRow]:
        """Example proteins of a feature with every residue on which it fires (`schema.sql` lists the bands).

        Args:
            sae: name of the SAE.
            feature: its index.
            band: one band, None for all.
            limit: at most so many.

        Raises:
            InputError: there is no such SAE or feature.
        """
        self.feature(sae, feature)
        return self.reader.examples(sae, feature, band, limit)

    def protein(self, accession: str) -> ProteinRow:
        """A shipped protein.

        Raises:
            InputError: it is not shipped.
        """
        found = self.reader.protein(accession)
        if found is None:
            raise InputError(f"The protein {accession[:40]!r} is not in this bundle; give its sequence instead.")
        return found

    def activations(self, sequence: str, sae: str | None = None) -> Activations:
        """What an SAE makes of every residue of a sequence.

        Args:
            sequence: one-letter code or one FASTA record, 5 to 5,000 residues.
            sae: its name; the first of `saes` where None.

        Raises:
            InputError: the sequence cannot be read, there is no such SAE, or the model's weights are not here.
            ArtifactError: a model is damaged.
        """
        import torch  # noqa: PLC0415 - queries load no torch

        name = self._named(sae)
        letters = clean_sequence(sequence, max_residues=MAX_RESIDUES).sequence
        model, spec = self._sae(name), self.plm
        acts, pi = [], []
        with self._models(), torch.inference_mode():
            for x in self._plm.embed(letters, layer=spec.layer, site=spec.site).split(_ROWS_AT_ONCE):
                found = model(x.to(model.W_dec.device))
                acts.append(sparse.csr_array(found.acts.cpu().numpy()))
                pi.append(np.zeros((len(x), 0)) if found.extra is None else found.extra.logits.sigmoid().cpu().numpy())
        return Activations(letters, name, sparse.csr_array(sparse.vstack(acts)), np.concatenate(pi))

    def embed(self, sequence: str) -> "Tensor":
        """States of a sequence at the bundle's layer and site, [n_residues, d_model], fp32 on the CPU.

        Raises:
            InputError: the sequence cannot be read, or the model's weights are not here.
        """
        letters = clean_sequence(sequence, max_residues=MAX_RESIDUES).sequence
        with self._models():
            return self._plm.embed(letters, layer=self.plm.layer, site=self.plm.site)

    def firing(self, found: Activations, n: int | None = None) -> list[ActiveFeature]:
        """Features that fire on a sequence, the most unusual first; see `protsae/measures/firing.py`.

        Args:
            found: of `activations`.
            n: at most so many; all where None.
        """
        return ranked(Columns.from_codes(found.acts), self._tails(found.sae), n)

    def calls(self, found: Activations) -> list[Call]:
        """What the guided, validated features of an SAE call on a sequence, furthest beyond its threshold first.

        `term.test_precision` says how often such a call was right on unseen proteins.

        Args:
            found: of `activations`.
        """
        rows = [row for row in self.reader.guiding_features(found.sae) if row.grade != "none"]
        columns = found.acts[:, [row.feature for row in rows]].toarray()
        scores = {"max": columns.max(axis=0), "mean": columns.mean(axis=0)}
        made = [Call(row, float(scores[row.pooling][place])) for place, row in enumerate(rows)]
        return sorted(
            (call for call in made if call.is_called),
            key=lambda call: (-call.score / max(call.term.threshold, 1e-9), call.term.go_id),
        )

    def steer(
        self,
        sequence: str,
        features: int | Sequence[int],
        sae: str | None = None,
        *,
        strength: float = 1.0,
        config: "SteerConfig | None" = None,
    ) -> "SteerResult":
        """Raise features inside the language model and read what it writes instead.

        Args:
            sequence: one-letter code or one FASTA record, at most `max_residues` of the model long.
            features: indices of the features to raise.
            sae: their SAE; the first of `saes` where None.
            strength: in units of each feature's 99th percentile; 0 changes nothing.
            config: everything else; its own strength is not used.

        Raises:
            InputError: the sequence cannot be used, or a feature does not exist or never fires.
        """
        from protsae.steering.steer import SteerConfig, Steering  # noqa: PLC0415 - queries load no torch

        name = self._named(sae)
        chosen = [features] if isinstance(features, int) else list(features)
        raised = {feature: self.feature(name, feature).p99_act for feature in chosen}
        letters = clean_sequence(sequence, max_residues=MAX_RESIDUES).sequence
        model = self._sae(name)
        with self._models():
            steering = Steering(self._plm, self.plm, model, letters, SteerConfig() if config is None else config)
            return steering.run(raised, strength=strength)

    def sae(self, name: str | None = None) -> "SAE":
        """An SAE itself, loaded once: `encode`, `decode`, `W_dec`; the first of `saes` where None.

        Raises:
            InputError: there is none of this name.
            ArtifactError: its files are damaged.
        """
        return self._sae(self._named(name))

    @functools.cached_property
    def _plm(self) -> "PLM":
        from protsae.plm.registry import open_plm  # noqa: PLC0415 - queries load no torch

        return open_plm(self.folder, device=self._device)[0]

    def _sae(self, name: str) -> "SAE":
        from protsae.device import pick_device  # noqa: PLC0415 - queries load no torch
        from protsae.sae import load_sae  # noqa: PLC0415

        with self._lock:
            if name not in self._saes:
                self._saes[name] = load_sae(sae_folder(self.folder, name)).eval().to(pick_device(self._device))
            return self._saes[name]

    @contextmanager
    def _models(self) -> Iterator[None]:
        """The language model is loaded and used by one thread at a time."""
        with self._lock:
            yield

    def _tails(self, name: str) -> Tails:
        if name not in self._tails_of:
            table = self.reader.feature_table(name)
            columns = table["max_act"].to_numpy(), table["density"].to_numpy()
            self._tails_of[name] = Tails.of(table["histogram"].tolist(), *columns)
        return self._tails_of[name]

    def _row(self, name: str) -> SAERow:
        rows = self.saes()
        for row in rows:
            if row.name == name:
                return row
        raise InputError(f"There is no SAE {name[:40]!r}: this bundle has {', '.join(row.name for row in rows)}.")

    def _named(self, name: str | None) -> str:
        return self.saes()[0].name if name is None else self._row(name).name


def open_bundle(path: str | Path, *, device: str = "auto") -> OpenBundle:
    """Open a bundle read-only.

    Args:
        path: folder of the bundle, as `python -m precompute run --out` wrote it.
        device: where the models run once a sequence is given: auto, cpu or cuda.

    Raises:
        BundleError: the folder is missing, a part is missing or damaged, or the parts do not belong together.
    """
    return OpenBundle(open_checked(Path(path)), device)
