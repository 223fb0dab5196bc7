"""How Sphinx builds this folder: `make docs`. Nothing is fetched, neither now nor by the pages."""

from importlib import metadata
from typing import Any

import numpy as np
from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from numpy.typing import ArrayLike, NDArray
from sphinx.util.typing import stringify_annotation

from assay.shapes import Array

project = "assay"
release = metadata.version("assay")
author = "the authors of assay"
extensions = ["sphinx.ext.autodoc", "myst_parser"]
exclude_patterns = ["_build"]

# Single backticks in docstrings are references, and one that leads nowhere is a warning.
default_role = "any"
highlight_language = "text"
add_module_names = False
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 90
ALIASES = {
    stringify_annotation(alias, "smart"): name
    for name, alias in {
        "Array": Array,
        "ArrayLike": ArrayLike,
        "NDArray[uint8]": NDArray[np.uint8],
        "NDArray[int64]": NDArray[np.int64],
        "NDArray[integer]": NDArray[np.integer],
        "NDArray[float64]": NDArray[np.float64],
    }.items()
} | {"<factory>": "..."}

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"assay {release}"
html_static_path = ["_static"]
html_css_files = ["mathml.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False


def _inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def _block(translator: Any, node: nodes.math_block) -> None:
    translator.body.append(f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def _shorten(app: Any, what: str, name: str, found: Any, options: Any, signature: str, returns: str) -> Any:
    """Write the aliases of types by their names; Python has resolved them."""
    del app, what, name, found, options
    for whole, alias in ALIASES.items():
        signature, returns = (text and text.replace(whole, alias) for text in (signature, returns))
    return signature, returns


def setup(app: Any) -> None:
    """Write formulas as MathML, which browsers show by themselves: no script, no font to fetch."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.connect("autodoc-process-signature", _shorten)
