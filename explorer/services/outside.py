"""Public databases, asked only after the reader has agreed: the explorer's one door to the network.

Answers lie in the user's own cache (`protsae.sources.cache`). Read `client`.
"""

from functools import lru_cache

from protsae.sources.cache import default_cache
from protsae.sources.client import Client
from protsae.sources.structures import FetchedStructure, alphafold_model, fold, rcsb_entry
from protsae.sources.uniprot import UniProtEntry, uniprot_entry

__all__ = ["FetchedStructure", "UniProtEntry", "entry", "folded", "measured", "predicted"]


@lru_cache(maxsize=1)
def client() -> Client:
    """Of this process; nothing is asked yet."""
    return Client(default_cache())


def entry(accession: str) -> UniProtEntry:
    """A UniProtKB entry. The accession goes to UniProt.

    Raises:
        SourceError: there is none, or UniProt does not answer; one sentence.
    """
    return uniprot_entry(accession, client())


def predicted(accession: str) -> FetchedStructure:
    """AlphaFold DB's model of an accession, which goes to AlphaFold DB.

    Raises:
        SourceError: there is none, or it does not answer; one sentence.
    """
    return alphafold_model(accession, client())


def measured(pdb_id: str) -> FetchedStructure:
    """An entry of the PDB. The id goes to RCSB.

    Raises:
        SourceError: there is none, or RCSB does not answer; one sentence.
    """
    return rcsb_entry(pdb_id, client())


def folded(sequence: str) -> FetchedStructure:
    """ESMFold's prediction. The sequence goes to the ESM Atlas.

    Raises:
        SourceError: it is too long, or the service does not answer; one sentence.
    """
    return fold(sequence, client())
