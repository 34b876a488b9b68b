"""A test for each file of a folder of tests."""

load("@rules_python//python:defs.bzl", "py_test")

def room_tests(name, srcs, deps, data = [], size = "medium"):
    """Tests named as their files: `tests/data/cub_test.py` is `cub_test`.

    Args:
      name: Of the suite of them all.
      srcs: The files; each runs pytest on itself.
      deps: What any of them imports.
      data: What any of them reads.
      size: As Bazel understands it.
    """
    names = []
    for src in srcs:
        test = src.rpartition("/")[2][:-len(".py")]
        py_test(
            name = test,
            size = size,
            srcs = [src],
            data = data,
            main = src,
            deps = deps,
        )
        names.append(":" + test)
    native.test_suite(name = name, tests = names)
