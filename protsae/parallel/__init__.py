"""Several processes that train one SAE. Read `ranks.py`, then `together.py`."""
