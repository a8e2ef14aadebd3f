"""Picks as a result of an external job in a running cryoSPARC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from puclassify.io._coordinates import as_table
from puclassify.io._cryosparc import cs_fields
from puclassify.io._exposures import exposures_of
from puclassify.io._frames import Frame

__all__ = ["save_external_picks"]

_INPUT, _OUTPUT = "micrographs", "particles"
_SLOTS = ("location", "pick_stats")
_NEEDED = (
    *("location/micrograph_uid", "location/micrograph_path", "location/micrograph_shape"),
    *("location/center_x_frac", "location/center_y_frac", "pick_stats/ncc_score"),
)


def save_external_picks(
    picks: Any,
    project: Any,
    workspace: str,
    source: tuple[str, str],
    *,
    names: Sequence[Any] | None = None,
    title: str = "Picked by puclassify",
    description: str = "",
) -> str:
    """Store picks in cryoSPARC as the output of an external job.

    This needs cryosparc-tools in the version of the cryoSPARC that runs, which is not always the
    newest one: ``pip install "puclassify[cryosparc]" "cryosparc-tools~=4.7.0"``.

    The job is connected to the one whose micrographs were picked. Connect its particles, and the
    micrographs of that one, to Inspect Picks or Extract from Micrographs.

    Parameters
    ----------
    picks : sequence or mapping of str to array-like, CoordinateTable or DataFrame
        Picks on every micrograph, with scores, as in `write_coordinates`.
    project : ProjectController of cryosparc-tools
        As ``CryoSPARC(...).find_project("P3")`` returns it.
    workspace : str
        The workspace in which the job is made, such as "W1".
    source : (str, str)
        The job whose micrographs were picked and the name of its output, such as
        ``("J5", "micrographs")``. Numbers, paths and sizes of micrographs are taken from it.
    names : sequence of str, path-like, GridImage or None, default=None
        The micrographs, one for each array of ``picks``. None if ``picks`` names them.
    title : str, default="Picked by puclassify"
        Title of the job.
    description : str, default=""
        Description of the job.

    Returns
    -------
    str
        The job that was made, such as "J12". If storing fails, it is marked as failed.

    Raises
    ------
    TypeError
        If ``project`` is no project of cryosparc-tools.
    ValueError
        If picks have no scores, or one of their micrographs is none of the ``source``.

    See Also
    --------
    write_coordinates : Write a ``.csg`` for Import Result Group, without a connection.

    Notes
    -----
    Scores are stored as ``pick_stats/ncc_score`` and ``pick_stats/power``, by which Inspect Picks
    selects.

    Examples
    --------
    >>> from puclassify.io import save_external_picks
    >>> def store(picks, paths):
    ...     from cryosparc.tools import CryoSPARC
    ...     project = CryoSPARC("http://localhost:39000", email="me@lab.org").find_project("P3")
    ...     return save_external_picks(picks, project, "W1", ("J5", "micrographs"), names=paths)
    """
    table = as_table(picks, names)
    if len(table.names) and table.values.shape[1] != 3:
        raise ValueError(
            "picks must have scores, by which cryoSPARC's inspection selects: pass arrays of shape "
            "(k, 3), with a score of 0 if there is none"
        )
    job_uid, output = _checked_source(source)
    if not hasattr(project, "create_external_job"):
        raise TypeError(
            "project must be that of cryosparc-tools, as CryoSPARC(...).find_project('P3') returns "
            f"it, got {project!r:.80}"
        )
    # What fails here fails before there is a job.
    exposures = exposures_of(project.find_job(job_uid).load_output(output))
    fields = cs_fields(Frame(micrographs=exposures).to_file(table))
    job = project.create_external_job(workspace, title=title, desc=description)
    job.connect(_INPUT, job_uid, output, slots=["micrograph_blob"])
    job.add_output("particle", _OUTPUT, slots=list(_SLOTS), title="Picked particles")
    with job.run():
        job.save_output(_OUTPUT, _filled(job.alloc_output(_OUTPUT, fields["uid"]), fields))
    return str(job.uid)


def _checked_source(source: Any) -> tuple[str, str]:
    is_pair = isinstance(source, (tuple, list)) and len(source) == 2
    if not is_pair or not all(isinstance(one, str) and one for one in source):
        raise ValueError(
            "source must be the job whose micrographs were picked and the name of its output, such "
            f"as ('J5', 'micrographs'), got {source!r:.80}"
        )
    return source[0], source[1]


def _filled(rows: Any, fields: dict[str, Any]) -> Any:
    """Return the rows that cryoSPARC has prepared, with all the fields that it knows."""
    known = set(rows.fields())
    missing = sorted(title for title in _NEEDED if title not in known)
    if missing:
        raise ValueError(
            f"this cryoSPARC knows no field {missing[0]}; write a .csg, and use Import Result Group"
        )
    for title in known & set(fields) - {"uid"}:
        rows[title] = fields[title]
    return rows
