"""Shared parts of the benchmarks.

Scripts write ``from common.tables import mean_sd``: Python puts the folder of the script that it
runs first on its path, wherever it is started.

=====================  ============================================================================
``image_sets``         images with known classes, and labelled positives drawn from them
``image_classifiers``  the classifiers that the image benchmarks train, and their settings
``image_benchmark``    command line and table of mnist, fashion_mnist, cifar10 and digits
``other_methods``      the methods of pulearn and pu-toolbox, and their settings
``picking_sets``       micrographs to train and to test pickers on; average precision
``quick_picker``       a picker trained just long enough to time its scoring, and files to time
``networks``           networks by the names in the tables, and the operations they need
``reference_picker``   Topaz, run as a program, and CPU-seconds
``process_memory``     memory of this process
``tables``             tables in Markdown
=====================  ============================================================================

``image_sets``, ``other_methods`` and ``tables`` need neither puclassify nor PyTorch, so that other
libraries can be measured in environments of their own.
"""
