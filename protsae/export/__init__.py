"""A bundle in the files of other tools, one tool a file. Read `registry.py`."""
