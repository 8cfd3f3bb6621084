"""Errors that the command line reports as one line, without a traceback."""


class McreproError(Exception):
    """Base of the errors whose message is meant for the person at the keyboard."""


class ParameterError(McreproError):
    """A notebook, protocol or profile was asked for a parameter it cannot have."""


class CacheError(McreproError):
    """The store of finished trials cannot be read or written."""


class DataError(McreproError):
    """A data set is not to be had, or is not what it should be."""


class BuildError(McreproError):
    """A chapter failed, or the built site is not what it should be."""
