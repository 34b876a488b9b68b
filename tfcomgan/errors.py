"""The one exception the command lines turn into a message and exit code 2."""


class UserError(Exception):
    """Something the user can put right: a wrong name, file, size or folder.

    Its text names the argument, what was expected, what came, and the way out.
    """
