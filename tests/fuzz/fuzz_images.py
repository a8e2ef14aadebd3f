"""Let atheris look for image files on which a reader fails in an undocumented way.

``python tests/fuzz/fuzz_images.py mrc`` runs until it is interrupted; ``-max_total_time=3600`` and
other options of libFuzzer follow the kind. ``make fuzz`` installs atheris and runs every kind. What
is found lies in ``build/fuzz``, and belongs into ``tests/io/test_found_images.py`` once mended.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
import tempfile
import warnings
from pathlib import Path

KINDS = {"mrc": ".mrc", "gzip": ".mrc.gz", "png": ".png", "jpeg": ".jpg", "tiff": ".tif"}
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

        from puclassify.io import read_micrograph

    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    scratch = Path(tempfile.mkdtemp(prefix="fuzz-", dir="/dev/shm" if os.name == "posix" else None))
    path = scratch / f"image{KINDS[kind]}"

    def read(content: bytes) -> None:
        path.write_bytes(content)
        try:
            image = read_micrograph(path)
        except (ValueError, OSError) as error:
            if str(path) not in str(error):
                raise RuntimeError("the error does not name the file") from error
            return
        if image.values.ndim != 2 or not image.values.size:
            raise RuntimeError(f"an image of shape {image.values.shape}")

    corpus = ROOT / "build" / "fuzz" / kind
    corpus.mkdir(parents=True, exist_ok=True)
    for name, content in _seeds(scratch).items():
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
