"""Training tiles cut from micrographs: where they lie, how they are augmented, their targets."""

from puclassify.picking.tiles._tile_batches import TileBatches as TileBatches
