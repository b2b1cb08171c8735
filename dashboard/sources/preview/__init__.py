"""What a value says, whatever wrote it: read by its bytes, bounded in every direction, never loaded, and with its secrets hidden.

`preview_of` is pure: who calls it has read the bytes, MAX_READ of them at most.
"""

import re
from dataclasses import dataclass

from dashboard.inert import Preview
from dashboard.sources.preview.compression import MAX_UNPACKED, Unpacked, compressor_of, unpack
from dashboard.sources.preview.json_text import read_json
from dashboard.sources.preview.packed import read_packed
from dashboard.sources.preview.pickles import Pickle, looks_like_pickle, read_pickle
from dashboard.sources.preview.things import Shower, Thing, number, text

MAX_READ = 64 * 1024
_INTEGER = re.compile(rb"-?[0-9]{1,400}\Z")
_OLD_PICKLE_STARTS = b"(]}cVSIFLNiGKJMUX"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    format: str
    thing: Thing
    protocol: int | None = None
    note: str = ""


def preview_of(raw: bytes, *, total_bytes: int | None = None, unredacted: bool = False, most: int = MAX_UNPACKED) -> Preview:
    """The value of which `raw` is the beginning, at most MAX_READ bytes; `total_bytes` where there are more; `most`: bytes to unpack."""
    raw = raw[:MAX_READ]
    total = len(raw) if total_bytes is None else total_bytes
    unpacked = unpack(raw, is_whole=len(raw) >= total, most=most)
    found = _found(unpacked, unpacked.raw, is_whole=unpacked.is_whole)
    shower = Shower(unredacted=unredacted)
    return Preview(
        root=shower.show(found.thing),
        format=found.format,
        protocol=found.protocol,
        compressor=unpacked.compressor,
        total_bytes=total,
        read_bytes=len(raw),
        unpacked_bytes=len(unpacked.raw) if unpacked.compressor and unpacked.note not in {"not-readable", "needs-memory"} else None,
        is_whole=unpacked.is_whole and not found.note,
        note=unpacked.note or found.note,
        hidden=shower.hidden,
    )


def _found(unpacked: Unpacked, raw: bytes, *, is_whole: bool) -> _Found:
    if unpacked.note in {"not-readable", "needs-memory"}:
        return _Found(format="compressed", thing=Thing("other", "…", is_cut=True))
    if not raw:
        return _Found(format="empty", thing=Thing("bytes", b""))
    if unpacked.compressor and compressor_of(raw) and not looks_like_pickle(raw):
        return _Found(format="compressed", thing=Thing("bytes", raw), note="compressed-again")
    if looks_like_pickle(raw):
        return _of_pickle(read_pickle(raw), is_whole=is_whole)
    if _INTEGER.match(raw) and is_whole:
        return _Found(format="integer", thing=number(raw.decode()))
    return _of_old_pickle(raw, is_whole=is_whole) or _of_text(raw, is_whole=is_whole) or _of_bytes(raw, is_whole=is_whole)


def _of_pickle(pickled: Pickle, *, is_whole: bool) -> _Found:
    note = "" if pickled.note == "cut" and not is_whole else {"cut": "broken"}.get(pickled.note, pickled.note)
    return _Found(format="pickle", thing=pickled.thing, protocol=pickled.protocol, note=note)


def _of_old_pickle(raw: bytes, *, is_whole: bool) -> _Found | None:
    """A pickle of the first two protocols, which nothing marks: only what is one from its first byte to its last."""
    if not is_whole or raw[0] not in _OLD_PICKLE_STARTS or not raw.endswith(b".") or len(raw) < 3:
        return None
    pickled = read_pickle(raw)
    if pickled.note or pickled.thing.kind == "other":
        return None
    return _Found(format="pickle", thing=pickled.thing, protocol=pickled.protocol)


def _of_text(raw: bytes, *, is_whole: bool) -> _Found | None:
    """JSON or plain text; None where the bytes are no UTF-8."""
    said = _decoded(raw, is_whole=is_whole)
    if said is None or _is_packed(raw, is_whole=is_whole):
        return None
    if (thing := read_json(said, is_whole=is_whole)) is not None:
        return _Found(format="json", thing=thing, note="too-deep" if thing.kind == "other" else "")
    return _Found(format="text", thing=text(said))


def _is_packed(raw: bytes, *, is_whole: bool) -> bool:
    """Whether it is msgpack although it is UTF-8 too: a text of 128 to 191 letters is."""
    thing = read_packed(raw, is_whole=is_whole)
    return thing is not None and thing.kind not in {"none", "bool", "number"}


def _decoded(raw: bytes, *, is_whole: bool) -> str | None:
    """The text; a character that the cut went through is left out."""
    for end in range(len(raw), len(raw) - (1 if is_whole else 4), -1):
        try:
            return raw[:end].decode()
        except UnicodeDecodeError:
            continue
    return None


def _of_bytes(raw: bytes, *, is_whole: bool) -> _Found:
    thing = read_packed(raw, is_whole=is_whole)
    return _Found(format="msgpack", thing=thing) if thing is not None else _Found(format="bytes", thing=Thing("bytes", raw))
