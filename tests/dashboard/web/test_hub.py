"""The hub: rendered once for all who may share it, at once when something is announced, and whatever breaks meanwhile."""

import asyncio
import random
import threading
from collections import deque

import pytest
from channels.layers import channel_layers

from dashboard.observer.announce import GROUP, Announcer
from dashboard.records import Snapshot
from dashboard.web import hearing
from dashboard.web import hub as hubs
from dashboard.web.hub import Hub
from dashboard.web.panel import Piece
from tests.dashboard.web.socket_ends import PATIENCE_S, make_key


class CountingPanel:
    """Shows `words` in one region, and remembers every time it was rendered."""

    permission = "lockhouse.view_locks"

    def __init__(self, words="calm"):
        self.words = words
        self.rendered = deque()
        self.threads = set()

    def pieces(self, snapshot, query, may, now):
        self.rendered.append((dict(query), may, snapshot))
        self.threads.add(threading.current_thread())
        if isinstance(self.words, Exception):
            raise self.words
        return [Piece(id="region", html=f'<p id="region">{self.words}</p>')]


@pytest.fixture
def panel():
    return CountingPanel()


@pytest.fixture
async def hub(watching):
    hub = Hub(read=Snapshot)
    yield hub
    for view in list(hub._views.values()):
        while view.followers:
            hub.leave(view)
    while hub._task:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


@pytest.fixture
def no_tick(monkeypatch):
    """Only what is said to the hub has it render."""
    monkeypatch.setattr(hubs, "TICK_S", 600)


async def newer(view, version):
    await asyncio.wait_for(view.newer_than(version), PATIENCE_S)
    return view.version


async def announced_at_last(hub, panel):
    """Wait until the hub listens: joining renders everything once more."""
    while len(panel.rendered) < 2:  # noqa: ASYNC110
        await asyncio.sleep(0.005)


async def test_followers_of_the_same_share_one_rendering(no_tick, hub, panel):
    views = [hub.follow(make_key(panel)) for _ in range(50)]

    await newer(views[0], 0)
    await announced_at_last(hub, panel)
    before = len(panel.rendered)
    panel.words = "changed"
    hub.refresh()
    await newer(views[0], 1)

    assert len({id(view) for view in views}) == 1
    assert len(panel.rendered) == before + 1
    assert panel.threads.isdisjoint({threading.main_thread()})


@pytest.mark.parametrize(
    "other",
    [{"may": frozenset({"lockhouse.view_locks", "lockhouse.release_lock"})}, {"query": (("q", "mail"),)}, {"language": "de"}, {"name": "overview"}],
)
async def test_who_may_or_asks_something_else_never_shares(hub, panel, other):
    mine, theirs = hub.follow(make_key(panel)), hub.follow(make_key(panel, **other))
    await newer(mine, 0)
    await newer(theirs, 0)

    assert mine is not theirs
    assert {(tuple(query.items()), may) for query, may, _ in panel.rendered} == {
        ((), make_key(panel).may),
        (other.get("query", ()), other.get("may", make_key(panel).may)),
    }


async def test_an_announcement_is_rendered_at_once(no_tick, hub, panel):
    view = hub.follow(make_key(panel))
    await newer(view, 0)
    await announced_at_last(hub, panel)
    announcer = Announcer()

    panel.words = "a lock was taken"
    announcer.announce(["locks"])
    await newer(view, 1)

    assert "a lock was taken" in view.message_since(1)
    await asyncio.to_thread(announcer.close)


async def test_without_any_announcement_what_time_changes_is_shown_within_a_tick(hub, panel):
    view = hub.follow(make_key(panel))
    await newer(view, 0)
    await announced_at_last(hub, panel)

    panel.words = "expiring"
    await newer(view, 1)

    assert "expiring" in view.message_since(1)


async def test_an_equal_rendering_is_no_new_version(hub, panel):
    view = hub.follow(make_key(panel))
    await newer(view, 0)
    await announced_at_last(hub, panel)
    before = len(panel.rendered)

    hub.refresh()
    while len(panel.rendered) == before:  # noqa: ASYNC110
        await asyncio.sleep(0.005)

    assert view.version == 1


async def test_work_ends_with_the_last_follower_and_begins_again_with_the_next(hub, panel):
    view = hub.follow(make_key(panel))
    await newer(view, 0)
    task = hub._task
    hub.leave(view)
    await asyncio.wait_for(task, PATIENCE_S)
    rendered = len(panel.rendered)

    again = hub.follow(make_key(panel))
    await newer(again, 0)

    assert again is not view
    assert len(panel.rendered) > rendered


async def test_who_comes_while_the_work_is_put_away_is_served(hub, panel):
    view = hub.follow(make_key(panel))
    await newer(view, 0)
    hub.leave(view)
    await asyncio.sleep(0)

    again = hub.follow(make_key(panel))

    assert await newer(again, 0) == 1


async def test_a_panel_that_raises_is_said_to_its_followers_and_stops_no_other(hub, panel, caplog):
    broken = hub.follow(make_key(CountingPanel(words=ValueError("a bug")), name="overview"))
    sound = hub.follow(make_key(panel))

    await asyncio.wait_for(broken.newer_than(0), PATIENCE_S)
    await newer(sound, 0)

    assert broken.is_broken
    assert not sound.is_broken
    assert "a bug" in caplog.text


async def test_a_subscription_that_is_silently_refused_only_makes_pages_later_and_is_made_again(monkeypatch, hub, panel, redis):
    monkeypatch.setattr(hearing, "DEAF_AFTER_S", 0.2)
    redis.execute_command("ACL", "SETUSER", "default", "-subscribe")
    try:
        view = hub.follow(make_key(panel))
        await newer(view, 0)
        panel.words = "seen without hearing"
        await newer(view, 1)
    finally:
        redis.execute_command("ACL", "SETUSER", "default", "+subscribe")

    async with asyncio.timeout(PATIENCE_S):
        while not redis.pubsub_numsub(f"lockhouse:test-system__group__{GROUP}")[0][1]:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_cut_connection_is_made_again(no_tick, hub, panel, redis):
    view = hub.follow(make_key(panel))
    await newer(view, 0)
    await announced_at_last(hub, panel)

    redis.client_kill_filter(_type="pubsub")
    async with asyncio.timeout(PATIENCE_S):
        while view.version == 1:
            panel.words = "heard again"
            redis.publish(
                f"lockhouse:test-system__group__{GROUP}", channel_layers.make_backend("default").serialize({"type": "sections.changed", "sections": []})
            )
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("seed", range(30))
def test_the_process_can_end_at_any_moment(watching, panel, seed):
    chance = random.Random(seed)
    loop = asyncio.new_event_loop()

    async def come_and_go():
        hub = Hub(read=Snapshot)
        view = hub.follow(make_key(panel))
        await asyncio.sleep(chance.random() * 0.02)
        hub.leave(view)
        await asyncio.sleep(chance.choice([0, 0, 0.001, 0.002]))

    async def end(tasks):
        _, still_running = await asyncio.wait(tasks, timeout=PATIENCE_S) if tasks else ((), ())
        assert not still_running

    loop.run_until_complete(come_and_go())
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(end(tasks))
    loop.close()
