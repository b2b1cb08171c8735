"""Python's garbage collector in the processes that must answer at once: nothing that lives long is looked through again and again."""

import gc


def collect_rarely() -> None:
    """To be called when all is loaded. A full collection held 500 viewers' pages up for 250 to 370 ms and the observer for 160 to 214 ms
    (`make bench`); what was loaded until now stays, and what a push or a look leaves has no cycles and goes by itself.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 1_000)
