"""Configuration of the documentation; built by ``make docs``, without a network."""

from __future__ import annotations

import inspect
import sys
import warnings
from pathlib import Path

import puclassify

sys.path.insert(0, str(Path(__file__).parent))  # of the extensions in this folder

project = "puclassify"
author = "The puclassify developers"
project_copyright = author
release = version = puclassify.__version__

extensions = [
    "api_reference",
    "format_table",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "mathml",
    "myst_parser",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
html_math_renderer = "mathml"
source_suffix = {".rst": "restructuredtext"}  # Markdown is included by pages, not a page itself
# A reference to another project's class stays code where its inventory is not at hand.
default_role = "py:obj"
templates_path = ["_templates"]
exclude_patterns = ["_build", "auto_examples/**/*.ipynb", "**/GALLERY_HEADER.rst"]
suppress_warnings = ["config.cache"]  # sphinx-gallery's settings hold a class, which is not cached

autosummary_generate = True
autodoc_typehints = "none"  # types and shapes are in the docstrings, in words
autodoc_member_order = "bysource"
numpydoc_show_class_members = False  # the class pages list them with their documentation

html_theme = "pydata_sphinx_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["formulas.css"]
html_show_sourcelink = False
html_theme_options = {
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
}
html_sidebars = {
    page: [] for page in ("architecture", "contributing", "getting_started", "whats_new")
}

sphinx_gallery_conf = {
    "examples_dirs": ["../examples"],
    "gallery_dirs": ["auto_examples"],
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"(__init__|demo|blob_detector)\.py|/benchmarks/",
    "nested_sections": True,
    "subsection_order": [
        "../examples/classification",
        "../examples/picking",
        "../examples/model_selection",
    ],
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("puclassify",),
    "reference_url": {"puclassify": None},
    "within_subsection_order": "FileNameSortKey",
    "min_reported_time": 1,
    "write_computation_times": False,  # their page loads scripts from a server
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "abort_on_example_error": True,
}

# An example that warns shows its readers something they should not copy.
warnings.filterwarnings("error", module=r"puclassify(\.|$)")


def setup(app):
    """Show the members that are this project's own."""
    app.connect("autodoc-skip-member", _skip_member)


def _skip_member(app, what, name, obj, skip, options):
    """Leave out what scikit-learn or PyTorch document themselves, and data without a docstring."""
    if what == "module":
        return None
    function = obj.fget if isinstance(obj, property) else inspect.unwrap(obj)
    module = getattr(function, "__module__", None) or ""
    return None if callable(function) and module.startswith("puclassify") else True
