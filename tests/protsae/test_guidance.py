"""Guidance that judges proteins and residues: known answers of its losses, and what a training learns from it."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent))
from tiny_training import M, config, make, planted

from protsae.errors import ConfigError
from protsae.measures.ranking import auroc
from protsae.sae import ProtSAE, ProtSAEConfig
from protsae.sae.losses import annotation_loss, spread_loss, top_logits
from protsae.training.config import NamedResidues, TrainingData
from protsae.training.guidance import Guidance
from protsae.training.loop import train

APART: dict[str, Any] = {"selection": "apart", "annotation": "bag", "rate_min": 0.02, "rate_max": 0.2}


@pytest.fixture
def data(tmp_path: Path) -> TrainingData:
    return planted(tmp_path / "embed")


def guided(data: TrainingData, folder: Path, **switches: Any) -> ProtSAE:
    sae = make("protsae", **switches)
    train(sae, data, config(epochs=24, lr=1e-2, lr_drop_epoch=18, log_every=100, checkpoint_seconds=600), folder)
    assert isinstance(sae, ProtSAE)
    return sae


def states(data: TrainingData, proteins: np.ndarray) -> Tensor:
    return torch.from_numpy(np.concatenate([data.reader.protein(row) for row in proteins.tolist()])).float()


def test_the_highest_logits_of_a_bag_are_averaged() -> None:
    bag = torch.tensor([[[3.0], [1.0], [2.0], [-9.0]]])

    assert top_logits(bag, 0.5).item() == 2.5
    assert top_logits(bag, 0.01).item() == 3.0
    assert top_logits(bag, 1.0).item() == -0.75


def test_spread_is_nothing_where_every_protein_has_the_same_share_and_grows_with_clumps() -> None:
    even = torch.full((8, 10, 1), -5.0)
    even[:, 0] = 5.0
    clumped = torch.full((8, 10, 1), -5.0)
    clumped[0, :8] = 5.0

    assert spread_loss(even).item() == pytest.approx(0, abs=1e-4)
    assert spread_loss(clumped).item() == pytest.approx(np.log(8), abs=1e-3)


def test_spread_stays_finite_where_a_feature_is_silent() -> None:
    margins = torch.full((4, 6, 2), -1e4, requires_grad=True)
    loss = spread_loss(margins)
    loss.backward()

    assert loss.item() == 0
    assert margins.grad is not None
    assert torch.isfinite(margins.grad).all()


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"annotation": "residue"}, 1.0),
        ({"annotation": "protein"}, 1.0),
        ({"annotation": "bag"}, float(np.log(np.mean(np.exp([0.0, 1.0, 2.0]))))),
        ({"annotation": "top", "pool_share": 0.6}, 1.5),
    ],
)
def test_a_protein_is_judged_as_the_loss_judges_it(form: dict[str, Any], expected: float) -> None:
    sae = make("protsae", **form)
    assert isinstance(sae, ProtSAE)
    logits = torch.tensor([[0.0], [1.0], [2.0]]).expand(3, M)

    torch.testing.assert_close(sae.protein_logits(logits), torch.full((M,), expected))


def test_unknown_labels_say_nothing() -> None:
    logits = torch.tensor([[2.0, -1.0], [0.5, 3.0]], requires_grad=True)
    labels = torch.tensor([[True, False], [False, True]])
    known = torch.tensor([[True, False], [True, False]])
    loss = annotation_loss(logits, labels, known=known)
    loss.backward()

    assert loss.item() == pytest.approx(annotation_loss(logits[:, :1], labels[:, :1]).item())
    assert logits.grad is not None
    assert (logits.grad[:, 1] == 0).all()
    assert annotation_loss(logits, labels, known=torch.zeros_like(known)).item() == 0


@pytest.mark.parametrize("switches", [{}, {"detector": True, "annotation": "protein", "predictor_l2": 0.01}])
def test_features_that_fire_apart_keep_their_rate_and_find_their_proteins(
    data: TrainingData, tmp_path: Path, switches: dict[str, Any]
) -> None:
    sae = guided(data, tmp_path / "sae", **{**APART, "rate_share": 0.3, **switches})
    assert data.labels is not None
    fired = (sae.encode(states(data, data.train))[:, :M] > 0).double().mean(0)
    wanted = sae.firing_rates(torch.from_numpy(data.labels[data.train].mean(0)) * 0.3)

    torch.testing.assert_close(fired, wanted.double(), rtol=0.35, atol=0.02)
    scores = np.stack([sae.encode(states(data, np.array([row])))[:, :M].mean(0).detach() for row in data.valid])
    found = [auroc(scores[:, c], data.labels[data.valid, c]) for c in range(M)]
    assert np.mean(found) > 0.9


def test_an_unknown_label_does_not_guide(data: TrainingData, tmp_path: Path) -> None:
    assert data.labels is not None
    known = np.ones_like(data.labels)
    known[:, 0] = False
    wrong = data.labels.copy()
    wrong[:, 0] = ~wrong[:, 0]
    first, second = (
        guided(data._replace(labels=labels, known=known), tmp_path / name, **APART)
        for name, labels in (("right", data.labels), ("wrong", wrong))
    )

    assert torch.equal(first.W_pred[1:], second.W_pred[1:])
    assert torch.equal(first.W_dec, second.W_dec)


@pytest.mark.parametrize("detector", [False, True])
def test_named_residues_are_found(data: TrainingData, tmp_path: Path, detector: bool) -> None:
    """A direction that no label is about marks some residues of the carriers of concept 0; only sites point at it."""
    rng = np.random.default_rng(3)
    assert data.labels is not None
    hidden = rng.normal(size=data.reader.d_model)
    lengths = data.reader.lengths.tolist()
    marked = {row: rng.choice(length, 4, replace=False) for row, length in enumerate(lengths)}
    is_marked = np.zeros((len(lengths), max(lengths)), dtype=bool)
    for row, places in marked.items():
        is_marked[row, places] = True

    class Marked:
        """The reader, with the hidden direction at the marked residues of every protein."""

        d_model, lengths, accessions = data.reader.d_model, data.reader.lengths, data.reader.accessions

        def __len__(self) -> int:
            return len(data.reader)

        def gather(self, proteins: np.ndarray, residues: np.ndarray) -> np.ndarray:
            x = data.reader.gather(proteins, residues).astype(np.float32)
            return x + 4 * np.outer(is_marked[proteins, residues], hidden)

        def protein(self, row: int) -> np.ndarray:
            return self.gather(np.full(self.lengths[row], row), np.arange(self.lengths[row]))

        def protein_means(self, rows: np.ndarray) -> np.ndarray:
            return np.stack([self.protein(row).mean(0) for row in np.asarray(rows).tolist()])

    carriers = [row for row in data.train.tolist() if data.labels[row, 0]]
    sites = NamedResidues(
        np.array(carriers),
        np.zeros(len(carriers), dtype=np.int64),
        4 * np.arange(len(carriers) + 1),
        np.concatenate([np.sort(marked[row]) for row in carriers]),
    )
    reader: Any = Marked()
    task = data._replace(reader=reader, sites=sites)
    form = {**APART, "detector": detector, "annotation": "protein" if detector else "bag"}

    def site_auroc(weight: float) -> float:
        sae = guided(task, tmp_path / f"sae{weight}", **form, site_weight=weight)
        found = []
        for row in data.valid.tolist():
            logits = sae.firing_logits(sae.rescaled(torch.from_numpy(reader.protein(row)).float()))
            found.append(auroc(logits[:, 0].detach().numpy(), np.isin(np.arange(len(logits)), marked[row])))
        return float(np.mean(found))

    assert site_auroc(3.0) > 0.9 > site_auroc(0.0)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rate_min": 0.2, "rate_max": 0.1}, "in this order, got 0.2 and 0.1"),
        ({"pool_share": 0.0}, "pool_share must be above 0 and at most 1, got 0.0"),
        ({"spread": 0.1}, "spread=0.1 needs selection 'apart'"),
        ({"spread": 0.1, "selection": "apart"}, "got 'apart' and 'residue'"),
        ({"detector": True}, "a detector needs selection 'apart'"),
        ({"detector": True, "selection": "apart", "annotation": "bag"}, "got 'apart' and 'bag'"),
        ({"site_weight": -1.0}, "site_weight must not be negative, got -1.0"),
        ({"selection": "both"}, "selection must be one of joint, apart, got 'both'"),
    ],
)
def test_a_form_that_cannot_be_is_refused(changes: dict[str, Any], sentence: str) -> None:
    base = ProtSAEConfig(d_model=8, d_sae=32, k=4, namespace="MFO", concepts=("GO:1", "GO:2"))

    with pytest.raises(ConfigError, match=sentence):
        replace(base, **changes)


def test_sites_that_are_asked_for_must_be_there(data: TrainingData, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"site_weight=1.0 needs residue labels; give them or set it to 0"):
        guided(data, tmp_path / "sae", **APART, site_weight=1.0)


@pytest.mark.parametrize("detector", [False, True])
def test_a_moving_centre_turns_no_concept(detector: bool) -> None:
    sae = make("protsae", selection="apart", detector=detector, annotation="protein" if detector else "bag")
    assert isinstance(sae, ProtSAE)
    x_in = torch.randn(7, sae.d_model, generator=torch.Generator().manual_seed(1))

    def seen() -> tuple[Tensor, ...]:
        weight, bias = sae.encoder()
        fires = ((x_in - sae.b_dec) @ weight.T + bias)[:, :M]
        return tuple(part.detach().clone() for part in (sae.concept_logits(x_in), sae.firing_logits(x_in), fires))

    before, earlier = seen(), sae.b_dec.detach().clone()
    with torch.no_grad():
        sae.b_dec.add_(0.7)
    sae.follow_centre(earlier)

    for now, was in zip(seen(), before, strict=True):
        torch.testing.assert_close(now, was)


def test_a_detector_starts_at_weighed_shares_and_the_predictor_at_plain_ones(data: TrainingData) -> None:
    sae = make("protsae", selection="apart", detector=True, annotation="protein", positive_weight=1.0)
    assert isinstance(sae, ProtSAE)
    assert data.labels is not None
    Guidance(sae, data, data.labels, config()).start()

    share = torch.from_numpy(data.labels[data.train].mean(0)).float()
    torch.testing.assert_close(sae.b_pred.sigmoid().detach(), share)
    torch.testing.assert_close(sae.b_detect.sigmoid().detach(), torch.full((M,), 0.5))


def test_what_labels_move_learns_at_a_pace_of_its_own(data: TrainingData, tmp_path: Path) -> None:
    moved = {}
    for pace in (1.0, 10.0):
        sae = make("protsae", annotation="protein")
        start = {name: value.detach().clone() for name, value in sae.named_parameters()}
        train(sae, data, config(epochs=1, guided_pace=pace), tmp_path / str(pace))
        moved[pace] = {name: (value - start[name]).norm().item() for name, value in sae.named_parameters()}

    assert moved[10.0]["concept_embed"] > 3 * moved[1.0]["concept_embed"]
    assert moved[10.0]["W_free"] < 1.5 * moved[1.0]["W_free"]
