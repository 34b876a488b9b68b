"""Tests of `tfcomgan.data.arrays`: files of arrays that grow."""

import hashlib
import sys

import numpy as np
import pytest

from tfcomgan.data import arrays


def _rows(count, *shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, [count, *shape], np.uint8)


def _write(path, parts, kept=0):
    writer = arrays.Writer(path, parts[0].shape[1:], parts[0].dtype, kept)
    for part in parts:
        writer.append(part)
    return writer.finish()


@pytest.mark.parametrize("shape, dtype", [((3, 2), np.uint8), ((), np.int64)])
def test_what_is_written_in_parts_is_a_file_of_numpys(tmp_path, shape, dtype):
    rows = _rows(11, *shape).astype(dtype)
    digest = _write(tmp_path / "a.npy", [rows[:4], rows[4:4], rows[4:]])
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), rows)
    assert np.load(tmp_path / "a.npy").dtype == dtype
    assert digest == hashlib.sha256(rows.tobytes()).hexdigest()
    assert arrays.digest(tmp_path / "a.npy") == digest


def test_a_writer_goes_on_after_the_rows_that_it_keeps(tmp_path):
    rows = _rows(9, 5)
    _write(tmp_path / "a.npy", [rows[:4], _rows(3, 5, seed=1)])
    digest = _write(tmp_path / "a.npy", [rows[4:]], kept=4)
    np.testing.assert_array_equal(arrays.read(tmp_path / "a.npy"), rows)
    assert digest == hashlib.sha256(rows.tobytes()).hexdigest()


def test_rows_that_are_not_there_cannot_be_kept(tmp_path):
    _write(tmp_path / "a.npy", [_rows(3, 5)])
    with pytest.raises(ValueError, match="holds fewer than 4 rows"):
        arrays.Writer(tmp_path / "a.npy", (5,), np.uint8, kept=4)


def test_other_shapes_and_types_are_refused(tmp_path):
    writer = arrays.Writer(tmp_path / "a.npy", (5,), np.uint8)
    for wrong in (_rows(2, 4), _rows(2, 5).astype(np.float32)):
        with pytest.raises(ValueError, match=r"must be uint8 \[batch, 5\]"):
            writer.append(wrong)


def test_what_is_read_is_a_map_that_cannot_be_written_to(tmp_path):
    _write(tmp_path / "a.npy", [_rows(3, 5)])
    found = arrays.read(tmp_path / "a.npy")
    assert isinstance(found, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 0


def test_a_file_that_is_cut_off_is_no_array(tmp_path):
    _write(tmp_path / "a.npy", [_rows(300, 50)])
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content[:-1])
    with pytest.raises(ValueError):
        arrays.read(tmp_path / "a.npy")


def test_a_spooled_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.npy"
    with pytest.raises(KeyError), arrays.spooled(path, (2,), np.uint8) as writer:
        writer.append(_rows(3, 2))
        raise KeyError
    assert not list(tmp_path.iterdir())
    with arrays.spooled(path, (2,), np.uint8) as writer:
        writer.append(_rows(3, 2))
    np.testing.assert_array_equal(arrays.read(path), _rows(3, 2))


def test_parts_cover_all_rows_once():
    for count in (0, 1, 4, 9):
        found = [i for part in arrays.parts(count, 4) for i in range(count)[part]]
        assert found == list(range(count))


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
