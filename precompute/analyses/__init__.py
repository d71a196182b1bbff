"""What is computed beyond the store: one analysis a file, entered in `registry.py`.

An analysis takes a finished run's settings and work folder and gives tables, as `protsae/store/analyses/` declares
them. Read `registry.py`, then `adding.py`.
"""
