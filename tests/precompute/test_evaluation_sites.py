"""Sites and annotations in the evaluation: an SAE that holds the planted axis, and one that does not."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from tiny_sites import COMMON, D_MODEL, World

from precompute.evaluation import sites
from precompute.evaluation.context import Context
from protsae.sae import TopKSAE, TopKSAEConfig
from protsae.store.evaluation import methods
from protsae.store.evaluation.metrics import METRICS


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    folder = tmp_path_factory.mktemp("world")
    world = World(folder / "embed")
    (folder / "proteins").mkdir()
    regions = world.regions.assign(source="uniprot")
    regions.to_parquet(folder / "proteins" / "annotation.parquet")
    spaces = {"MFO": space("MFO", COMMON), "BPO": space("BPO", "GO:0000009")}
    shared: dict[str, Any] = {"corpus": world.corpus, "reader": world.inputs.reader, "site_tasks": world.tasks}
    return cast("Context", SimpleNamespace(**shared, spaces=spaces, run=SimpleNamespace(work=folder)))


def space(namespace: str, go_id: str) -> SimpleNamespace:
    return SimpleNamespace(namespace=namespace, concepts=SimpleNamespace(go_id=(go_id,)))


def sae_of(axis: int) -> TopKSAE:
    """Feature 1 is one axis of the states, the others are silent."""
    sae = TopKSAE(TopKSAEConfig(d_model=D_MODEL, d_sae=4, k=1))
    with torch.no_grad():
        for parameter in sae.parameters():
            parameter.zero_()
        sae.W_enc[axis, 1] = sae.W_dec[1, axis] = 1
    return sae


def test_the_best_feature_of_an_sae_is_judged_by_its_sub_ontology(context: Context) -> None:
    spaces = list(context.spaces.values())
    found = sites.measure(context, sae_of(2), spaces, is_guided=False)
    other = sites.measure(context, sae_of(5), spaces, is_guided=False)

    assert set(found) == {"MFO"}, "no term of the other one has sites"
    assert set(found["MFO"]) <= set(METRICS)
    assert found["MFO"]["site_ap"] > 0.99
    assert found["MFO"]["site_null_ap"] < 0.3
    assert found["MFO"]["site_terms"] == 1
    assert other["MFO"]["site_ap"] < 0.3


def test_a_guided_sae_is_judged_by_the_terms_own_feature(context: Context) -> None:
    own = sites.measure(context, sae_of(2), [context.spaces["MFO"]], is_guided=True)
    assert own["MFO"]["site_ap"] < 0.2, "feature 0 is silent, whatever feature 1 finds"


def test_baselines_are_methods(context: Context) -> None:
    found = {method: sites.baseline(context, method)["MFO"]["site_ap"] for method in methods.SITE_BASELINES}
    assert found[methods.RESIDUE_PROBE] > 0.99
    assert found[methods.LETTER] < found[methods.LETTER_WINDOW]


def test_codes_come_protein_by_protein(context: Context) -> None:
    sae, proteins = sae_of(2), np.array([3, 7, 8])
    found = dict(sites.encoded(sae, context.reader, proteins))
    assert list(found) == [3, 7, 8]
    x = torch.from_numpy(context.reader.protein(7).astype(np.float32))
    assert np.allclose(found[7].toarray(), sae.encode(x).detach().numpy(), atol=1e-5)


def test_features_of_annotations_are_counted(context: Context) -> None:
    good, bad = (sites.annotation_features(context, sae_of(axis)) for axis in (2, 5))
    assert good == {"annotation_features": 1, "annotation_kinds": 1}
    assert bad == {"annotation_features": 0, "annotation_kinds": 0}
