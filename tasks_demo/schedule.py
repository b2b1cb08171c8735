"""What beat sends in the demo, each entry with its queue and without a result, as the callers do."""

from typing import Any

from tasks_demo.logic.reports import REFRESH_INTERVAL_S


def _every(seconds: float, task: str, queue: str, *args: object) -> dict[str, Any]:
    """An entry; one that nobody ran within two intervals is not run at all, so that a stopped worker does not come back to a heap."""
    options = {"queue": queue, "ignore_result": True, "expires": 2 * seconds}
    return {"task": task, "schedule": seconds, "args": args, "options": options}


BEAT_SCHEDULE = {
    "refresh all reports": _every(REFRESH_INTERVAL_S, "reports_refresh_all", "reports"),
    "sync the inventory": _every(15, "inventory_sync", "default", 3),
    "retrieve server 1": _every(60, "servers_retrieve_info", "default", 1),
    "send the newsletter": _every(20, "main_send_email", "emails", "reader@shop.example", "newsletter"),
    "notify a user": _every(10, "telegram_notify_user_by_id", "notifications", 42),
}
