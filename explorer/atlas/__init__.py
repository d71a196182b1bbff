"""The Map page: all features of two autoencoders. Read `view.py`."""
