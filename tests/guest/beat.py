"""The guest's app with a schedule of its own, for `celery -A tests.guest.beat beat`; it tells its sends only where GUEST_TELLS_SENDS is set."""

import os

from tests.guest.app import app

app.conf.task_send_sent_event = bool(os.environ.get("GUEST_TELLS_SENDS"))
app.conf.beat_schedule = {
    "each second": {"task": "guest_import", "schedule": 1, "args": ("beat-1", 0)},
    "each two seconds": {"task": "guest_import", "schedule": 2, "args": ("beat-2", 0), "options": {"expires": 30}},
}
