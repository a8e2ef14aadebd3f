"""Let atheris look for files on which a reader fails in an undocumented way.

``python tests/fuzz/fuzz_readers.py mrc`` runs until it is interrupted; ``-max_total_time=3600`` and
other options of libFuzzer follow the kind. ``make fuzz`` installs atheris and runs every kind. What
is found lies in ``build/fuzz``, and belongs into the tests of the reader once mended.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

IMAGES = {"mrc": ".mrc", "gzip": ".mrc.gz", "png": ".png", "jpeg": ".jpg", "tiff": ".tif"}
COORDINATES = {"star": ".star", "box": ".box", "table": ".txt", "csv": ".csv"}
KINDS = IMAGES | COORDINATES
_OPTICS = "data_optics\n\nloop_\n_rlnOpticsGroup\n_rlnImagePixelSize\n1 1.5\n\n"
_PICKS = """data_{block}

loop_
_rlnCoordinateX #1
_rlnCoordinateY #2
_rlnMicrographName #3
_rlnOpticsGroup #4
_rlnOriginXAngst #5
_rlnOriginYAngst #6
10.5 20 a.mrc 1 0.5 0
# a comment
30 40.25 'b c.mrc' 1 0 1.5
"""
COORDINATE_SEEDS = {
    "picks.star": _PICKS.format(block="").encode(),
    "particles.star": (_OPTICS + _PICKS.format(block="particles")).encode(),
    "values.star": b"data_a\n_rlnCoordinateX 1\n_rlnCoordinateY 2\n_rlnImageName 1@b.mrcs\n",
    "text.star": b"data_a\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n_b\n1 2\n;x\ny\n;\n",
    "boxes.box": b"10\t20\t40\t40\n30\t40\t40\t40\t-1\n",
    "picks.txt": b"image_name\tx_coord\ty_coord\tscore\na\t1\t2\t0.5\nb\t3\t4\t-1e3\n",
    "picks.csv": b'name,x,y,score\n"a,b",1,2,0.5\nc,3,4,\n',
}
ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Fuzz the reader of the kind that is the first argument."""
    kind, *options = sys.argv[1:] or [""]
    if kind not in KINDS:
        sys.exit(f"usage: python {sys.argv[0]} {{{','.join(KINDS)}}} [options of libFuzzer]")
    import atheris

    with atheris.instrument_imports(include=["puclassify.io", "tifffile", "PIL"]):
        import tifffile  # noqa: F401
        from PIL import JpegImagePlugin, PngImagePlugin, TiffImagePlugin  # noqa: F401

        from puclassify.io import read_coordinates, read_micrograph

    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    scratch = Path(tempfile.mkdtemp(prefix="fuzz-", dir="/dev/shm" if os.name == "posix" else None))
    path = scratch / f"file{KINDS[kind]}"

    def read_image() -> None:
        image = read_micrograph(path)
        if image.values.ndim != 2 or not image.values.size:
            raise RuntimeError(f"an image of shape {image.values.shape}")

    def read_picks() -> None:
        for name, xy in read_coordinates(path).items():
            if not name or xy.shape[1:] not in ((2,), (3,)) or not np.isfinite(xy[:, :2]).all():
                raise RuntimeError(f"coordinates {xy} of {name!r}")

    def read(content: bytes) -> None:
        path.write_bytes(content)
        try:
            read_image() if kind in IMAGES else read_picks()
        except (ValueError, OSError) as error:
            if str(path) not in str(error):
                raise RuntimeError("the error does not name the file") from error

    corpus = ROOT / "build" / "fuzz" / kind
    corpus.mkdir(parents=True, exist_ok=True)
    for name, content in (COORDINATE_SEEDS | _seeds(scratch)).items():
        if name.endswith((KINDS[kind], f"{KINDS[kind]}s")):
            (corpus / f"seed-{name}").write_bytes(content)
    found = f"-artifact_prefix={corpus.parent}/{kind}-"
    atheris.Setup([sys.argv[0], *options, "-max_len=4096", found, str(corpus)], read)
    atheris.Fuzz()


def _seeds(folder: Path) -> dict[str, bytes]:
    """Return the valid files that the tests change at random."""
    file = ROOT / "tests" / "io" / "test_mutated_images.py"
    spec = importlib.util.spec_from_file_location("test_mutated_images", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make_seeds(folder)


if __name__ == "__main__":
    main()
