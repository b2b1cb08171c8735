"""What is said of locks, their holders and verdicts."""

from collections.abc import Callable, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.utils.translation import gettext_noop as N_

from dashboard.records import Word

VERDICTS: Mapping[str, str | Promise] = {
    "overlapping": gettext_lazy("overlapping"),
    "orphaned": gettext_lazy("orphaned"),
    "overrun": gettext_lazy("overrun"),
    "expiring": gettext_lazy("expiring"),
    "never-expires": gettext_lazy("never expires"),
    "unknown": gettext_lazy("unknown"),
    "held": gettext_lazy("held"),
    "no-reader": gettext_lazy("no reader"),
    "unknown-task": gettext_lazy("unknown task"),
    "worker-gone": gettext_lazy("worker silent"),
    "beat-silent": gettext_lazy("beat silent"),
    "source": gettext_lazy("unavailable"),
    "locks-gone": gettext_lazy("locks gone"),
    "no-exclusion": gettext_lazy("no exclusion"),
    "evicts": gettext_lazy("may evict"),
    "shared-db": gettext_lazy("shared database"),
}
MEANINGS: Mapping[str, str | Promise] = {
    "overlapping": gettext_lazy("Two runs that this lock should keep apart are active now."),
    "orphaned": gettext_lazy("Its holder is proved dead: the lock blocks until it expires or is released."),
    "overrun": gettext_lazy("It expired, or was taken from it, while its holder's run goes on: a second run may start beside it."),
    "expiring": gettext_lazy("It expires soon, or before its holder's run is likely to end."),
    "never-expires": gettext_lazy("It has no timeout: if its holder dies, it stays."),
    "unknown": gettext_lazy("Whether its holder lives cannot be known; doubt counts as alive."),
    "held": gettext_lazy("Its holder lives and its time is not nearly up."),
}
CERTAINTIES: Mapping[str, str | Promise] = {
    "exact": gettext_lazy("The token itself says who holds the lock."),
    "likely": gettext_lazy("The token only says when the attempt began; one active run fits that time."),
    "unknown": gettext_lazy("Nothing tells who holds the lock."),
}
CERTAINTY_WORDS: Mapping[str, str | Promise] = {"exact": gettext_lazy("exact"), "likely": gettext_lazy("likely"), "unknown": gettext_lazy("unknown")}
SENTENCES: Mapping[str, str] = {
    "holder_token": N_("taken at %(at)s by run %(task_id)s of %(task_name)s on %(worker)s, pid %(pid)s: the token says so"),
    "holder_contradicted": N_(
        "its token names run %(task_id)s of %(claimed)s on %(worker)s, and the run known under that id is of %(task_name)s: "
        "the token is forged, or an id was given twice"
    ),
    "holder_outside_worker": N_("taken at %(at)s outside any worker, by pid %(pid)s on host %(host)s: the token says so"),
    "holder_likely": N_("taken at %(at)s; run %(task_id)s of %(task_name)s on %(worker)s started %(distance)s before, the best of %(candidates)s active then"),
    "holder_owner_awaited": N_("taken at %(at)s just now; by the settings %(task_name)s takes it, and no run of it has told yet that it started"),
    "holder_none": N_("taken at %(at)s, when no run that we know of was active"),
    "holder_unreadable": N_("the token says nothing about its holder"),
    "holder_future": N_("its token says %(at)s, which is in the future: it is forged, or that clock is of no use"),
    "holder_task_id": N_("its value is the task id %(task_id)s, and no such run is known"),
    "holder_value": N_("its value is the id of run %(task_id)s of %(task_name)s on %(worker)s"),
    "holder_beat": N_("held by the beat that is in charge since %(at)s; it puts the deadline off at each of its ticks"),
    "holder_broker": N_("the broker library's own, for the moment in which it gives unacknowledged messages back: it keeps no task from running"),
    "sent_with": N_("taken when the message of run %(task_id)s was sent, and held until that run ends"),
    "sent_by": N_("taken at %(at)s by who sent a message of %(task_name)s, and held until its run ends"),
    "sent_by_somebody": N_("taken at %(at)s by who sent a message, and held until its run ends"),
    "sent_unacked": N_("the message of run %(task_id)s is with a worker, which read it from %(queue)s, and is not acknowledged"),
    "sent_ready": N_("the message of run %(task_id)s waits in %(queue)s and is delivered next"),
    "sent_unseen": N_("nothing was heard of run %(task_id)s: its message may be waiting"),
    "sent_waits": N_("run %(task_id)s is still to start: its message waits"),
    "sent_nameless": N_("its message may be waiting: the lock does not say which one it is"),
    "sent_task_active": N_("run %(task_id)s of %(task_name)s is active on %(worker)s"),
    "renewed": N_("its deadline was put off at %(at)s"),
    "run_active": N_("%(worker)s said at %(seen_at)s that run %(task_id)s is active"),
    "run_active_still": N_("%(worker)s says that run %(task_id)s is active"),
    "run_started": N_("run %(task_id)s started on %(worker)s at %(at)s; the worker has not been asked since"),
    "run_ended": N_("run %(task_id)s ended as %(outcome)s at %(at)s and left the lock behind"),
    "run_not_active": N_("%(worker)s answered at %(answered_at)s, and run %(task_id)s was not among its active ones"),
    "run_lost": N_("run %(task_id)s had been acknowledged before it ran: it is lost and will not run again"),
    "worker_lost": N_("%(worker)s reported at %(at)s that its process %(pid)s died in the middle of the run"),
    "process_gone": N_("%(worker)s answered at %(answered_at)s, and pid %(pid)s is no longer one of its processes"),
    "worker_heard": N_("%(worker)s was heard at %(last_heard_at)s, and has not yet said whether the run is active"),
    "worker_silent": N_("%(worker)s was last heard at %(last_heard_at)s"),
    "worker_no_answer": N_("%(worker)s was asked at %(asked_at)s and did not answer"),
    "worker_replaced": N_("%(worker)s came back at %(since)s as pid %(new_pid)s; pid %(pid)s was the process before"),
    "worker_leaving": N_("%(worker)s said at %(at)s that it is leaving; it ends its runs first, and answers nothing meanwhile"),
    "worker_unknown": N_("%(worker)s has never been heard of by this observer"),
    "process_unknown": N_("%(worker)s is heard as pid %(known_pid)s; of a process of that name with pid %(pid)s this observer has never heard"),
    "name_shared": N_("two live processes call themselves %(worker)s: neither can be told from the other"),
    "name_may_be_shared": N_(
        "when the lock was taken %(worker)s was not yet known to be the only process of that name: another one may have it, and its answers may be lost"
    ),
    "connection_open": N_("a connection to the broker that may be that of %(worker)s is still open: it may be frozen, which is no death"),
    "connection_gone": N_("the broker has closed the connection of %(worker)s; seen at %(at)s"),
    "connection_gone_late": N_(
        "what may be the connection of %(worker)s was closed by %(at)s, long after it last told something (%(last_event_at)s): "
        "it was another's, or was closed for being idle"
    ),
    "lock_moved_since": N_("a lock of %(worker)s was taken or put off at %(at)s, after that connection was closed: its runs went on then"),
    "worker_without_heartbeats": N_("%(worker)s sends no heartbeats, so it would not have said that it is leaving"),
    "delivery_missed": N_("not every event since then is known to have been received (all are since %(since)s): %(task_id)s may have been given out again"),
    "events_missed": N_("not every event since then is known to have been received (all are since %(since)s): %(worker)s may have said that it is leaving"),
    "process_later": N_("%(worker)s, pid %(pid)s, began at %(started_at)s, after the lock was taken: the lock belongs to a process before it"),
    "pid_given_again": N_("a later process on the same machine has had pid %(pid)s since %(at)s: the one of %(worker)s that took the lock is gone"),
    "run_revoked": N_("run %(task_id)s was told to end at %(at)s, and its process on %(worker)s is still there: it may go on"),
    "other_candidate": N_("run %(task_id)s of %(task_name)s on %(worker)s may hold the lock as well, one of %(candidates)s, and is not proved dead"),
    "may_be_handed_on": N_("run %(task_id)s of %(task_name)s, which it sent or which is its next try, has not ended, and may have been handed the lock"),
    "candidates_missed": N_("until %(at)s more runs were told of than can be kept here: one that was not kept may hold it"),
    "proved_before": N_(
        "that run %(task_id)s, which held it, is dead was proved at %(at)s (gone since %(since)s at the latest), and the token has not changed"
    ),
    "released_by_hand": N_("released by hand by %(by)s at %(at)s"),
    "connection_unknown": N_("the broker does not let us see whether %(worker)s is still connected"),
    "message_unacked": N_("run %(task_id)s is still unacknowledged: Redis gives it out again on %(queue)s from %(due_at)s, released or not"),
    "only_likely": N_("only likely to be the holder: the settings do not name %(task_name)s as the owner of this lock"),
    "expiring": N_("expires at %(expires_at)s"),
    "expires_before_done": N_("expires at %(expires_at)s, and a run of %(task_name)s may take %(longest)s, which is until %(until)s"),
    "never_expires": N_("has no timeout: held until somebody releases it"),
    "lock_lost": N_("its holder found at %(at)s that it holds it no more"),
    "held_as_well": N_("run %(task_id)s on %(worker)s holds the same name under the key %(key)s: two locks, which keep nobody apart"),
    "held_as_well_by_somebody": N_("the same name is held under the key %(key)s as well: two locks, which keep nobody apart"),
    "went_flushed": N_("db %(db)s was flushed at %(at)s; locks gone with it: %(count)s (%(names)s)"),
    "went_failover": N_("another server took over at %(at)s; locks that it does not have: %(count)s (%(names)s)"),
    "went_restarted": N_("a server without the data of the one before answers since %(at)s; locks gone with it: %(count)s (%(names)s)"),
    "server_evicts": N_(
        "with its memory full, maxmemory-policy %(policy)s deletes keys that have a time to live, as locks do; deleted so far: %(evicted)s. Set noeviction"
    ),
    "server_evicts_any": N_(
        "with its memory full, maxmemory-policy %(policy)s deletes any key, a lock or a whole queue; deleted so far: %(evicted)s. Set noeviction"
    ),
    "db_shared": N_("the broker is in db %(db)s as well, and cache.clear() of %(caches)s would delete its queues and all locks. Give it a database of its own"),
    "lock_flushed": N_("gone at %(at)s with its whole database, which was flushed"),
    "lock_failover": N_("gone at %(at)s, when another server took over that did not have it yet"),
    "lock_restarted": N_("gone at %(at)s, when a server without its data answered in its place"),
    "lock_deleted": N_("deleted at %(at)s by another than its holder (%(dialect)s deletes without comparing)"),
    "lapsed": N_("expired at %(at)s"),
    "lock_unseen": N_("it was last seen at %(seen_at)s, and nobody could look until it was gone: its run may have given it back before it expired"),
    "past_deadline": N_("its deadline passed at %(at)s and it was last read at %(seen_at)s: it is free by now, unless it was extended since"),
    "overlapping": N_("run %(task_id)s on %(worker)s, which held it before, is still active"),
    "stale": N_("nothing newer than %(at)s is known"),
    "reason": N_("%(text)s"),
}
LIBRARIES: Mapping[str, str | Promise] = {  # what wrote a lock, where that is not the dialect's own name
    "lockhouse": gettext_lazy("HolderLock"),
    "other": gettext_lazy("a library that we do not know"),
    "not-a-lock": gettext_lazy("something else: it is no lock"),
}
ENDS: Mapping[str | None, str | Promise] = {
    "released": gettext_lazy("released"),
    "expired": gettext_lazy("expired"),
    "by-hand": gettext_lazy("released by hand"),
    "changed": gettext_lazy("taken over by another token"),
    "removed": gettext_lazy("removed by another than its holder"),
    "flushed": gettext_lazy("gone with its whole database"),
    "failover": gettext_lazy("gone with the server that had it"),
    "restarted": gettext_lazy("gone with the server that had it"),
    None: gettext_lazy("gone"),
}


MOMENTS: Mapping[str, str | Promise] = {
    "acquired": gettext_lazy("acquired"),
    "refused": gettext_lazy("refused"),
    "waiting": gettext_lazy("began to wait"),
    "released": gettext_lazy("released"),
    "expired": gettext_lazy("expired"),
    "lost": gettext_lazy("found lost by its holder"),
    "extended": gettext_lazy("extended"),
    "by-hand": gettext_lazy("released by hand"),
    "flushed": gettext_lazy("gone with its whole database"),
    "changed": gettext_lazy("taken over by another token"),
    "restored": gettext_lazy("put back"),
    "died": gettext_lazy("its holder died"),
    "alive": gettext_lazy("its holder lived after all"),
}


def _asked(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    count = given.get("asked")
    count = count if isinstance(count, int) else 0
    said = {"asked": shown.get("asked", "?"), "answered": shown.get("answered", "?")}
    return (
        ngettext(
            "asked %(asked)s worker that could have the run; %(answered)s answered",
            "asked %(asked)s workers that could have the run; %(answered)s answered",
            count,
        )
        % said
    )


def _ambiguous(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    return _("taken at %(at)s, when %(candidates)s runs were active: any of them may hold it") % {
        "at": shown.get("at", "?"),
        "candidates": shown.get("candidates", "?"),
    }


def _wrong_type(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    if given.get("type") == "odd-token":
        return _("its value is too long for a token: it is no lock")
    return _("the key has a lock's name and holds a %(type)s: it is no lock") % {"type": shown.get("type", "?")}


def _source_unavailable(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    said = {"source": shown.get("source", "?"), "since": shown.get("since", "?")}
    if given.get("source") == "workers":
        return _("%(source)s have not answered since %(since)s") % said
    return _("%(source)s has not answered since %(since)s") % said


COUNTED: Mapping[str, Callable[[Mapping[str, Word], Mapping[str, str]], str]] = {
    "asked": _asked,
    "holder_ambiguous": _ambiguous,
    "source_unavailable": _source_unavailable,
    "wrong_type": _wrong_type,
}
