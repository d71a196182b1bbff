"""Analyses beside the store: contract.py says what one is, one module each, known.py lists them."""
