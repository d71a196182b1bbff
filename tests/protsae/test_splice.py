"""SpLiCE by its closed form, scikit-learn's lasso, optimality conditions and a round trip through files."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import Lasso
from torch.testing import assert_close

from protsae.errors import ArtifactError, ConfigError
from protsae.sae import load_sae
from protsae.sae.splice import SpLiCESAE, SpLiCESAEConfig, nonnegative_lasso

CONCEPTS = tuple("ABCDEFGHIJ")


def rows(n: int, d: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def fitted(m: int = 10, d: int = 8, k: int = 3) -> tuple[SpLiCESAE, torch.Tensor]:
    x = 4 * rows(500, d) + 2
    means = x.mean(0) + rows(m, d, seed=1)
    sae = SpLiCESAE.fit(means, x.mean(0), mean_square_norm=float(x.square().sum(1).mean()), concepts=CONCEPTS[:m], k=k)
    return sae, x


def test_the_dictionary_is_the_unit_directions_from_the_mean() -> None:
    sae = SpLiCESAE.fit(
        torch.tensor([[5.0, 1.0], [1.0, -2.0]]), torch.ones(2), mean_square_norm=8.0, concepts=("A", "B"), k=1
    )

    assert sae.W_dec.tolist() == [[1, 0], [0, -1]]
    assert float(sae.scale) == 0.5
    assert_close(sae.decode(torch.zeros(1, 2)), torch.ones(1, 2))


def test_an_orthonormal_dictionary_has_the_closed_form() -> None:
    directions = torch.linalg.qr(rows(6, 6)).Q
    sae = SpLiCESAE(SpLiCESAEConfig(d_model=6, d_sae=6, concepts=CONCEPTS[:6], k=2, l1=0.3))
    with torch.no_grad():
        sae.W_dec.copy_(directions)
    x = rows(50, 6, seed=1)

    assert_close(sae.encode(x), (x @ directions.T - 0.3).relu(), atol=1e-5, rtol=0)


def test_two_directions_by_hand() -> None:
    # G = [[1, .5], [.5, 1]]: from t = (1, .4) at l1 = .1 the second would be (.3 - .5 * .9) < 0
    gram = np.array([[1, 0.5], [0.5, 1]])

    found = nonnegative_lasso(torch.tensor([[1.0, 0.4], [1.0, 1.0], [-1.0, 0.1]]), gram, 0.1)

    assert_close(found, torch.tensor([[0.9, 0.0], [0.6, 0.6], [0.0, 0.0]]))


@pytest.mark.parametrize("l1", [2.0, 0.5, 0.05])
def test_codes_reach_the_optimum_of_scikit_learn(l1: float) -> None:
    directions = torch.nn.functional.normalize(rows(30, 20) + 0.5, dim=1).double()
    u = 3 * rows(15, 20, seed=1).double()

    found = nonnegative_lasso(u @ directions.T, (directions @ directions.T).numpy(), l1)

    for i in range(15):
        lasso = Lasso(alpha=l1 / 20, positive=True, fit_intercept=False, tol=1e-12, max_iter=1_000_000)
        known = torch.from_numpy(lasso.fit(directions.T.numpy(), u[i].numpy()).coef_)

        def objective(z: torch.Tensor, row: torch.Tensor = u[i]) -> float:
            return float((row - z @ directions).square().sum() / 2 + l1 * z.sum())

        assert objective(found[i].double()) == pytest.approx(objective(known), rel=1e-5)


def test_dependent_directions_still_reach_the_optimum() -> None:
    base = rows(12, 5)
    directions = torch.nn.functional.normalize(torch.cat([base, base[:3], base + 1e-3 * rows(12, 5, seed=2)]), dim=1)
    u = 2 * rows(100, 5, seed=1)

    z = nonnegative_lasso(u @ directions.T, (directions.double() @ directions.double().T).numpy(), 0.1)

    slope = (u - z @ directions) @ directions.T - 0.1
    assert float(slope.max()) < 1e-3
    assert float(slope[z > 0].abs().max()) < 1e-3
    assert (z >= 0).all()
    assert (z > 0).any()


def test_the_penalty_brings_the_asked_number_of_active_features() -> None:
    sae, x = fitted()

    l0 = sae.fit_penalty(x)

    assert l0 == pytest.approx(3, rel=0.01)
    assert float((sae.encode(x) > 0).sum()) / 500 == l0
    assert sae.fit_penalty(x, k=2) == pytest.approx(2, rel=0.01)
    assert sae.cfg.k == 2
    with pytest.raises(ConfigError, match="k=9 is out of reach"):
        sae.fit_penalty(x, k=9)


def test_sparse_codes_equal_dense_ones_over_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    sae, x = fitted()
    sae.fit_penalty(x)
    whole = sae.encode(x).detach()
    monkeypatch.setattr("protsae.sae.splice._CHUNK_ROWS", 64)

    found = sae.encode_sparse(x)

    assert found.shape == (500, 10)
    np.testing.assert_allclose(found.toarray(), whole.numpy(), rtol=1e-4, atol=1e-4)
    assert_close(sae(x).acts, whole)
    passed = sae.training_pass(x * sae.scale)
    assert_close(passed.x_hat / sae.scale, sae(x).x_hat)


def test_codes_over_the_dictionary_explain_more_than_the_mean() -> None:
    sae, x = fitted()
    sae.fit_penalty(x, k=4)

    assert (sae(x).x_hat - x).square().sum() < 0.7 * (x - x.mean(0)).square().sum()


def test_a_saved_sae_comes_back(tmp_path: Path) -> None:
    sae, x = fitted()
    sae.fit_penalty(x)
    sae.save(tmp_path)

    loaded = load_sae(tmp_path)

    assert loaded.cfg == sae.cfg
    assert_close(loaded.encode(x), sae.encode(x))
    (tmp_path / "cfg.json").write_text((tmp_path / "cfg.json").read_text().replace('"l1": ', '"l1": -'))
    with pytest.raises(ArtifactError, match="l1 must be a number of at least 0"):
        load_sae(tmp_path)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="d_sae=3 and 2 concepts"):
        SpLiCESAEConfig(d_model=4, d_sae=3, concepts=("A", "B"), k=1)
    with pytest.raises(ConfigError, match="l1 must be a number of at least 0, got -1"):
        SpLiCESAEConfig(d_model=4, d_sae=1, concepts=("A",), k=1, l1=-1)
    with pytest.raises(ConfigError, match="B has no direction"):
        SpLiCESAE.fit(torch.tensor([[1.0, 2], [1, 1]]), torch.ones(2), mean_square_norm=2.0, concepts=("A", "B"), k=1)
