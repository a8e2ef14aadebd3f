"""PNG and JPEG files: what is read, what is refused, and by which parser."""

import io
import struct
import subprocess
import warnings
import zlib

import numpy as np
import pytest

from puclassify.io import _gray, read_micrograph

Image = pytest.importorskip("PIL.Image")

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (9, 11)).astype(np.uint8)
BAD = "cannot be read as a gray image"


def chunk(kind, content):
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png(width, height, raw, *, bits=8, colour=0, more=b""):
    """Return a PNG file, written byte by byte."""
    header = struct.pack(">2I5B", width, height, bits, colour, 0, 0, 0)
    packed = zlib.compress(raw, 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + more + chunk(b"IDAT", packed)
        + chunk(b"IEND", b"")
    )  # fmt: skip


def rows(pixels):
    """Return rows as PNG stores them: a byte for the filter and big-endian numbers."""
    big = pixels.astype(pixels.dtype.newbyteorder(">"))
    return b"".join(b"\0" + row.tobytes() for row in big)


@pytest.fixture
def read(tmp_path):
    def read(content, name="a.png"):
        (tmp_path / name).write_bytes(content)
        return read_micrograph(tmp_path / name).values

    return read


class TestOneParserEach:
    @pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.jpeg"])
    @pytest.mark.parametrize(
        "kind", ["EPS", "PSD", "FITS", "MCIDAS", "GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO", "PCX"]
    )
    def test_nothing_else_is_opened(self, read, monkeypatch, name, kind):
        """Other formats are refused before any parser or program sees them."""
        image, file = Image.fromarray(PIXELS), io.BytesIO()
        starts = {
            "PSD": b"8BPS\0\1" + bytes(200),
            "FITS": b"SIMPLE  =                    T".ljust(2880),
            "MCIDAS": b"\0\0\0\0\0\0\0\4" + bytes(300),
        }
        if kind in starts:
            file.write(starts[kind])
        else:
            image.save(file, kind)

        def refuse(*arguments, **options):
            raise AssertionError("another parser or a program was started")

        monkeypatch.setattr(Image, "open", refuse)
        monkeypatch.setattr(subprocess, "Popen", refuse)
        with pytest.raises(ValueError, match=rf"{name} {BAD}: it is neither PNG nor JPEG"):
            read(file.getvalue(), name)

    @pytest.mark.parametrize(("kind", "name"), [("PNG", "a.jpg"), ("JPEG", "a.png")])
    def test_each_may_have_the_name_of_the_other(self, read, kind, name):
        file = io.BytesIO()
        flat = np.full((16, 16), 77, np.uint8)
        Image.fromarray(flat).save(file, kind)
        np.testing.assert_array_equal(read(file.getvalue(), name), flat)


class TestSizes:
    def test_super_resolution_frame_passes(self, read):
        """A K3 frame of 11520 x 8184 is above the limit at which pillow warns."""
        content = png(11520, 8184, bytes(8184 * 11521))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            values = read(content)
        assert (values.shape, values.dtype, values.any()) == ((8184, 11520), np.uint8, False)

    @pytest.mark.parametrize(("width", "height"), [(16385, 16384), (2**31 - 1, 2**31 - 1)])
    def test_bomb_is_refused_with_its_size_and_the_limit(self, read, width, height):
        content = png(width, height, b"\0" * 1000)
        with pytest.raises(ValueError, match=rf"a\.png {BAD}.*{height} x {width} .*268435456"):
            read(content)

    def test_bomb_of_jpeg(self, read, monkeypatch):
        file = io.BytesIO()
        Image.fromarray(PIXELS).save(file, "JPEG")
        content = bytearray(file.getvalue())
        at = content.index(b"\xff\xc0") + 5
        content[at : at + 4] = struct.pack(">2H", 65500, 65500)
        with pytest.raises(ValueError, match=rf"a\.jpg {BAD}.*65500 x 65500 .*268435456"):
            read(bytes(content), "a.jpg")

    def test_limit_is_what_it_says(self, read, monkeypatch):
        monkeypatch.setattr(_gray, "MOST_PIXELS", 99)
        np.testing.assert_array_equal(read(png(11, 9, rows(PIXELS))), PIXELS)
        with pytest.raises(ValueError, match="the limit of 99 pixels"):
            read(png(10, 10, bytes(110)))

    @pytest.mark.parametrize(("width", "height"), [(0, 5), (5, 0), (0, 0)])
    def test_zero(self, read, width, height):
        with pytest.raises(ValueError, match=rf"a\.png {BAD}: it is empty.*{height} x {width}"):
            read(png(width, height, b""))

    @pytest.mark.parametrize("length", range(0, 60, 3))
    @pytest.mark.parametrize("name", ["a.png", "a.jpg"])
    def test_first_bytes_alone(self, read, name, length):
        file = io.BytesIO()
        Image.fromarray(PIXELS).save(file, {"a.png": "PNG", "a.jpg": "JPEG"}[name])
        with pytest.raises(ValueError, match=rf"{name} {BAD}"):
            read(file.getvalue()[:length], name)


class TestPixels:
    def test_sixteen_bits_are_kept(self, read):
        data = RNG.integers(0, 65536, (5, 7)).astype(np.uint16)
        values = read(png(7, 5, rows(data), bits=16))
        assert values.dtype == np.uint16
        assert values.dtype.isnative
        np.testing.assert_array_equal(values, data)

    @pytest.mark.parametrize(("colour", "channels"), [(2, 3), (4, 2), (6, 4)])
    def test_sixteen_bits_in_channels_are_not_halved(self, read, colour, channels):
        data = np.repeat(RNG.integers(0, 65536, (5, 7, 1)).astype(np.uint16), channels, axis=2)
        with pytest.raises(ValueError, match=rf"a\.png {BAD}: it has 16 bits in each of several"):
            read(png(7, 5, rows(data), bits=16, colour=colour))

    @pytest.mark.parametrize("bits", [1, 2, 4])
    def test_fewer_bits(self, read, bits):
        levels = np.arange(2**bits)
        packed = np.packbits(
            np.unpackbits(levels.astype(np.uint8)[:, None], axis=1)[:, -bits:].ravel()
        )
        values = read(png(len(levels), 1, b"\0" + packed.tobytes(), bits=bits))
        steps = np.diff(values[0].astype(float))
        assert (steps > 0).all()
        assert np.ptp(steps) == 0

    def test_palette_is_resolved(self, read):
        indices = np.array([[0, 1], [2, 1]], np.uint8)
        palette = bytes([200] * 3 + [10] * 3 + [90] * 3)
        content = png(2, 2, rows(indices), colour=3, more=chunk(b"PLTE", palette))
        np.testing.assert_array_equal(read(content), [[200, 10], [90, 10]])
        coloured = bytes([200, 199, 200] + [10] * 3 + [90] * 3)
        with pytest.raises(ValueError, match="in colour"):
            read(png(2, 2, rows(indices), colour=3, more=chunk(b"PLTE", coloured)))

    def test_inks_become_brightness(self, read):
        """Black ink alone, and the three others in equal parts."""
        for inks, expected in [((0, 0, 0, 200), 55), ((200, 200, 200, 0), 55), ((0,) * 4, 255)]:
            file = io.BytesIO()
            Image.new("CMYK", (16, 16), inks).save(file, "JPEG", quality=100)
            values = read(file.getvalue(), "a.jpg")
            assert np.abs(values.astype(int) - expected).max() <= 2
        coloured = Image.new("CMYK", (16, 16), (200, 0, 0, 0))
        coloured.save(file := io.BytesIO(), "JPEG")
        with pytest.raises(ValueError, match="in colour"):
            read(file.getvalue(), "a.jpg")

    def test_animation_is_refused(self, read):
        frames = [Image.fromarray(PIXELS + np.uint8(i)) for i in range(3)]
        frames[0].save(file := io.BytesIO(), "PNG", save_all=True, append_images=frames[1:])
        with pytest.raises(ValueError, match=rf"a\.png {BAD}: it has 3 frames"):
            read(file.getvalue())
