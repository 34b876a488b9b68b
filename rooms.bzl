"""Rules for rooms of the project; `python tests/build_deps.py` writes their calls in BUILD."""

load("@rules_python//python:defs.bzl", "py_library", "py_test")

_CODE = ["**/*.py", "**/__pycache__/**"]

def room(name, folder = "", deps = []):
    """A library of all files of a package.

    Args:
      name: Of the package.
      folder: Where it lies, if not in `tfcomgan/`.
      deps: Rooms that it imports, but for the vocabulary, which all have.
    """
    folder = folder or "tfcomgan/" + name
    py_library(
        name = name,
        srcs = native.glob([folder + "/**/*.py"]),
        data = native.glob([folder + "/**"], exclude = _CODE, allow_empty = True),
        deps = deps + [":vocabulary"],
    )

def room_tests(name, deps = [], data = [], size = "medium"):
    """Tests named as their files: `tests/data/cub_test.py` is `cub_test` of `data_tests`.

    Args:
      name: Of the suite of them all, after their folder; `tests` are those beside the folders.
      deps: Rooms that any of them imports, but for the room that they test, above them in
        BUILD, and for the vocabulary and the helpers, which all have.
      data: What any of them reads.
      size: As Bazel understands it.
    """
    room = name[:-len("_tests")]
    tested = [":" + room] if native.existing_rule(room) else []
    folder = "tests/" + room if room else "tests"
    names = []
    for src in native.glob([folder + "/*_test.py"]):
        test = src.rpartition("/")[2][:-len(".py")]
        py_test(
            name = test,
            size = size,
            srcs = [src],
            data = data,
            main = src,
            deps = deps + tested + [":test_helpers", ":vocabulary"],
        )
        names.append(":" + test)
    native.test_suite(name = name, tests = names)
