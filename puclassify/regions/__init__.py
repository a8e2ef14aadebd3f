"""Image regions: tables of them, sampling them and cutting them out."""

from puclassify.regions._labels_inside import labels_inside
from puclassify.regions._region_extractor import RegionExtractor
from puclassify.regions._region_table import RegionTable
from puclassify.regions._sample_regions import positions_near, sample_regions

__all__ = ["RegionExtractor", "RegionTable", "labels_inside", "positions_near", "sample_regions"]
