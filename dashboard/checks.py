"""Wrong settings fail at start, each with a hint: system checks, and the refusal of an unsafe web process."""


def refuse_unsafe_start() -> None:
    """Stop a web process that would serve without a secret key or to any host."""
