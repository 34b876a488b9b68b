"""Settings: frozen dataclasses bound by gin files; the one package that imports gin.

`settings` declares a class, `parse` reads the files and the command line, `build`
makes an instance. gin checks no types, never looks for near names and reports
through wrapped exceptions; here each of these becomes a `ConfigError`. `field_types` has
the types and ranges of fields, `gin_text` the text of a gin file. Part of the vocabulary:
may import nothing of ours but `errors`.
"""

from tfcomgan.config.declaring import configurable, name_of, settings
from tfcomgan.config.messages import ConfigError
from tfcomgan.config.places import resolve
from tfcomgan.config.reading import (
    build,
    check_scopes,
    check_taken,
    operative_text,
    parse,
)

__all__ = [
    "ConfigError",
    "build",
    "check_scopes",
    "check_taken",
    "configurable",
    "name_of",
    "operative_text",
    "parse",
    "resolve",
    "settings",
]
