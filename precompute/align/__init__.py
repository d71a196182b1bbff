"""Which features go with which GO terms and residue annotations. Read `ranks.py` first."""
