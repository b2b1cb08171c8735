"""What stands for a name in addresses and in ids of elements: names may hold anything, and be long."""

from hashlib import sha256


def identity(*parts: str) -> str:
    """16 hex digits for this name, or for several that belong together; the same on every machine."""
    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
