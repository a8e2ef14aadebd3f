import pytest

from puclassify.io import read_micrograph_list

OPTICS = """
# version 30001

data_optics

loop_
_rlnOpticsGroupName #1
_rlnOpticsGroup #2
_rlnMicrographOriginalPixelSize #3
_rlnMicrographPixelSize #4
opticsGroup1            1     0.442500     0.885000
opticsGroup2            2     1.000000     2.000000

""".replace("\n", " \n")  # as RELION ends lines
MICROGRAPHS = """
# version 30001

data_micrographs

loop_
_rlnMicrographName #1
_rlnOpticsGroup #2
_rlnDefocusU #3
MotionCorr/job002/Movies/m1.mrc            1 10863.857422
MotionCorr/job002/Movies/m2.mrc            2 10863.857422

""".replace("\n", " \n")
NAMES = ["MotionCorr/job002/Movies/m1.mrc", "MotionCorr/job002/Movies/m2.mrc"]


def of_version_3_0(*columns):
    """Return a list of RELION 3.0: one block without a name, further columns with their value."""
    titles = "".join(f"_{title} #{i} \n" for i, (title, _) in enumerate(columns, 2))
    values = " ".join(value for _, value in columns)
    rows = "".join(f"{name} {values} \n" for name in NAMES)
    return f"\n# RELION; version 3.0\n\ndata_\n\nloop_ \n_rlnMicrographName #1 \n{titles}{rows} \n"


@pytest.fixture
def project(tmp_path):
    (tmp_path / "default_pipeline.star").touch()
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "CtfFind/job003").mkdir(parents=True)
    return tmp_path


def read(project, text):
    path = project / "CtfFind/job003/micrographs_ctf.star"
    path.write_text(text)
    return read_micrograph_list(str(path))


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        (OPTICS + MICROGRAPHS, [0.885, 2.0]),
        # The pixel size of movies counts where there is no other.
        (OPTICS.replace("_rlnMicrographPixelSize", "_rlnOther") + MICROGRAPHS, [0.4425, 1.0]),
        (
            of_version_3_0(("rlnMagnification", "10000.0"), ("rlnDetectorPixelSize", "1.77")),
            [1.77, 1.77],
        ),
        (of_version_3_0(("rlnDefocusU", "10863.8")), [None, None]),
        (of_version_3_0(("rlnMicrographPixelSize", "1.5")), [1.5, 1.5]),
    ],
)
def test_pixel_sizes(text, sizes, project):
    found = read(project, text)
    assert found.names == NAMES
    assert found.files == [str(project / name) for name in NAMES]
    assert found.pixel_sizes == pytest.approx(sizes)


def test_particles_name_each_micrograph_once(project):
    rows = MICROGRAPHS.rstrip() + "\n" + MICROGRAPHS.split("#3 \n")[1]
    found = read(project, OPTICS + rows)
    assert found.names == NAMES
    assert found.pixel_sizes == pytest.approx([0.885, 2.0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (OPTICS, "lists no micrographs"),
        (OPTICS + MICROGRAPHS.replace("m2.mrc            2", "m2.mrc 3"), "optics group '3'"),
        (OPTICS.replace("0.885000", "0.0") + MICROGRAPHS, "line 11: _rlnMicrographPixelSize is 0"),
        (OPTICS + MICROGRAPHS.replace("m2.mrc", "m3.mrc"), "1 of the 2 micrographs .* missing"),
        (OPTICS + MICROGRAPHS.replace("MotionCorr/job002", "../.."), "out of the folders"),
    ],
)
def test_refused(text, message, project):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        read(project, text)
