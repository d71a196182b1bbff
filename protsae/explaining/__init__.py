"""Features explained by a language model of words, which is asked only where a user named it; see `asking.py`."""
