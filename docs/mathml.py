"""Sphinx extension that writes formulas as MathML.

Browsers draw MathML without a script or a network; ``sphinx.ext.mathjax`` would have every page
load MathJax from a server. A formula that cannot be converted is a warning, so ``make docs`` fails.
"""

from __future__ import annotations

import html

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

_LOGGER = logging.getLogger(__name__)
_CONVERTER = LatexToMathML(fancy_error=False)


def setup(app: Sphinx) -> dict:
    """Register the renderer under the name "mathml"."""
    app.add_html_math_renderer("mathml", (_visit_inline, None), (_visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _visit_inline(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(_mathml(node, displaystyle=False))
    raise nodes.SkipNode


def _visit_block(self: HTML5Translator, node: nodes.math_block) -> None:
    self.body.append(f'<div class="formula">{_mathml(node, displaystyle=True)}</div>\n')
    raise nodes.SkipNode


def _mathml(node: nodes.Node, *, displaystyle: bool) -> str:
    latex = node.astext()
    if "\\\\" in latex:  # several lines, as in sphinx.ext.mathjax
        latex = rf"\begin{{aligned}}{latex}\end{{aligned}}"
    try:
        return _CONVERTER.convert_with_local_state(latex, displaystyle=displaystyle)
    except LatexError as error:
        _LOGGER.warning("formula %r is not converted: %s", latex, error, location=node)
        return f"<code>{html.escape(latex)}</code>"
