"""Checks of labels against what is seen on the micrographs, before anything is trained."""

from puclassify.picking.label_checks._each_once import each_once as each_once
from puclassify.picking.label_checks._labelled_micrographs import (
    labelled_micrographs as labelled_micrographs,
)
from puclassify.picking.label_checks._orientation import OrientationCheck as OrientationCheck
from puclassify.picking.label_checks._orientation import check_orientation as check_orientation
from puclassify.picking.label_checks._read_otherwise import (
    warn_if_read_otherwise as warn_if_read_otherwise,
)
from puclassify.picking.label_checks._shift import shift_of_labels as shift_of_labels
