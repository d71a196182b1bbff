"""Structure files in, one chain on one sequence out. Read `read.py` first."""
