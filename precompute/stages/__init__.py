"""One stage of precompute a file; their order stands in `order.py`."""
