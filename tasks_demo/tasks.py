"""The demo's tasks: a name with its group's prefix, the lock, the cache; what they do is in `logic`.

Nobody imports them: callers send them by name, to a named queue, without a result.
"""

import os
import signal
from typing import Any

from celery import shared_task
from django.core.cache import caches
from django.utils.translation import gettext as _
from redis.exceptions import LockError, LockNotOwnedError

from tasks_demo.logic import archive, emails, inventory, notifications, reports, servers
from tasks_demo.settings import endpoint_url, state_dir

REPORT_LOCK_S = 20 * 60  # much longer than a report takes; frees the lock of a worker that died
OUTLIVED_LOCK_S = 8
REFRESH_LOCK_S = 60
IMPORT_LOCK_S = 60
PATIENCE_S = 1  # a second run waits this long for the lock before it gives up
SERVER_FOR_S = 5 * 60


@shared_task(name="main_send_email", ignore_result=True)
def main_send_email(address: str, kind: str = "newsletter") -> str:
    """An email of that kind to that address."""
    return emails.send_email(address, kind)


@shared_task(name="telegram_notify_user_by_id", ignore_result=True)
def telegram_notify_user_by_id(user_id: int) -> str:
    """A notification; the user is named by id, for a message may wait longer than what is known of a user stays true."""
    return notifications.notify_user(user_id, state_dir() / "messenger.txt")


@shared_task(
    name="servers_retrieve_info",
    ignore_result=True,
    autoretry_for=(servers.EndpointFailed,),
    retry_backoff=1,
    retry_backoff_max=30,
    retry_jitter=False,
    max_retries=5,
)
def servers_retrieve_info(server_id: int) -> str:
    """The one that waits for the answer finds it in the cache under `server_{id}`."""
    cache("shop").set(f"server_{server_id}", servers.retrieve_info(endpoint_url(), server_id), timeout=SERVER_FOR_S)
    return _("retrieved server %(id)s") % {"id": server_id}


@shared_task(name="reports_prepare_massive_report", ignore_result=True)
def reports_prepare_massive_report(data_id: int, seconds: float = 40) -> str:
    """Never two for one customer; a refused run is a quiet answer, not an error for somebody to look into."""
    try:
        with cache("shop").lock(f"lock_report_{data_id}", timeout=REPORT_LOCK_S, blocking_timeout=PATIENCE_S):
            return reports.prepare_report(data_id, seconds)
    except LockNotOwnedError:
        return _("prepared report %(id)s, but its lock was taken away meanwhile") % {"id": data_id}
    except LockError:
        return _("refused: another run prepares report %(id)s") % {"id": data_id}


@shared_task(name="reports_refresh_all", ignore_result=True)
def reports_refresh_all() -> str:
    """On the schedule, and every third time longer than its interval."""
    try:
        with cache("shop").lock("lock_refresh_all", timeout=REFRESH_LOCK_S, blocking_timeout=PATIENCE_S):
            return reports.refresh_reports(_next_number("refresh_all_number"))
    except LockError:
        return _("refused: the refresh before is still at work")


@shared_task(name="reports_outlive_lock", ignore_result=True)
def reports_outlive_lock(data_id: int, seconds: float = 30, lock_seconds: float = OUTLIVED_LOCK_S) -> str:
    """Its lock ends before it does: from then on nothing keeps a second run from starting."""
    try:
        with cache("shop").lock(f"lock_outlived_{data_id}", timeout=lock_seconds, blocking_timeout=PATIENCE_S):
            return reports.prepare_report(data_id, seconds)
    except LockNotOwnedError:
        return _("prepared report %(id)s, the last part of it without a lock") % {"id": data_id}
    except LockError:
        return _("refused: another run prepares report %(id)s") % {"id": data_id}


@shared_task(name="reports_die_holding_lock", ignore_result=True)
def reports_die_holding_lock(data_id: int, seconds: float = 5) -> str:
    """Dies as if the kernel had taken its memory back: no `finally`, no release, nobody told."""
    try:
        with cache("shop").lock(f"lock_report_{data_id}", timeout=REPORT_LOCK_S, blocking_timeout=PATIENCE_S):
            reports.prepare_report(data_id, seconds)
            os.kill(os.getpid(), signal.SIGKILL)
    except LockError:
        pass
    return _("refused: another run prepares report %(id)s") % {"id": data_id}


@shared_task(name="archive_compact", ignore_result=True)
def archive_compact(month: str) -> str:
    """Known to the workers, and yet never run: its queue has no reader."""
    return archive.compact(month)


@shared_task(name="inventory_sync", ignore_result=True)
def inventory_sync(shop_id: int, seconds: float = 9) -> str:
    """A plain lock under a name that no pattern of Lockhouse's knows, as any project may have."""
    try:
        with cache("plain").lock(f"cart-import:{shop_id}", timeout=IMPORT_LOCK_S, blocking_timeout=PATIENCE_S):
            return inventory.sync_inventory(shop_id, seconds)
    except LockError:
        return _("refused: another run copies the inventory of shop %(id)s") % {"id": shop_id}


def cache(alias: str) -> Any:
    """A watched cache; untyped, for django-redis carries no types, and Django's own know no `lock`."""
    return caches[alias]


def _next_number(name: str) -> int:
    """1, 2, 3 … for as long as the cache lives."""
    cache("shop").add(name, 0, timeout=None)
    return int(cache("shop").incr(name))
