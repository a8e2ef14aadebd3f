"""Particles cut out of micrographs into stacks, with a STAR file of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from puclassify._parallel import WorkerTask
from puclassify._parameters import (
    check_flag,
    check_n_jobs,
    check_number,
    check_option,
    check_whole_number,
)
from puclassify._pixel_size import (
    check_pixel_size,
    differ,
    header_pixel_size,
    stored_pixel_size,
)
from puclassify._progress import with_progress
from puclassify._warnings import warn
from puclassify.grid import GridImage
from puclassify.io import (
    SkippedMicrograph,
    as_grid_image,
    check_micrographs,
    given_name,
    source_of,
)
from puclassify.particles._cutting import Cutting
from puclassify.particles._extracted_particles import ExtractedParticles
from puclassify.particles._normalize import RingNormalization
from puclassify.particles._particle_star import Optics, format_particles, pixel_size_in
from puclassify.particles._picks_in_order import Picks, picks_in_order
from puclassify.particles._stack_file import MODES
from puclassify.particles._stack_folder import StackFolder

__all__ = ["extract_particles"]

_USUAL_RADIUS = 0.375  # of the box, as in RELION


def extract_particles(
    micrographs: Sequence[Any],
    picks: Any,
    box_size: int,
    output: str | os.PathLike[str],
    *,
    pixel_size: float | str = "header",
    downsample_to: int | None = None,
    normalize: bool = True,
    background_radius: float | None = None,
    ramp: bool = True,
    invert_contrast: bool = False,
    edges: str = "skip",
    dtype: str = "float32",
    voltage: float | None = None,
    spherical_aberration: float | None = None,
    amplitude_contrast: float | None = None,
    optics_group_name: str = "opticsGroup1",
    optics: Any = None,
    on_error: str = "raise",
    resume: bool = False,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> ExtractedParticles:
    """Cut particles out of micrographs into MRC stacks, with a STAR file for RELION.

    Parameters
    ----------
    micrographs : sequence of str, path-like, ndarray of shape (height, width) or GridImage
        The micrographs as stored.
    picks : sequence of array-like of shape (k, 2) or (k, 3), mapping of str to such arrays, \
            CoordinateTable, DataFrame, str or path-like
        Columns x, y and possibly the score of the particles, in pixels of the micrograph as stored:
        one array for each micrograph (None for none, as for one that a picker skipped), or by name,
        matched as in `puclassify.io.match_coordinates`; or a file, folder or pattern that
        `puclassify.io.read_coordinates` reads. Columns of RELION in files, tables and frames, such
        as ``_rlnDefocusU``, are kept, and so are the optics groups.
    box_size : int
        Side of the boxes in pixels of the micrographs, even.
    output : str or path-like
        An existing folder. Run Python in RELION's project folder and pass a relative path, such as
        ``"Particles"``, so that the paths in the STAR file are those that RELION uses.
    pixel_size : float or "header", default="header"
        Ångström per pixel of the micrographs; "header" takes it from their optics groups, or where
        these state none from each file.
    downsample_to : int or None, default=None
        Side of the particles after cropping of their Fourier transforms, even; None to keep
        ``box_size``. The pixel size of the images in the STAR file and the stacks follows.
    normalize : bool, default=True
        Whether to subtract the mean of the background and to divide by its standard deviation, for
        each particle. False leaves the scale of the micrographs.
    background_radius : float or None, default=None
        Radius around the centre of the box beyond which pixels are background, in pixels of the
        micrograph. None for 0.375 times ``box_size``, as in RELION.
    ramp : bool, default=True
        Whether a plane is fitted to the background and subtracted instead of the mean, as RELION
        does; it removes gradients of the ice.
    invert_contrast : bool, default=False
        Whether to multiply pixels by -1. RELION expects particles brighter than the background, and
        they are darker in electron micrographs as recorded: pass True for these.
    edges : {"skip", "pad", "error"}, default="skip"
        What to do about boxes that reach beyond the micrograph: leave them out and count them, fill
        them with the nearest pixels (as RELION does; those wholly outside are left out), or refuse
        the micrograph.
    dtype : {"float32", "float16"}, default="float32"
        Type of the pixels in the stacks: mode 2, or mode 12 of half the size, which RELION 4 and
        later read.
    voltage, spherical_aberration, amplitude_contrast : float or None, default=None
        Of the microscope, in kV, mm and as a fraction; written if given, also in the place of those
        of ``optics``. RELION needs them for everything that corrects for the CTF.
    optics_group_name : str, default="opticsGroup1"
        Name of the optics group, if none is taken from ``optics`` or ``picks``.
    optics : str, path-like, CoordinateTable or None, default=None
        A STAR file of the micrographs, such as ``micrographs_ctf.star``, or of particles on them,
        whose optics groups the particles get. None for those of ``picks``.
    on_error : {"raise", "warn", "skip"}, default="raise"
        What to do about a micrograph that cannot be read or extracted: end with its error, go on
        with a warning, or go on. A table ``skipped.tsv`` in ``output`` has these with their errors.
        A full disk is always an error.
    resume : bool, default=False
        Whether to go on with a run that was broken off: micrographs that it has finished are not
        read again, unless they, their picks or their stacks have changed. The files are in the end
        those of a single run, to the byte.
    n_jobs : int or None, default=None
        Number of micrographs that are read and cut at a time, by joblib; the files are the same.
        None or 1 for one after another.
    verbose : int, default=0
        1 shows the progress and the time left, on standard error.

    Returns
    -------
    ExtractedParticles
        The path of the STAR file, the number of particles, how many were left out at edges, and
        the micrographs that were skipped.

    Raises
    ------
    FileNotFoundError
        If ``output``, a micrograph or a file of picks does not exist.
    TypeError
        If ``micrographs`` or ``picks`` is not of the kinds above.
    ValueError
        If a parameter is out of range; if picks match no micrograph; if the stacks of two
        micrographs would have one name; if a header has no pixel size, or another than that of the
        other micrographs; if a box holds NaN, has no noise to normalise by or, with
        ``edges="error"``, reaches beyond the micrograph; if ``resume`` is true and ``output`` holds
        the stacks of a run with other parameters.

    Warns
    -----
    UserWarning
        If picks lie outside of their micrograph, so that their frame is probably another; if
        headers contradict the pixel size of an optics group, which is used; if
        ``output`` holds stacks of a run with other parameters; if nothing could be extracted.

    See Also
    --------
    puclassify.ParticlePicker : Finds the particles.
    puclassify.io.write_coordinates : Writes coordinates, for extraction by other programs.

    Notes
    -----
    ``output`` gets for each micrograph a stack, ``{name}.mrcs``, if it has particles, and a STAR
    file ``{name}_extract.star``; and ``particles.star`` of all, with blocks ``data_optics`` and
    ``data_particles`` as from RELION 3.1 on. A file has its name only when it is complete, and
    ``particles.star`` is written last. One micrograph and its particles are held in memory, or with
    ``n_jobs`` one in each process and the particles of twice as many.

    Boxes are cut at whole pixels, never interpolated: pixel ``box_size // 2`` of the box is the
    pixel that is nearest to the pick, and ``_rlnCoordinateX`` and ``_rlnCoordinateY`` are that
    pixel. What is left of the pick is kept in ``_rlnOriginXAngst`` and ``_rlnOriginYAngst``, as by
    RELION when it extracts particles again around refined centres; refinements start from it, and
    ``read_coordinates(star, origins="apply")`` gives the picks back. (When RELION extracts from
    coordinates alone it cuts off their fractions and forgets them.)

    Order of the steps: cut, downsample, normalise, invert.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from puclassify.io import read_coordinates
    >>> from puclassify.particles import extract_particles
    >>> micrograph = np.random.default_rng(0).normal(size=(100, 120))
    >>> picks = [[[50.0, 40.25, 2.5], [3.0, 60.0, 1.0]]]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = extract_particles([micrograph], picks, 32, folder, pixel_size=1.5)
    ...     read_coordinates(found.star, origins="apply")
    {'micrograph_0000': array([[50.  , 40.25,  2.5 ]])}
    >>> found.n_particles, found.n_at_edges
    (1, 1)
    """
    box_size = _even(box_size, "box_size")
    size = box_size if downsample_to is None else _even(downsample_to, "downsample_to", box_size)
    check_pixel_size(pixel_size)
    radius = _radius(background_radius, box_size) * size / box_size
    check_option(edges, "edges", ["skip", "pad", "error"])
    check_option(dtype, "dtype", MODES)
    check_option(on_error, "on_error", ["raise", "warn", "skip"])
    check_n_jobs(n_jobs)
    normalization = RingNormalization(size, radius, check_flag(ramp, "ramp"))
    cutting = Cutting(
        box_size,
        size,
        normalization if check_flag(normalize, "normalize") else None,
        check_flag(invert_contrast, "invert_contrast"),
        edges,
        dtype,
    )
    of_microscope = {
        "rlnVoltage": _positive(voltage, "voltage", "kV"),
        "rlnSphericalAberration": _positive(spherical_aberration, "spherical_aberration", "mm"),
        "rlnAmplitudeContrast": _fraction(amplitude_contrast),
    }
    items = check_micrographs(micrographs)
    found = picks_in_order(picks, items, optics)
    known = {t: found.of_microscope.get(t) if v is None else v for t, v in of_microscope.items()}
    groups = Optics(optics_group_name, known, size, box_size / size, found.groups)
    groups.block(1.0)  # refuses a name that cannot be written, before anything is
    run = {
        "pixel_size": repr(pixel_size),
        "scores": str(found.picks[0].values.shape[1] == 3),
        "output": os.fspath(output),
        "cutting": repr(cutting),
        "optics": repr(groups),
    }
    same_optics = len(found.groups) < 2
    folder = StackFolder(output, run, check_flag(resume, "resume"), same_optics)
    extraction = _Extraction(folder, cutting, groups, pixel_size, on_error)
    return extraction.run(items, found.picks, verbose, n_jobs)


@dataclass(frozen=True)
class _Micrograph:
    """A micrograph as given, its picks, and what tells whether they are the same later."""

    item: Any
    name: str
    picks: Picks
    pixel_size: float | str

    @property
    def group(self) -> str:
        """The number of its optics group, "" without any."""
        return self.picks.groups[0] if self.picks.groups else ""

    @cached_property
    def source(self) -> list:
        """What tells whether it and its picks are the same later."""
        return [*source_of(self.item), *self.picks.source()]


@dataclass(frozen=True)
class _Cut:
    """What was cut out of a micrograph."""

    particles: np.ndarray  # (m, size, size)
    kept: np.ndarray  # (k,), whether a pick has one
    pixel_size: float  # of the micrograph
    header: float | None  # what its header says
    n_outside: int


def _cut_or_error(cutting: Cutting, micrograph: _Micrograph) -> _Cut | Exception:
    """Cut the particles out of a micrograph, or return why they could not be, in a worker."""
    try:
        return _cut(cutting, micrograph)
    except Exception as error:
        return error


def _cut(cutting: Cutting, micrograph: _Micrograph) -> _Cut:
    image = as_grid_image(micrograph.item, micrograph.name)
    _check_stored(image)
    size = stored_pixel_size(micrograph.pixel_size, image)
    xy = micrograph.picks.values[:, :2]
    kept = cutting.kept(image, xy)
    last = np.array(image.shape[::-1]) - 0.5
    n_outside = int(((xy < -0.5) | (xy > last)).any(axis=1).sum())
    particles = cutting.particles(image, xy[kept])
    return _Cut(particles, kept, size, header_pixel_size(image), n_outside)


class _Extraction:
    """One run over all micrographs."""

    def __init__(
        self,
        folder: StackFolder,
        cutting: Cutting,
        optics: Optics,
        pixel_size: float | str,
        on_error: str,
    ):
        self.folder, self.cutting, self.optics = folder, cutting, optics
        self.pixel_size, self.on_error = pixel_size, on_error
        self.first_sizes: dict[str, tuple[float, str]] = {}  # of a group, and of which micrograph
        self.contradicted: list[tuple[str, float, float]] = []
        self.n_picks = self.n_outside = 0

    def run(
        self, items: Sequence[Any], picks: Sequence[Picks], verbose: int, n_jobs: int | None
    ) -> ExtractedParticles:
        """Extract what is not done yet, and write the STAR file of all."""
        names = [given_name(item, index) for index, item in enumerate(items)]
        self.folder.register(names)
        micrographs = [
            _Micrograph(item, name, one, self._pixel_size_of(one))
            for item, name, one in zip(items, names, picks, strict=True)
        ]
        is_done = [self.folder.is_done(one.name, one.source) for one in micrographs]
        waiting = [one for one, done in zip(micrographs, is_done) if not done]
        results = iter(self._results(waiting, n_jobs))
        steps: Iterable = with_progress(
            zip(micrographs, is_done),
            len(items),
            "micrograph",
            "extracting",
            verbose=verbose,
        )
        for micrograph, done in steps:
            if done:
                self._take_done(micrograph)
            else:
                self._take(micrograph, next(results))
        n_particles = self.folder.finish()
        self._warn_of_outside()
        self._warn_of_headers()
        skipped = tuple(self.folder.skipped)
        if len(skipped) == len(items):
            warn(f"no micrograph could be extracted; the first was skipped: {skipped[0]}")
        star = None if len(skipped) == len(items) else self.folder.star
        return ExtractedParticles(star, n_particles, self.n_picks - n_particles, skipped)

    def _results(self, micrographs: Sequence[_Micrograph], n_jobs: int | None) -> Iterable[Any]:
        """Yield what `_cut_or_error` returns, in order; one ahead of its use in each process."""
        extract = partial(_cut_or_error, self.cutting)
        if n_jobs in (None, 1):
            return map(extract, micrographs)
        parallel = Parallel(n_jobs=n_jobs, return_as="generator", pre_dispatch="n_jobs")
        return parallel(delayed(WorkerTask(extract))(one) for one in micrographs)

    def _take_done(self, micrograph: _Micrograph) -> None:
        self._check_size(pixel_size_in(self.folder.text(micrograph.name)), micrograph)
        self.n_picks += len(micrograph.picks.values)

    def _take(self, micrograph: _Micrograph, result: _Cut | Exception) -> None:
        name, picks = micrograph.name, micrograph.picks
        try:
            if isinstance(result, Exception):
                raise result
            self._check_size(result.pixel_size, micrograph)
            names = (name, self.folder.stack(name))
            text = format_particles(self.optics, result.pixel_size, names, picks[result.kept])
        except Exception as error:
            if self.on_error == "raise":
                raise
            self._skip(SkippedMicrograph(name, type(error).__name__, str(error)))
            return
        stack_size = result.pixel_size * self.optics.downsampling
        self.folder.write(name, micrograph.source, result.particles, stack_size, text)
        self.n_picks += len(picks.values)
        if micrograph.group and result.header and differ(result.header, result.pixel_size):
            self.contradicted.append((name, result.header, result.pixel_size))
        self.n_outside += result.n_outside

    def _pixel_size_of(self, picks: Picks) -> float | str:
        """Return the pixel size as given, or that of the optics group before that of a header."""
        stated = self.optics.pixel_size_of(picks.groups[0]) if picks.groups else None
        return stated if self.pixel_size == "header" and stated else self.pixel_size

    def _check_size(self, pixel_size: float, micrograph: _Micrograph) -> None:
        """Refuse micrographs of several pixel sizes in one optics group."""
        first, of_first = self.first_sizes.setdefault(
            micrograph.group, (pixel_size, micrograph.name)
        )
        if differ(pixel_size, first):
            raise ValueError(
                f"the header of {micrograph.name!r} has a pixel size of {pixel_size:g} Å, that of "
                f"{of_first!r} {first:g} Å; extract them in two calls into two folders, or pass "
                "pixel_size"
            )

    def _skip(self, skipped: SkippedMicrograph) -> None:
        self.folder.skip(skipped)
        if self.on_error == "warn":
            warn(
                f"micrograph {skipped.micrograph!r} was skipped: {skipped.error}: {skipped.message}"
            )

    def _warn_of_headers(self) -> None:
        if self.contradicted and self.pixel_size == "header":
            name, header, used = self.contradicted[0]
            warn(
                f"the headers of {len(self.contradicted)} micrographs have another pixel size than "
                f"their optics groups, which are used: {header:g} Å instead of {used:g} Å in that "
                f"of {name!r}; pass pixel_size if the headers are right"
            )

    def _warn_of_outside(self) -> None:
        if self.n_outside:
            warn(
                f"{self.n_outside} picks lie outside of their micrographs; are they in pixels of "
                "the micrographs as stored? read_coordinates(step=, offset=) converts those of "
                "binned ones"
            )


def _check_stored(image: GridImage) -> None:
    if (image.step_xy != 1).any() or (image.offset_xy != 0).any():
        raise ValueError(
            f"micrographs: {image.name!r} was resampled (step={image.step}, "
            f"offset={image.offset}); pass the micrograph as stored; downsample_to= makes the "
            "particles smaller"
        )


def _even(value: Any, name: str, at_most: int | None = None) -> int:
    limit = "" if at_most is None else f" and at most box_size ({at_most})"
    expected = f"an even whole number of pixels, at least 4{limit}"
    number = check_whole_number(value, name, at_least=4, expected=expected)
    if number % 2 or (at_most is not None and number > at_most):
        raise ValueError(f"{name} must be {expected}, got {value!r}")
    return number


def _radius(value: Any, box_size: int) -> float:
    if value is None:
        return _USUAL_RADIUS * box_size
    expected = f"a positive number of pixels below half of box_size ({box_size // 2}), or None"
    return check_number(value, "background_radius", expected, above=0, below=box_size / 2)


def _positive(value: Any, name: str, unit: str) -> float | None:
    expected = f"a positive number of {unit}, or None"
    return None if value is None else check_number(value, name, expected, above=0)


def _fraction(value: Any) -> float | None:
    if value is None:
        return None
    expected = "a fraction from 0 to 1, such as 0.1, or None"
    return check_number(value, "amplitude_contrast", expected, at_least=0, at_most=1)
