"""Public databases that the explorer and `precompute fetch` ask, and only where someone asks for it.

UniProtKB, AlphaFold DB, RCSB PDB, the ESM Atlas's folding service, QuickGO, the Gene Ontology. Each function takes an
id or a sequence, gives a named tuple with its `provenance`, and raises a `SourceError` of one sentence. Nothing is
called at import. Where a source is asked stands in `addresses.py`, and an environment variable changes it.

Read `client.py`, then `uniprot.py`.
"""
