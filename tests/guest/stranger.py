"""Another app on the guest's broker: its workers know none of the guest's tasks. With GUEST_IS_MUTE they answer nobody who asks."""

import os

from celery import Celery

app = Celery("stranger", broker=f"{os.environ['GUEST_SERVER']}/0")
app.conf.update(
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
    worker_enable_remote_control=not os.environ.get("GUEST_IS_MUTE"),
)


@app.task(name="stranger_pack")
def stranger_pack(parcel: int) -> None:
    """What it does plays no part."""
