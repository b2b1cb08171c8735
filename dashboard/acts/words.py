"""What acts answer, in sentences that a person can act on. Codes come from this package alone; values are JSON."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from dashboard.acts import send_words
from dashboard.acts.effect_words import EFFECTS
from dashboard.inert import visible
from dashboard.redaction import hide_in_name

Values = Mapping[str, Any]

ACTS = {
    "lock-release": _("release a lock"),
    "lock-release-undo": _("undo a release"),
    "locks-release": _("release several locks"),
    "lock-extend": _("extend a lock"),
    "lock-timeout": _("set a timeout on a lock"),
    "lock-protect": _("protect a run that outlived its lock"),
    "lock-revoke": _("revoke the run that holds a lock, then release it"),
    "lock-change-undo": _("undo a change of a lock"),
    "result-delete": _("delete a result"),
    "result-restore": _("restore a result"),
    "task-send": _("send a task"),
    "worker-events": _("have a worker tell of its tasks"),
}

REFUSALS = {
    "read_only": _("Acts are switched off in this installation (LOCKHOUSE_READ_ONLY), so nothing was done."),
    "forbidden": _("You may not do this: it needs the permission “%(permission)s”. Nothing was done."),
    "plan_forged": _("This plan was not made here or is damaged, so nothing was done. Open the lock's page and start again."),
    "plan_expired": _("This plan is older than a minute, so nothing was done. Look at the lock again and confirm a fresh one."),
    "plan_of_another": _("This plan was made for another person or session, so nothing was done. Open the lock's page and make your own."),
    "reason_missing": _("Say why: the reason is kept with the act. Nothing was done."),
    "name_differs": _("What you typed is not “%(wanted)s”, so nothing was done."),
    "too_many": _("You did this %(limit)s times within a minute, which is the limit; nothing was done. Wait a minute."),
    "record_failed": _("The record of this act could not be written to the database, so nothing was done."),
    "not_known": _("No lock with this id is known: it is gone, or it has not been found yet. Nothing was done."),
    "result_not_known": _("No result with this id is known: it is gone for long, or it has not been found yet. Nothing was done."),
    "worker_not_known": _("No worker with this id is known. Nothing was done."),
    "result_gone": _("This result is gone: it expired or was deleted meanwhile."),
    "span_odd": _("The time is from one second to %(most)s days. Nothing was done."),
    "nothing_picked": _("No lock was ticked, so nothing was done."),
    "too_many_picked": _("%(count)s locks are more than the %(limit)s that can be released at once; nothing was done. Filter, and release fewer."),
    "act_not_known": _("There is no act with this id."),
    "key_reused": _("This Idempotency-Key belongs to another act, so nothing was done."),
    "nothing_to_undo": _("This act changed nothing that could be put back."),
    "too_late": _("An act can be undone for %(seconds)s seconds; that time is over, so nothing was done."),
    **send_words.UNREADABLE,
    **send_words.REFUSALS,
}

ANSWERS = {
    "": _("This is being done."),
    "released": _("Released."),
    "changed_hands": _("Nothing done: the lock changed hands, and the one that you saw is gone."),
    "changed_hands_at": _("Nothing done: the lock changed hands at %(since)s, and the one that you saw is gone."),
    "already_gone": _("Nothing done: the lock is already gone."),
    "already_released": _("Nothing done: %(by)s released it at %(at)s."),
    "not_a_lock": _("Nothing done: what is under this key is not a lock (%(kind)s)."),
    "internal_lock": _("Nothing done: this is the broker library's own lock, and is never released or changed by hand."),
    "not_listed": _("Nothing done: no setting says that this name is a lock's. Add its pattern, which its page says, to LOCKS or LOCK_PATTERNS first."),
    "not_to_be_released": _("Nothing done: the settings say that this lock is not to be released or changed by hand."),
    "needs_force": _("Nothing done: it is not proved that nobody holds this lock; %(verdict)s. Releasing it needs force."),
    "timeout_needs_force": _("Nothing done: %(life)s. A timeout ends the lock under a run that goes on longer, so setting one needs force."),
    "extended": _("Extended: it blocks until %(until)s instead of %(was)s."),
    "timeout_set": _("It expires at %(until)s now; before, it never did."),
    "protected": _("Protected: the token of the run that outlived its lock is back until %(until)s."),
    "never_expires_anyway": _("Nothing done: this lock never expires, so there is nothing to extend."),
    "expires_already": _("Nothing done: this lock has a timeout and expires at %(until)s."),
    "deadline_moved": _("Nothing done: its deadline was moved since you looked: it blocks until %(until)s now."),
    "nothing_to_protect": _("Nothing done: no run is known to have outlived this lock."),
    "token_forgotten": _("Nothing done: it expired unseen or too long ago, so its token is not known and cannot be put back."),
    "deadline_back": _("Put back: it expires when it did before."),
    "never_again": _("Put back: it never expires, as before."),
    "freed": _("Put back: it would have expired by now, so it is free."),
    "unprotected": _("Taken away again: the lock is free."),
    "holder_not_exact": _("Nothing done: which run holds this lock is not known for certain, and a likely one is never revoked."),
    "holder_contradicted": _(
        "Nothing done: the token says a run of %(claimed)s, and the run known under that id is of %(task_name)s. The token is forged, or an id was given twice."
    ),
    "holder_not_told": _(
        "Nothing done: no run %(task_id)s by this name is known to go on on %(worker)s. What its worker tells may be late: look again in a few seconds. "
        "If it stays unknown, the token may be forged."
    ),
    "holder_has_ended": _("Nothing done: its holder has ended already. Release the lock."),
    "revoke_unheard": _("Not known: %(worker)s did not answer, so it may or may not have been told. The lock was not released."),
    "revoke_gone_since": _("Whether %(worker)s was told is not known. The lock that you saw is gone since, so nothing is left to do."),
    "revoke_taken_since": _("Whether %(worker)s was told is not known. The lock that you saw is gone since, and it is another's now."),
    "revoke_ended_not_released": _("Whether %(worker)s was told is not known. The run has ended since, and its lock is still there: release it."),
    "revoke_never_known": _(
        "Not known, and by now it cannot be found out: %(worker)s may or may not have been told. The lock was not released. "
        "Look at it: if its run goes on and should not, revoke it again."
    ),
    "revoked_released": _("Done: %(worker)s was told, the run was seen to end, and the lock is released."),
    "revoked_and_gone": _("Done: %(worker)s was told; its run gave the lock up by itself, or it expired. Nothing was released by hand."),
    "revoked_and_taken": _("Done: %(worker)s was told; the lock that you saw is gone, and it is another's now. Nothing was released by hand."),
    "revoked_not_ended": _("%(worker)s was told, but the run was not seen to end within %(seconds)s seconds: the lock was not released. Look at it again."),
    "revoked_not_released": _("%(worker)s was told and the run was seen to end, but the lock was not released: that act says why."),
    "not_seen": _("Not known: the lock is gone or has changed hands since, so what was done to it can no longer be seen."),
    "moved": _("Nothing done: its holder, or somebody else, has moved its deadline since."),
    "holder_lives": _("Left alone: its holder still runs; %(verdict)s. Release it on its own page if it must be."),
    "not_proved": _("Left alone: it is not proved that nobody holds it; %(verdict)s. Look at it on its own page."),
    "key_too_long": _("Left alone: its key is very long. Release it on its own page."),
    "released_all": _("Released: %(released)s of %(count)s."),
    "released_some": _("Released: %(released)s of %(count)s. What came of the others stands with each."),
    "released_none": _("Nothing done: none of the %(count)s could be released. Why stands with each."),
    "released_unknown": _("Released: %(released)s of %(count)s; of %(unknown)s it is not known yet. Look again in a few seconds."),
    "cache_not_watched": _("Nothing done: the cache “%(cache)s” is no longer watched."),
    "record_failed": _("Nothing done: the record of this act could not be written."),
    "unreachable": _("Nothing done: %(source)s does not answer (%(reason)s)."),
    "rejected": _("Nothing done: Redis refused the command (%(reason)s)."),
    "came_late": _("Nothing done: Redis took too long, and an act that arrives late is not carried out. Look at the lock again."),
    "too_many": _("Nothing done: %(limit)s acts within a minute is the limit."),
    "no_answer": _("Not known: Redis was told, but did not say whether it was done. Look again in a few seconds."),
    "gone_since": _("The lock is gone. Redis did not say whether this act removed it or it ended by itself."),
    "not_done": _("Nothing done: Redis never carried it out, and the lock is as it was."),
    "restored": _("Put back with the time that it had left."),
    "restored_but_sent": _(
        "Put back with the time that it had left. The run that was sent again stays sent: while this lock is held it will refuse that run, or keep it waiting."
    ),
    "taken_again": _("Nothing done: somebody else has taken the lock meanwhile."),
    "taken_again_at": _("Nothing done: somebody else took the lock at %(since)s."),
    "expired_meanwhile": _("Nothing done: the lock would have expired by itself meanwhile."),
    "result_deleted": _("Deleted: it is in the trash for a day, and can be put back until then."),
    "result_deleted_since": _("Deleted: it is in the trash. Redis did not say for how long it would have lived, so it cannot be put back from here."),
    "result_already_gone": _("Nothing done: the result is gone already."),
    "result_changed": _("Nothing done: the result was written anew, and the one that you saw is gone."),
    "result_other_type": _("Nothing done: what is under this key is a %(kind)s, and results are strings."),
    "result_restored": _("Put back with the time that it had left."),
    "result_taken": _("Nothing done: it has been written anew meanwhile."),
    "result_expired_meanwhile": _("Nothing done: it would have expired by itself meanwhile."),
    "result_not_done": _("Nothing done: Redis never carried it out, and everything is as it was."),
    "worker_tells": _("Switched on: it tells of its tasks from now on."),
    "worker_tells_already": _("Nothing done: it tells of its tasks already."),
    "worker_silent": _("Not known: the worker did not answer. It takes the command when it looks again; look here again in a while."),
    "worker_refused": _("Nothing done: the worker answered “%(said)s”."),
    "trash_empty": _("Nothing done: it is no longer in the trash."),
    "gone_before_look": _("Not in place: if it was put back, it is gone again."),
    **send_words.ANSWERS,
}

VERDICTS = {  # why a lock is not proved to be nobody's
    "overlapping": _("two of its runs are active"),
    "overrun": _("it outlived its lock"),
    "expiring": _("it expires soon"),
    "never-expires": _("it never expires"),
    "unknown": _("whether its holder lives cannot be known"),
    "held": _("its time is not up"),
}

LIVES = {"held": _("the holder of this lock still runs"), "unknown": _("whether the holder of this lock lives cannot be known")}

KINDS = {"odd-token": _("its value is too long for a token")}  # what is under a key that is no lock; else its type, as Redis calls it


def act_name(name: str) -> str:
    """What kind of act that is."""
    return gettext(ACTS[name]) if name in ACTS else name


def effect(code: str, values: Values) -> str:
    """What an act will mean, as the plan says it."""
    return gettext(EFFECTS[code]) % _shown(values)


def refusal(code: str, values: Values) -> str:
    """Why an act was not begun."""
    return gettext(REFUSALS[code]) % _shown(values)


def answer(code: str, values: Values) -> str:
    """What came of an act; a time that is known becomes part of the sentence."""
    key = next((better for better, needed in _BETTER.get(code, ()) if needed <= values.keys()), code)
    verdict, life, kind = values.get("verdict"), values.get("life"), values.get("kind")
    said = {
        **_shown(values),
        "verdict": gettext(VERDICTS[verdict]) if verdict in VERDICTS else verdict,
        "life": gettext(LIVES[life]) if life in LIVES else life,
        **({"kind": gettext(KINDS[kind])} if kind in KINDS else {}),
    }
    sentence = gettext(ANSWERS[key]) % said
    return f"{sentence} {_left(values)}" if key == "released" else sentence


_BETTER: Mapping[str, list[tuple[str, set[str]]]] = {
    "changed_hands": [("changed_hands_at", {"since"})],
    "already_gone": [("already_released", {"by", "at"})],
    "restored": [("restored_but_sent", {"sent_again"})],
    "taken_again": [("taken_again_at", {"since"})],
    "needs_force": [("timeout_needs_force", {"life"})],  # of a release only the verdict is told
}


def _left(values: Values) -> str:
    if values.get("ttl_ms") is None:
        return gettext("It would never have expired.")
    return gettext("It would have blocked for another %(span)s.") % {"span": _span(values["ttl_ms"] // 1000)}


def _span(seconds: int) -> str:
    """At most two units: `8 s`, `18 m 40 s`, `2 h 4 m`."""
    minutes, hours = seconds // 60, seconds // 3600
    if hours:
        return gettext("%(h)d h %(m)d m") % {"h": hours, "m": minutes % 60}
    if minutes:
        return gettext("%(m)d m %(s)d s") % {"m": minutes, "s": seconds % 60}
    return gettext("%(n)d s") % {"n": seconds}


def _shown(values: Values) -> dict[str, Any]:
    return {name: _said(name, value) for name, value in values.items()}


def _said(name: str, value: Any) -> Any:
    """A value as its sentence has it: a name in it moves no terminal's cursor and turns no text around."""
    if name in {"since", "at", "until", "was"}:
        return _instant(value)
    if isinstance(value, timedelta):
        return _span(value // timedelta(seconds=1))
    return visible(hide_in_name(value)) if isinstance(value, str) else value


def _instant(value: Any) -> str:
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return f"{date_format(at, 'H:i:s')} UTC" if at.utcoffset() == timedelta(0) else date_format(at, "H:i:s O")
