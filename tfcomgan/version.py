"""The version of the package, alone: reading it imports nothing."""

__version__ = "0.1.0"
