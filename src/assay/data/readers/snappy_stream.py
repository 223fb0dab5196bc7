"""Snappy's format, unpacked while it is read, so that what is packed is not there too.

It is literals, which are copied from the file, and copies of what was unpacked before. Pictures are packed
already: of them nearly all are literals of up to 64 KiB. pyarrow unpacks only what is in memory as a whole.
"""

from io import BufferedReader, BytesIO

from assay.data.readers.compact_protocol import Compact, Damaged


def unpacked(file: BufferedReader, packed: int, size: int) -> BytesIO:
    """Return ``size`` bytes, of which ``packed`` ones follow in a file; raises `Damaged`."""
    end, compact = file.tell() + packed, Compact(file)
    if (said := compact.natural()) != size:
        raise Damaged(f"a page of {said:,} bytes, expected {size:,}")
    made, place = BytesIO(), 0
    made.seek(size - 1)
    made.write(b"\0")
    with made.getbuffer() as content:
        while place < size:
            length, offset = _element(compact)
            stop = place + length
            if stop > size or offset > place:
                raise Damaged("a page that is packed wrongly")
            if not offset:
                if file.readinto(content[place:stop]) < length:
                    raise Damaged("it ends in the middle of a page")
            elif offset >= length:
                content[place:stop] = content[place - offset : place - offset + length]
            else:
                pattern = bytes(content[place - offset : place])
                content[place:stop] = (pattern * (length // offset + 1))[:length]
            place = stop
    if file.tell() != end:
        raise Damaged("a page that is packed wrongly")
    made.seek(0)
    return made


def _element(compact: Compact) -> tuple[int, int]:
    """Return how many bytes are next, and how far back they stand; 0 where they follow in the file."""
    tag = compact.byte()
    kind, more = tag & 3, tag >> 2
    if kind == 0:
        return 1 + (more if more < 60 else compact.little(more - 59)), 0
    length, back = 1 + more, compact.little((1, 2, 4)[kind - 1])
    if kind == 1:
        length, back = 4 + (more & 7), back | more >> 3 << 8
    if not back:
        raise Damaged("a page that is packed wrongly")
    return length, back
