"""Lists the commands: `python -m tfcomgan`."""

import ast
import pathlib

_COMMANDS = ("main", "doctor", "compare", "segment", "generate", "play", "client")


def run() -> None:
    """Prints each command with its first line, read and not imported."""
    folder = pathlib.Path(__file__).parent
    print("Commands, each with its flags under --help:\n")
    for name in _COMMANDS:
        source = (folder / f"{name}.py").read_text(encoding="utf-8")
        about = ast.get_docstring(ast.parse(source)).partition("\n")[0]
        print(f"  python -m tfcomgan.{name:9} {about}")


if __name__ == "__main__":
    run()
