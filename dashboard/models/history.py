"""The history of runs. It is written in large batches, so it is made to be written fast: `history.write` says how, `history.read` reads it.

Instants are microseconds since 1970, by whose clock is said; names are numbers of `HistoryName`; what is not known is 0 or empty, and a runtime -1.
Nothing is null: the driver takes four times as long for a null as for a number, and the larger of two values then is the better known one.
"""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from dashboard.history.rows import CACHE_UNSEEN, LOCKS_DELETED

KINDS = [(1, _("task")), (2, _("worker")), (3, _("queue")), (4, _("lock")), (5, _("error"))]
OUTCOMES = [
    (0, _("goes on")),
    (1, _("not known")),  # it was followed, and nobody told how it ended
    (2, _("lost")),
    (3, _("retried")),
    (4, _("rejected")),
    (5, _("revoked")),
    (6, _("failed")),
    (7, _("succeeded")),
    (8, _("refused")),  # it ended well, and did nothing: a lock turned it away
]
RARE = models.Q(outcome__in=(1, 2, 3, 4, 5, 6, 8))
WHYS = [
    ("no-observer", _("no observer ran")),
    ("database", _("the database could not take it")),
    ("events", _("there were more events than could be taken in")),
    ("cut", _("the broker cut the connection")),
    (CACHE_UNSEEN, _("a cache did not answer")),
    (LOCKS_DELETED, _("more was told of locks than is kept (HISTORY_ROWS)")),
]


class HistoryName(models.Model):
    """A name that runs have: of a task, a worker, a queue, a lock, or what an error looks like. Kept once, for a million rows repeat it."""

    id = models.BigIntegerField(primary_key=True)
    kind = models.SmallIntegerField(choices=KINDS)
    text = models.TextField()
    seen_us = models.BigIntegerField(default=0)  # a run had it, to the hour, by our clock

    class Meta:  # noqa: D106  # Django's own
        default_permissions = ()
        constraints: ClassVar = [models.UniqueConstraint(fields=["kind", "text"], name="lockhouse_name")]

    def __str__(self) -> str:
        return self.text


class TaskRun(models.Model):
    """One execution of a task with every time that was told of it; times are by its worker's clock, that of sending by its sender's."""

    id = models.BigIntegerField(primary_key=True)  # when it was first heard of by our clock, in microseconds, times 256
    segment = models.IntegerField()  # grows with time: keys are random, and one index over all of them is slow to write
    key = models.BigIntegerField()  # 64 bits of the task id's hash: the id in addresses
    retries = models.IntegerField()
    outcome = models.SmallIntegerField(_("outcome"), choices=OUTCOMES)
    task = models.BigIntegerField()
    worker = models.BigIntegerField()
    queue = models.BigIntegerField()
    lock = models.BigIntegerField()  # that turned it away
    signature = models.BigIntegerField()  # what its error looks like, without numbers and addresses
    sent_us = models.BigIntegerField()
    received_us = models.BigIntegerField()
    started_us = models.BigIntegerField()
    ended_us = models.BigIntegerField()
    heard_us = models.BigIntegerField()  # the last that was told of it, by our clock
    refused_us = models.BigIntegerField()
    runtime_us = models.BigIntegerField()
    pid = models.BigIntegerField()
    parent_pid = models.BigIntegerField()
    redelivered = models.SmallIntegerField()
    task_id = models.TextField(_("task id"))
    eta = models.TextField()  # as the message says it
    expires = models.TextField()
    origin = models.TextField()
    parent_id = models.TextField()
    root_id = models.TextField()
    args = models.TextField()  # the event's repr, capped, secrets included
    kwargs = models.TextField()
    result = models.TextField()
    error = models.TextField()
    traceback = models.TextField()
    lock_id = models.TextField()

    class Meta:  # noqa: D106  # Django's own
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        default_permissions = ()  # view_locks, of Access
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["segment", "key"], name="lockhouse_run_key"),
            models.Index(fields=["id", "task", "worker", "queue", "outcome"], name="lockhouse_run_newest"),  # a filter reads it alone
            models.Index(fields=["task", "id", "worker", "queue", "outcome"], name="lockhouse_run_task"),
            models.Index(fields=["outcome", "id", "task", "worker", "queue"], name="lockhouse_run_outcome", condition=RARE),
            models.Index(fields=["lock", "id"], name="lockhouse_run_lock", condition=models.Q(lock__gt=0)),
        ]

    def __str__(self) -> str:
        return self.task_id


class RunMinute(models.Model):
    """How the runs of one task, of one queue or on one worker ended within a minute, by our clock, as one time of leading saw it."""

    minute = models.IntegerField()  # since 1970
    kind = models.SmallIntegerField(choices=KINDS[:3])
    name = models.BigIntegerField()
    epoch = models.BigIntegerField()
    succeeded = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    refused = models.IntegerField(default=0)
    retried = models.IntegerField(default=0)
    revoked = models.IntegerField(default=0)
    rejected = models.IntegerField(default=0)
    lost = models.IntegerField(default=0)
    runtimes = models.BinaryField(default=b"")  # history.sketch

    class Meta:  # noqa: D106  # Django's own
        default_permissions = ()
        constraints: ClassVar = [models.UniqueConstraint(fields=["kind", "name", "minute", "epoch"], name="lockhouse_minute")]
        indexes: ClassVar = [models.Index(fields=["minute"], name="lockhouse_minute_age")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name} {self.minute}"


class HistoryEpoch(models.Model):
    """One time of leading: who wrote, from when until when. Only the newest one may write."""

    epoch = models.BigAutoField(primary_key=True)
    leader = models.TextField(_("observer"))
    since_us = models.BigIntegerField()
    until_us = models.BigIntegerField()
    is_superseded = models.BooleanField(default=False)

    class Meta:  # noqa: D106  # Django's own
        default_permissions = ()
        ordering = ("-epoch",)

    def __str__(self) -> str:
        return f"{self.epoch} {self.leader}"


class HistoryGap(models.Model):
    """A time of which runs, or the locks of one cache, are missing in the history, and why."""

    from_us = models.BigIntegerField()
    to_us = models.BigIntegerField()
    why = models.CharField(_("why"), max_length=12, choices=WHYS)
    how_many = models.BigIntegerField(_("how many"), null=True)  # null: not known
    cache = models.TextField(_("cache"), default="")  # whose locks alone are missing; empty: of everything
    epoch = models.BigIntegerField()

    class Meta:  # noqa: D106  # Django's own
        verbose_name = _("gap in the history")
        verbose_name_plural = _("gaps in the history")
        default_permissions = ()
        ordering = ("-to_us",)
        indexes: ClassVar = [models.Index(fields=["to_us"], name="lockhouse_gap_newest")]

    def __str__(self) -> str:
        return f"{self.why} {self.from_us}-{self.to_us}"
