"""Announcements: the first at once, later ones together, none lost, and nothing of it ever reaches the observer as an error."""

import asyncio
import time

import pytest
from channels.layers import channel_layers

from dashboard.observer.announce import GROUP, INTERVAL_S, Announcer


@pytest.fixture
async def heard(watching):
    """What a listener hears: a queue of (time, sections)."""
    layer = channel_layers.make_backend("default")
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    queue: asyncio.Queue = asyncio.Queue()

    async def listen():
        while True:
            message = await layer.receive(channel)
            await queue.put((time.monotonic(), message))

    task = asyncio.create_task(listen())
    yield queue
    task.cancel()
    await asyncio.wait([task])
    await layer.flush()


@pytest.fixture
def announcer(watching):
    announcer = Announcer()
    yield announcer
    announcer.close()


async def within(seconds, queue):
    return await asyncio.wait_for(queue.get(), seconds)


async def test_first_announcement_after_quiet_goes_out_at_once(announcer, heard):
    announcer.announce(["queues"])
    await within(60, heard)  # opens the connection

    delays = []
    for _ in range(5):
        await asyncio.sleep(INTERVAL_S * 1.2)
        announced_at = time.monotonic()
        announcer.announce({"locks"})
        heard_at, message = await within(60, heard)
        delays.append(heard_at - announced_at)
        assert message == {"type": "sections.changed", "sections": ["locks"]}

    assert min(delays) < INTERVAL_S / 2, "one that waits for its turn takes as long as that each time, a full machine once or twice"


async def test_many_announcements_go_out_together_five_times_a_second_at_most_and_the_last_is_not_lost(announcer, heard):
    announced = {f"section-{number}" for number in range(100)}

    began_at = time.monotonic()
    for name in sorted(announced):
        announcer.announce([name])
        await asyncio.sleep(0.007)
    messages, told = [], set()
    while told != announced:
        heard_at, message = await within(60, heard)
        messages.append(heard_at)
        told.update(message["sections"])

    assert len(messages) <= (messages[-1] - began_at) / INTERVAL_S + 1


async def test_nothing_is_announced_for_no_section(announcer, heard):
    announcer.announce([])
    announcer.announce(["locks"])

    _, message = await within(60, heard)

    assert message["sections"] == ["locks"]


@pytest.fixture
def refusing(redis):
    """Our Redis refuses every PUBLISH until it is called."""
    redis.execute_command("ACL", "SETUSER", "default", "-publish")
    yield lambda: redis.execute_command("ACL", "SETUSER", "default", "+publish")
    redis.execute_command("ACL", "SETUSER", "default", "+publish")


async def test_what_could_not_be_announced_is_announced_later(refusing, announcer, heard, caplog):
    announcer.announce(["locks"])
    announcer.announce(["queues"])
    while "trying again" not in caplog.text:  # noqa: ASYNC110  # a log has no event
        await asyncio.sleep(0.01)

    announcer.announce(["workers"])
    refusing()
    told: set[str] = set()
    while told != {"locks", "queues", "workers"}:
        told.update((await within(60, heard))[1]["sections"])


def test_our_redis_being_away_is_no_error_for_the_observer(settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": ["redis://127.0.0.1:1/2"]}}}
    announcer = Announcer()

    announcer.announce(["locks"])
    announcer.close()


def test_closing_sends_what_waits_and_later_announcements_are_ignored(watching):
    async def story():
        layer = channel_layers.make_backend("default")
        channel = await layer.new_channel()
        await layer.group_add(GROUP, channel)
        announcer = Announcer()
        announcer.announce(["locks"])
        announcer.announce(["queues"])
        await asyncio.to_thread(announcer.close)
        announcer.announce(["workers"])
        told: set[str] = set()
        while told != {"locks", "queues"}:
            told.update((await asyncio.wait_for(layer.receive(channel), 60))["sections"])
        announcer.close()
        await layer.flush()

    asyncio.run(story())


def test_an_announcer_that_never_announced_closes_at_once(watching):
    Announcer().close()
