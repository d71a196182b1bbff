"""One stage of precompute a file; their order stands in `pipeline/runner.py`."""
