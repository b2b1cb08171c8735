"""Which names are locks: globs from the settings, and the fixed beginnings among them that the server can track."""

import re
from collections.abc import Iterable, Sequence
from fnmatch import translate


def compile_patterns(patterns: Sequence[str]) -> re.Pattern[str]:
    """One expression that matches a name which any of the globs matches; nothing, where there is no glob."""
    return re.compile("|".join(translate(pattern) for pattern in patterns) or r"(?!)", re.DOTALL)


def globs_of(catalogue: Iterable[str]) -> list[str]:
    """The catalogue's patterns as globs: `lock_report_{data_id}` becomes `lock_report_*`; `?` and `[` mean themselves there."""
    return [re.sub(r"\{[A-Za-z_]\w*\}", "*", re.sub(r"[?\[]", lambda found: f"[{found[0]}]", pattern)) for pattern in catalogue]


def fixed_beginnings(patterns: Sequence[str]) -> list[str]:
    """What the globs begin with, where that is more than nothing and nothing but text: `lock_*` gives `lock_`."""
    beginnings = [re.split(r"[*?\[]", pattern, maxsplit=1)[0] for pattern in patterns]
    return [beginning for beginning in dict.fromkeys(beginnings) if beginning]


def without_overlap(prefixes: Sequence[bytes]) -> list[bytes]:
    """The prefixes less those that another one covers: the server refuses prefixes of one client that overlap."""
    kept: list[bytes] = []
    for prefix in sorted(set(prefixes)):
        if not kept or not prefix.startswith(kept[-1]):
            kept.append(prefix)
    return kept
