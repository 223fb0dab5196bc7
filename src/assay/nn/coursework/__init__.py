"""Layers in the styles of courses and books as layers of assay, and back.

`FromCoursework` takes a layer in the style ``fprop``, ``bprop``, ``grads_wrt_params``; ``styles`` and
``function_pairs`` put other styles into that one, and ``making`` makes what a user's file names. The command
``assay check`` and studies share them.
"""

from assay.nn.coursework.adapter import FromCoursework as FromCoursework
from assay.nn.coursework.adapter import is_coursework as is_coursework
from assay.nn.coursework.reverse import ToCoursework as ToCoursework
