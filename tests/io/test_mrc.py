"""MRC files as other programs write them, and files that change while they are read."""

import bz2
import gzip
import os
import struct
import subprocess
import sys
import threading
import warnings

import mrcfile
import numpy as np
import pytest

from puclassify.io import _mrc, _pixel_memory, read_micrograph, without_pixels

RNG = np.random.default_rng(0)
TYPES = {0: "u1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
LITTLE, BIG = b"\x44\x44\x00\x00", b"\x11\x11\x00\x00"
IMOD = struct.pack("<2i", 1146047817, 0), struct.pack("<2i", 1146047817, 1)


def mrc_bytes(data, *, order="<", mode=2, magic=b"MAP ", stamp=None, extended=b"", **fields):
    """Return an MRC2014 file, written byte by byte."""
    height, width = data.shape
    header = bytearray(1024)
    sizes = fields.get("sizes", (width, height, 1))
    sampling = fields.get("sampling", (0, 0, 1))
    struct.pack_into(f"{order}10i", header, 0, *sizes, mode, 0, 0, 0, *sampling)
    struct.pack_into(f"{order}3f", header, 40, *fields.get("cell", (0, 0, 0)))
    struct.pack_into(f"{order}3i", header, 64, 1, 2, 3)
    struct.pack_into(f"{order}3f", header, 76, *fields.get("extremes", (0, -1, -2)))
    struct.pack_into(f"{order}i", header, 92, fields.get("nsymbt", len(extended)))
    header[152:160] = fields.get("imod", bytes(8))
    header[208:212] = magic
    header[212:216] = stamp if stamp is not None else (LITTLE if order == "<" else BIG)
    return bytes(header) + extended + data.astype(f"{order}{TYPES[mode]}").tobytes()


@pytest.fixture
def read(tmp_path):
    """Write the bytes of a file and read it; a second result are the messages of warnings."""

    def read(content, name="a.mrc"):
        (tmp_path / name).write_bytes(content)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            image = read_micrograph(tmp_path / name)
        return image, [str(one.message) for one in caught]

    return read


class TestSignOfBytes:
    """Mode 0: IMOD and others before MRC2014 wrote bytes without a sign, others with one."""

    def smooth(self, centre, spread=20.0):
        """Return a smooth image with noise, as of a detector."""
        waves = np.add.outer(np.sin(np.arange(60) / 9), np.cos(np.arange(70) / 7))
        pixels = centre + spread * (waves + RNG.normal(size=waves.shape))
        return pixels.round()

    @pytest.mark.parametrize(("imod", "sign"), [(IMOD[0], False), (IMOD[1], True)])
    @pytest.mark.parametrize("order", ["<", ">"])
    def test_stamp_of_imod(self, read, imod, sign, order):
        data = np.arange(256).reshape(16, 16)
        stamp = imod if order == "<" else imod[3::-1] + imod[:3:-1]
        # The extremes say the opposite, and lose.
        extremes = (0, 255, 127) if sign else (-128, 127, 0)
        content = mrc_bytes(data, mode=0, imod=stamp, order=order, extremes=extremes)
        image, messages = read(content)
        assert image.values.dtype == (np.int8 if sign else np.uint8)
        np.testing.assert_array_equal(image.values, data.astype("u1").view(image.values.dtype))
        assert messages == []

    @pytest.mark.parametrize(
        ("centre", "low", "high", "dtype"),
        [(128, 0, 255, np.uint8), (128, None, None, np.uint8), (0, -128, 127, np.int8)],
    )
    def test_extremes_that_fit_one_reading_decide(self, read, centre, low, high, dtype):
        data = self.smooth(centre).clip(-128 if dtype == np.int8 else 0, 255)
        data = data.clip(np.iinfo(dtype).min, np.iinfo(dtype).max).astype(dtype)
        extremes = (data.min() if low is None else low, data.max() if high is None else high, 0)
        image, messages = read(mrc_bytes(data.view("u1"), mode=0, extremes=extremes))
        assert image.values.dtype == dtype
        np.testing.assert_array_equal(image.values, data)
        assert messages == []

    @pytest.mark.parametrize("extremes", [(0, -1, -2), (0, 0, 0), (np.nan,) * 3, (-5e4, 4e4, 1)])
    @pytest.mark.parametrize(
        ("centre", "dtype"), [(128, np.uint8), (200, np.uint8), (90, np.uint8), (0, np.int8)]
    )
    def test_without_them_neighbours_decide_with_a_warning(self, read, centre, dtype, extremes):
        data = self.smooth(centre).clip(np.iinfo(dtype).min, np.iinfo(dtype).max).astype(dtype)
        image, messages = read(mrc_bytes(data.view("u1"), mode=0, extremes=extremes))
        assert image.values.dtype == dtype
        np.testing.assert_array_equal(image.values, data)
        assert len(messages) == 1
        assert "a.mrc holds bytes (MRC mode 0)" in messages[0]
        assert f"read as {np.dtype(dtype).name}" in messages[0]

    @pytest.mark.parametrize(
        ("extremes", "dtype"), [((10, 140, 90), np.uint8), ((-40, 30, 0), np.int8)]
    )
    def test_extremes_of_some_of_the_pixels_are_a_guess(self, read, extremes, dtype):
        data = RNG.integers(0, 256, (20, 20))
        image, messages = read(mrc_bytes(data, mode=0, extremes=extremes))
        assert image.values.dtype == dtype
        assert len(messages) == 1
        assert "as extremes" in messages[0]

    def test_no_warning_where_both_are_the_same(self, read):
        image, messages = read(mrc_bytes(RNG.integers(0, 128, (20, 20)), mode=0))
        assert (image.values.dtype, messages) == (np.int8, [])

    @pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
    def test_images_of_one_row(self, read, shape):
        image, messages = read(mrc_bytes(np.full(shape, 200), mode=0))
        assert image.shape == shape
        assert len(messages) == 1

    def test_compressed(self, read):
        data = np.arange(256).reshape(16, 16)
        content = mrc_bytes(data, mode=0, imod=IMOD[0])
        image, _ = read(gzip.compress(content), "a.mrc.gz")
        np.testing.assert_array_equal(image.values, data)


class TestHeadersWithoutStamps:
    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize("mode", TYPES)
    @pytest.mark.parametrize(
        ("magic", "stamp"),
        [(b"\0\0\0\0", None), (b"MAP ", bytes(4)), (bytes(4), bytes(4)), (b"MAP ", b"\x01\x02..")],
    )
    @pytest.mark.parametrize("ending", [".mrc", ".mrc.gz", ".mrc.bz2"])
    def test_read_with_a_warning(self, read, order, mode, magic, stamp, ending):
        data = RNG.integers(0, 100, (5, 7))
        content = mrc_bytes(data, order=order, mode=mode, magic=magic, stamp=stamp)
        pack = {".mrc": bytes, ".mrc.gz": gzip.compress, ".mrc.bz2": bz2.compress}[ending]
        image, messages = read(pack(content), f"a{ending}")
        np.testing.assert_array_equal(image.values, data)
        assert image.values.dtype.isnative
        assert len(messages) == 1
        name = {"<": "little-endian", ">": "big-endian"}[order]
        assert f"a{ending}: " in messages[0]
        assert f"read as {name}" in messages[0]

    @pytest.mark.parametrize(("order", "stamp"), [("<", BIG), (">", LITTLE)])
    def test_stamp_of_the_other_order(self, read, order, stamp):
        data = RNG.normal(size=(5, 7)).astype("f4")
        image, messages = read(mrc_bytes(data, order=order, stamp=stamp))
        np.testing.assert_array_equal(image.values, data)
        assert len(messages) == 1

    @pytest.mark.parametrize("content", [b"a text" * 1000, bytes(5000), b"\xff" * 5000])
    def test_sizes_that_fit_in_no_order(self, read, content):
        with pytest.raises(ValueError, match=r"a\.mrc is not a valid, complete MRC file.*no byte"):
            read(content)

    def test_archive_without_its_ending(self, read):
        content = gzip.compress(mrc_bytes(RNG.normal(size=(40, 40))))
        with pytest.raises(ValueError, match=r"a\.mrc .*rename it to \.mrc\.gz"):
            read(content)


class TestSizes:
    @pytest.mark.parametrize("mode", TYPES)
    def test_one_byte_short(self, read, mode):
        content = mrc_bytes(np.ones((3, 4)), mode=mode)
        read(content)
        with pytest.raises(ValueError, match=r"a\.mrc is truncated"):
            read(content[:-1])

    @pytest.mark.parametrize("ending", [".mrc", ".mrc.gz", ".mrc.bz2"])
    @pytest.mark.parametrize(
        "fields",
        [{"sizes": (20, 30, 1)}, {"sizes": (39, 30, 1)}, {"nsymbt": 0}, {"mode": 12}],
        ids=["half the width", "a column less", "forgotten extension", "mode"],
    )
    def test_bytes_that_are_left(self, read, fields, ending):
        data = np.arange(1200.0).reshape(30, 40)
        content = mrc_bytes(data, extended=bytes(64), **{"mode": 2} | fields)
        content += bytes(max(0, 1024 + 64 + 4800 - len(content)))
        pack = {".mrc": bytes, ".mrc.gz": gzip.compress, ".mrc.bz2": bz2.compress}[ending]
        image, messages = read(pack(content), f"a{ending}")
        start = 1024 + fields.get("nsymbt", 64)
        left = len(content) - start - image.values.nbytes
        expected = np.frombuffer(content, image.values.dtype, image.values.size, start)
        np.testing.assert_array_equal(image.values.ravel(), expected)
        assert len(messages) == 1
        assert f"a{ending} has {left} bytes more than its header describes" in messages[0]

    def test_as_many_bytes_as_mrcfile_says(self, read, tmp_path):
        content = mrc_bytes(np.ones((3, 4))) + b"rest"
        _, messages = read(content)
        with pytest.warns(RuntimeWarning, match="MRC file is 4 bytes larger than expected"):
            mrcfile.read(tmp_path / "a.mrc")
        assert "has 4 bytes more" in messages[0]

    @pytest.mark.parametrize("sizes", [(0, 3, 1), (4, 0, 1), (4, 3, 0), (-4, 3, 1), (4, -3, 1)])
    @pytest.mark.parametrize("ending", [".mrc", ".mrc.gz"])
    def test_zero_and_negative(self, read, sizes, ending):
        content = mrc_bytes(np.ones((3, 4)), sizes=sizes)
        pack = {".mrc": bytes, ".mrc.gz": gzip.compress}[ending]
        listed = ", ".join(map(str, sizes))
        with pytest.raises(ValueError, match=rf"a{ending} is empty .*NX, NY, NZ = {listed}"):
            read(pack(content), f"a{ending}")

    def test_negative_extension(self, read):
        with pytest.raises(ValueError, match=r"a\.mrc .*NSYMBT = -4"):
            read(mrc_bytes(np.ones((3, 4)), nsymbt=-4))

    @pytest.mark.parametrize("sizes", [(2**31 - 1, 2**31 - 1, 1), (2**31 - 1, 1, 1)])
    @pytest.mark.parametrize("ending", [".mrc", ".mrc.gz", ".mrc.bz2"])
    def test_enormous(self, read, sizes, ending):
        content = mrc_bytes(np.ones((3, 4)), sizes=sizes)
        pack = {".mrc": bytes, ".mrc.gz": gzip.compress, ".mrc.bz2": bz2.compress}[ending]
        with pytest.raises(ValueError, match=rf"a{ending} (is truncated|says that it holds)"):
            read(pack(content), f"a{ending}")

    def test_archive_is_unpacked_no_further_than_its_header_says(self, tmp_path):
        content = mrc_bytes(np.ones((256, 256)))
        with gzip.open(tmp_path / "a.mrc.gz", "wb") as file:
            file.write(content)
            for _ in range(64):
                file.write(bytes(1 << 20))
        unpacked = []
        with gzip.open(tmp_path / "a.mrc.gz") as archive:
            fill = _pixel_memory.fill
            values = np.empty((256, 256), "f4")
            archive.seek(1024)
            assert fill(values, archive) == 0
            unpacked.append(archive.tell())
        assert unpacked == [1024 + 4 * 256 * 256]
        with pytest.warns(UserWarning, match=r"a\.mrc\.gz has at least 1048576 bytes more"):
            image = read_micrograph(tmp_path / "a.mrc.gz")
        np.testing.assert_array_equal(image.values, 1)

    def test_archive_says_what_it_cannot_hold(self, read, monkeypatch):
        monkeypatch.setattr(_mrc, "MOST_PIXELS", 11)
        with pytest.raises(ValueError, match=r"a\.mrc\.gz says that it holds 3 x 4 .*at most 11 "):
            read(gzip.compress(mrc_bytes(np.ones((3, 4)))), "a.mrc.gz")

    def test_checksum_of_an_archive(self, read):
        content = bytearray(gzip.compress(mrc_bytes(RNG.normal(size=(30, 40)))))
        content[-6] ^= 1
        with pytest.raises(ValueError, match=r"a\.mrc\.gz is not a valid.*CRC"):
            read(bytes(content), "a.mrc.gz")

    def test_volume_is_called_one(self, read, tmp_path):
        with mrcfile.new(tmp_path / "b.mrc") as mrc:
            mrc.set_data(np.zeros((5, 3, 4), "f4"))
            mrc.set_volume()
        with pytest.raises(ValueError, match=r"a\.mrc is a volume, and has 5 sections"):
            read((tmp_path / "b.mrc").read_bytes())


class TestPixelSize:
    def test_along_x(self, read):
        image, messages = read(mrc_bytes(np.ones((3, 4)), cell=(10, 15, 1), sampling=(4, 3, 1)))
        assert image.pixel_size == 2.5
        assert len(messages) == 1
        assert "a.mrc: by its header pixels measure 2.5 Å along x and 5 Å along y" in messages[0]

    @pytest.mark.parametrize("cell", [(10, 7.5, 1), (10, 7.51, 1), (10, 0, 0)])
    def test_of_square_pixels(self, read, cell):
        image, messages = read(mrc_bytes(np.ones((3, 4)), cell=cell, sampling=(4, 3, 1)))
        assert (image.pixel_size, messages) == (2.5, [])

    @pytest.mark.parametrize("length", [1e-45, 1e-38, 3e38, np.inf, -1, np.nan])
    def test_of_no_possible_size(self, read, length):
        image, _ = read(mrc_bytes(np.ones((3, 4)), cell=(length,) * 3, sampling=(4, 3, 1)))
        assert image.pixel_size is None

    def test_only_along_y(self, read):
        image, _ = read(mrc_bytes(np.ones((3, 4)), cell=(0, 9, 1), sampling=(4, 3, 1)))
        assert image.pixel_size is None


class TestFilesThatChange:
    def test_pixels_stay_as_they_were_read(self, tmp_path):
        data = RNG.normal(size=(300, 400)).astype("f4")
        path = tmp_path / "a.mrc"
        path.write_bytes(mrc_bytes(data))
        image = read_micrograph(path)
        with open(path, "r+b") as file:
            file.write(b"\xff" * 400_000)
            file.truncate(1000)
        np.testing.assert_array_equal(image.values, data)

    def test_process_survives_a_file_that_is_shortened(self, tmp_path):
        path = tmp_path / "a.mrc"
        path.write_bytes(mrc_bytes(np.ones((500, 500))))
        program = (
            "import os, sys; from puclassify.io import read_micrograph\n"
            "image = read_micrograph(sys.argv[1]); os.truncate(sys.argv[1], 1024)\n"
            "print(int(image.values.sum()))"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, path], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout.strip()) == (0, "250000")

    def while_reading(self, monkeypatch, change):
        """Let a change happen when the header is read and the pixels are not."""
        allocate = _mrc.empty_pixels

        def empty(*arguments):
            change()
            return allocate(*arguments)

        monkeypatch.setattr(_mrc, "empty_pixels", empty)

    @pytest.mark.parametrize("size", [1000, 1024, 2000, 41023])
    def test_shortened_while_it_is_read(self, tmp_path, monkeypatch, size):
        path = tmp_path / "a.mrc"
        path.write_bytes(mrc_bytes(np.ones((100, 100))))
        self.while_reading(monkeypatch, lambda: os.truncate(path, size))
        with pytest.raises(OSError, match=r"a\.mrc has become shorter while it was being read"):
            read_micrograph(path)

    @pytest.mark.parametrize("ending", [".mrc", ".mrc.gz"])
    def test_written_to_while_it_is_read(self, tmp_path, monkeypatch, ending):
        path = tmp_path / f"a{ending}"
        content = mrc_bytes(RNG.normal(size=(100, 100)))
        path.write_bytes(content if ending == ".mrc" else gzip.compress(content))

        def change():
            with open(path, "ab") as file:
                file.write(b"more")

        self.while_reading(monkeypatch, change)
        with pytest.raises(OSError, match=r"a\.mrc.* has changed while it was being read"):
            read_micrograph(path)


def test_other_memory_is_of_one_thread():
    seen = []

    def look():
        seen.append(_pixel_memory.empty_pixels((2, 3), np.dtype("f4")))

    own = np.zeros((2, 3), "f4")
    with _pixel_memory.pixels_allocated_by(lambda shape, dtype: own):
        assert _pixel_memory.empty_pixels((2, 3), np.dtype("f4")) is own
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert seen[0] is not own
    assert _pixel_memory.empty_pixels((2, 3), np.dtype("f4")) is not own


class TestWithoutPixels:
    @pytest.mark.parametrize("ending", [".mrc", ".MRC", ".mrc.gz"])
    def test_size_is_that_of_the_image(self, tmp_path, ending):
        path = tmp_path / f"a{ending}"
        mrcfile.write(tmp_path / ending.lower(), np.ones((3, 4), "f4"))
        (tmp_path / ending.lower()).rename(path)
        image = without_pixels(path)
        assert (image.shape, image.name) == ((3, 4), f"a{ending}")

    def test_pixels_are_not_read(self, tmp_path, monkeypatch):
        path = tmp_path / "a.mrc"
        path.write_bytes(mrc_bytes(np.ones((3, 4))))
        monkeypatch.setattr(_mrc, "fill", None)
        assert without_pixels(path).shape == (3, 4)

    def test_other_micrographs_are_themselves(self):
        pixels = np.ones((3, 4))
        assert without_pixels(pixels).values is pixels
