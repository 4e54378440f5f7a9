"""Small compressed files of a lot of nothing."""

import struct
import zlib

_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)
# Zeros read as records without bytes; behind this one, they are the bytes of one record after the other.
_RECORD = struct.pack("<IIII", 1_760_000_000, 0, 262_144, 262_144)
_MEBIBYTE = 1 << 20


def zstd(path, mebibytes):
    """A frame of repeated-byte blocks, 4 bytes for each 128 KiB (RFC 8878 §3.1.1.2)."""
    with open(path, "wb") as file:
        # Window of 128 KiB, no content size, no checksum.
        file.write(b"\x28\xb5\x2f\xfd\x00\x38")
        file.write(struct.pack("<I", len(_HEADER) << 3)[:3] + _HEADER)
        block = struct.pack("<I", (128 << 10) << 3 | 1 << 1)[:3] + b"\0"
        for _ in range(mebibytes):
            file.write(block * 8)
        file.write(struct.pack("<I", 0 << 3 | 1)[:3])


def gzip(path, mebibytes):
    """Records of 256 KiB of zeros, a thousandth of their size."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = (_RECORD + bytes(262_144)) * 4
    check, size = zlib.crc32(_HEADER), len(_HEADER)
    with open(path, "wb") as file:
        file.write(b"\x1f\x8b\x08\0\0\0\0\0\2\xff")
        file.write(packer.compress(_HEADER) + packer.flush(zlib.Z_FULL_FLUSH))
        # After a full flush the same bytes are compressed to the same bytes.
        packed = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
        for _ in range(mebibytes):
            file.write(packed)
            check = zlib.crc32(piece, check)
            size += len(piece)
        file.write(packer.flush())
        file.write(struct.pack("<II", check, size & 0xFFFFFFFF))
