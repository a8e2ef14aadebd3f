"""Prediction: from a file to picks, for one micrograph or a stream of them."""

from puclassify.picking.streaming._many_micrographs import collected as collected
from puclassify.picking.streaming._many_micrographs import stream_micrographs as stream_micrographs
from puclassify.picking.streaming._one_micrograph import MicrographPipeline as MicrographPipeline
from puclassify.picking.streaming._skipping import PickStream as PickStream
