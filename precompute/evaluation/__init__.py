"""Trains every method on a bundle's own embeddings and scores it on held-out proteins. Read `runner.py` first."""
