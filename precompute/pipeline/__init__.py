"""What carries the stages: order, fingerprints, progress, tables on disk. Read `runner.py` first."""
