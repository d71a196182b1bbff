"""The check of shapes is at work: in every module of model code, and on a call that breaks its declaration."""

import importlib

import pytest
import torch
from jaxtyping import TypeCheckError
from shapes import MODEL_CODE

from protsae.sae.losses import reconstruction_loss


@pytest.mark.parametrize("name", MODEL_CODE)
def test_every_module_of_model_code_is_checked(name: str) -> None:
    loader = importlib.import_module(name).__loader__

    assert type(loader).__module__.startswith("jaxtyping"), f"{name} was imported before the hook stood"


def test_a_wrong_shape_is_an_error_while_tests_run() -> None:
    with pytest.raises(TypeCheckError, match="x_hat"):
        reconstruction_loss(torch.zeros(2, 3), torch.zeros(2, 4))
