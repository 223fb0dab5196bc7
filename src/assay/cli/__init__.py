"""The command line: thin bodies over the public API.

What the commands need is imported in their bodies, so that ``assay --help``
answers at once.
"""

from assay.cli.app import main as main
