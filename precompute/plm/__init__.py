"""Training of the language model that an embedded bundle carries. Read `training.py` first."""
