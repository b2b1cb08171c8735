"""How do we know? The read-only redis-cli lines that show what a page shows; never GET, for a token proves ownership. Pure."""

import shlex
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

READS = ("TYPE", "PTTL", "STRLEN", "OBJECT ENCODING")
PRINTABLE = range(0x20, 0x7F)


def lines(url: str | None, raw_key: bytes, reads: Sequence[str] = READS) -> list[str]:
    """One line for each read, ready to be pasted into a shell; none for a key too long to be carried."""
    if not raw_key:
        return []
    key = shell_quoted(raw_key)
    return [f"redis-cli{_where(url)} {command} {key}" for command in reads]


def _where(url: str | None) -> str:
    """Host, port and database as options; a user and a password are never among them."""
    if not url:
        return ""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f" -s {shlex.quote(unquote(parts.path))}"
    secure = " --tls" if parts.scheme == "rediss" else ""
    database = parts.path.strip("/") or "0"
    return f" -h {shlex.quote(parts.hostname or 'localhost')} -p {parts.port or 6379}{secure} -n {shlex.quote(database)}"


def shell_quoted(key: bytes) -> str:
    """The key as one word of a shell; what is not printable ASCII is spelled out byte by byte, as bash and zsh read it."""
    if all(byte in PRINTABLE for byte in key):
        return shlex.quote(key.decode("ascii"))
    return "$'" + "".join(_spelled(byte) for byte in key) + "'"


def _spelled(byte: int) -> str:
    if byte in b"\\'":
        return "\\" + chr(byte)
    return chr(byte) if byte in PRINTABLE else f"\\x{byte:02x}"
