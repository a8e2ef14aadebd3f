"""Images whose headers are changed at random: they are read, or refused with a documented error.

``python tests/io/test_mutated_images.py 100000`` tries more of them, and prints what fails.
"""

import bz2
import gzip
import io
import logging
import os
import struct
import sys
import warnings

import mrcfile
import numpy as np
import pytest

from puclassify.io import read_micrograph

tifffile = pytest.importorskip("tifffile")
Image = pytest.importorskip("PIL.Image")

PIXELS = np.random.default_rng(1).integers(0, 256, (13, 17)).astype(np.uint8)
# Numbers at which sizes, offsets and counts overflow or mean something else.
VALUES = [0, 1, 2, 3, 7, 8, 16, 32, 127, 128, 255, 256, 32767, 32768, 65535, 2**16, 2**24]
VALUES += [2**31 - 1, 2**31, 2**32 - 1, 1146047817]
MUTANTS_EACH = 60


def by_mrcfile(tmp_path, data):
    path = tmp_path / "seed.mrc"
    mrcfile.write(path, data, overwrite=True, voxel_size=1.5)
    return path.read_bytes()


def by_tifffile(data=PIXELS, **options):
    tifffile.imwrite(file := io.BytesIO(), data, **options)
    return file.getvalue()


def by_pillow(kind, mode="L", data=PIXELS, **options):
    image = Image.fromarray(data)
    image = image if data.dtype != np.uint8 or mode == "L" else image.convert(mode)
    image.save(file := io.BytesIO(), kind, **options)
    return file.getvalue()


@pytest.fixture(scope="session")
def seeds(tmp_path_factory):
    return make_seeds(tmp_path_factory.mktemp("seeds"))


def make_seeds(folder):
    """Return valid files by a name and an ending."""
    wide = PIXELS.astype(np.uint16) * 257
    stack = np.stack([PIXELS] * 3)
    floats = by_mrcfile(folder, PIXELS.astype(np.float32))
    bytes_ = by_mrcfile(folder, PIXELS.view(np.int8))
    return {
        "float.mrc": floats,
        "bytes.mrc": bytes_,
        "half.mrc": by_mrcfile(folder, PIXELS.astype(np.float16)),
        "stack.mrcs": by_mrcfile(folder, stack.astype(np.int16)),
        "gzip.mrc.gz": gzip.compress(floats),
        "bzip2.mrc.bz2": bz2.compress(bytes_),
        "gray.png": by_pillow("PNG"),
        "wide.png": by_pillow("PNG", data=wide),
        "palette.png": by_pillow("PNG", "P"),
        "alpha.png": by_pillow("PNG", "RGBA"),
        "gray.jpg": by_pillow("JPEG"),
        "inks.jpg": by_pillow("JPEG", "CMYK"),
        "rgb.jpg": by_pillow("JPEG", "RGB", progressive=True),
        "plain.tif": by_tifffile(),
        "big.tif": by_tifffile(wide, byteorder=">", bigtiff=True),
        "strips.tif": by_tifffile(wide, rowsperstrip=3, compression="zlib", predictor=2),
        "tiles.tif": by_tifffile(PIXELS.astype("f4"), tile=(16, 16), compression="lzma"),
        "imagej.tif": by_tifffile(stack, imagej=True, metadata={"axes": "ZYX"}),
        "ome.tif": by_tifffile(stack, ome=True, metadata={"axes": "CYX"}, photometric="minisblack"),
        "palette.tif": by_pillow("TIFF", "P"),
        "lzw.tif": by_pillow("TIFF", compression="tiff_lzw"),
        "jpeg.tif": by_pillow("TIFF", compression="jpeg"),
        "bilevel.tif": by_pillow("TIFF", "1", compression="group4"),
        "inks.tif": by_pillow("TIFF", "CMYK"),
    }


def mutated(content, rng):
    """Change one to four things in a file, most of them in what describes it."""
    content = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        size = len(content)
        if size < 8:
            break
        # Headers are at the beginning, the directory of many TIFF files at the end.
        near = int(rng.integers(1, min(size, 300)))
        at = [near, size - near, int(rng.integers(size))][rng.choice(3, p=[0.6, 0.25, 0.15])]
        match rng.integers(6):
            case 0:
                content[at] ^= 1 << rng.integers(8)
            case 1:
                content[at] = rng.integers(256)
            case 2 | 3:
                form = ["<I", ">I", "<H", ">H"][rng.integers(4)]
                width = struct.calcsize(form)
                at = min(at // width * width, size - width)
                value = VALUES[rng.integers(len(VALUES))] % 2 ** (8 * width)
                content[at : at + width] = struct.pack(form, value)
            case 4:
                del content[at : at + int(rng.integers(1, 20))]
            case 5:
                if rng.random() < 0.3:
                    del content[at:]
                else:
                    content[at:at] = bytes(int(rng.integers(1, 20)))
    return bytes(content)


def tried(path):
    """Read an image; return whether it was refused, and what is wrong with how, or None."""
    try:
        values = read_micrograph(path).values
    except (ValueError, OSError) as error:
        if str(path) not in str(error):
            return True, f"does not name the file: {error!r}"
        return True, None
    except BaseException as error:
        return True, f"a {type(error).__name__}: {error}"
    if values.ndim != 2 or values.dtype.kind not in "biuf" or not values.size:
        return False, f"an image of shape {values.shape} and type {values.dtype}"
    return False, None


@pytest.fixture
def _quietly():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        yield
        logging.disable(logging.NOTSET)


NAMES = ["float.mrc", "bytes.mrc", "half.mrc", "stack.mrcs", "gzip.mrc.gz", "bzip2.mrc.bz2"]
NAMES += ["gray.png", "wide.png", "palette.png", "alpha.png", "gray.jpg", "inks.jpg", "rgb.jpg"]
NAMES += ["plain.tif", "big.tif", "strips.tif", "tiles.tif", "imagej.tif", "ome.tif", "palette.tif"]
NAMES += ["lzw.tif", "jpeg.tif"]
NAMES += ["bilevel.tif", "inks.tif"]


@pytest.mark.usefixtures("_quietly")
@pytest.mark.parametrize("name", NAMES)
def test_read_or_refused(seeds, tmp_path, name):
    path = tmp_path / name
    rng = np.random.default_rng(len(name))
    n_refused = 0
    for _ in range(MUTANTS_EACH):
        path.write_bytes(mutated(seeds[name], rng))
        is_refused, problem = tried(path)
        assert problem is None
        n_refused += is_refused
    assert n_refused > MUTANTS_EACH / 20  # or nothing was tried


def test_names_are_those_of_the_seeds(seeds):
    assert sorted(seeds) == sorted(NAMES)


def main(n, folder="/tmp", first=0):
    import pathlib
    import tempfile
    import time
    from collections import Counter

    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    found, slow = Counter(), []
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        seeds = make_seeds(scratch)
        for i in range(first, first + n):
            rng = np.random.default_rng(i)
            name = list(seeds)[i % len(seeds)]
            path = scratch / name
            content = mutated(seeds[name], rng)
            path.write_bytes(content)
            start = time.perf_counter()
            _, problem = tried(path)
            if time.perf_counter() - start > 1:
                slow.append((name, i, time.perf_counter() - start))
            if problem:
                found[name, problem[:100].replace(str(path), "PATH")] += 1
                pathlib.Path(folder, f"found-{i}-{name}").write_bytes(content)
    print(n, "mutants;", sum(found.values()), "complaints", os.linesep, found.most_common(40), slow)


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:3], *map(int, sys.argv[3:4]))
