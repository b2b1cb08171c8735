"""An act as pages show it: its words, where it leads, and how many of several are back. No I/O."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from dashboard.acts import registry, words
from dashboard.acts.values import HALF_DONE
from dashboard.web.instants import maybe
from dashboard.web.show import now_utc
from dashboard.words import visible


def act_facts(done: Any) -> dict[str, Any]:
    """What every page says of it; one that told a run to end and released nothing is no plain "done"."""
    now, is_half_done = now_utc(), done.code in HALF_DONE
    return {
        "act": done,
        "state": "half" if is_half_done else done.state,
        "state_word": _("told, not released") if is_half_done else done.get_state_display(),
        "act_word": words.act_name(done.act),
        "name": visible(done.target_name),
        "reason": visible(done.reason),
        "sentence": words.answer(done.code, done.values),
        "started": maybe(done.started_at, now),
        "finished": maybe(done.finished_at, now),
    }


def target_url(done: Any, known: set[str]) -> str:
    """The page of what the act was about; of what was sent, its trace; of a lock that has none any more (`known`: those that have), its history."""
    if done.act == registry.RELEASE_MANY.name:
        return reverse("lockhouse:act", args=[done.pk])
    if done.act == registry.SEND.name:
        return reverse("lockhouse:trace", args=[done.pk])
    if done.act == registry.EVENTS_ON.name:
        return reverse("lockhouse:worker", args=[done.target_id])
    if done.act.startswith("result-"):
        return reverse("lockhouse:result", args=[done.target_id])
    return reverse(f"lockhouse:{'lock' if done.target_id in known else 'lock-history'}", args=[done.target_id])


def undo_sentence(states: Sequence[str], count: int) -> str:
    """How many of those that were released are back."""
    said = {"back": states.count("done"), "count": count, "unknown": states.count("unknown") + states.count("intent")}
    if said["unknown"]:
        return _("%(back)s of %(count)s put back; of %(unknown)s it is not known yet.") % said
    if said["back"] == count:
        return _("%(back)s of %(count)s put back.") % said
    return _("%(back)s of %(count)s put back. What came of the others stands with each.") % said
