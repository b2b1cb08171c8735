"""What an act will mean, in sentences for its plan: what is true of the lock, the run or the result before anything is done."""

from django.utils.translation import gettext_noop as _

EFFECTS = {
    "orphaned": _("Nobody holds this lock any more, so releasing it is safe: the next attempt takes it."),
    "holder_lives": _("The holder still runs and will end with LockNotOwnedError when it releases the lock itself; another run may start beside it."),
    "overlapping": _("Two runs of this lock are active already; releasing it lets a third start beside them."),
    "overrun": _("The holder has outlived its lock and still runs; another run may start beside it."),
    "taken_by_send": _("It was taken when the message was sent: released now, the same may be sent again while the first still waits or runs."),
    "taken_by_beat": _("A beat is in charge by it: that beat ends with an error at its next tick, and sends nothing more unless something starts it again."),
    "never_expires": _("This lock never expires: until somebody releases it, nothing that needs it runs."),
    "blocks_until": _("By itself it blocks until %(until)s, for another %(left)s."),
    "waiting": _("Waiting for it now: %(waiting)s. Released, one of these takes it at once."),
    "refused": _("Refused within the last hour: %(refused)s."),
    "nobody_tried": _("As far as workers tell, nobody waits for it, and nobody was refused within the last hour."),
    "unknown": _("Nobody can say whether the holder still runs. If it does, another run may start beside it."),
    "run_again_later": _("Its message was not acknowledged, so Redis gives that run out again later; released now, another can start before it."),
    "run_lost": _("The run that held it is lost and will not run again by itself."),
    "blocks": _("While it is held, this does not happen: %(blocks)s."),
    "result_written_again": _("Whoever looks for it finds nothing until a run of %(task)s has written it again."),
    "result_not_there": _("Whoever looks for it finds nothing; which task would write it again is not known."),
    "result_to_trash": _("It goes to a trash in the same Redis for a day and can be put back until then; its memory is freed only after that."),
    "result_compared": _("Only what you saw is deleted: if it is written anew meanwhile, nothing is done."),
    "extend_until": _("It blocks until %(until)s instead of %(was)s: whoever needs it waits, or is refused, for that much longer."),
    "extend_held": _("The holder keeps it under the same token, and releases it as usual when its run ends."),
    "extend_unknown": _("Nobody can say whether the holder still runs. If it does not, the lock blocks for nothing until then."),
    "extend_orphaned": _("Nobody holds this lock any more: extended, it keeps everybody waiting for nothing. Releasing it is what helps."),
    "timeout_until": _("It will expire by itself at %(until)s; as it is, it never does."),
    "timeout_held": _("If the holder still runs then, it goes on without its lock, and another run may start beside it: allow more than a run takes."),
    "timeout_unknown": _("Nobody can say whether the holder still runs. If it still does then, another run may start beside it."),
    "timeout_orphaned": _("Nobody holds this lock any more: releasing it frees it at once, a timeout only then."),
    "protect_until": _("The token of the run that outlived its lock is put back until %(until)s: no other run can take the lock meanwhile."),
    "protect_held": _("If that run ends before, it releases the lock as usual and without an error. If it takes even longer, the lock expires once more."),
    "revoke_only": _(
        "%(worker)s alone is told not to run %(task_id)s of %(task_name)s again. This does not stop a run that is under way, and is forgotten at its restart."
    ),
    "revoke_terminates": _(
        "%(worker)s alone is told to end the process of run %(task_id)s of %(task_name)s (SIGTERM): what it has not finished is lost, and is not undone."
    ),
    "revoke_then_release": _("The lock is released only when that run was seen to end; where it was not, the lock stays, and the answer says so."),
    "change_compared": _("Only the token that you saw is kept on or ended: if the lock changes hands meanwhile, nothing is done."),
    "protect_compared": _("If somebody takes the lock before you confirm, nothing is done."),
    "worker_events_cost": _("From then on it publishes some events for each run, of about a kilobyte each; its runs appear here."),
    "worker_events_until": _("It lasts until that worker is started again: to keep it, start it with -E."),
    "signal_written": _("Those who wait are woken as its library does: the list %(key)s is written anew. If that key is no list, it is left alone."),
    "no_holder_check": _("Only the token that you saw is deleted: if the lock changes hands meanwhile, nothing is done."),
}
