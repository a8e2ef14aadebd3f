import os
from pathlib import Path

import numpy as np
import pytest
import starfile

from puclassify import ParticlePicker, load_model
from puclassify.io import read_coordinates
from puclassify.metrics import match_picks

from .conftest import PIXEL_SIZE, run
from .relion import Project

TRAINING = {"network": "conv31", "threshold": 0, "expected_particles": 12}


@pytest.fixture
def project(session, tmp_path, monkeypatch):
    project = Project(tmp_path / "project")
    project.add_micrographs(session.micrographs)
    monkeypatch.chdir(project.folder)
    yield project
    project.end()


@pytest.fixture
def inputs(project, session):
    """Micrographs, and picks on four of them."""
    return {
        "in_mics": project.write_mics(),
        "in_coords": project.write_picks(session.coordinates[:4], project.names[:4]),
    }


def run_in_process(job, inputs, labels):
    """Run the command as RELION calls it, in this process."""
    return run("relion-external", *job.arguments(inputs, labels))


def assert_job_lists(project, job, names):
    """Check list and pick files with a reader of RELION's files, and return the picks."""
    listed = starfile.read(job.folder / "autopick.star", always_dict=True)["coordinate_files"]
    assert sorted(listed["rlnMicrographName"]) == sorted(names)
    picks = {}
    for name, file in zip(listed["rlnMicrographName"], listed["rlnMicrographCoordinates"]):
        stem = Path(name).stem
        assert file == f"{job.name}{Path(name).parent.name}/{stem}_autopick.star"
        table = starfile.read(project.folder / file)
        columns = ["rlnCoordinateX", "rlnCoordinateY", "rlnAutopickFigureOfMerit"]
        picks[name] = np.atleast_2d(table[columns].to_numpy(float))
    return [picks[name] for name in names]


def assert_picks_of(model, project, picks, names=None):
    names = names or project.names
    expected = load_model(model).predict([project.folder / name for name in names])
    assert sum(map(len, expected)) > 5 * len(names)
    for ours, theirs in zip(picks, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


class TestProcess:
    """Whole jobs in processes of their own, started and watched as RELION does."""

    def test_trains_picks_and_reports(self, project, inputs, session):
        settings = project.job().folder / "job.star"
        before = settings.read_bytes()
        job = project.job().start(inputs, {"diameter": session.diameter, "epochs": 1, **TRAINING})
        assert job.wait() == "SUCCESS", job.errors()
        picks = assert_job_lists(project, job, project.names)
        assert_picks_of(job.folder / "model.safetensors", project, picks)
        nodes = starfile.read(job.folder / "RELION_OUTPUT_NODES.star", always_dict=True)
        (row,) = nodes["output_nodes"].to_dict("records")
        assert row == {
            "rlnPipeLineNodeName": "External/job012/autopick.star",
            "rlnPipeLineNodeTypeLabel": "MicrographCoordsGroup.star.relion.autopick",
            "rlnPipeLineNodeType": 2,
        }
        assert settings.read_bytes() == before
        assert "6 of 6 micrographs in" in job.output()
        assert "\x1b" not in job.output() + job.errors()
        # Most picks are particles, after a training of twelve steps.
        matches = match_picks(session.coordinates, picks, radius=10)
        found = np.concatenate([one.truth_index for one in matches]) >= 0
        assert found.mean() > 0.5

    def test_is_aborted_while_it_trains_and_continues(self, project, inputs, session):
        labels = {"diameter": session.diameter, **TRAINING}
        job = project.job().start(inputs, {**labels, "epochs": 100_000})
        job.wait_for(lambda: "epoch 1 of" in job.output())
        job.abort()
        assert job.wait() == "ABORTED"
        job.wait_for(lambda: not job.is_running())
        assert not (job.folder / "RELION_JOB_ABORT_NOW").exists()
        assert not list(job.folder.rglob("*.safetensors"))
        assert not (job.folder / "RELION_OUTPUT_NODES.star").exists()
        assert "Traceback" not in job.errors()
        assert job.start(inputs, {**labels, "epochs": 1}).wait() == "SUCCESS", job.errors()
        assert_job_lists(project, job, project.names)

    def test_is_aborted_while_it_picks_and_continues(self, project, inputs, trained):
        model = {"model": trained[0]}
        mics = {"in_mics": inputs["in_mics"]}
        job = project.job(pause=1.0).start(mics, model)
        job.wait_for(lambda: list(job.folder.rglob("*_autopick.star")))
        job.abort()
        assert job.wait() == "ABORTED"
        job.wait_for(lambda: not job.is_running())
        done = sorted(job.folder.rglob("*_autopick.star"))
        assert 0 < len(done) < 6
        listed = read_coordinates(str(job.folder / "autopick.star"))
        assert len(listed) == len(done)
        times = {file: file.stat().st_mtime_ns for file in done}
        result = run_in_process(job, mics, model)
        assert result.code == 0, result.err
        assert (job.folder / "RELION_JOB_EXIT_SUCCESS").exists()
        assert not (job.folder / "RELION_JOB_EXIT_ABORTED").exists()
        assert {file: file.stat().st_mtime_ns for file in done} == times
        assert_picks_of(trained[0], project, assert_job_lists(project, job, project.names))

    def test_says_that_it_failed(self, project, inputs):
        (project.folder / project.names[2]).write_bytes(b"no micrograph")
        job = project.job().start(inputs, {"diameter": 40})
        assert job.wait() == "FAILURE"
        job.wait_for(lambda: not job.is_running())
        assert "mic2.mrc" in job.errors()
        assert "Traceback" not in job.errors()


class TestTraining:
    @pytest.fixture(autouse=True)
    def _short(self, monkeypatch):
        monkeypatch.setattr(ParticlePicker, "_steps_per_epoch", 12)

    def test_a_job_that_continues_does_not_train_again(self, project, inputs, session):
        job = project.job()
        labels = {"diameter": session.diameter, "epochs": 1, **TRAINING}
        assert run_in_process(job, inputs, labels).code == 0
        model = job.folder / "model.safetensors"
        before = model.stat().st_mtime_ns
        result = run_in_process(job, inputs, {**labels, "threshold": 2})
        assert result.code == 0, result.err
        assert model.stat().st_mtime_ns == before
        assert "another threshold" in result.out
        picks = assert_job_lists(project, job, project.names)
        assert min(xy[:, 2].min() for xy in picks if len(xy)) > 2
        assert run_in_process(job, inputs, {**labels, "epochs": 2}).code == 0
        assert model.stat().st_mtime_ns != before

    def test_trains_on_micrographs_outside_of_the_list(self, project, session):
        """As where picks were made on one subset and another is to be picked."""
        inputs = {
            "in_mics": project.write_mics(names=project.names[4:]),
            "in_coords": project.write_picks(session.coordinates[:4], project.names[:4]),
        }
        job = project.job()
        labels = {"diameter": session.diameter, "epochs": 1, **TRAINING}
        result = run_in_process(job, inputs, labels)
        assert result.code == 0, result.err
        assert "4 micrographs with 48 labels" in result.out
        assert len(assert_job_lists(project, job, project.names[4:])) == 2

    def test_real_picks_of_relion(self, tmp_path, monkeypatch):
        if "PUCLASSIFY_DATA" not in os.environ:
            pytest.skip("set PUCLASSIFY_DATA to the folder with real micrographs")
        folder = Path(os.environ["PUCLASSIFY_DATA"]) / "micrographs/micrograph_cleaner_sample"
        project = Project(tmp_path)
        monkeypatch.chdir(tmp_path)
        project.add_micrographs([folder / "Ucsf_stack_1142_DW_micrograph.mrc"])
        (name,) = project.names
        star = "AutoPick/job005/Movies/Ucsf_stack_1142_DW_micrograph_autopick.star"
        project.write(star, (folder / "Ucsf_stack_1142_DW_autopick.star").read_text())
        inputs = {"in_mics": project.write_mics(pixel_sizes=[4.0], layout="3.0"), "in_coords": star}
        labels = {"diameter": 160, "epochs": 1, "check": "warn", **TRAINING}
        job = project.job()
        result = run_in_process(job, inputs, labels)
        assert result.code == 0, result.err
        n_labels = len(starfile.read(folder / "Ucsf_stack_1142_DW_autopick.star"))
        assert f"1 micrographs with {n_labels} labels" in result.out
        (picks,) = assert_job_lists(project, job, [name])
        assert load_model(job.folder / "model.safetensors").pixel_size == pytest.approx(4.0)
        assert len(picks) > 0


class TestPicking:
    @pytest.mark.parametrize("layout", ["3.0", "3.1"])
    def test_picks_with_a_model(self, layout, project, trained):
        job = project.job()
        mics = {"in_mics": project.write_mics(layout=layout)}
        result = run_in_process(job, mics, {"model": trained[0], "threshold": "-1"})
        assert result.code == 0, result.err
        picks = assert_job_lists(project, job, project.names)
        expected = load_model(trained[0]).predict(project.names, threshold=-1.0)
        for ours, theirs in zip(picks, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-4)

    def test_optics_groups_of_several_pixel_sizes(self, project, session, trained):
        """Micrographs that are said to be coarser are picked as such."""
        groups = [1, 2, 1, 2, 1, 2]
        job = project.job()
        mics = {"in_mics": project.write_mics([PIXEL_SIZE, 1.5 * PIXEL_SIZE], groups)}
        result = run_in_process(job, mics, {"model": trained[0]})
        assert result.code == 0, result.err
        picks = assert_job_lists(project, job, project.names)
        for group, size in ((1, PIXEL_SIZE), (2, 1.5 * PIXEL_SIZE)):
            chosen = [i for i in range(6) if groups[i] == group]
            picker = load_model(trained[0]).set_params(pixel_size=size)
            expected = picker.predict([project.names[i] for i in chosen])
            for i, theirs in zip(chosen, expected, strict=True):
                np.testing.assert_allclose(picks[i], theirs.reshape(-1, 3), atol=1e-4)

    def test_skips_what_cannot_be_read(self, project, trained):
        (project.folder / project.names[2]).write_bytes(b"no micrograph")
        job = project.job()
        mics = {"in_mics": project.write_mics()}
        result = run_in_process(job, mics, {"model": trained[0], "on_error": "skip"})
        assert result.code == 3
        assert (job.folder / "RELION_JOB_EXIT_SUCCESS").exists()
        assert "mic2.mrc" in (job.folder / "skipped.tsv").read_text()
        assert_job_lists(project, job, [n for n in project.names if "mic2" not in n])

    @pytest.mark.parametrize(
        ("version", "label"),
        [
            (4, "MicrographsCoords.star.relion.autopick"),
            (5, "MicrographCoordsGroup.star.relion.autopick"),
        ],
    )
    def test_names_the_coordinates_as_the_version_of_relion(
        self, version, label, session, trained, tmp_path, monkeypatch
    ):
        project = Project(tmp_path, version)
        monkeypatch.chdir(tmp_path)
        project.add_micrographs(session.micrographs[:1])
        mics = {"in_mics": project.write_mics()}
        assert run_in_process(project.job(), mics, {"model": trained[0]}).code == 0
        nodes = (project.job().folder / "RELION_OUTPUT_NODES.star").read_text()
        assert nodes.split()[-2] == label

    def test_parameters_are_written_and_read(self, project, trained):
        job = project.job()
        mics = {"in_mics": project.write_mics()}
        assert run_in_process(job, mics, {"model": trained[0], "threshold": 1}).code == 0
        other = project.job(13)
        config = job.folder / "relion-external.toml"
        result = run("relion-external", "--config", config, "--o", other.name)
        assert result.code == 0, result.err
        picks = assert_job_lists(project, other, project.names)
        expected = assert_job_lists(project, job, project.names)
        for ours, theirs in zip(picks, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


class TestRefused:
    @pytest.mark.parametrize(
        ("labels", "code", "message"),
        [
            ({}, 2, "input coordinates to train on, or the label model"),
            ({"diametre": 180}, 2, "--diameter"),
            ({"model": "none.safetensors"}, 1, "none.safetensors"),
            ({"model": "m", "diameter": 180}, 2, "the label diameter is for a training"),
            ({"model": "m", "in_3dref": "Refine3D/a.mrc"}, 2, "--in_3dref is not used"),
            ({"model": "m", "gpu": 0, "device": "cpu"}, 2, "--gpu and --device"),
            ({"in_coords": "ManualPick/job004/manualpick.star"}, 2, "label diameter"),
            ({"in_coords": "none.star", "diameter": 9}, 1, "none.star"),
            ({"model": "m", "pixel_size": "two"}, 2, "'two' is not a positive number"),
        ],
    )
    def test_wrong_options(self, labels, code, message, project, inputs):
        job = project.job()
        result = run_in_process(job, {"in_mics": inputs["in_mics"]}, labels)
        assert result.code == code
        assert message in " ".join(result.err.split())
        names = {path.name for path in job.folder.iterdir()}
        assert names - {"Movies"} == {"job.star", "RELION_JOB_EXIT_FAILURE"}

    @pytest.mark.parametrize("labels", [{"no_such": 1}, {}])
    def test_a_job_that_is_continued_wrongly_is_not_done(self, labels, project, inputs):
        job = project.job()
        (job.folder / "RELION_JOB_EXIT_SUCCESS").touch()
        run_in_process(job, {"in_mics": inputs["in_mics"]}, labels)
        assert not (job.folder / "RELION_JOB_EXIT_SUCCESS").exists()
        assert (job.folder / "RELION_JOB_EXIT_FAILURE").exists()

    @pytest.mark.parametrize(
        "name",
        [
            *("../outside.mrc", "MotionCorr/job002/../../../outside.mrc", "Movies/../../o.mrc"),
            *("/{root}/outside.mrc", "MotionCorr/job002//{root}/outside.mrc"),
            *("..\\outside.mrc", "MotionCorr/job002/Movies/..\\..\\outside.mrc", "Movies/.."),
        ],
    )
    def test_names_that_lead_out_of_the_folder(self, name, project, trained, session):
        name = name.replace("{root}", str(project.folder.parent).lstrip("/"))
        for place in (project.folder / name, project.folder / "CtfFind/job003" / name):
            if name.endswith(".mrc"):  # it would be readable
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(Path(session.micrographs[0]).read_bytes())
        mics = {"in_mics": project.write_mics(names=[*project.names, name])}
        job = project.job()
        outside = {p for p in project.folder.parent.rglob("*") if job.folder not in p.parents}
        result = run_in_process(job, mics, {"model": trained[0]})
        assert result.code == 1
        assert "out of the folders of the project" in result.err or "outside of the" in result.err
        assert (job.folder / "RELION_JOB_EXIT_FAILURE").exists()
        now = {p for p in project.folder.parent.rglob("*") if job.folder not in p.parents}
        assert now == outside
        assert not list(
            job.folder.rglob("*.star"),
        ) or {p.name for p in job.folder.rglob("*.star")} == {"job.star"}

    def test_links_that_lead_out_of_the_folder(self, project, trained, tmp_path):
        job = project.job()
        (tmp_path / "elsewhere").mkdir()
        (job.folder / "Movies").symlink_to(tmp_path / "elsewhere")
        mics = {"in_mics": project.write_mics()}
        result = run_in_process(job, mics, {"model": trained[0]})
        assert result.code == 1
        assert "link that leads out of the job's folder" in result.err
        assert not list((tmp_path / "elsewhere").iterdir())

    def test_names_that_share_a_file(self, project, trained):
        other = project.names[0].replace("job002", "job007")
        (project.folder / other).parent.mkdir(parents=True)
        (project.folder / other).write_bytes((project.folder / project.names[0]).read_bytes())
        mics = {"in_mics": project.write_mics(names=[*project.names, other])}
        result = run_in_process(project.job(), mics, {"model": trained[0]})
        assert result.code == 1
        assert "would both be written to External/job012/Movies/mic0_autopick.star" in result.err

    def test_labels_of_several_pixel_sizes(self, project, session):
        inputs = {
            "in_mics": project.write_mics([1.0, 2.0], [1, 2, 1, 2, 1, 2]),
            "in_coords": project.write_picks(session.coordinates[:4], project.names[:4]),
        }
        result = run_in_process(project.job(), inputs, {"diameter": session.diameter})
        assert result.code == 1
        assert "pixel sizes of 1 to 2" in result.err


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("MotionCorr/job002/Movies/m1.mrc", "Movies/m1_autopick.star"),
        ("MotionCorr/job002/m1.mrc", "m1_autopick.star"),
        ("MotionCorr/job1002/a/b.c/m1.x.mrc", "a/b.c/m1.x_autopick.star"),
        ("Micrographs/m1.mrc", "Micrographs/m1_autopick.star"),
        ("Micrographs/job5/m1.mrc", "Micrographs/job5/m1_autopick.star"),  # not a number of RELION
        ("/data/p/MotionCorr/job002/Movies/m1.mrc", "Movies/m1_autopick.star"),
        ("MotionCorr/job002/Import/job001/m1.mrc", "Import/job001/m1_autopick.star"),
        ("./Movies/m 1.tif", "Movies/m 1_autopick.star"),
    ],
)
def test_layout_of_relion(name, expected):
    from puclassify.cli._relion_job import coordinate_file

    assert coordinate_file(name) == expected
