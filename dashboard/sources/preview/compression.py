"""Which compressor wrote a value, and what comes out of it: never more than MAX_UNPACKED, whatever it would swell to."""

import lzma
import zlib
from dataclasses import dataclass

MAX_UNPACKED = 256 * 1024
XZ_MEMORY = 40 * 1024 * 1024  # presets up to 8 need less; a header may claim gigabytes
GZIP_WINDOW = 16 + zlib.MAX_WBITS
_MAGIC = {
    b"\x1f\x8b\x08": "gzip",
    b"\xfd7zXZ\x00": "xz",
    b"\x5d\x00\x00": "lzma",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
}
_ZLIB_FLAGS = {0x01, 0x5E, 0x9C, 0xDA}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """What was read; `raw` is empty where `note` says why it could not be."""

    raw: bytes
    compressor: str | None = None
    is_whole: bool = True
    note: str = ""  # "not-readable" (no decompressor here), "bomb" (more than we look at), "broken", "needs-memory"


def unpack(raw: bytes, *, is_whole: bool, most: int = MAX_UNPACKED) -> Unpacked:
    """The value as it was before compression, `most` bytes of it; as it is, where nothing compressed it."""
    compressor = compressor_of(raw)
    if compressor is None:
        return Unpacked(raw=raw, is_whole=is_whole)
    if compressor in {"zstd", "lz4"}:
        return Unpacked(raw=b"", compressor=compressor, is_whole=False, note="not-readable")
    found = _xz(raw, most) if compressor in {"xz", "lzma"} else _zlib(raw, GZIP_WINDOW if compressor == "gzip" else zlib.MAX_WBITS, most)
    if found is None:  # it only looked like that: text may begin with the same bytes
        return Unpacked(raw=raw, is_whole=is_whole)
    return Unpacked(raw=found.raw, compressor=compressor, is_whole=found.is_whole, note=found.note if is_whole or found.note != "broken" else "")


def compressor_of(raw: bytes) -> str | None:
    """By the first bytes; None: none that we know."""
    if len(raw) > 2 and raw[0] == 0x78 and raw[1] in _ZLIB_FLAGS:
        return "zlib"
    return next((name for magic, name in _MAGIC.items() if raw.startswith(magic)), None)


def _zlib(raw: bytes, window: int, most: int) -> Unpacked | None:
    """As far as it goes; None where nothing came out."""
    machine = zlib.decompressobj(window)
    try:
        found = machine.decompress(raw, most)
    except zlib.error:
        return None
    if machine.eof:
        return Unpacked(raw=found)
    return Unpacked(raw=found, is_whole=False, note="bomb" if len(found) >= most else "broken") if found else None


def _xz(raw: bytes, most: int) -> Unpacked | None:
    try:
        machine = lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=XZ_MEMORY)
        found = machine.decompress(raw, most)
    except lzma.LZMAError as error:
        return Unpacked(raw=b"", is_whole=False, note="needs-memory") if "emory" in str(error) else None
    if machine.eof:
        return Unpacked(raw=found)
    return Unpacked(raw=found, is_whole=False, note="bomb" if len(found) >= most else "broken") if found else None
