"""Micrographs from cryoSPARC and picks for it, against the layouts of its files and its classes."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from puclassify.io import (
    Exposure,
    Exposures,
    check_micrographs,
    micrograph_files,
    read_coordinate_table,
    read_coordinates,
    read_exposures,
    save_external_picks,
    write_coordinates,
)

from .cryosparc_server import Server

SHAPE = (40, 60)
UIDS = (12951868257382468663, 588255143468195995, 8578565574161745010)
PATHS = [f"J2/motioncorrected/{uid:021d}_mic{i}_patch_aligned.mrc" for i, uid in enumerate(UIDS)]
# The fields and types of exposures and of picks in cryoSPARC, from datasets of T20S.
EXPOSURE_TYPE = [
    *(("uid", "<u8"), ("micrograph_blob/path", "S400"), ("micrograph_blob/idx", "<u4")),
    *(("micrograph_blob/shape", "<u4", (2,)), ("micrograph_blob/psize_A", "<f4")),
    *(("micrograph_blob/format", "S8"), ("micrograph_blob/is_background_subtracted", "<u4")),
]
GROUP_TYPE = [
    ("uid", "<u8"),
    ("mscope_params/accel_kv", "<f4"),
    ("mscope_params/exp_group_id", "<u4"),
]
PICK_TYPE = {
    "uid": ("<u8", ()),
    "location/micrograph_uid": ("<u8", ()),
    "location/exp_group_id": ("<u4", ()),
    "location/micrograph_path": ("|S", ()),
    "location/micrograph_shape": ("<u4", (2,)),
    "location/center_x_frac": ("<f4", ()),
    "location/center_y_frac": ("<f4", ()),
    "location/min_dist_A": ("<f4", ()),
    "pick_stats/ncc_score": ("<f4", ()),
    "pick_stats/power": ("<f4", ()),
    "pick_stats/template_idx": ("<u4", ()),
    "pick_stats/angle_rad": ("<f4", ()),
    "location/micrograph_psize_A": ("<f4", ()),
}
PICKS = [
    np.array([[10.25, 20.5, 1.5], [59, 0, -2.25]]),
    np.empty((0, 3)),
    np.array([[0.0, 39.0, 0.5]]),
]


def save(path, rows):
    with open(path, "wb") as file:
        np.save(file, rows)


def exposures(paths=PATHS, uids=UIDS, pixel_size=1.06, **others):
    rows = np.zeros(len(paths), dtype=EXPOSURE_TYPE)
    rows["uid"], rows["micrograph_blob/path"] = uids, [path.encode() for path in paths]
    rows["micrograph_blob/shape"], rows["micrograph_blob/psize_A"] = SHAPE, pixel_size
    for title, values in others.items():
        rows[f"micrograph_blob/{title}"] = values
    return rows


@pytest.fixture
def project(tmp_path):
    """A project: images, an exposures file in a job, and the microscope's values in another."""
    root = tmp_path / "P3"
    (root / "J2/motioncorrected").mkdir(parents=True)
    (root / "J5").mkdir()
    (root / "project.json").write_text("{}")
    for path in PATHS:
        mrcfile.write(root / path, np.zeros(SHAPE, np.float32), voxel_size=1.06)
    save(root / "J5/micrographs.cs", exposures())
    groups = np.zeros(3, dtype=GROUP_TYPE)
    groups["uid"], groups["mscope_params/exp_group_id"] = UIDS[::-1], [3, 2, 1]
    save(root / "J5/J5_passthrough_micrographs.cs", groups)
    (root / "J5/micrographs.csg").write_text(GROUP)
    return root


GROUP = """\
created: 2026-03-05 10:11:12.131415
group:
  description: 'All micrographs that were processed: including those whose fit
    failed, and: more'
  name: micrographs
  title: Micrographs processed
  type: exposure
results:
  micrograph_blob:
    metafile: '>micrographs.cs'
    num_items: 3
    type: exposure.micrograph_blob
  mscope_params:
    metafile: J5/J5_passthrough_micrographs.cs
    num_items: 3
    type: exposure.mscope_params
version: v4.7.1
"""


class TestExposures:
    def test_of_an_array(self, project):
        found = read_exposures(project / "J5/micrographs.cs")
        assert [one.uid for one in found.exposures] == list(UIDS)
        assert [one.path for one in found.exposures] == PATHS
        assert list(found) == [str(project / path) for path in PATHS]
        assert {one.shape for one in found.exposures} == {SHAPE}
        assert found.pixel_size == 1.06
        assert [one.exposure_group for one in found.exposures] == [0, 0, 0]
        assert check_micrographs(found) == list(found)
        assert list(found[1:]) == list(found)[1:]
        assert isinstance(found[1:], Exposures)

    def test_of_a_group_whose_results_are_in_two_files(self, project):
        found = read_exposures(project / "J5/micrographs.csg")
        assert [one.uid for one in found.exposures] == list(UIDS)
        assert [one.exposure_group for one in found.exposures] == [1, 2, 3]

    def test_of_an_exported_group_with_paths_beside_it(self, project):
        folder = project / "exports/groups/P3_J5_micrographs"
        folder.mkdir(parents=True)
        os.symlink(project / "J2", folder / "J2")
        save(folder / "P3_J5.cs", exposures([f">{path}" for path in PATHS]))
        found = read_exposures(folder / "P3_J5.cs")
        assert list(found) == [str(folder / path) for path in PATHS]
        assert [one.path for one in found.exposures] == PATHS

    def test_what_their_class_saves(self, project):
        dataset = pytest.importorskip("cryosparc.dataset").Dataset
        theirs = dataset.load(str(project / "J5/micrographs.cs"))
        theirs.save(str(project / "J5/again.cs"))
        ours = read_exposures(project / "J5/micrographs.cs").exposures
        assert read_exposures(project / "J5/again.cs").exposures == ours
        assert read_exposures(theirs, folder=project).exposures == ours

    def test_pixel_sizes_that_differ_are_no_common_one(self, project):
        save(project / "J5/micrographs.cs", exposures(psize_A=[1.06, 1.06, 1.3]))
        assert read_exposures(project / "J5/micrographs.cs").pixel_size is None
        save(project / "J5/micrographs.cs", exposures(psize_A=[1.06, 0, np.nan]))
        found = read_exposures(project / "J5/micrographs.cs")
        assert [one.pixel_size for one in found.exposures] == [1.06, None, None]

    def test_as_lists_of_micrographs(self, project):
        own, group = str(project / "J5/micrographs.cs"), str(project / "J5/micrographs.csg")
        assert isinstance(micrograph_files([group]), Exposures)
        with pytest.warns(UserWarning, match="3 micrographs are given more than once"):
            both = micrograph_files([own, group])
        assert list(both) == [str(project / path) for path in PATHS]
        other = str(project / "other.mrc")
        mrcfile.write(other, np.zeros(SHAPE, np.float32))
        assert micrograph_files([own, other]) == [*both, other]

    def test_only_the_project_is_searched(self, project):
        outside = project.parent / "J2/motioncorrected/other.mrc"
        outside.parent.mkdir(parents=True)
        outside.write_bytes(b"")
        path = project / "J5/micrographs.cs"
        save(path, exposures(["J2/motioncorrected/other.mrc"], UIDS[:1]))
        with pytest.raises(FileNotFoundError, match=r"1 of the 1 .*other\.mrc.*state the folder"):
            read_exposures(path)
        (found,) = read_exposures(path, folder=project.parent)
        assert found == str(outside)

    def test_without_signs_of_a_project_a_few_folders_are_searched(self, tmp_path):
        folder = tmp_path.joinpath(*"abcd")
        folder.mkdir(parents=True)
        save(folder / "x.cs", exposures(["m.mrc"], UIDS[:1]))
        (tmp_path / "m.mrc").write_bytes(b"")
        with pytest.raises(FileNotFoundError):
            read_exposures(folder / "x.cs")
        (tmp_path / "a/m.mrc").write_bytes(b"")
        assert list(read_exposures(folder / "x.cs")) == [str(tmp_path / "a/m.mrc")]

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("../secret.mrc", "leads out of the folder"),
            ("J2/../../secret.mrc", "leads out of the folder"),
            (">../../secret.mrc", "leads out of the folder"),
            ("J2\\..\\..\\secret.mrc", "leads out of the folder"),
            ("{outside}", "an absolute path, while"),
        ],
    )
    def test_paths_that_lead_elsewhere_are_refused(self, project, name, message):
        outside = project.parent / "secret.mrc"
        outside.write_bytes(b"")
        save(project / "J5/x.cs", exposures([name.format(outside=outside)], UIDS[:1]))
        with pytest.raises(ValueError, match=rf"x\.cs cannot be read.*secret\.mrc.*{message}"):
            read_exposures(project / "J5/x.cs")
        with pytest.raises(ValueError, match=r"leads out of the folder|outside of"):
            read_exposures(project / "J5/x.cs", folder=project)
        if name == "{outside}":
            assert list(read_exposures(project / "J5/x.cs", folder=project.parent)) == [
                str(outside)
            ]

    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            (np.zeros(1, dtype=[("uid", "<u8"), ("blob/path", "S9")]), "it holds particles"),
            (
                np.zeros(1, dtype=[("uid", "<u8"), ("micrograph_blob_non_dw/path", "S9")]),
                "images there are micrograph_blob_non_dw: pass blob=",
            ),
            (np.zeros(1, dtype=[("uid", "<u8"), ("movie_blob/path", "S9")]), "motion correction"),
            (exposures(uids=[1, 1, 2]), "two exposures have the same uid"),
            (exposures(shape=0), "positive height and width"),
            (
                np.zeros(
                    1, dtype=[(t, "S9" if "shape" in t else d, *n) for t, d, *n in EXPOSURE_TYPE]
                ),
                "is it damaged",
            ),
            (
                np.zeros(1, dtype=[(t, "S3", *n) for t, _, *n in EXPOSURE_TYPE]),
                "invalid literal for int",
            ),
        ],
    )
    def test_other_files(self, tmp_path, rows, message):
        save(tmp_path / "x.cs", rows)
        with pytest.raises(ValueError, match=rf"x\.cs cannot be read as exposures.*({message})"):
            read_exposures(tmp_path / "x.cs")

    def test_denoised_images(self, project):
        rows = exposures()
        names = [title.replace("_blob/", "_blob_denoised/") for title in rows.dtype.names]
        rows.dtype.names = names
        save(project / "J5/x.cs", rows)
        assert len(read_exposures(project / "J5/x.cs", blob="micrograph_blob_denoised")) == 3

    def test_pickles_are_not_executed(self, tmp_path):
        class Bomb:
            def __reduce__(self):
                return (open, (str(tmp_path / "exploded"), "w"))

        rows = np.empty(1, dtype=[("uid", "<u8"), ("micrograph_blob/path", object)])
        rows["micrograph_blob/path"][0] = Bomb()
        with open(tmp_path / "bomb.cs", "wb") as file:
            np.save(file, rows, allow_pickle=True)
        (tmp_path / "plain.cs").write_bytes(pickle.dumps(Bomb()))
        (tmp_path / "group.csg").write_text(GROUP.replace("micrographs.cs", "bomb.cs"))
        for name, message in [
            ("bomb.cs", "pickled Python objects"),
            ("plain.cs", "does not start as a .cs file"),
            ("group.csg", "pickled Python objects"),
        ]:
            with pytest.raises(ValueError, match=message):
                read_exposures(tmp_path / name)
        assert not (tmp_path / "exploded").exists()

    def test_a_dataset_needs_the_folder(self):
        with pytest.raises(ValueError, match="folder must be that of the project"):
            read_exposures({"uid": []})


class TestPicks:
    @pytest.fixture
    def written(self, project):
        found = read_exposures(project / "J5/micrographs.csg")
        write_coordinates(PICKS, project / "picks.csg", names=found, micrographs=found)
        return project / "picks.csg"

    def test_fields_and_types_are_those_of_cryosparc(self, written):
        rows = np.load(written.with_suffix(".cs"), allow_pickle=False)
        types = {
            title: (rows.dtype[title].base.str, rows.dtype[title].shape)
            for title in rows.dtype.names
        }
        path = types["location/micrograph_path"]
        types["location/micrograph_path"] = (path[0][:2], path[1])
        assert types == PICK_TYPE
        assert len(set(rows["uid"].tolist())) == 3

    def test_micrographs_are_named_as_in_the_exposures(self, written):
        rows = np.load(written.with_suffix(".cs"), allow_pickle=False)
        assert rows["location/micrograph_uid"].tolist() == [UIDS[0], UIDS[0], UIDS[2]]
        assert [path.decode() for path in rows["location/micrograph_path"]] == [
            *(PATHS[0], PATHS[0], PATHS[2])
        ]
        assert rows["location/exp_group_id"].tolist() == [1, 1, 3]
        np.testing.assert_array_equal(rows["location/micrograph_shape"], [SHAPE] * 3)
        np.testing.assert_allclose(rows["location/micrograph_psize_A"], 1.06)
        np.testing.assert_allclose(rows["pick_stats/ncc_score"], [1.5, -2.25, 0.5])
        np.testing.assert_allclose(rows["pick_stats/power"], [1.5, -2.25, 0.5])

    def test_the_pixel_under_a_pick(self, project):
        """As cryoSPARC's own examples draw picks: on the rows as stored, from the first one."""
        image = np.zeros(SHAPE, np.float32)
        image[7, 50] = 1
        y, x = np.argwhere(image)[0]
        found = read_exposures(project / "J5/micrographs.cs")
        write_coordinates({found[0]: [[x, y, 0]]}, project / "a.cs", micrographs=found)
        rows = np.load(project / "a.cs")
        height, width = rows["location/micrograph_shape"][0]
        row = rows["location/center_y_frac"][0] * height
        column = rows["location/center_x_frac"][0] * width
        assert image[round(float(row)), round(float(column))] == 1

    def test_their_class_reads_them(self, written):
        dataset = pytest.importorskip("cryosparc.dataset").Dataset
        theirs = dataset.load(str(written.with_suffix(".cs")))
        assert theirs["location/micrograph_path"].tolist() == [PATHS[0], PATHS[0], PATHS[2]]
        exposed = dataset.load(str(written.parent / "J5/micrographs.cs"))
        for row in theirs.rows():
            (of,) = exposed.query({"uid": row["location/micrograph_uid"]}).rows()
            assert of["micrograph_blob/path"] == row["location/micrograph_path"]
        theirs.save(str(written.with_suffix(".cs")))
        read = read_coordinates(written)
        np.testing.assert_allclose(read[PATHS[0]], PICKS[0], atol=1e-4)
        np.testing.assert_allclose(read[PATHS[2]], PICKS[2], atol=1e-4)

    @pytest.mark.parametrize("ending", [".cs", ".csg"])
    def test_they_are_read_again_and_matched(self, written, ending, project):
        table = read_coordinate_table(written.with_suffix(ending))
        assert table.names == [PATHS[0], PATHS[0], PATHS[2]]
        np.testing.assert_allclose(table.values, np.concatenate(PICKS), atol=1e-4)
        found = read_exposures(project / "J5/micrographs.cs")
        write_coordinates(table, project / "b.csg", micrographs=found)
        one, two = (np.load(p) for p in (written.with_suffix(".cs"), project / "b.cs"))
        np.testing.assert_array_equal(one["uid"], two["uid"])

    def test_of_a_micrograph_that_is_none_of_the_exposures(self, project):
        found = read_exposures(project / "J5/micrographs.cs")
        picks = {found[0]: [[1, 2, 3]], "another.mrc": [[1, 2, 3]]}
        for shapes in (None, {"another": SHAPE}):
            with pytest.raises(ValueError, match=r"'another\.mrc' is none of the exposures"):
                write_coordinates(picks, project / "a.cs", micrographs=found, shapes=shapes)
        assert not (project / "a.cs").exists()

    def test_outside_of_the_micrograph_is_told(self, project):
        found = read_exposures(project / "J5/micrographs.cs")
        with pytest.warns(UserWarning, match=r"1 picks lie outside .* 40 x 60 pixels: are they"):
            write_coordinates({found[0]: [[70, 2, 3]]}, project / "a.cs", micrographs=found)

    def test_for_each_micrograph(self, project):
        found = read_exposures(project / "J5/micrographs.cs")
        write_coordinates(PICKS, project / "{name}.csg", names=found, micrographs=found)
        assert len(list(project.glob("*.csg"))) == len(list(project.glob("*.cs"))) == 3
        rows = np.load(project / f"{Path(PATHS[2]).stem}.cs")
        assert rows["location/micrograph_uid"].tolist() == [UIDS[2]]

    def test_of_other_formats_do_not_change(self, project):
        found = read_exposures(project / "J5/micrographs.cs")
        write_coordinates(PICKS, project / "a.csv", names=found, micrographs=found)
        write_coordinates(PICKS, project / "b.csv", names=list(found))
        assert (project / "a.csv").read_text() == (project / "b.csv").read_text()


class TestGroups:
    def test_a_group_that_is_written(self, tmp_path):
        yaml = pytest.importorskip("yaml")
        with pytest.warns(UserWarning, match=r"cannot tell which micrographs .*read_exposures"):
            write_coordinates({"m": PICKS[0]}, tmp_path / "it's picks.csg", shapes=SHAPE)
        group = yaml.safe_load((tmp_path / "it's picks.csg").read_text())
        assert set(group) == {"created", "group", "results", "version"}
        assert group["group"]["type"] == "particle"
        assert set(group["group"]) == {"description", "name", "title", "type"}
        for slot in ("location", "pick_stats"):
            assert group["results"].pop(slot) == {
                "metafile": ">it's picks.cs",
                "num_items": 2,
                "type": f"particle.{slot}",
            }
        assert group["results"] == {}
        np.testing.assert_allclose(read_coordinates(tmp_path / "it's picks.csg")["m"], PICKS[0])

    def test_without_scores_there_are_no_pick_stats(self, tmp_path):
        yaml = pytest.importorskip("yaml")
        with pytest.warns(UserWarning, match="cannot tell which micrographs"):
            write_coordinates({"m": [[1, 2]]}, tmp_path / "a.csg", shapes=SHAPE)
        group = yaml.safe_load((tmp_path / "a.csg").read_text())
        assert list(group["results"]) == ["location"]
        assert not [t for t in np.load(tmp_path / "a.cs").dtype.names if "pick_stats" in t]

    @pytest.mark.parametrize(
        "description",
        ["", "plain", "two: words", "it's", "# no comment", "word " * 60, "a: 'b' " * 30, "é\t\\"],
    )
    def test_what_pyyaml_writes_is_read_as_pyyaml_does(self, tmp_path, description):
        yaml = pytest.importorskip("yaml")
        name = "a b's: #1.cs"
        group = {
            "created": "2026-01-01",
            "group": {"description": description, "name": "x", "type": "particle"},
            "results": {"location": {"metafile": f">{name}", "num_items": 1, "type": "t"}},
        }
        text = yaml.dump(group, default_flow_style=False)
        (tmp_path / "a.csg").write_text(text)
        write_coordinates({"m": [[1, 2, 0.5]]}, tmp_path / name, shapes=SHAPE)
        np.testing.assert_allclose(read_coordinates(tmp_path / "a.csg")["m"], [[1, 2, 0.5]])

    def test_scores_in_another_file_and_order(self, tmp_path):
        located = np.zeros(
            3,
            dtype=[
                *(("uid", "<u8"), ("location/micrograph_path", "S5")),
                ("location/micrograph_shape", "<u4", (2,)),
                *(("location/center_x_frac", "<f4"), ("location/center_y_frac", "<f4")),
            ],
        )
        located["uid"], located["location/micrograph_path"] = [5, 3, 4], b"m.mrc"
        located["location/micrograph_shape"] = SHAPE
        located["location/center_x_frac"] = [0.1, 0.2, 0.3]
        scored = np.array(
            [(3, 30), (4, 40), (5, 50)], dtype=[("uid", "<u8"), ("pick_stats/ncc_score", "<f4")]
        )
        save(tmp_path / "located.cs", located)
        save(tmp_path / "scored.cs", scored)
        text = "group:\n  type: particle\nresults:\n"
        text += "  location:\n    metafile: '>located.cs'\n    type: particle.location\n"
        text += "  pick_stats:\n    metafile: '>scored.cs'\n    type: particle.pick_stats\n"
        (tmp_path / "a.csg").write_text(text)
        read = read_coordinates(tmp_path / "a.csg")["m.mrc"]
        np.testing.assert_allclose(read[:, 0], [6, 12, 18], atol=1e-5)
        np.testing.assert_allclose(read[:, 2], [50, 30, 40])

    @pytest.mark.parametrize(
        ("metafile", "message"),
        [
            (">../a.cs", "leads out of the folder"),
            ("../a.cs", "leads out of the folder"),
            ("/a.cs", "an absolute path"),
            (">none.cs", "'none.cs' of its result 'location' is missing"),
        ],
    )
    def test_groups_that_lead_elsewhere(self, tmp_path, metafile, message):
        folder = tmp_path / "in"
        folder.mkdir()
        write_coordinates({"m": [[1, 2, 3]]}, tmp_path / "a.cs", shapes=SHAPE)
        metafile = metafile.replace("/a.cs", f"{tmp_path}/a.cs") if metafile[0] == "/" else metafile
        text = f"group:\n  type: particle\nresults:\n  location:\n    metafile: {metafile!r}\n"
        (folder / "x.csg").write_text(text)
        with pytest.raises(ValueError, match=rf"x\.csg cannot be read as coordinates: .*{message}"):
            read_coordinates(folder / "x.csg")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (GROUP, "no result 'location'"),
            ("group:\n  type: particle\n", "no keys 'group' and 'results'"),
            ("results: {}\ngroup: x\n", "no keys 'group' and 'results'"),
            ("results:\n  location:\n    type: x\ngroup:\n  a: b\n", "names no metafile"),
            ("!!python/object/apply:os.system [touch exploded]\n", "expected a key and a value"),
            ("just words\n", "expected a key and a value"),
            ("group:\n\tname: x\n", "expected a key and a value"),
            ("a: b\n" * 300_000, "too large for a result group"),
        ],
    )
    def test_groups_that_are_none(self, tmp_path, text, message):
        (tmp_path / "x.csg").write_text(text)
        with pytest.raises(ValueError, match=rf"x\.csg cannot be read as coordinates: .*{message}"):
            read_coordinates(tmp_path / "x.csg")


class TestExternalJobs:
    """With the classes of cryosparc-tools and a stand-in for the server that they talk to."""

    @pytest.fixture
    def tools(self):
        tools = pytest.importorskip("cryosparc.tools")
        pytest.importorskip("cryosparc.api", reason="a server of cryosparc-tools 5")
        return tools

    @pytest.fixture
    def server(self, tools):
        import cryosparc
        from cryosparc.dataset import Dataset

        rows = exposures()
        dataset = Dataset(
            {title: rows[title] for title in rows.dtype.names}
            | {"micrograph_blob/path": PATHS, "mscope_params/exp_group_id": [1, 2, 3]}
        )
        server = Server(b"".join(dataset.stream()), f"v{cryosparc.__version__}")
        yield server
        server.close()

    @pytest.fixture
    def live(self, tools, server):
        cs = tools.CryoSPARC(server.url, email="me@lab.org", password="secret")
        yield cs.find_project("P3")
        cs.api._client.close()

    def test_picks_are_stored_in_a_connected_job(self, live, server):
        from cryosparc.dataset import Dataset

        names = [f"/elsewhere/{Path(path).name}" for path in PATHS]
        uid = save_external_picks(
            PICKS, live, "W1", ("J5", "micrographs"), names=names, title="Mine"
        )
        job = server.jobs[uid]
        assert (job["status"], job["title"], job["workspace_uids"]) == ("completed", "Mine", ["W1"])
        (link,) = job["spec"]["inputs"]["micrographs"]["connections"]
        assert link == {"job_uid": "J5", "output": "micrographs"}
        output = job["spec"]["outputs"]["particles"]
        assert output["type"] == "particle"
        assert [one["name"] for one in output["slots"]] == ["location", "pick_stats"]
        rows = Dataset.load(server.dataset(uid, "particles"))
        assert rows["location/micrograph_uid"].tolist() == [UIDS[0], UIDS[0], UIDS[2]]
        assert rows["location/micrograph_path"].tolist() == [PATHS[0], PATHS[0], PATHS[2]]
        assert rows["location/exp_group_id"].tolist() == [1, 1, 3]
        xy = np.concatenate(PICKS)
        np.testing.assert_allclose(rows["location/center_x_frac"] * 60, xy[:, 0], atol=1e-4)
        np.testing.assert_allclose(rows["location/center_y_frac"] * 40, xy[:, 1], atol=1e-4)
        np.testing.assert_allclose(rows["pick_stats/ncc_score"], xy[:, 2])
        np.testing.assert_allclose(rows["pick_stats/power"], xy[:, 2])
        assert len(set(rows["uid"].tolist())) == 3

    def test_a_job_that_cannot_be_filled_is_marked_as_failed(self, live, server):
        from cryosparc.errors import APIError

        server.refuses.add("jobs.save_output")
        with pytest.raises(APIError):
            save_external_picks({PATHS[0]: PICKS[0]}, live, "W1", ("J5", "micrographs"))
        (uid,) = set(server.jobs) - {"J5"}
        assert server.jobs[uid]["status"] == "failed"
        assert server.saved == {}

    @pytest.mark.parametrize(
        ("picks", "source", "message"),
        [
            ({PATHS[0]: [[1, 2]]}, ("J5", "micrographs"), "picks must have scores"),
            ({PATHS[0]: PICKS[0]}, "J5", "source must be the job"),
            (
                {PATHS[0]: PICKS[0], "other.mrc": PICKS[2]},
                ("J5", "micrographs"),
                r"'other\.mrc' is none of the exposures",
            ),
        ],
    )
    def test_what_is_wrong_is_said_before_a_job_is_made(self, live, server, picks, source, message):
        with pytest.raises(ValueError, match=message):
            save_external_picks(picks, live, "W1", source)
        assert set(server.jobs) == {"J5"}

    def test_what_is_no_project(self):
        with pytest.raises(TypeError, match="project must be that of cryosparc-tools"):
            save_external_picks({PATHS[0]: PICKS[0]}, "P3", "W1", ("J5", "micrographs"))


def test_an_exposure_is_plain_data():
    one = Exposure(1, "a", "b", SHAPE)
    assert pickle.loads(pickle.dumps(Exposures([one]))).exposures == (one,)
    assert repr(Exposures([one])) == "Exposures(1 micrographs, pixel_size=None)"
