"""The embedded bundle's SAEs as JumpReLU: as sparse on the reference batch; what it costs on families never seen.

A small reference: with the export's own, TopK loses .007 and the guided SAE .009 (docs/saes.md).
"""

from pathlib import Path

import pytest
import torch

from protsae.api.opened import open_bundle
from protsae.export.registry import explained
from protsae.sae import SAE, convert
from protsae.sae.convert import to_jumprelu

EMBEDDED = Path(__file__).resolve().parents[2] / "assets" / "demo"


def l0(sae: SAE, x: torch.Tensor) -> float:
    return float((sae(x).acts > 0).sum(dim=1).float().mean())


@torch.no_grad()
def test_l0_stays_and_little_explained_variance_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_bundle(EMBEDDED, device="cpu") as bundle:
        reference, unseen = (
            torch.cat([bundle.embed(sequence) for sequence in bundle.reader.sequences_of(split, n)])
            for split, n in (("train", 26), ("test", 6))
        )
        saes = {row.name: bundle.sae(row.name) for row in bundle.saes()}
    for sae in saes.values():
        made = to_jumprelu(sae, reference)
        assert l0(made, reference) == pytest.approx(l0(sae, reference), rel=0.02)
        lost = explained(sae, unseen) - explained(made, unseen)
        assert 0 < lost < 0.04
        monkeypatch.setattr(convert, "PRIOR", 1e12)
        assert lost < explained(sae, unseen) - explained(to_jumprelu(sae, reference), unseen), "the fit wins some back"
        monkeypatch.undo()
