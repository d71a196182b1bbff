"""What every page says of the bundle beside it."""

from dataclasses import replace

from explorer.shell import frame
from protsae.plm.spec import PLMSpec

PLAIN = PLMSpec(name="plm", layer=1, site="resid_mid", num_layers=2, embed_dim=8, attention_heads=2)


def test_the_model_says_where_it_is_from_as_far_as_its_bundle_knows() -> None:
    told = replace(PLAIN, provenance="From <b>dice</b>.", licence="MIT")

    assert frame._where_the_model_is_from(PLAIN) == ""
    assert "About the language model: From &lt;b&gt;dice&lt;/b&gt;. Licence of its weights: MIT.<" in (
        frame._where_the_model_is_from(told)
    )
