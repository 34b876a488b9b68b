"""The one exception the command lines turn into a message and exit code 2."""


class UserError(Exception):
    """Something the user can put right: a wrong name, file, size or folder.

    Its text names the argument, what was expected, what came, and the way out.
    """


def without_gin_trail(error: BaseException) -> str:
    """The text of an error, less gin's "In call to configurable ..."."""
    return str(error).split("\n  In call to configurable ")[0]
