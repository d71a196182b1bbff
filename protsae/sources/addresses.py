"""Which sources there are, where each is asked, under which licence it gives, and how often it may be asked.

An environment variable puts another address in the place of a source's own: a mirror, or a server on this machine.

Read `Source`.
"""

import os
from typing import NamedTuple


class Source(NamedTuple):
    """A public database or service."""

    name: str
    """As people call it; begins the sentences about it."""

    address: str
    """Without a slash at its end."""

    variable: str
    """Of the environment; where it is set its value takes the address's place."""

    licence: str
    """Of what it gives."""

    spacing_s: float
    """Seconds between the beginnings of two requests at least, for all who ask in this process."""

    @property
    def base(self) -> str:
        """Where it is asked now, without a slash at its end."""
        return (os.environ.get(self.variable) or self.address).rstrip("/")


UNIPROT = Source("UniProtKB", "https://rest.uniprot.org", "PROTSAE_UNIPROT_URL", "CC BY 4.0", 0.1)
ALPHAFOLD = Source("AlphaFold DB", "https://alphafold.ebi.ac.uk", "PROTSAE_ALPHAFOLD_URL", "CC BY 4.0", 0.1)
RCSB = Source("RCSB PDB", "https://files.rcsb.org", "PROTSAE_RCSB_URL", "CC0 1.0", 0.1)
ESM_ATLAS = Source("ESM Atlas", "https://api.esmatlas.com", "PROTSAE_ESM_ATLAS_URL", "CC BY 4.0", 1.0)
QUICKGO = Source("QuickGO", "https://www.ebi.ac.uk/QuickGO/services", "PROTSAE_QUICKGO_URL", "CC BY 4.0", 0.2)
GENE_ONTOLOGY = Source(
    "Gene Ontology", "https://current.geneontology.org", "PROTSAE_GENE_ONTOLOGY_URL", "CC BY 4.0", 0.2
)

SOURCES = (UNIPROT, ALPHAFOLD, RCSB, ESM_ATLAS, QUICKGO, GENE_ONTOLOGY)
