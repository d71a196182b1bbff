"""Ensembles: exactly the weighted sum, Jensen, a boosted error that never rises, one file like any SAE's."""

import copy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

sys.path.insert(0, str(Path(__file__).parent))
import tiny_training as tiny

from protsae.errors import ConfigError
from protsae.measures.stability import best, random_directions
from protsae.sae import SAE, TopKSAE, TopKSAEConfig, load_sae
from protsae.sae.ensemble import EnsembleSAE, EnsembleSAEConfig
from protsae.training.config import TrainingData
from protsae.training.ensembles import Residuals, boost
from protsae.training.loop import train


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    return tiny.planted(tmp_path_factory.mktemp("embed"))


@pytest.fixture(scope="module")
def members(data: TrainingData, tmp_path_factory: pytest.TempPathFactory) -> list[SAE]:
    made = []
    for seed in range(3):
        sae = TopKSAE(TopKSAEConfig(d_model=tiny.D_MODEL, d_sae=40, k=3, normalise="dimension"), seed=seed)
        train(sae, data, tiny.config(seed=seed), tmp_path_factory.mktemp(f"member{seed}"))
        made.append(sae)
    return made


def residues(data: TrainingData, proteins: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.concatenate([data.reader.protein(int(i)) for i in proteins]).astype(np.float32))


@torch.no_grad()
def error(sae: SAE, x: torch.Tensor) -> float:
    return float((sae(x).x_hat - x).pow(2).sum(1).mean())


def apart(found: torch.Tensor, told: torch.Tensor) -> float:
    """Largest difference of a residue, over its length."""
    return float(((found - told).norm(dim=1) / told.norm(dim=1)).max())


def test_a_bag_is_the_mean_of_its_members(data: TrainingData, members: list[SAE]) -> None:
    x, bag = residues(data, data.valid), EnsembleSAE.of(members, "bag")

    with torch.no_grad():
        found, mean = bag(x), torch.stack([member(x).x_hat for member in members]).mean(0)
    assert apart(found.x_hat, mean) < 1e-6
    assert_close(bag.decode(found.acts), found.x_hat)
    assert_close(bag.W_dec.norm(dim=1), torch.ones(120))
    np.testing.assert_allclose(bag.encode_sparse(x).toarray(), found.acts.numpy())
    assert (bag.d_sae, bag.cfg.k) == (120, 9)


def test_a_boosted_ensemble_reads_what_is_left(data: TrainingData, members: list[SAE]) -> None:
    x, boosted = residues(data, data.valid), EnsembleSAE.of(members, "boost")

    left, total = x, torch.zeros_like(x)
    with torch.no_grad():
        for member in members:
            part = member(left).x_hat
            left, total = left - part, total + part
        assert apart(boosted(x).x_hat, total) < 1e-6


def test_in_double_precision_only_double_rounding_is_left(data: TrainingData, members: list[SAE]) -> None:
    x = residues(data, data.valid).double()
    exact = [copy.deepcopy(member).double() for member in members]
    bag = EnsembleSAE.of(exact, "bag")

    with torch.no_grad():
        found, mean = bag(x).x_hat, torch.stack([member(x).x_hat for member in exact]).mean(0)
        other = EnsembleSAE.of(exact[:2], "bag")(x).x_hat
    assert found.dtype == torch.float64
    assert apart(found, mean) < 1e-12
    assert apart(other, mean) > 1e-3, "another sum"


def test_the_bags_error_is_at_most_the_mean_of_its_members(data: TrainingData, members: list[SAE]) -> None:
    x = residues(data, data.valid)

    assert error(EnsembleSAE.of(members, "bag"), x) <= np.mean([error(member, x) for member in members])


def test_a_boosted_error_on_what_it_was_fitted_to_never_rises(data: TrainingData, tmp_path: Path) -> None:
    x, errors = residues(data, data.train), []
    for n in (1, 2, 3):
        made = boost(
            lambda seed: TopKSAE(TopKSAEConfig(d_model=tiny.D_MODEL, d_sae=40, k=3), seed=seed),
            data, tmp_path / "boost", tiny.config(epochs=6), embed=data.reader.folder, n_members=n,
        )  # fmt: skip
        errors.append(error(made, x))

    assert errors[0] > errors[1] > errors[2]
    assert len(list((tmp_path / "boost").iterdir())) == 3


def test_without_members_everything_is_left(data: TrainingData) -> None:
    np.testing.assert_array_equal(Residuals(data.reader.folder, []).protein(2), data.reader.protein(2))


def test_equal_seeds_are_stable_and_random_directions_are_not(data: TrainingData, members: list[SAE]) -> None:
    first = EnsembleSAE.of(members[:2], "bag").W_dec.numpy()
    again = EnsembleSAE.of(members[1::-1], "bag").W_dec.numpy()

    assert best(first, again)[1] == pytest.approx(1, abs=1e-6)
    assert best(first, random_directions(80, tiny.D_MODEL, 0))[1].mean() < 0.8


def test_it_is_saved_like_any_sae(data: TrainingData, members: list[SAE], tmp_path: Path) -> None:
    bag = EnsembleSAE.of(members, "bag")
    bag.save(tmp_path)

    loaded = load_sae(tmp_path)

    x = residues(data, data.valid[:2])
    assert isinstance(loaded, EnsembleSAE)
    assert loaded.cfg == bag.cfg
    assert_close(loaded(x).x_hat, bag(x).x_hat)


def test_what_makes_no_ensemble_is_refused(members: list[SAE]) -> None:
    with pytest.raises(ConfigError, match="at least one member"):
        EnsembleSAE.of([], "bag")
    with pytest.raises(ConfigError, match="mode must be one of bag, boost, got 'heap'"):
        EnsembleSAEConfig(d_model=4, d_sae=4, k=1, mode="heap", members=("x",))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="the same width"):
        EnsembleSAE.of([members[0], TopKSAE(TopKSAEConfig(d_model=4, d_sae=4, k=1))], "bag")
    token = TopKSAE(TopKSAEConfig(d_model=4, d_sae=4, k=1, normalise="token"))
    with pytest.raises(ConfigError, match="token"):
        EnsembleSAE.of([token], "bag")
    with pytest.raises(ConfigError, match="no encoder of its own"):
        EnsembleSAE.of(members, "bag").encoder()
