"""TIFF files: what of them is read, and what they are told if it is no micrograph."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest

from puclassify.io import _gray, read_micrograph

tifffile = pytest.importorskip("tifffile")
Image = pytest.importorskip("PIL.Image")

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (9, 11)).astype(np.uint8)
BAD = r"a\.tif cannot be read as a gray image"
TYPES = {1: "B", 3: "H", 4: "I"}


def tiff(data, *, order="<", more=(), **changes):
    """Return a TIFF file of one strip, written byte by byte; changes are by number of the tag."""
    height, width = data.shape[:2]
    samples = data.shape[2] if data.ndim == 3 else 1
    content = data.astype(data.dtype.newbyteorder(order)).tobytes()
    tags = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [data.itemsize * 8] * samples),
        259: (3, [1]),
        262: (3, [1]),
        273: (4, [8]),
        277: (3, [samples]),
        278: (4, [height]),
        279: (4, [len(content)]),
        339: (3, [{"u": 1, "i": 2, "f": 3, "c": 6, "b": 1}[data.dtype.kind]] * samples),
    }
    tags |= dict(more) | {int(tag[1:]): value for tag, value in changes.items()}
    tags = {tag: value for tag, value in tags.items() if value is not None}
    content += b"\0" * (len(content) % 2)
    at = 8 + len(content)
    entries, extra = b"", b""
    extra_at = at + 2 + 12 * len(tags) + 4
    for tag, (kind, values) in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(values)}{TYPES[kind]}", *values)
        if len(packed) > 4:
            extra, packed = extra + packed, struct.pack(f"{order}I", extra_at + len(extra))
        entries += struct.pack(f"{order}2HI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    directory = struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + extra
    start = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HI", 42, at)
    return start + content + directory


@pytest.fixture
def read(tmp_path):
    def read(content):
        (tmp_path / "a.tif").write_bytes(content)
        return read_micrograph(tmp_path / "a.tif").values

    return read


def saved(*arguments, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, *arguments, **options)
    return file.getvalue()


class TestPixels:
    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8"])
    def test_types_are_kept(self, read, dtype, order):
        data = RNG.integers(0, 100, (5, 7)).astype(dtype) - (0 if "u" in dtype else 50)
        values = read(tiff(data.astype(dtype), order=order))
        assert values.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(values, data)

    @pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i2", "f4"])
    def test_white_as_zero_is_inverted(self, read, dtype):
        data = np.arange(35).reshape(5, 7).astype(dtype)
        values = read(tiff(data, t262=(3, [0])))
        assert values.dtype == np.dtype(dtype)
        # The order of brightness is the other one, the steps are the same.
        np.testing.assert_array_equal(np.diff(values.astype(float).ravel()), -1)
        if dtype == "u2":
            assert values[0, 0] == 65535

    def test_white_as_zero_in_one_bit(self, read):
        bits = RNG.integers(0, 2, (6, 16)).astype(np.uint8)
        packed = np.packbits(bits, axis=1)
        content = tiff(packed, t256=(4, [16]), t258=(3, [1]), t262=(3, [0]))
        np.testing.assert_array_equal(read(content), 1 - bits)
        content = tiff(packed, t256=(4, [16]), t258=(3, [1]))
        np.testing.assert_array_equal(read(content), bits)

    @pytest.mark.parametrize(("scale", "dtype"), [(257, np.uint8), (256, np.uint8), (3, np.uint16)])
    def test_palette_is_resolved(self, read, scale, dtype):
        levels = RNG.permutation(256)
        content = tiff(PIXELS, t262=(3, [3]), t320=(3, (levels * scale).tolist() * 3))
        values = read(content)
        assert values.dtype == dtype
        np.testing.assert_array_equal(values, levels[PIXELS] * (scale if scale == 3 else 1))

    def test_palette_of_colours(self, read):
        levels = np.arange(256 * 3) % 256 * 257
        levels[700] = 5
        content = tiff(np.arange(256, dtype="u1").reshape(16, 16), t262=(3, [3]), t320=(3, levels))
        with pytest.raises(ValueError, match=f"{BAD}: it is in colour"):
            read(content)

    def test_palette_that_is_missing(self, read):
        with pytest.raises(ValueError, match=f"{BAD}: its palette is missing"):
            read(tiff(PIXELS, t262=(3, [3])))

    @pytest.mark.parametrize("dtype", ["u1", "u2"])
    def test_inks_become_brightness(self, read, dtype):
        most = np.iinfo(dtype).max
        inks = np.array([[[0, 0, 0, 0], [0, 0, 0, most], [most // 3] * 3 + [0]]]).astype(dtype)
        values = read(tiff(inks, t262=(3, [5])))
        assert values.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(values, [[most, 0, most - most // 3]])
        inks[0, 0, 0] = most
        with pytest.raises(ValueError, match=f"{BAD}: it is in colour"):
            read(tiff(inks, t262=(3, [5])))

    @pytest.mark.parametrize("dtype", ["c8", "c16"])
    def test_complex_is_refused(self, read, dtype):
        with pytest.raises(ValueError, match=rf"{BAD}: it is complex.*np\.abs"):
            read(tiff(np.ones((3, 4), dtype)))

    @pytest.mark.parametrize("kind", [4, 8, 9, 10, 32803, 34892, 7])
    def test_other_meanings_of_pixels(self, read, kind):
        with pytest.raises(ValueError, match=f"{BAD}: it is .*convert it to gray"):
            read(tiff(PIXELS, t262=(3, [kind])))

    @pytest.mark.parametrize("extra", [1, 2])
    def test_alpha_is_dropped(self, read, extra):
        both = np.stack([PIXELS, PIXELS[::-1]], axis=-1)
        np.testing.assert_array_equal(read(tiff(both, t338=(3, [extra]))), PIXELS)

    def test_tiles(self, read):
        data = RNG.integers(0, 65536, (50, 70)).astype("u2")
        np.testing.assert_array_equal(read(saved(data, tile=(16, 32))), data)
        packed = saved(data, tile=(16, 32), compression="zlib")
        np.testing.assert_array_equal(read(packed), data)

    def test_many_strips(self, read):
        data = RNG.integers(0, 65536, (50, 70)).astype("u2")
        np.testing.assert_array_equal(read(saved(data, rowsperstrip=7)), data)
        np.testing.assert_array_equal(read(saved(data, rowsperstrip=7, compression="zlib")), data)


class TestBrokenHeaders:
    @pytest.mark.parametrize("tag", ["t256", "t257", "t277", "t278", "t258"])
    def test_zero(self, read, tag):
        with pytest.raises(ValueError, match=BAD):
            read(tiff(PIXELS, **{tag: (4 if tag in ("t256", "t257", "t278") else 3, [0])}))

    @pytest.mark.parametrize(
        "sizes", [(2**31, 3), (3, 2**31), (2**31, 2**31), (2**32 - 1, 2**32 - 1), (16385, 16384)]
    )
    def test_enormous(self, read, sizes):
        with pytest.raises(ValueError, match=f"{BAD}.*268435456 pixels"):
            read(tiff(PIXELS, t256=(4, sizes[:1]), t257=(4, sizes[1:])))

    @pytest.mark.parametrize("length", [0, 1, 4, 7, 8, 9])
    def test_first_bytes_alone(self, read, length):
        with pytest.raises(ValueError, match=BAD):
            read(tiff(PIXELS)[:length])

    @pytest.mark.parametrize("compression", [None, "zlib"])
    @pytest.mark.parametrize("rows", [9, 2])
    def test_strips_that_are_cut_off(self, read, rows, compression):
        content = bytearray(saved(PIXELS, rowsperstrip=rows, compression=compression))
        with tifffile.TiffFile(io.BytesIO(content)) as file:
            page = file.pages.first
            end = page.dataoffsets[-1] + page.databytecounts[-1]
        assert end == len(content)
        with pytest.raises(ValueError, match=f"{BAD}: it is truncated in strip or tile"):
            read(bytes(content[:-1]))

    @pytest.mark.parametrize("value", [0, 3])
    def test_strips_that_are_missing_or_short(self, read, value):
        content = tiff(PIXELS, t278=(4, [3]), t273=(4, [8, 41, 74]), t279=(4, [33, value, 33]))
        with pytest.raises(ValueError, match=f"{BAD}: strip or tile 1 of 3 is"):
            read(content)

    def test_fewer_strips_than_rows_need(self, read):
        with pytest.raises(ValueError, match=f"{BAD}: it has 1 of 3 strips"):
            read(tiff(PIXELS, t278=(4, [3]), t279=(4, [33])))

    def test_strip_that_unpacks_to_more(self, read):
        packed = zlib.compress(bytes(1 << 29), 9)
        content = tiff(
            np.frombuffer(packed, "u1")[None],
            t256=(4, [64]),
            t257=(4, [64]),
            t278=(4, [64]),
            t259=(3, [8]),
        )
        with pytest.raises(ValueError, match=f"{BAD}: a strip or tile unpacks to more than"):
            read(content)

    def test_limit_is_what_it_says(self, read, monkeypatch):
        monkeypatch.setattr(_gray, "MOST_PIXELS", 99)
        np.testing.assert_array_equal(read(tiff(PIXELS)), PIXELS)
        with pytest.raises(ValueError, match="the limit of 99 pixels"):
            read(tiff(np.ones((10, 10), "u1")))

    def test_super_resolution_frame_passes(self, read):
        content = saved(np.zeros((8184, 11520), "u1"), compression="zlib", rowsperstrip=64)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert read(content).shape == (8184, 11520)

    def test_pages_that_go_in_a_circle(self, read):
        content = bytearray(tiff(PIXELS))
        at = struct.unpack("<I", content[4:8])[0]
        end = at + 2 + 12 * struct.unpack("<H", content[at : at + 2])[0]
        content[end : end + 4] = struct.pack("<I", at)
        np.testing.assert_array_equal(read(bytes(content)), PIXELS)


class TestSeveralImages:
    STACK = RNG.integers(0, 256, (6, 9, 11)).astype(np.uint8)

    @pytest.mark.parametrize("kind", ["imagej", "ome", "shaped"])
    @pytest.mark.parametrize(
        ("axes", "what", "advice"),
        [
            ("ZYX", "6 z-sections", "pass one section, or a projection"),
            ("CYX", "6 channels", "pass the channel that shows the particles"),
            ("TYX", "6 frames", "if it is a movie, align and sum"),
        ],
    )
    def test_told_what_they_are(self, read, kind, axes, what, advice):
        options = {"photometric": "minisblack", "metadata": {"axes": axes}}
        if kind == "shaped":  # as newer releases of tifffile write it
            text = f'{{"shape": [6, 9, 11], "axes": "{axes}"}}'
            options |= {"metadata": None, "description": text}
        else:
            options[kind] = True
        with pytest.raises(ValueError, match=f"{BAD}: it has {what}, .*{advice}") as error:
            read(saved(self.STACK, **options))
        assert ("movie" in str(error.value)) == (axes == "TYX")

    def test_of_two_kinds(self, read):
        data = self.STACK.reshape(3, 2, 9, 11)
        content = saved(data, imagej=True, metadata={"axes": "ZCYX"})
        with pytest.raises(ValueError, match=f"{BAD}: it has 3 z-sections of 2 channels"):
            read(content)

    def test_unknown_ones(self, read):
        with pytest.raises(
            ValueError, match=f"{BAD}: it has 6 frames.*movie.*sections or channels"
        ):
            read(saved(self.STACK, photometric="minisblack", metadata=None))

    def test_imagej_stack_in_one_page(self, read):
        content = saved(self.STACK, imagej=True, truncate=True)
        with tifffile.TiffFile(io.BytesIO(content)) as file:
            assert len(file.pages) == 1
        with pytest.raises(ValueError, match=f"{BAD}: it has 6 "):
            read(content)

    def test_volume(self, read):
        content = saved(self.STACK, volumetric=True, photometric="minisblack", metadata=None)
        with pytest.raises(ValueError, match=f"{BAD}: it has 6 z-sections"):
            read(content)

    @pytest.mark.parametrize("layout", ["contig", "separate"])
    def test_channels_of_one_page(self, read, layout):
        data = np.stack([PIXELS, PIXELS[::-1], PIXELS], axis=-1 if layout == "contig" else 0)
        options = {"photometric": "minisblack", "planarconfig": layout, "metadata": None}
        with pytest.raises(ValueError, match=f"{BAD}: it has 3 channels, .*pass the channel"):
            read(saved(data, **options))

    def test_two_channels_are_no_gray_and_alpha(self, read):
        with pytest.raises(ValueError, match=f"{BAD}: it has 2 channels"):
            read(tiff(np.stack([PIXELS, PIXELS[::-1]], axis=-1), t338=(3, [0])))

    def test_thumbnails_and_masks_do_not_count(self, read, tmp_path):
        with tifffile.TiffWriter(tmp_path / "b.tif") as file:
            file.write(PIXELS, metadata=None)
            file.write(PIXELS[::2, ::2], subfiletype=1, metadata=None)
        np.testing.assert_array_equal(read((tmp_path / "b.tif").read_bytes()), PIXELS)


class TestOtherFiles:
    def test_ome_metadata_open_no_other_file(self, tmp_path, monkeypatch):
        """A file that names another one is read alone, with a warning."""
        secret = tmp_path / "secret.tif"
        (tmp_path / "in").mkdir()
        tifffile.imwrite(secret, np.full((9, 11), 200, np.uint8))
        xml = (
            '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            'UUID="urn:uuid:0"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" '
            'Type="uint8" SizeX="11" SizeY="9" SizeZ="2" SizeC="1" SizeT="1">'
            '<TiffData IFD="0" FirstZ="0"><UUID FileName="../secret.tif">urn:uuid:1</UUID>'
            "</TiffData>"
            '<TiffData IFD="0" FirstZ="1"><UUID FileName="a.tif">urn:uuid:0</UUID></TiffData>'
            "</Pixels></Image></OME>"
        )
        path = tmp_path / "in" / "a.tif"
        tifffile.imwrite(path, PIXELS, description=xml, metadata=None)
        opened, plain = [], tifffile.FileHandle.open

        def note(self):
            opened.append(str(self._file))
            return plain(self)

        monkeypatch.setattr(tifffile.FileHandle, "open", note)
        with tifffile.TiffFile(path) as file:
            file.asarray()
        assert any("secret" in one for one in opened)  # tifffile does open it
        opened.clear()
        with pytest.warns(UserWarning, match=r"a\.tif is one of 2 planes.*only the image in it"):
            values = read_micrograph(path).values
        np.testing.assert_array_equal(values, PIXELS)
        assert not any("secret" in one for one in opened)
