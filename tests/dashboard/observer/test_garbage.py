"""Whatever is published on the broker, the observer goes on."""

import base64
import json

from dashboard.sources.locks import lock_id
from tests.system import wait_for

CHANNEL = "/0.celeryev/lock.refused"


def envelope(event: dict) -> str:
    """What Celery's dispatcher would publish of it."""
    body = base64.b64encode(json.dumps(event).encode()).decode()
    properties = {"delivery_mode": 1, "delivery_info": {"exchange": "celeryev", "routing_key": "lock.refused"}, "priority": 0, "body_encoding": "base64"}
    return json.dumps(
        {"body": body, "content-encoding": "utf-8", "content-type": "application/json", "headers": {}, "properties": properties | {"delivery_tag": "t"}}
    )


def refused(key: str, **changes) -> dict:
    return {"type": "lock-refused", "key": key, "hostname": "w@guest", "pid": 1, "timestamp": 1.0, "uuid": None, "task": "t", "waited": 0.1} | changes


def test_garbage_on_the_event_channel_ends_neither_the_observer_nor_its_events(system, snapshot):
    observer = system.observer()
    wait_for(lambda: any(source.name == "events" and source.ok for source in snapshot().sources))

    for garbage in (
        "[1,2]",
        "null",
        "{{{",
        '{"body": "***"}',
        envelope(refused("shop:3:lock_\ud800")),
        envelope(refused("shop:3:lock_b", pid=10**30, uuid=[1])),
    ):
        system.broker.publish(CHANNEL, garbage)

    def heard() -> bool:
        system.broker.publish(CHANNEL, envelope(refused("shop:3:lock_a", timestamp=2.0)))
        return any(refusal.lock_id == lock_id("default", b"shop:3:lock_a") for refusal in snapshot().refusals)

    wait_for(heard, every=0.5)
    assert observer.poll() is None


def test_task_with_an_unwritable_id_hides_nothing_else(system, snapshot):
    system.worker()
    observer = system.observer()
    wait_for(lambda: snapshot().workers)
    script = (
        "from tests.guest.app import app; app.send_task('guest_import', args=['x', 1], task_id='x\\ud800y', queue='celery', ignore_result=True, countdown=600)"
    )
    system.start("sender", "-c", script).wait(20)
    system.send("guest_import", "lock_after", 60, 600)

    wait_for(lambda: any(lock.name == "lock_after" for lock in snapshot().locks))
    assert observer.poll() is None
