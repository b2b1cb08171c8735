"""What is said of workers: their states, and what is odd about one."""

from collections.abc import Callable, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as N_

from dashboard.records import Word

STATE_WORDS: Mapping[str, str | Promise] = {
    "gone": gettext_lazy("gone"),
    "silent": gettext_lazy("silent"),
    "unknown": gettext_lazy("not known"),
    "leaving": gettext_lazy("leaving"),
    "online": gettext_lazy("online"),
    "stopped": gettext_lazy("stopped"),
}
STATE_MEANINGS: Mapping[str, str | Promise] = {
    "gone": gettext_lazy("It is proved gone: silent, and the broker has closed its connection."),
    "silent": gettext_lazy("Nothing is heard of it; it may be frozen or cut off, which is no proof that it is gone."),
    "unknown": gettext_lazy("It is silent, and that may be because we do not hear."),
    "leaving": gettext_lazy("It said goodbye, and goes on until its runs have ended."),
    "online": gettext_lazy("It is heard."),
    "stopped": gettext_lazy("It said goodbye, and no run of it is known to go on."),
}
SENTENCES: Mapping[str, str] = {
    "worker_stopped": N_("%(worker)s said goodbye at %(at)s, and no run of it is known to go on"),
    "worker_restarts": N_("%(worker)s came online %(count)s times within %(within)s: something ends it again and again"),
    "worker_answers_nothing": N_("it is heard and does not answer what it is asked: what it runs now is not known"),
    "worker_mute": N_("it tells nothing of its tasks, so its runs are missing: switch its events on, or start it with -E"),
    "worker_clock_ahead": N_("its clock is %(skew)s ahead of ours"),
    "worker_clock_behind": N_("its clock is %(skew)s behind ours"),
}
COUNTED: Mapping[str, Callable[[Mapping[str, Word], Mapping[str, str]], str]] = {}


def worker_state_word(state: str) -> str:
    """The word for a worker's state."""
    return str(STATE_WORDS.get(state, state))
