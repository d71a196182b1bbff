"""The one training loop for every SAE architecture. Read `config.py`, then `loop.py`."""
