"""Losses by hand-worked numbers, and the ontology's geometry on a small one."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from protsae.ontology.axioms import Axioms
from protsae.sae.geometry import AxiomLosses, OntologyGeometry, index_axioms
from protsae.sae.losses import (
    Balls,
    annotation_loss,
    auxiliary_loss,
    bag_logits,
    nf1_loss,
    nf2_loss,
    nf3_loss,
    nf4_loss,
    reconstruction_loss,
)

NO_ROWS = np.zeros((0, 3), dtype=np.int64)


def ball(x: float, y: float, radius: float) -> Balls:
    return Balls(torch.tensor([[float(x), float(y)]]), torch.tensor([float(radius)]))


def test_reconstruction_sums_over_dimensions_and_averages_over_residues() -> None:
    assert reconstruction_loss(torch.tensor([[1.0, 2], [0, 0]]), torch.tensor([[0.0, 0], [0, 1]])) == 3


def test_annotation_loss_by_hand() -> None:
    found = annotation_loss(torch.tensor([[0.0, 100.0]]), torch.tensor([[True, True]]))

    assert_close(found, torch.tensor(np.log(2) / 2, dtype=torch.float32))


def test_positives_can_weigh_more() -> None:
    found = annotation_loss(torch.zeros(1, 2), torch.tensor([[True, False]]), torch.tensor([3.0, 5.0]))

    assert_close(found, torch.tensor(np.log(2) * (3 + 1) / 2, dtype=torch.float32))


def test_the_logit_of_a_bag_is_the_log_of_the_mean_odds() -> None:
    odds = torch.tensor([[[1.0, 9.0], [3.0, 1.0]]])

    assert_close(bag_logits(odds.log()), torch.tensor([[2.0, 5.0]]).log())


def test_auxiliary_loss_is_relative_to_the_residual() -> None:
    residual = torch.tensor([[3.0, 4.0]])

    assert auxiliary_loss(residual, residual) == 0
    assert auxiliary_loss(residual, torch.zeros(1, 2)) == 1
    assert auxiliary_loss(torch.zeros(1, 2), torch.zeros(1, 2)) == 0


@pytest.mark.parametrize(("radius", "expected"), [(2.0, 4.4), (6.4, 0.0), (10.0, 0.0)])
def test_nf1_wants_the_ball_inside_the_other(radius: float, expected: float) -> None:
    found = nf1_loss(ball(0, 0, 1.5), ball(3, 4, radius), margin=0.1)  # 5 + 1.5 - r_d - 0.1

    assert_close(found, torch.tensor([expected]))


def test_nf2_wants_two_balls_to_meet_around_the_third_centre() -> None:
    c, d, e = ball(0, 0, 1), ball(3, 4, 2), ball(0, 4, 0.5)

    found = nf2_loss(c, d, e, margin=0.1)

    assert_close(found, torch.tensor([(5 - 1 - 2 - 0.1) + (4 - 1 - 0.1) + (3 - 2 - 0.1)]))


def test_nf3_moves_the_first_ball_along_the_role() -> None:
    role = torch.tensor([[3.0, 0.0]])

    assert_close(nf3_loss(role, ball(0, 0, 1), ball(3, 4, 2), margin=0.1), torch.tensor([4 + 1 - 2 - 0.1]))


def test_nf4_moves_the_second_ball_along_the_role() -> None:
    role = torch.tensor([[3.0, 0.0]])

    assert_close(nf4_loss(ball(3, 4, 1), role, ball(0, 0, 2), margin=0.1), torch.tensor([4 - 1 - 2 - 0.1]))


@pytest.fixture
def axioms() -> Axioms:
    classes = ("A", "B", "C", "D", "far", "farther", "part_of some D")
    return Axioms(
        classes,
        ("part_of",),
        nf1=np.array([[0, 1], [3, 1], [4, 5]]),
        nf2=np.array([[1, 6, 0]]),
        nf3=np.array([[0, 3, 6]]),
        nf4=np.array([[0, 0, 3], [5, 0, 4]]),
    )


def test_concepts_are_numbered_first_and_in_their_own_order(axioms: Axioms) -> None:
    index = index_axioms(axioms, ("B", "unknown", "A"), scope="all")

    assert index.n_concepts == 3
    assert index.extra == ("D", "far", "farther", "part_of some D")
    names = ("B", "unknown", "A", *index.extra)
    assert [[names[i] for i in row] for row in index.nf1] == [["A", "B"], ["D", "B"], ["far", "farther"]]
    assert [names[i] for i in index.nf2[0]] == ["B", "part_of some D", "A"]
    assert [names[i] for i in index.nf3[0, 1:]] == ["D", "part_of some D"]
    assert [[names[i] for i in row[[0, 2]]] for row in index.nf4] == [["A", "D"], ["farther", "far"]]


def test_axioms_that_no_concept_is_in_may_be_left_out(axioms: Axioms) -> None:
    index = index_axioms(axioms, ("A",))

    assert index.extra == ("B", "D", "part_of some D")
    assert [len(rows) for rows in index[3:]] == [1, 1, 1, 1]


def geometry_of(axioms: Axioms, per_step: int = 100) -> OntologyGeometry:
    return OntologyGeometry(index_axioms(axioms, ("A", "B", "C")), 16, margin=0.1, per_step=per_step, seed=0)


def total(losses: AxiomLosses) -> torch.Tensor:
    return torch.stack(losses).sum()


def test_the_axiom_loss_equals_its_formula(axioms: Axioms) -> None:
    index = index_axioms(axioms, ("A", "B", "C"))
    geometry = OntologyGeometry(index, 16, margin=0.1, per_step=100, seed=0)
    embed, radius = torch.randn(3, 16, generator=torch.Generator().manual_seed(1)), torch.tensor([0.1, -0.2, 0.3])

    found = geometry(embed, radius, step=0)

    e = torch.cat([embed, geometry.extra_embed])[[0, 1, 3, 4]]  # C is in no axiom
    e = (e - e.mean(0)) / (e.var(0, unbiased=False) + 1e-5).sqrt()
    r = torch.cat([radius, geometry.extra_radius]).abs()[[0, 1, 3, 4]]
    rho = geometry.roles[0]
    a, b, d, fresh = range(4)

    def gap(v: Tensor) -> Tensor:
        return v.pow(2).sum().sqrt()

    nf1 = [gap(e[c] - e[p]) + r[c] - r[p] - 0.1 for c, p in ((a, b), (d, b))]
    assert_close(found.nf1, torch.stack(nf1).relu().mean())
    nf2 = [gap(e[b] - e[fresh]) - r[b] - r[fresh], gap(e[b] - e[a]) - r[b], gap(e[fresh] - e[a]) - r[fresh]]
    assert_close(found.nf2, (torch.stack(nf2) - 0.1).relu().sum())
    assert_close(found.nf3, (gap(e[d] + rho - e[fresh]) + r[d] - r[fresh] - 0.1).relu())
    assert_close(found.nf4, (gap(e[a] - e[d] - rho) - r[a] - r[d] - 0.1).relu())


def test_training_the_geometry_satisfies_the_axioms(axioms: Axioms) -> None:
    geometry = geometry_of(axioms)
    embed, radius = torch.nn.Parameter(torch.eye(3, 16)), torch.nn.Parameter(torch.full((3,), 0.1))
    optimizer = torch.optim.Adam([embed, radius, *geometry.parameters()], lr=0.05)
    before = total(geometry(embed, radius, step=0))
    for step in range(150):
        optimizer.zero_grad()
        total(geometry(embed, radius, step=step)).backward()
        optimizer.step()

    assert total(geometry(embed, radius, step=0)) < 0.1 * before


def test_a_step_always_samples_the_same_axioms(axioms: Axioms) -> None:
    geometry, embed, radius = geometry_of(axioms, per_step=1), torch.eye(3, 16), torch.full((3,), 0.1)

    totals = [total(geometry(embed, radius, step=step)).item() for step in (0, 1, 2, 3, 4, 5, 0)]

    assert totals[0] == totals[-1]
    assert len(set(totals)) > 1


def test_without_axioms_the_loss_is_zero() -> None:
    nothing = Axioms(("A", "B", "C"), (), NO_ROWS[:, :2], NO_ROWS, NO_ROWS, NO_ROWS)

    assert sum(geometry_of(nothing)(torch.eye(3, 16), torch.ones(3), step=0)) == 0
