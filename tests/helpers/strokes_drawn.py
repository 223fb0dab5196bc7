"""Characters drawn from their strokes with a hard pen."""

from PIL import Image, ImageDraw

from assay.data.glyphs import CLASSES
from assay.data.strokes import templates


def drawn(character, size, width, paper=255, pen=0):
    """Draw a character with a hard pen of ``width`` pixels on a square canvas."""
    image = Image.new("L", (size, size), paper)
    draw = ImageDraw.Draw(image)
    versions = templates(CLASSES)[CLASSES.index(character)]  # all at once, as glyphs are drawn
    for line in (versions[0].points * 0.38 + 0.5) * size:
        draw.line([tuple(end) for end in line.tolist()], pen, width)
    return image
