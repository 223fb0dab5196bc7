"""Pictures that people take, scan or draw: what is written in them, prepared for a network, and read."""

from assay.reading.reader import Found as Found
from assay.reading.reader import ReadCharacter as ReadCharacter
from assay.reading.reader import Reading as Reading
from assay.reading.reader import find as find
from assay.reading.reader import prepare as prepare
from assay.reading.reader import read as read
