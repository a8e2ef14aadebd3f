import os
import pathlib
import struct

import mrcfile
import numpy as np
import pytest

from puclassify.grid import GridImage
from puclassify.io import (
    MICROGRAPH_FORMATS,
    MicrographFormat,
    as_grid_image,
    check_micrographs,
    micrograph_name,
    read_micrograph,
)

PIXELS = np.arange(12).reshape(3, 4)
MODES = {0: np.int8, 1: np.int16, 2: np.float32, 6: np.uint16, 12: np.float16}


def write_mrc(path, data, **kwargs):
    mrcfile.write(path, data, **kwargs)
    return path


def raw_mrc(path, data, *, order="<", mode=2, cell=0.0, sampling=0, extended=b""):
    """Write an MRC2014 file byte by byte, independently of mrcfile."""
    height, width = data.shape
    header = bytearray(1024)
    struct.pack_into(
        f"{order}10i", header, 0, width, height, 1, mode, 0, 0, 0, sampling, sampling, 1
    )
    struct.pack_into(f"{order}3f", header, 40, cell, cell, cell)
    struct.pack_into(f"{order}3i", header, 64, 1, 2, 3)
    struct.pack_into(f"{order}i", header, 92, len(extended))
    header[208:212] = b"MAP "
    header[212:214] = b"\x44\x44" if order == "<" else b"\x11\x11"
    path.write_bytes(bytes(header) + extended + data.tobytes())
    return path


class TestReadMRC:
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("ending", [".mrc", ".mrc.gz", ".mrc.bz2"])
    def test_modes_and_compression(self, tmp_path, mode, ending):
        data = PIXELS.astype(MODES[mode]) * MODES[mode](3)
        path = write_mrc(tmp_path / f"mic1{ending}", data, voxel_size=1.25)
        with mrcfile.open(path, header_only=True) as mrc:
            assert mrc.header.mode == mode
        image = read_micrograph(path)
        assert image.values.dtype == MODES[mode]
        np.testing.assert_array_equal(image.values, data)
        assert image.name == f"mic1{ending}"
        assert image.pixel_size == pytest.approx(1.25, rel=1e-6)
        assert (image.step, image.offset) == (1.0, 0.0)

    @pytest.mark.parametrize("order", ["<", ">"])
    def test_both_byte_orders_with_extended_header(self, tmp_path, order):
        data = (PIXELS * 1.5).astype(f"{order}f4")
        path = raw_mrc(
            tmp_path / "a.mrc", data, order=order, cell=10.0, sampling=4, extended=bytes(160)
        )
        image = read_micrograph(path)
        np.testing.assert_array_equal(image.values, PIXELS * 1.5)
        assert image.pixel_size == 2.5

    @pytest.mark.parametrize(("cell", "sampling"), [(0.0, 4), (5.0, 0), (-1.0, 4), (np.nan, 4)])
    def test_header_without_pixel_size(self, tmp_path, cell, sampling):
        path = raw_mrc(tmp_path / "a.mrc", PIXELS.astype("<f4"), cell=cell, sampling=sampling)
        assert read_micrograph(path).pixel_size is None

    def test_header_of_one_is_reported_as_it_is(self, tmp_path):
        path = write_mrc(tmp_path / "a.mrc", PIXELS.astype(np.int16), voxel_size=1.0)
        assert read_micrograph(path).pixel_size == 1.0

    @pytest.mark.parametrize("ending", [".mrc", ".mrc.gz", ".mrcs", ".mrcs.gz", ".mrcs.bz2"])
    def test_stack_of_one_section_is_an_image(self, tmp_path, ending):
        path = write_mrc(tmp_path / f"a{ending}", PIXELS[None].astype(np.int16))
        np.testing.assert_array_equal(read_micrograph(path).values, PIXELS)

    @pytest.mark.parametrize("ending", [".mrcs", ".mrc.gz", ".mrcs.gz", ".mrcs.bz2"])
    def test_movie_is_refused_with_its_number_of_sections(self, tmp_path, ending):
        path = write_mrc(tmp_path / f"a{ending}", np.zeros((5, 3, 4), np.int16))
        with pytest.raises(ValueError, match=r"a\.mrc.* has 5 sections"):
            read_micrograph(path)

    @pytest.mark.parametrize("ending", [".mrc", ".mrc.gz"])
    @pytest.mark.parametrize("axes", [(2, 1, 3), (1, 3, 2), (3, 2, 1)])
    def test_other_axes_are_refused(self, tmp_path, ending, axes):
        path = write_mrc(tmp_path / f"a{ending}", PIXELS.astype(np.int16))
        with mrcfile.open(path, mode="r+") as mrc:
            mrc.header.mapc, mrc.header.mapr, mrc.header.maps = axes
        with pytest.raises(ValueError, match=r"a\.mrc.* axes other than .*MAPC.*= \(\d, \d, \d\)"):
            read_micrograph(path)

    def test_axes_that_are_not_given_are_the_usual_ones(self, tmp_path):
        path = write_mrc(tmp_path / "a.mrc", PIXELS.astype(np.int16))
        with mrcfile.open(path, mode="r+") as mrc:
            mrc.header.mapc = mrc.header.mapr = mrc.header.maps = 0
        np.testing.assert_array_equal(read_micrograph(path).values, PIXELS)

    def test_complex_mode_is_refused(self, tmp_path):
        path = write_mrc(tmp_path / "a.mrc", np.zeros((3, 4), np.complex64))
        with pytest.raises(ValueError, match=r"a\.mrc is of MRC mode 4.*convert it to mode 2"):
            read_micrograph(path)

    def test_truncated_file_names_path_and_sizes(self, tmp_path):
        path = write_mrc(tmp_path / "a.mrc", PIXELS.astype(np.float32))
        path.write_bytes(path.read_bytes()[:-5])
        with pytest.raises(ValueError, match=r"a\.mrc is truncated: .*3 x 4.*1072.*1067 bytes"):
            read_micrograph(path)

    @pytest.mark.parametrize("ending", [".mrc.gz", ".mrc.bz2"])
    @pytest.mark.parametrize("kept", [0.5, 0.9])
    def test_truncated_compressed_file_names_path(self, tmp_path, ending, kept):
        noise = np.random.default_rng(0).normal(size=(40, 40)).astype(np.float32)
        path = write_mrc(tmp_path / f"a{ending}", noise)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * kept)])
        with pytest.raises(ValueError, match=r"a\.mrc.* is not a valid, complete MRC file"):
            read_micrograph(path)

    @pytest.mark.parametrize("content", [b"", b"not an image at all", bytes(2000)])
    def test_other_content_names_path(self, tmp_path, content):
        path = tmp_path / "a.mrc"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"a\.mrc is not a valid, complete MRC file"):
            read_micrograph(path)


class TestReadImages:
    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    def test_gray_png(self, tmp_path, dtype):
        image = pytest.importorskip("PIL.Image")
        data = (PIXELS * (np.iinfo(dtype).max // 11)).astype(dtype)
        image.fromarray(data).save(tmp_path / "a.png")
        grid = read_micrograph(tmp_path / "a.png")
        assert grid.values.dtype == dtype
        np.testing.assert_array_equal(grid.values, data)
        assert (grid.name, grid.pixel_size) == ("a.png", None)

    @pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
    def test_gray_in_colour_modes(self, tmp_path, mode):
        image = pytest.importorskip("PIL.Image")
        data = PIXELS.astype(np.uint8) * np.uint8(20)
        image.fromarray(data).convert(mode).save(tmp_path / "a.png")
        np.testing.assert_array_equal(read_micrograph(tmp_path / "a.png").values, data)

    def test_alpha_is_not_taken_for_colour(self, tmp_path):
        image = pytest.importorskip("PIL.Image")
        gray = image.fromarray(PIXELS.astype(np.uint8))
        gray.putalpha(image.fromarray((PIXELS * 7).astype(np.uint8)))
        gray.convert("RGBA").save(tmp_path / "a.png")
        np.testing.assert_array_equal(read_micrograph(tmp_path / "a.png").values, PIXELS)

    def test_colour_is_refused(self, tmp_path):
        image = pytest.importorskip("PIL.Image")
        data = np.stack([PIXELS, PIXELS, PIXELS + 1], axis=-1).astype(np.uint8)
        image.fromarray(data).save(tmp_path / "a.png")
        with pytest.raises(ValueError, match=r"a\.png .*in colour"):
            read_micrograph(tmp_path / "a.png")

    def test_gray_jpeg(self, tmp_path):
        image = pytest.importorskip("PIL.Image")
        image.fromarray(np.full((16, 16), 99, np.uint8)).save(tmp_path / "a.JPG")
        np.testing.assert_array_equal(read_micrograph(tmp_path / "a.JPG").values, 99)

    def test_broken_png_names_path(self, tmp_path):
        image = pytest.importorskip("PIL.Image")
        noise = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
        image.fromarray(noise).save(tmp_path / "a.png")
        content = (tmp_path / "a.png").read_bytes()
        (tmp_path / "a.png").write_bytes(content[: len(content) // 2])
        (tmp_path / "b.png").write_bytes(b"nothing")
        for name in ("a.png", "b.png"):
            with pytest.raises(ValueError, match=f"{name} cannot be read as a gray image"):
                read_micrograph(tmp_path / name)

    @pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float16, np.float32])
    def test_gray_tiff(self, tmp_path, dtype):
        tifffile = pytest.importorskip("tifffile")
        data = PIXELS.astype(dtype) * dtype(9)
        tifffile.imwrite(tmp_path / "a.tif", data)
        image = read_micrograph(tmp_path / "a.tif")
        assert image.values.dtype == dtype
        np.testing.assert_array_equal(image.values, data)

    def test_tiff_of_equal_channels(self, tmp_path):
        tifffile = pytest.importorskip("tifffile")
        data = np.repeat(PIXELS[..., None].astype(np.uint8), 3, axis=2)
        tifffile.imwrite(tmp_path / "a.tiff", data, photometric="rgb")
        np.testing.assert_array_equal(read_micrograph(tmp_path / "a.tiff").values, PIXELS)

    @pytest.mark.parametrize("layout", ["contig", "separate"])
    @pytest.mark.parametrize("width", [2, 3, 7])
    def test_tiff_of_equal_channels_however_they_lie(self, tmp_path, layout, width):
        tifffile = pytest.importorskip("tifffile")
        data = np.arange(5 * width, dtype=np.uint8).reshape(5, width)
        colours = np.stack([data] * 3, axis=0 if layout == "separate" else -1)
        options = {"photometric": "rgb", "planarconfig": layout}
        tifffile.imwrite(tmp_path / "a.tif", colours, **options)
        np.testing.assert_array_equal(read_micrograph(tmp_path / "a.tif").values, data)
        colours[0, 0, 0] += 1
        tifffile.imwrite(tmp_path / "a.tif", colours, **options)
        with pytest.raises(ValueError, match=r"a\.tif .*in colour"):
            read_micrograph(tmp_path / "a.tif")

    @pytest.mark.parametrize("shape", [(1, 9), (9, 1), (1, 1), (1, 3)])
    def test_tiff_of_one_row_or_column(self, tmp_path, shape):
        tifffile = pytest.importorskip("tifffile")
        data = np.arange(1, 1 + np.prod(shape), dtype=np.uint8).reshape(shape)
        tifffile.imwrite(tmp_path / "a.tif", data)
        np.testing.assert_array_equal(read_micrograph(tmp_path / "a.tif").values, data)

    def test_tiff_with_pixels_that_are_no_numbers(self, tmp_path):
        tifffile = pytest.importorskip("tifffile")
        data = np.full((3, 4), np.nan, np.float32)
        tifffile.imwrite(tmp_path / "a.tif", data)
        np.testing.assert_array_equal(read_micrograph(tmp_path / "a.tif").values, data)

    @pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
    @pytest.mark.parametrize("predictor", [1, 2])
    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32])
    def test_compressed_tiff(self, tmp_path, compression, predictor, dtype):
        pytest.importorskip("tifffile")
        image = pytest.importorskip("PIL.Image")
        data = np.random.default_rng(0).uniform(0, 255, size=(30, 41)).astype(dtype)
        options = {} if compression == "packbits" else {"tiffinfo": {317: predictor}}
        image.fromarray(data).save(tmp_path / "a.tif", compression=compression, **options)
        values = read_micrograph(tmp_path / "a.tif").values
        assert values.dtype == dtype
        np.testing.assert_array_equal(values, data)

    def test_compressed_tiff_of_equal_channels(self, tmp_path):
        pytest.importorskip("tifffile")
        image = pytest.importorskip("PIL.Image")
        data = np.repeat(PIXELS[..., None].astype(np.uint8), 3, axis=2)
        image.fromarray(data).save(tmp_path / "a.tif", compression="tiff_lzw")
        np.testing.assert_array_equal(read_micrograph(tmp_path / "a.tif").values, PIXELS)

    @pytest.fixture
    def _without_imagecodecs(self, monkeypatch):
        tifffile = pytest.importorskip("tifffile")
        pytest.importorskip("PIL.Image")

        def refuse(self, **_):
            raise ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package")

        monkeypatch.setattr(tifffile.TiffPage, "asarray", refuse)

    @pytest.mark.usefixtures("_without_imagecodecs")
    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "f4"])
    def test_pillow_helps_where_it_can(self, tmp_path, dtype, order):
        tifffile = pytest.importorskip("tifffile")
        data = (PIXELS - (0 if "u" in dtype else 5)).astype(dtype)
        tifffile.imwrite(tmp_path / "a.tif", data, byteorder=order)
        values = read_micrograph(tmp_path / "a.tif").values
        assert values.dtype == dtype
        np.testing.assert_array_equal(values, data)

    @pytest.mark.usefixtures("_without_imagecodecs")
    @pytest.mark.parametrize(
        ("dtype", "photometric"),
        [("f8", "minisblack"), ("f2", "minisblack"), ("u1", "miniswhite")],
    )
    def test_pillow_is_not_asked_for_more(self, tmp_path, dtype, photometric):
        tifffile = pytest.importorskip("tifffile")
        tifffile.imwrite(tmp_path / "a.tif", PIXELS.astype(dtype), photometric=photometric)
        with pytest.raises(ValueError, match=r"a\.tif .*pip install imagecodecs"):
            read_micrograph(tmp_path / "a.tif")

    @pytest.mark.parametrize("shape", [(3, 8, 9), (2, 8, 9)])
    def test_tiff_movie_is_refused_with_its_number_of_frames(self, tmp_path, shape):
        tifffile = pytest.importorskip("tifffile")
        tifffile.imwrite(tmp_path / "a.tif", np.zeros(shape, np.uint8), photometric="minisblack")
        with pytest.raises(ValueError, match=rf"a\.tif .*has {shape[0]} frames"):
            read_micrograph(tmp_path / "a.tif")

    def test_broken_tiff_names_path(self, tmp_path):
        pytest.importorskip("tifffile")
        (tmp_path / "a.tif").write_bytes(b"II*\x00nothing")
        with pytest.raises(ValueError, match=r"a\.tif cannot be read as a gray image"):
            read_micrograph(tmp_path / "a.tif")


class TestReadMicrograph:
    def test_missing_file(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"no micrograph file .*a\.mrc"):
            read_micrograph(tmp_path / "a.mrc")

    def test_unknown_extension_lists_the_known_ones(self, tmp_path):
        with pytest.raises(ValueError, match=r"a\.eer is not of a known image format.*\.mrc"):
            read_micrograph(tmp_path / "a.eer")

    def test_an_entry_of_your_own(self, tmp_path, monkeypatch):
        def read(path):
            return np.load(path), 1.5

        monkeypatch.setitem(MICROGRAPH_FORMATS, "npy", MicrographFormat((".npy", ".2.mrc"), read))
        np.save(tmp_path / "a.npy", PIXELS)
        (tmp_path / "a.npy").rename(tmp_path / "a.2.mrc")  # the longest known ending counts
        image = read_micrograph(tmp_path / "a.2.mrc")
        np.testing.assert_array_equal(image.values, PIXELS)
        assert (image.name, image.pixel_size) == ("a.2.mrc", 1.5)
        with pytest.raises(ValueError, match=r"ending in \.mrc, .*, \.tiff, \.npy, \.2\.mrc\."):
            read_micrograph(tmp_path / "a.eer")

    @pytest.mark.parametrize("path", [None, 3, b"a.mrc"])
    def test_path_is_named_where_it_is_none(self, path):
        with pytest.raises(TypeError, match=r"path must be a str or path-like, got"):
            read_micrograph(path)

    def test_extension_in_capitals(self, tmp_path):
        path = write_mrc(tmp_path / "A.MRC", PIXELS.astype(np.int16))
        assert read_micrograph(path).name == "A.MRC"

    @pytest.mark.parametrize(
        ("module", "name"), [("PIL", "a.png"), ("PIL", "a.jpeg"), ("tifffile", "a.tif")]
    )
    def test_missing_package_names_the_extra(self, tmp_path, monkeypatch, module, name):
        monkeypatch.setitem(__import__("sys").modules, module, None)
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(ImportError, match=r'pip install "puclassify\[images\]"'):
            read_micrograph(tmp_path / name)


class TestFilesOfOtherPrograms:
    @pytest.fixture
    def data(self):
        folder = os.environ.get("PUCLASSIFY_DATA")
        if not folder:
            pytest.skip("set PUCLASSIFY_DATA to the folder with real micrographs")
        return pathlib.Path(folder) / "micrographs"

    def test_mrc(self, data):
        path = data / "micrograph_cleaner_sample" / "Ucsf_stack_1142_DW_micrograph.mrc"
        image = read_micrograph(path)
        # Straight from the bytes: nx, ny, and the first pixel after the header.
        content = path.read_bytes()
        assert image.shape == struct.unpack("<2i", content[:8])[::-1] == (927, 959)
        assert image.values[0, 0] == struct.unpack_from("<f", content, 1024)[0]
        assert image.pixel_size == 1.0

    def test_png(self, data):
        image = read_micrograph(data / "bgal_images_1024" / "Falcon_2012_06_12-14_33_35_0.png")
        assert (image.shape, image.values.dtype) == ((1024, 1024), np.uint8)
        assert 10 < image.values.std() < 80


class TestAsGridImage:
    def test_array_is_taken_as_stored(self):
        image = as_grid_image(PIXELS, "a")
        assert image.values is PIXELS
        assert (image.step, image.offset, image.name, image.pixel_size) == (1.0, 0.0, "a", None)

    def test_path(self, tmp_path):
        path = write_mrc(tmp_path / "a.mrc", PIXELS.astype(np.int16))
        for form in (path, str(path)):
            image = as_grid_image(form, "another name")
            assert image.name == "a.mrc"
            np.testing.assert_array_equal(image.values, PIXELS)

    def test_grid_image_keeps_its_grid_and_name(self):
        image = GridImage(PIXELS, step=2.0, offset=0.5, name="own")
        assert as_grid_image(image, "other") is image
        unnamed = as_grid_image(GridImage(PIXELS, step=2.0), "other")
        assert (unnamed.name, unnamed.step) == ("other", 2.0)

    @pytest.mark.parametrize("value", [None, 3, [[1, 2], [3, 4]], {"a": 1}, b"a.mrc"])
    def test_other_types(self, value):
        with pytest.raises(TypeError, match=r"micrograph must be a path, a 2-D array.*np\.asarray"):
            as_grid_image(value)

    @pytest.mark.parametrize(
        ("array", "message"),
        [
            (np.zeros((2, 3, 4)), r"2-D.*\(2, 3, 4\)"),
            (np.zeros(5), r"2-D.*\(5,\)"),
            (np.zeros((3, 4), complex), r"complex.*np\.abs"),
            (np.zeros((0, 4)), r"empty.*\(0, 4\)"),
            (np.array([["a", "b"]]), "numbers"),
            (np.array([[None, 1]]), "numbers"),
        ],
    )
    def test_arrays_that_are_no_micrographs(self, array, message):
        with pytest.raises(ValueError, match=message):
            as_grid_image(array)

    def test_grid_image_of_complex_numbers(self):
        with pytest.raises(ValueError, match=r"micrograph 'a' is complex"):
            as_grid_image(GridImage(PIXELS * 1j, name="a"))


class TestCheckMicrographs:
    @pytest.mark.parametrize("container", [list, tuple])
    def test_sequences_are_not_read(self, container):
        items = ["missing.mrc", pathlib.Path("missing too.mrc"), PIXELS, GridImage(PIXELS)]
        checked = check_micrographs(container(items))
        assert isinstance(checked, list)
        assert all(a is b for a, b in zip(checked, items, strict=True))

    def test_object_array_and_array_of_names(self):
        items = np.empty(2, dtype=object)
        items[:] = [PIXELS, GridImage(PIXELS)]
        assert check_micrographs(items)[0] is PIXELS
        assert check_micrographs(np.array(["a.mrc", "b.mrc"])) == ["a.mrc", "b.mrc"]

    def test_three_dimensional_array_is_a_sequence(self):
        stack = np.arange(24).reshape(2, 3, 4)
        checked = check_micrographs(stack)
        assert len(checked) == 2
        np.testing.assert_array_equal(checked[1], stack[1])

    @pytest.mark.parametrize("single", ["a.mrc", pathlib.Path("a.mrc"), PIXELS, GridImage(PIXELS)])
    def test_single_micrograph_is_to_be_wrapped(self, single):
        with pytest.raises(TypeError, match=r"a single .*put it in a list: \[micrograph\]"):
            check_micrographs(single)

    @pytest.mark.parametrize(
        "value", [None, 3, (p for p in ["a.mrc"]), {"a": PIXELS}, b"ab", {"a.mrc"}.__iter__()]
    )
    def test_no_sequence(self, value):
        with pytest.raises(TypeError, match="X must be a sequence of micrographs"):
            check_micrographs(value)

    def test_four_dimensional_array(self):
        with pytest.raises(TypeError, match=r"shape \(1, 2, 3, 4\)"):
            check_micrographs(np.zeros((1, 2, 3, 4)))

    def test_empty(self):
        with pytest.raises(ValueError, match="did a file pattern match nothing"):
            check_micrographs([])

    def test_bad_item_is_named(self):
        with pytest.raises(TypeError, match=r"X\[1\] must be a path"):
            check_micrographs(["a.mrc", 3])


class TestMicrographName:
    def test_names(self):
        assert micrograph_name("folder/a.mrc", 0) == "a.mrc"
        assert micrograph_name(pathlib.Path("folder") / "a.mrc", 0) == "a.mrc"
        assert micrograph_name(GridImage(PIXELS, name="b"), 0) == "b"
        assert micrograph_name(GridImage(PIXELS), 3) == "micrograph_0003"
        assert micrograph_name(PIXELS, 12) == "micrograph_0012"


def test_masked_pixels_are_refused():
    pixels = np.ma.masked_greater(np.arange(12.0).reshape(3, 4), 9)
    with pytest.raises(ValueError, match=r"'mic1' has 2 masked pixels.*filled"):
        as_grid_image(pixels, name="mic1")
    assert as_grid_image(np.ma.masked_greater(np.ones((3, 4)), 9)).shape == (3, 4)
