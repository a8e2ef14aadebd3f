"""Training tiles cut from micrographs: their places, augmentation and targets.

Augmentation, the random rotation, reflection and magnification of each tile, is in
``_augmentation.py``.
"""

from puclassify.picking.tiles._tile_batches import STEPS_PER_EPOCH as STEPS_PER_EPOCH
from puclassify.picking.tiles._tile_batches import TileBatches as TileBatches
