"""The scenes of the Overview's strip: what each one sends, and what to watch afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from celery import current_app
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from kombu.exceptions import OperationalError

OVERLAPPING_ID, DYING_ID, OUTLIVED_ID = 7, 12, 21  # each scene has a report of its own, so that one does not block another


class SceneNotSent(Exception):
    """The broker did not take a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One message, as a caller gives it to `send_task`."""

    task: str
    queue: str
    args: Sequence[object] = ()
    kwargs: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A button with its story."""

    name: str  # in its URL
    title: str | Promise
    story: str | Promise  # what it sends
    button: str | Promise
    watch: str | Promise  # what to look for once it is sent
    look_for: str  # the lock name or queue that the link searches
    sendings: Sequence[Sending]

    @property
    def where(self) -> str:
        """The name of the page to watch."""
        return "lockhouse:locks" if self.look_for.startswith("lock_") else "lockhouse:queues"


SCENES = (
    Scene(
        name="overlap",
        title=_("Runs that would overlap"),
        story=_("Three runs of reports_prepare_massive_report for the same customer, 40 s each. They must not overlap, so they take a lock."),
        button=_("Send three runs"),
        watch=_("Three runs were sent for customer 7: one holds the lock for 40 s, the others wait 1 s and are refused."),
        look_for=f"lock_report_{OVERLAPPING_ID}",
        sendings=[Sending(task="reports_prepare_massive_report", queue="reports", args=(OVERLAPPING_ID,), kwargs={"seconds": 40})] * 3,
    ),
    Scene(
        name="dying-holder",
        title=_("A holder that dies"),
        story=_("A run that takes a lock for 20 minutes and kills its own worker process 5 s later. Nothing releases the lock."),
        button=_("Let a holder die"),
        watch=_("A run was sent for customer 12: in 5 s its process dies, and the lock stays behind, orphaned, until somebody releases it."),
        look_for=f"lock_report_{DYING_ID}",
        sendings=[Sending(task="reports_die_holding_lock", queue="reports", args=(DYING_ID,))],
    ),
    Scene(
        name="outlived-lock",
        title=_("A lock that is outlived"),
        story=_("A run of 30 s with a lock of 8 s. For the last 22 s nothing keeps a second run from starting."),
        button=_("Outlive a lock"),
        watch=_("A run was sent for customer 21: its lock expires after 8 s, and for 22 s more it is overrun. Send it again then to see two at once."),
        look_for=f"lock_outlived_{OUTLIVED_ID}",
        sendings=[Sending(task="reports_outlive_lock", queue="reports", args=(OUTLIVED_ID,))],
    ),
    Scene(
        name="unread-queue",
        title=_("A queue nobody reads"),
        story=_("Three runs of archive_compact to the queue archive, which no worker reads. They wait for ever, and no log says so."),
        button=_("Send to nobody"),
        watch=_("Three runs were sent to the queue archive: they stay ready, and the page says that nobody reads it."),
        look_for="archive",
        sendings=[Sending(task="archive_compact", queue="archive", args=(month,)) for month in ("2026-08", "2026-09", "2026-10")],
    ),
)


def scene_named(name: str) -> Scene | None:
    """The scene of that name, if there is one."""
    return next((scene for scene in SCENES if scene.name == name), None)


def play(scene: Scene) -> None:
    """Send what the scene needs.  Raises: SceneNotSent when the broker does not take it."""
    for sending in scene.sendings:
        send(sending)


def send(sending: Sending) -> None:
    """Send one message as every caller does: by name, to a named queue, without a result.  Raises: SceneNotSent."""
    try:
        current_app.send_task(sending.task, args=sending.args, kwargs=dict(sending.kwargs), queue=sending.queue, ignore_result=True)
    except OperationalError as error:
        raise SceneNotSent(str(error)) from error
