"""What is said of the holder of a plain lock whose owner the settings name, and of a key that is no lock and so has no holder."""

from collections.abc import Callable, Mapping

from django.utils.translation import gettext_noop as N_
from django.utils.translation import ngettext

from dashboard.records import Word

SENTENCES: Mapping[str, str] = {
    "holder_owner_ambiguous": N_(
        "taken at %(at)s; by the settings %(task_name)s takes it, and %(candidates)s of its runs were active then: any of them may hold it"
    ),
    "no_lock_blocks": N_(
        "for as long as the key is there nobody can take a lock of this name; it is not released from here: whoever put it there must delete it"
    ),
}


def _owner_likely(values: Mapping[str, Word], said: Mapping[str, str]) -> str:
    count = values["candidates"]
    return ngettext(
        "taken at %(at)s; by the settings %(task_name)s takes it, and run %(task_id)s on %(worker)s started %(distance)s before, "
        "its only one that was active then",
        "taken at %(at)s; by the settings %(task_name)s takes it, and run %(task_id)s on %(worker)s started %(distance)s before, "
        "the best of %(candidates)s of its runs that were active then",
        count if isinstance(count, int) else 0,
    ) % dict(said)


COUNTED: Mapping[str, Callable[[Mapping[str, Word], Mapping[str, str]], str]] = {"holder_owner_likely": _owner_likely}
