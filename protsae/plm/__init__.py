"""Protein language models: sequences -> residue activations, and back in with edits. Read `esm2_plm.py` first."""
