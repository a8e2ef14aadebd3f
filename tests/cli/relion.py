"""A project of RELION, and a program that runs jobs of type External as RELION 4 and 5 do.

Written after RELION's documentation of that job type and the layout of the files of its projects.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXITS = {f"RELION_JOB_EXIT_{how}": how for how in ("SUCCESS", "FAILURE", "ABORTED")}
_LABELS = {
    4: ("MicrographsData.star.relion.ctf", "MicrographsCoords.star.relion.manualpick"),
    5: ("MicrographGroupMetadata.star.relion.ctf", "MicrographCoordsGroup.star.relion.manualpick"),
}
# What a test changes in the program: a short training, a pause after each micrograph.
_DRIVER = """\
import time
from puclassify import ParticlePicker
from puclassify.cli import main
from puclassify.io import PickJournal

ParticlePicker._steps_per_epoch = 12
add = PickJournal.add
def slow(*args):
    add(*args)
    time.sleep({pause})
PickJournal.add = slow
main()
"""


def table(block, columns):
    """Format a table as RELION writes it: a comment with the version, a space at ends of lines."""
    titles = "".join(f"_{title} #{i} \n" for i, title in enumerate(columns, 1))
    rows = "".join(
        " ".join(f"{value:>12}" for value in row) + " \n" for row in zip(*columns.values())
    )
    return f"\n# version 30001\n\ndata_{block}\n\nloop_ \n{titles}{rows} \n"


class Project:
    """A project folder with micrographs in ``MotionCorr/job002`` and picks by hand."""

    def __init__(self, folder, version=5):
        self.folder, self.version = Path(folder), version
        self.names: list[str] = []
        self.jobs: list[Job] = []
        self.write("default_pipeline.star", self._pipeline())

    def write(self, path, text):
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)
        return path

    def add_micrographs(self, paths, folder="Movies"):
        """Copy micrographs in, as motion correction would leave them."""
        for path in map(Path, paths):
            name = f"MotionCorr/job002/{folder}/{path.name}"
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, self.folder / name)
            self.names.append(name)

    def write_mics(self, pixel_sizes=(2.0,), groups=None, names=None, layout="3.1"):
        """Write the micrographs of a CtfFind job; ``groups`` are the optics group of each."""
        names = names or self.names
        groups = groups or [1] * len(names)
        mics = {"rlnMicrographName": names, "rlnOpticsGroup": groups}
        mics["rlnDefocusU"] = ["10863.857422"] * len(names)
        numbers = range(1, 1 + len(pixel_sizes))
        optics = {
            "rlnOpticsGroupName": [f"opticsGroup{i}" for i in numbers],
            "rlnOpticsGroup": numbers,
            "rlnMicrographOriginalPixelSize": [f"{size / 2:.6f}" for size in pixel_sizes],
            "rlnVoltage": ["300.000000"] * len(pixel_sizes),
            "rlnMicrographPixelSize": [f"{size:.6f}" for size in pixel_sizes],
        }
        text = table("optics", optics) + table("micrographs", mics)
        if layout == "3.0":  # one block without a name; the pixel size by the magnification
            del mics["rlnOpticsGroup"]
            mics["rlnDetectorPixelSize"] = ["5.000000"] * len(names)
            mics["rlnMagnification"] = [f"{5e4 / pixel_sizes[0]:.6f}"] * len(names)
            text = table("", mics).replace("version 30001", "RELION; version 3.0")
        return self.write("CtfFind/job003/micrographs_ctf.star", text)

    def write_picks(self, coordinates, names=None):
        """Write a ManualPick job and return its list."""
        names = names or self.names
        files = [
            f"ManualPick/job004/{Path(*Path(name).parts[2:]).with_suffix('')}_manualpick.star"
            for name in names
        ]
        for file, xy in zip(files, coordinates):
            columns = {
                "rlnCoordinateX": [f"{x:.6f}" for x, _ in xy],
                "rlnCoordinateY": [f"{y:.6f}" for _, y in xy],
                "rlnClassNumber": [-999] * len(xy),
                "rlnAnglePsi": ["-999.00000"] * len(xy),
                "rlnAutopickFigureOfMerit": ["-999.00000"] * len(xy),
            }
            self.write(file, table("", columns))
        columns = {"rlnMicrographName": names, "rlnMicrographCoordinates": files}
        return self.write("ManualPick/job004/manualpick.star", table("coordinate_files", columns))

    def job(self, number=12, **options):
        self.jobs.append(Job(self, f"External/job{number:03}/", **options))
        return self.jobs[-1]

    def end(self):
        for job in self.jobs:
            job.kill()

    def _pipeline(self):
        mics, coordinates = _LABELS[self.version]
        nodes = {
            "rlnPipeLineNodeName": [
                "CtfFind/job003/micrographs_ctf.star",
                "ManualPick/job004/manualpick.star",
            ],
            "rlnPipeLineNodeTypeLabel": [mics, coordinates],
        }
        return table("pipeline_nodes", nodes)


class Job:
    """A job of type External, started in the background by a shell as RELION does."""

    def __init__(self, project, folder, pause=0.0):
        self.project, self.name = project, folder
        self.process: int | None = None
        self.folder = project.folder / folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.settings = "\ndata_job\n\n_rlnJobTypeLabel relion.external\n_rlnJobIsContinue 0\n"
        (self.folder / "job.star").write_text(self.settings)
        self._driver = project.folder / "driver.py"
        self._driver.write_text(_DRIVER.format(pause=pause))

    def arguments(self, inputs, labels, threads=1):
        """Return what RELION puts behind the name of the executable."""
        labelled = [word for pair in labels.items() for word in (f"--{pair[0]}", str(pair[1]))]
        given = [word for pair in inputs.items() for word in (f"--{pair[0]}", str(pair[1]))]
        control = ["--pipeline_control", self.name]
        return ["--o", self.name, *given, *labelled, "--j", str(threads), *control]

    def start(self, inputs, labels):
        """Start the job, or continue it."""
        for name in EXITS:
            (self.folder / name).unlink(missing_ok=True)
        words = [sys.executable, str(self._driver), "relion-external"]
        command = shlex.join([*words, *self.arguments(inputs, labels)])
        script = f"{command} >> {self.name}run.out 2>> {self.name}run.err & echo $!"
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        started = subprocess.run(
            ["sh", "-c", script],
            cwd=self.project.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        self.process = int(started.stdout)
        return self

    def kill(self):
        """End the process of a test that failed."""
        if self.process is not None and self.is_running():
            os.kill(self.process, signal.SIGKILL)

    def wait(self, timeout=400):
        """Wait until the job says how it ended, as the pipeline does, and return that."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            found = [how for name, how in EXITS.items() if (self.folder / name).exists()]
            if found:
                assert len(found) == 1, found
                return found[0]
            time.sleep(0.05)
        raise TimeoutError(f"{self.output()}\n{self.errors()}")

    def wait_for(self, condition, timeout=400):
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end, f"{self.output()}\n{self.errors()}"
            time.sleep(0.05)

    def abort(self):
        """Do what RELION's button does."""
        (self.folder / "RELION_JOB_ABORT_NOW").touch()

    def is_running(self):
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return False
        try:  # one that nobody has collected is over, too
            state = Path(f"/proc/{self.process}/stat").read_text()
        except OSError:
            return not os.path.isdir("/proc/self")  # it has ended since
        return state.rpartition(")")[2].split()[0] != "Z"

    def output(self):
        return (self.folder / "run.out").read_text()

    def errors(self):
        return (self.folder / "run.err").read_text()
