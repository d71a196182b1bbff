"""From the public databases to a folder that `precompute run` takes: `python -m precompute fetch`."""
