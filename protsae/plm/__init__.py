"""Protein language models: sequences -> residue activations, and back in with edits.

Read `base.py` (what every model can do), `registry.py` (how one is opened), then `esm2_plm.py` (the first of them).
"""
