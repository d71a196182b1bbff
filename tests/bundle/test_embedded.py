"""The embedded bundle's language model: small, in half precision, and with its licences where it states any."""

from pathlib import Path

import torch
from safetensors.torch import load_file

from protsae.bundle.layout import PLM, PLM_NOTICE, PLM_WEIGHTS
from protsae.bundle.manifest import read_manifest
from protsae.plm.spec import PLMSpec

EMBEDDED = Path(__file__).resolve().parents[2] / "assets" / "demo"


def test_its_weights_are_fp16_and_at_most_16_mb() -> None:
    assert (EMBEDDED / PLM_WEIGHTS).stat().st_size <= 16e6
    assert {tensor.dtype for tensor in load_file(EMBEDDED / PLM_WEIGHTS).values()} == {torch.float16}


def test_a_licence_is_stated_together_with_its_notice_and_source() -> None:
    spec, manifest = PLMSpec.read(EMBEDDED / PLM), read_manifest(EMBEDDED)
    named = [source for source in manifest["sources"] if source.startswith(spec.shown)]

    assert bool(spec.licence) == (PLM_NOTICE in manifest["files"]) == bool(named)
