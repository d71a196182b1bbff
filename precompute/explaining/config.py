"""Settings of one round of explanations. Read `ExplainConfig`."""

from dataclasses import dataclass
from pathlib import Path

from protsae.errors import ConfigError
from protsae.explaining.chat import checked_endpoint


@dataclass(frozen=True, kw_only=True)
class ExplainConfig:
    """Which features are explained, by whom, and whether anything is sent."""

    bundle: Path
    """Folder of a finished bundle."""

    features: tuple[str, ...] = ()
    """Features as SAE:NUMBER, for example vanilla:12."""

    endpoint: str = ""
    """Address of an OpenAI-compatible chat endpoint, for example http://127.0.0.1:8080/v1/chat/completions."""

    model: str = ""
    """Name of the model, as the endpoint calls it."""

    send: bool = False
    """Send the prompts; without it they are shown with what they would cost, and nothing leaves this machine."""

    price_in: float = 0.0
    """What a million tokens of prompt cost at this endpoint, in its currency."""

    price_out: float = 0.0
    """What a million tokens of answer cost."""

    out: Path | None = None
    """File of the explanations and their scores, a JSON object a line; required with --send."""

    keep: bool = False
    """Put what stands in --out into the bundle, as its analysis `explanations`, which the Feature page shows."""

    seed: int = 0
    """Of the windows that are drawn for scoring."""

    def __post_init__(self) -> None:
        if not self.features:
            raise ConfigError("no feature is named; give --features, for example --features vanilla:12")
        if self.price_in < 0 or self.price_out < 0:
            raise ConfigError(f"prices must be 0 or more, got {self.price_in} and {self.price_out}")
        if self.send:
            missing = [f"--{name}" for name in ("endpoint", "model", "out") if not getattr(self, name)]
            if missing:
                raise ConfigError(f"--send needs {' and '.join(missing)}")
            checked_endpoint(self.endpoint)
        if self.keep and not self.send:
            raise ConfigError("--keep puts answers into the bundle, so it needs --send")
