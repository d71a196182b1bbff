"""The SAEs' passes through their active features only, on the CPU. Read `sparse.py` first."""
