import fnmatch
import pathlib

import numpy as np
import pytest

from puclassify.grid import GridImage
from puclassify.io import check_micrographs, iter_micrographs

SPECTRUM, FIT, THUMBNAIL = "a power spectrum", "the diagnostic image of a CTF fit", "a thumbnail"
SIDE_FILES = {
    "MotionCorr/job002/Movies/mic1_PS.mrc": SPECTRUM,
    "mic1_PS.mrcs": SPECTRUM,
    "mic1_ps.MRC.gz": SPECTRUM,
    "mic1_pow.mrc": SPECTRUM,
    "powerspectrum/mic1.mrc": SPECTRUM,
    "mic1_ctf.mrc": FIT,
    "mic1.ctf.mrc": FIT,
    "mic1_ctffind4.mrc": FIT,
    "mic1_diag.mrc": FIT,
    "mic1_ctf_diag_2D.mrc": FIT,
    "mic1_thumb.png": THUMBNAIL,
    "mic1_thumbnail.jpg": THUMBNAIL,
    "mic1_thumb_@1x.png": THUMBNAIL,
    "thumbnails/mic1.png": THUMBNAIL,
    "mic1_background.mrc": "a background estimate",
}
# As RELION, cryoSPARC, SerialEM, EPU, Warp and EMPIAR entries name them.
MICROGRAPHS = [
    "MotionCorr/job002/Movies/20170629_00021_frameImage.mrc",
    "003990261_mic1_patch_aligned_doseweighted.mrc",
    "FoilHole_21916481_Data_21917513_21917515_20170702_1246.mrc",
    "average/mic1.mrc",
    "Falcon_2012_06_12-14_33_35_0.png",
    "stack_0001_2x_SumCorr.mrc",
    "PS.mrc",
    "_PS.mrc",
    "PS_mic1.mrc",
    "GPS.mrc",
    "mic1_CTFcorrected.mrc",
    "mic1_DW.tif",
    "ctf/mic1.mrc",
    "thumbnail.png",
]


class TestSideFiles:
    @pytest.mark.parametrize("path", SIDE_FILES)
    @pytest.mark.parametrize("kind", [str, pathlib.Path])
    def test_refused_with_the_pattern_to_exclude(self, path, kind):
        micrographs = ["mic1.mrc", kind(path), "mic2.mrc"]
        with pytest.raises(ValueError, match=r"X holds 1 files") as error:
            check_micrographs(micrographs)
        message = str(error.value)
        assert f"{pathlib.Path(path).name} ({SIDE_FILES[path]})" in message
        pattern = message.split("fnmatch(str(path), '")[1].split("'")[0]
        kept = [one for one in micrographs if not fnmatch.fnmatch(str(one), pattern)]
        assert kept == ["mic1.mrc", "mic2.mrc"]
        assert check_micrographs(kept) == kept

    def test_micrographs_are_not(self):
        assert check_micrographs(MICROGRAPHS) == MICROGRAPHS

    def test_many_are_counted(self):
        paths = [f"mic{i}{end}" for i in range(9) for end in (".mrc", "_PS.mrc", "_ctf.mrc")]
        with pytest.raises(ValueError, match=r"18 files .*mic2_PS\.mrc and 6 more .*mic2_ctf") as e:
            check_micrographs(paths)
        assert "'*_PS.*') or fnmatch(str(path), '*_ctf.*'" in str(e.value)

    def test_of_a_generator_as_they_come(self):
        items = iter_micrographs(path for path in ["mic1.mrc", "mic1_PS.mrc"])
        assert next(iter(items)) == "mic1.mrc"
        with pytest.raises(ValueError, match=r"X\[1\] holds .*mic1_PS\.mrc"):
            list(iter_micrographs(path for path in ["mic1.mrc", "mic1_PS.mrc"]))

    def test_images_that_are_read_are_meant(self):
        image = GridImage(np.ones((3, 4)), name="mic1_PS.mrc")
        assert check_micrographs([image])[0] is image
