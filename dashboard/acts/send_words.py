"""What is said of sending: what cannot be read or done, and what came of it. Plain text only."""

from django.utils.translation import gettext_noop as _

UNREADABLE = {  # what somebody wrote cannot be sent
    "send_too_large": _(
        "The arguments are larger than %(limit)s in all, so they were not read and nothing was sent. Put what they hold where the task finds it."
    ),
    "send_too_deep": _("%(what)s is nested more than %(limit)s deep, so it was not read and nothing was sent."),
    "send_not_json": _("%(what)s is not JSON: line %(line)s, column %(column)s: %(message)s. Nothing was sent."),
    "send_number": _("%(what)s holds %(given)s, which no JSON number can be. Nothing was sent."),
    "send_twice": _("%(what)s gives “%(given)s” twice in one object. Nothing was sent."),
    "send_surrogate": _("%(what)s holds half a character (a lone surrogate), which no message can carry. Nothing was sent."),
    "send_args_no_list": _("args is JSON, but not a list: write [7] and not 7. Nothing was sent."),
    "send_kwargs_no_object": _('kwargs is JSON, but not an object: write {"name": value}. Nothing was sent.'),
    "send_no_task": _("Name the task. Nothing was sent."),
    "send_no_queue": _("Name the queue: a task sent without one goes where nobody may look. Nothing was sent."),
    "send_name_odd": _("The name of the %(what)s is longer than %(limit)s characters or not UTF-8. Nothing was sent."),
    "send_count": _("At once 1 to %(most)s can be sent. Nothing was sent."),
    "send_priority": _("The priority is a number from %(least)s to %(most)s. Nothing was sent."),
    "send_no_seconds": _("%(what)s is a number of seconds, ten years at most. Nothing was sent."),
    "send_no_time": _("%(what)s is a time such as 2026-11-25T14:00:00Z, within ten years. Nothing was sent."),
    "send_no_number": _("%(what)s is a whole number. Nothing was sent."),
    "send_field_type": _("%(what)s is of another type than it should be. Nothing was sent."),
    "send_body": _("The body is an object with the fields that /api/v1/docs names; not these: %(names)s. Nothing was sent."),
    "send_two_starts": _("Give a countdown or an ETA, not both. Nothing was sent."),
}
REFUSALS = {
    "send_reserved": _("Celery's transport keeps its own things under that name, and a message there would harm every worker. Nothing was sent."),
    "send_changed": _("What you confirmed is not what was planned, so nothing was sent. Look at it again."),
    "send_anyway_missing": _("By what is known this will not run. Tick “send it anyway” if it is meant. Nothing was sent."),
    "send_queue_is_no_list": _("The key of that queue is no list, so nothing can be sent to it. Nothing was sent."),
    "too_many_messages": _(
        "The limit is %(limit)s messages a minute for one person (LOCKHOUSE_SEND_LIMIT): you sent %(before)s within the last minute, and this would be "
        "%(count)s more. Nothing was sent. Wait a minute, or send fewer."
    ),
    "too_many_messages_of_all": _(
        "The limit is %(limit)s messages a minute for all people together (LOCKHOUSE_SEND_LIMIT_ALL): %(before)s were sent within the last minute, and this "
        "would be %(count)s more. Nothing was sent. Wait a minute, or send fewer."
    ),
    "send_key_of_lock": _(
        "A message there would lie under the key of a lock or of a cached value, for broker and cache share a database: whoever takes that lock would be "
        "turned away. Nothing was sent."
    ),
    "schedule_not_known": _("No schedule with this id is known any more. Nothing was sent."),
    "schedule_not_sendable": _("The arguments of this schedule are no JSON, so it cannot be sent from here. Nothing was sent."),
    "again_not_known": _("The lost run's name or queue is not known, so it cannot be sent again from here. Nothing was done."),
    "again_cut": _("The lost run's arguments are known only in part, so it cannot be sent again from here. Nothing was done."),
    "again_not_lost": _("No run is known to have been lost with this lock, so there is nothing to send again. Nothing was done."),
    "again_not_with_it": _(
        "With this Idempotency-Key the lock was released before, and its lost run is not known to have been sent again. "
        "Nothing more was done: look at the acts, then send it by itself."
    ),
    "again_will_not_run": _("By what is known the lost run would not run if it were sent again. Nothing was done: release the lock by itself."),
    "again_sent_before": _("That lost run was sent again at %(at)s by %(by)s. It is not sent once more unless that is said on its own."),
    "again_maybe_sent_before": _(
        "That lost run may have been sent again at %(at)s by %(by)s: that is not known yet. It is not sent once more unless that is said on its own."
    ),
    "trace_not_known": _("Nothing was sent by an act with this id."),
}
ANSWERS = {
    "too_many_messages": _("Nothing was sent: %(count)s more would be over the limit of %(limit)s messages a minute; there were %(before)s before."),
    "too_many_messages_of_all": _(
        "Nothing was sent: %(count)s more would be over the limit of %(limit)s messages a minute for all together; there were %(before)s before."
    ),
    "sent": _("Sent."),
    "sent_all": _("Sent: all %(count)s."),
    "sent_some": _("%(sent)s of %(count)s sent, then the broker refused (%(reason)s). The others were not sent."),
    "sent_some_slow": _("%(sent)s of %(count)s sent; the broker took so long that the others were not sent."),
    "sent_some_unknown": _("%(sent)s of %(count)s sent; of the next one the broker did not say whether it took it, and the others were not sent."),
    "send_unreachable": _("Nothing was sent: the broker does not answer (%(reason)s)."),
    "send_rejected": _("Nothing was sent: the broker refused the message (%(reason)s)."),
    "send_no_answer": _("Not known: the broker was given the message, and did not say whether it took it. It is looked for: open this again within the hour."),
    "send_never_known": _(
        "Not known, and no longer looked for: the broker was given the message, did not say whether it took it, and nothing was heard of it within an hour."
    ),
    "send_some_known": _(
        "%(sent)s of %(count)s sent. Of the others the broker did not say whether it took them, and nothing was heard of them within an hour."
    ),
    "sent_since": _("Sent: the broker took it, though it did not say so at the time."),
    "sent_all_since": _("Sent: the broker took all %(count)s, though it did not say so at the time."),
    "sent_some_since": _("%(sent)s of %(count)s sent; the others never reached the broker."),
    "send_never_arrived": _("Nothing was sent: it never reached the broker."),
}
