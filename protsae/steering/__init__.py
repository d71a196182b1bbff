"""Raise features inside the language model and read what it would write instead. Read `steer.py` first."""
