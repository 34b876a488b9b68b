"""The text of a gin file as gin is to read it."""

import codecs
import io
import os
import pathlib
import re

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_INCLUDE = re.compile(r"""^(\s*include\s+)(["'])(.*?)\2""", re.MULTILINE)


def included(text: str) -> list[str]:
    """The names of the files that a text includes."""
    return [found[2] for found in _INCLUDE.findall(text)]


class GinFile(io.StringIO):
    """A file in UTF-8, or UTF-16 with its mark, both as Windows writes them.

    What it includes is looked for beside it first, then where gin looks.

    Args:
      name: The file; gin's messages name it.

    Raises:
      UnicodeDecodeError: It is in another encoding.
    """

    def __init__(self, name: str):
        self.name = name
        content = pathlib.Path(name).read_bytes()
        # The mark of the encoding is no part of the text.
        text = content.decode("utf-16" if content.startswith(_UTF16) else "utf-8-sig")
        text = text.replace("\r\n", "\n")
        super().__init__(_INCLUDE.sub(self._beside, text))

    def _beside(self, include: re.Match) -> str:
        near = pathlib.Path(self.name).parent / os.path.expanduser(include[3])
        return f"{include[1]}{str(near)!r}" if near.is_file() else include[0]
