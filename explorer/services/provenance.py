"""Where a number or a picture is from: bundle, autoencoder, feature and colour scale, for whatever a reader takes away.

Read `Source`, then `of`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from explorer.services import data
from explorer.services.refs import FeatureRef
from protsae.bundle.layout import SAE_FILES, SAES
from protsae.store.rows import FeatureRow, SAERow

PAPER = "ProtSAE (arXiv:2509.05309)"
HASH = 12
"""Letters of a SHA-256 that are shown."""


class Source(NamedTuple):
    """What something on a page was drawn or computed from."""

    bundle: str
    plm: str
    saes: tuple[tuple[str, str], ...]
    """Name and hash of the weights of each autoencoder."""
    features: tuple[tuple[str, int, str], ...] = ()
    """Autoencoder, number and label of each feature."""
    scale: str = ""
    """What full colour means; '' where nothing is coloured by activation."""

    def sentence(self) -> str:
        """One line, as it stands under a figure or in a file's head."""
        saes = ", ".join(f"{name} (SHA-256 {digest})" if digest else name for name, digest in self.saes)
        features = ", ".join(f"{sae} #{number} {label}" for sae, number, label in self.features)
        parts = (f"bundle {self.bundle}", self.plm, saes, features, self.scale)
        return " · ".join(["ProtSAE Explorer", *(part for part in parts if part)])

    def facts(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "program": "ProtSAE Explorer",
            "bundle_id": self.bundle,
            "language_model": self.plm,
            "saes": [{"name": name, "sha256": digest} for name, digest in self.saes],
            "features": [{"sae": sae, "feature": number, "label": label} for sae, number, label in self.features],
            "scale": self.scale,
        }


def bundle_id() -> str:
    """Of the open bundle; its folder's name where it has none."""
    opened = data.bundle()
    return str(opened.reader.meta().get("bundle_id") or opened.folder.name)


def of(refs: Sequence[FeatureRef] = (), *, saes: Sequence[str] = (), scale: str = "") -> Source:
    """The source of what shows these features.

    Args:
        refs: features, in the order shown.
        saes: autoencoders beside those of the features.
        scale: 'normalised' or 'raw' where something is coloured by activation.
    """
    rows = [row for ref in refs if (row := data.feature(ref)) is not None]
    names = dict.fromkeys([*(row.sae for row in rows), *saes])
    return Source(
        bundle=bundle_id(),
        plm=f"{data.bundle().plm.shown}, layer {data.bundle().plm.layer}",
        saes=tuple((data.sae(name).display_name, sae_hash(data.sae(name))) for name in names),
        features=tuple((data.sae(row.sae).display_name, row.feature, row.label) for row in rows),
        scale=scale_note(rows, scale),
    )


def sae_hash(sae: SAERow) -> str:
    """The beginning of the SHA-256 of its weights, as the manifest has it; '' where the bundle has none."""
    return str(data.bundle().manifest.get("files", {}).get(f"{SAES}/{sae.name}/{SAE_FILES[-1]}", ""))[:HASH]


def scale_note(rows: Sequence[FeatureRow], scale: str) -> str:
    """What full colour means, with its number where one feature is shown."""
    if not scale:
        return ""
    if scale == "raw":
        return f"full colour: activation {max((row.max_act for row in rows), default=0.0):.4g}"
    own = f" ({rows[0].p999_act:.4g})" if len(rows) == 1 else ""
    return f"full colour: each feature's 99.9th percentile over the corpus{own}"


def citation() -> str:
    """How to cite what this bundle shows."""
    opened = data.bundle()
    sources = "; ".join(str(source).split(":", maxsplit=1)[0] for source in opened.manifest.get("sources", []))
    saes = ", ".join(f"{row.display_name} {sae_hash(row)}".strip() for row in data.saes())
    made = f" Made from {sources}." if sources else ""
    return (
        f"ProtSAE Explorer, bundle {bundle_id()} (language model {opened.plm.shown}, layer {opened.plm.layer}; "
        f"autoencoders {saes}); method: {PAPER}.{made}"
    )
