"""The history of locks: what happened to each of them, when, and by whom, as the observer saw it. `history.locks` writes and reads it."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

WHATS = [
    (1, _("acquired")),
    (2, _("refused")),
    (3, _("waiting")),
    (4, _("released")),
    (5, _("expired")),
    (6, _("lost")),  # its holder found that it held it no more
    (7, _("extended")),
    (8, _("released by hand")),
    (9, _("flushed")),  # with its whole database
    (10, _("taken over")),  # another token was there at the next look
    (11, _("put back")),
    (12, _("its holder died")),
    (13, _("its holder lived after all")),
    (14, _("removed")),  # by another than its holder
]
CERTAINTIES = [(0, _("not known")), (1, _("likely")), (2, _("exact"))]


class LockEvent(models.Model):
    """One thing that happened to a lock. Nothing is null: what is not known is 0 or empty, and a duration -1."""

    id = models.BigIntegerField(primary_key=True)  # when it was told, by our clock, in microseconds, times 256
    lock = models.BigIntegerField()  # 64 bits: the id in addresses
    name = models.BigIntegerField()  # a number of HistoryName, as are task and worker
    what = models.SmallIntegerField(_("what"), choices=WHATS)
    at_us = models.BigIntegerField()  # when it happened, by our clock
    span_us = models.BigIntegerField()  # held until then, or waited
    task = models.BigIntegerField()  # of the run that holds, held, or tried
    worker = models.BigIntegerField()
    certainty = models.SmallIntegerField(choices=CERTAINTIES)
    task_id = models.TextField(_("task id"))
    token = models.TextField()  # its digest
    by_whom = models.TextField(_("by"))  # the operator
    cache = models.TextField(_("cache"))
    run = models.BigIntegerField(default=0)  # the id of the TaskRun that holds, held, or tried

    class Meta:  # noqa: D106  # Django's own
        verbose_name = _("event of a lock")
        verbose_name_plural = _("events of locks")
        default_permissions = ()  # view_locks, of Access
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["lock", "id"], name="lockhouse_lock_id"),
            models.Index(fields=["task", "id", "what"], name="lockhouse_lock_task"),
            models.Index(fields=["name", "run"], name="lockhouse_lock_held", condition=models.Q(what=1)),
            models.Index(fields=["run", "name", "what"], name="lockhouse_lock_run", condition=models.Q(run__gt=0)),
            models.Index(fields=["what", "id"], name="lockhouse_lock_what", condition=models.Q(what__in=(5, 6, 8, 9, 10, 14))),
            models.Index(fields=["id"], name="lockhouse_lock_death", condition=models.Q(what__in=(12, 13))),
        ]

    def __str__(self) -> str:
        return f"{self.get_what_display()} {self.lock}"
