"""Settings of one fetch. Read `FetchConfig`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from protsae.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class FetchConfig:
    """Which proteins are fetched, and what of them."""

    out: Path
    """Folder for the files; the same command goes on where it was."""

    organism: int | None = None
    """NCBI taxonomy id, e.g. 559292 for baker's yeast: all its reviewed entries."""

    accessions: Path | None = None
    """File with a UniProt accession at the beginning of each line, or FASTA with UniProt's headers."""

    query: str = ""
    """Query in UniProtKB's language, e.g. 'ec:2.7.11.1 AND organism_id:9606'."""

    reviewed: bool = True
    """With an organism or a query: entries of Swiss-Prot alone."""

    max_proteins: int = 50_000
    """More than so many are not fetched but refused."""

    structures: Literal["best", "pdb", "alphafold", "none"] = "best"
    """best: the PDB entry that spans most of a protein where that is at least half, else AlphaFold DB's model."""

    max_structures: int | None = None
    """Proteins at most for which a structure is looked for, in the order of UniProtKB's answer; without it all."""

    workers: int = 4
    """Requests for structures under way at a time."""

    def __post_init__(self) -> None:
        asked = [name for name in ("organism", "accessions", "query") if getattr(self, name)]
        if len(asked) != 1:
            given = f"{' and '.join('--' + name for name in asked)} were given" if asked else "none was given"
            raise ConfigError(f"one of --organism, --accessions and --query says what to fetch, {given}")
        for name, least in (("max_proteins", 1), ("workers", 1), ("organism", 1), ("max_structures", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ConfigError(f"{name} must be at least {least}, got {value}")
        if self.workers > 16:
            raise ConfigError(f"workers must be at most 16, so that the databases are not overrun, got {self.workers}")
