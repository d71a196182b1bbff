"""Errors that a user can mend: one sentence that quotes the bad value and says what to do.

The command line prints them and exits with code 2; the explorer shows them in place of the page's evidence. Everything
else is our own fault and keeps its traceback.
"""


class ProtSAEError(Exception):
    """Base of all errors that are the user's to mend."""


class InputError(ProtSAEError):
    """A file, sequence or identifier that cannot be used as it is."""


class ConfigError(ProtSAEError):
    """A setting outside its range, or settings that contradict each other."""


class ArtifactError(ProtSAEError):
    """A saved model that is damaged, of another kind, or does not fit the others."""


class BundleError(ProtSAEError):
    """A bundle or store that is missing, damaged or of another version."""
