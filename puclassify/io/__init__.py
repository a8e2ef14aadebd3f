"""Reading and waiting for micrographs, reading and writing coordinates.

`MICROGRAPH_FORMATS` and `COORDINATE_FORMATS` list the formats by name.
"""

from puclassify.io._check_coordinates import check_coordinate_array as check_coordinate_array
from puclassify.io._check_coordinates import check_coordinates
from puclassify.io._coordinate_formats import COORDINATE_FORMATS, CoordinateFormat
from puclassify.io._coordinate_table import CoordinateTable
from puclassify.io._coordinate_table import by_name as by_name
from puclassify.io._coordinate_table import frame_as_table as frame_as_table
from puclassify.io._coordinate_table import is_table as is_table
from puclassify.io._coordinates import check_picks_file as check_picks_file
from puclassify.io._coordinates import (
    read_coordinate_table,
    read_coordinates,
    write_coordinates,
)
from puclassify.io._cryosparc_job import save_external_picks
from puclassify.io._exposures import Exposure, Exposures, read_exposures
from puclassify.io._match_coordinates import in_order as in_order
from puclassify.io._match_coordinates import match_coordinates
from puclassify.io._match_coordinates import matched_keys as matched_keys
from puclassify.io._micrograph import (
    as_grid_image,
    check_micrographs,
    micrograph_name,
    read_micrograph,
)
from puclassify.io._micrograph import given_name as given_name
from puclassify.io._micrograph import iter_micrographs as iter_micrographs
from puclassify.io._micrograph import without_pixels as without_pixels
from puclassify.io._micrograph_files import lines_of_list as lines_of_list
from puclassify.io._micrograph_files import micrograph_files as micrograph_files
from puclassify.io._micrograph_formats import MICROGRAPH_FORMATS, MicrographFormat
from puclassify.io._micrograph_list import MicrographList as MicrographList
from puclassify.io._micrograph_list import read_micrograph_list as read_micrograph_list
from puclassify.io._names import micrograph_stem as micrograph_stem
from puclassify.io._names import path_text as path_text
from puclassify.io._napari import from_napari, to_napari
from puclassify.io._optics_groups import GROUP as GROUP
from puclassify.io._optics_groups import OF_MICROGRAPHS as OF_MICROGRAPHS
from puclassify.io._optics_groups import micrograph_pixel_size as micrograph_pixel_size
from puclassify.io._pick_files import pick_files as pick_files
from puclassify.io._pick_journal import PickJournal as PickJournal
from puclassify.io._pick_journal import source_of as source_of
from puclassify.io._pick_writer import PickWriter as PickWriter
from puclassify.io._pixel_memory import RecycledMemory as RecycledMemory
from puclassify.io._pixel_memory import pixels_allocated_by as pixels_allocated_by
from puclassify.io._read_optics import optics_of_micrographs as optics_of_micrographs
from puclassify.io._replace_files import remove_abandoned_drafts as remove_abandoned_drafts
from puclassify.io._replace_files import replace_files as replace_files
from puclassify.io._skipped import SkippedMicrograph
from puclassify.io._skipped import SkippedTable as SkippedTable
from puclassify.io._star import STAR_VERSION as STAR_VERSION
from puclassify.io._star import optics_columns as optics_columns
from puclassify.io._star import relion_columns as relion_columns
from puclassify.io._star import star_block as star_block
from puclassify.io._tensor_files import LARGEST_HEADER as LARGEST_HEADER
from puclassify.io._tensor_files import check_is_file as check_is_file
from puclassify.io._tensor_files import checksum as checksum
from puclassify.io._tensor_files import compact_json as compact_json
from puclassify.io._tensor_files import open_tensor_file as open_tensor_file
from puclassify.io._tensor_files import strict_json as strict_json
from puclassify.io._tensor_files import write_tensor_file as write_tensor_file
from puclassify.io._watch import FolderWatch, watch

__all__ = [
    "COORDINATE_FORMATS",
    "MICROGRAPH_FORMATS",
    "CoordinateFormat",
    "CoordinateTable",
    "Exposure",
    "Exposures",
    "FolderWatch",
    "MicrographFormat",
    "SkippedMicrograph",
    "as_grid_image",
    "check_coordinates",
    "check_micrographs",
    "from_napari",
    "match_coordinates",
    "micrograph_name",
    "read_coordinate_table",
    "read_coordinates",
    "read_exposures",
    "read_micrograph",
    "save_external_picks",
    "to_napari",
    "watch",
    "write_coordinates",
]
