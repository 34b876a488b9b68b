"""Tests of `tfcomgan.training.precision`."""

import sys

import command
import pytest
import tensorflow as tf
from command import tiny

from tfcomgan.training import precision

LISTS = {
    "x86 with AVX512-BF16": ("flags\t\t: fpu avx512f avx512_bf16 rdpid\n", True),
    "x86 with AMX": ("processor : 0\nflags\t\t: fpu amx_bf16 amx_tile\n", True),
    "x86 without": ("flags\t\t: fpu avx2 avx512f bf16ish\n", False),
    "ARM": ("Features\t: fp asimd bf16\n", False),
    "nothing": ("", False),
}


@pytest.mark.parametrize("name", LISTS)
def test_bfloat16_is_chosen_where_the_cpu_says_that_it_has_it(
    name, tmp_path, monkeypatch
):
    text, has = LISTS[name]
    (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(precision, "_CPU_INFO", tmp_path / "cpuinfo")
    assert precision.policy("auto") == ("mixed_bfloat16" if has else "float32")
    monkeypatch.setattr(precision, "_CPU_INFO", tmp_path / "none")  # As on macOS.
    assert precision.policy("auto") == "float32"


@pytest.mark.parametrize(
    "capabilities, devices, has",
    [
        ([(8, 0)], (), True),
        ([(9, 0), (7, 5)], (), False),
        ([(9, 0), (7, 5)], ("gpu:0",), True),
        ([(9, 0), (7, 5)], ("GPU:1",), False),
        ([None], (), False),
    ],
)
def test_bfloat16_is_chosen_where_all_gpus_in_use_have_it(
    capabilities, devices, has, monkeypatch
):
    _have_gpus(capabilities, monkeypatch)
    assert precision.has_bfloat16(devices) == has


@pytest.mark.parametrize("has", [True, False])
def test_gpus_that_are_not_in_use_do_not_count(has, tmp_path, monkeypatch):
    _have_gpus([(7, 5) if has else (9, 0)], monkeypatch)
    (tmp_path / "cpuinfo").write_text("flags : amx_bf16\n" if has else "flags : avx2\n")
    monkeypatch.setattr(precision, "_CPU_INFO", tmp_path / "cpuinfo")
    assert precision.has_bfloat16(("cpu:0",)) == has
    assert precision.has_bfloat16() != has


def _have_gpus(capabilities, monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: capabilities)
    monkeypatch.setattr(
        tf.config.experimental,
        "get_device_details",
        lambda found: {"compute_capability": found} if found else {},
    )


@pytest.mark.parametrize("wanted", ["float32", "mixed_bfloat16"])
def test_what_is_wanted_by_name_is_had_on_any_machine(wanted):
    assert precision.policy(wanted) == wanted


def test_a_run_tells_the_precision_that_was_chosen(tmp_path):
    flags = ("--stages=prepare,train_generator", "--gin_param=PRECISION='auto'")
    done = command.run(*tiny(tmp_path / "run", *flags)).check()
    expected = precision.policy("auto")
    assert f"in {expected};" in done.out
    # What tests of resumed runs do not find.
    assert "generator: 0/8" in done.err
    info = command.artifact(tmp_path / "run", "train_generator")["info"]
    assert info["precision"] == expected
    report = (tmp_path / "run" / "report.html").read_text()
    assert f"precision {expected}" in report


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
