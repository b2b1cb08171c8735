"""One queue's page over HTTP, with the messages at its front read from a real broker."""

import json
import re
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from redis import Redis

from dashboard import snapshot as snapshots
from tests.dashboard.sources.test_messages import MALFORMED, message
from tests.factories import make_queue, make_snapshot

pytestmark = pytest.mark.django_db
SECRET = "hunter2-hunter2"


@pytest.fixture
def seen(watching):
    """A snapshot of this moment in which these queues are known; their ids by name."""

    def put(*names, **changes):
        queues = tuple(make_queue(name=name.decode("utf-8", "backslashreplace"), raw_name=name, ready=1, **changes) for name in names)
        known = make_snapshot(at=datetime.now(UTC), queues=queues)
        snapshots.put(
            Redis.from_url(f"{watching}/2"),
            known,
            dict.fromkeys(snapshots.SECTIONS, int(datetime.now(UTC).timestamp() * 1000)),
            set(snapshots.SECTIONS),
            epoch=1,
        )
        return [f"/queues/{queue.id}/" for queue in queues]

    return put


def client(*codenames):
    user = User.objects.create_user("ann")
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="lockhouse", codename__in=["view_locks", *codenames]))
    made = Client()
    made.force_login(user)
    return made


def page(made, url):
    response = made.get(url)
    assert response.status_code == 200
    return response.content.decode()


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def with_secret():
    return message(
        headers={"task": "mail_send", "id": "a" * 36, "argsrepr": "('a@b.example',)", "kwargsrepr": repr({"password": SECRET}), "origin": "gen1@web-9"}
    )


def test_messages_are_grouped_and_listed(seen, redis):
    redis.lpush("mail", with_secret(), *[message(headers={"task": "mail_bulk", "id": f"id-{n}"}) for n in range(3)])
    (url,) = seen(b"mail")
    html = page(client("view_payloads"), url)
    text = text_of(html)
    assert "messagelist" not in html, "the admin's base template shows whatever is called `messages`"
    assert re.search(r"mail_bulk +3 ", text)
    assert "all 4 messages, in the order of delivery" in text
    assert "a@b.example" in text
    assert "gen1@web-9" in text
    assert "redis-cli" in text


def test_secrets_are_hidden_and_payloads_need_their_permission(seen, redis):
    redis.lpush("mail", with_secret())
    (url,) = seen(b"mail")
    assert SECRET not in page(client("view_payloads"), url)
    User.objects.all().delete()
    html = page(client(), url)
    assert "a@b.example" not in html
    assert "Arguments are hidden: needs view_payloads." in html
    User.objects.all().delete()
    assert SECRET in page(client("view_payloads", "view_unredacted"), url)


def test_part_of_the_page_reads_no_messages(seen, redis):
    redis.lpush("mail", with_secret())
    (url,) = seen(b"mail")
    made = client("view_payloads")
    redis.config_resetstat()
    html = made.get(url, headers={"HX-Request": "true"}).content.decode()
    assert 'id="lh-live"' in html
    assert "queue-messages" not in html
    assert "cmdstat_lrange" not in redis.info("commandstats")


def test_every_malformed_message_is_listed_and_the_queue_stays_as_it_is(seen, redis):
    for raw, _ in MALFORMED:
        redis.lpush("mail", raw)
    before = redis.dump("mail")
    (url,) = seen(b"mail")
    html = page(client("view_payloads"), url)
    assert "Poison at position 1: it is not JSON" in html
    assert "is a pickle" in html
    assert len(re.findall(r"<tr[^>]*><td class=\"lh-n\" data-label", html)) == len(MALFORMED)
    assert redis.dump("mail") == before


def test_long_queue_says_how_much_is_shown(seen, redis):
    redis.lpush("mail", *[message()] * 1200)
    (url,) = seen(b"mail")
    text = text_of(page(client(), url))
    assert re.search(r"the first 500 of 1,?200", text)


HOSTILE = [b"<script>alert(1)</script>", b"caf\xff", b"a*?[b]", b"../../etc", b"%00\x00\n", "\u202eabc".encode(), b" "]


def test_hostile_names_have_a_page_each(seen, redis):
    for name in HOSTILE:
        redis.lpush(name, message(headers={"task": "<b>task</b>\u202e", "id": "<i>", "argsrepr": "<img src=x>", "origin": "<u>"}))
    made = client("view_payloads")
    for url in seen(*HOSTILE):
        html = page(made, url)
        assert "all" in html or "1 message" in html
        assert "<b>task" not in html
        assert "<img src" not in html
        assert "\u202e" not in html
        assert "<script>alert" not in html


@pytest.mark.parametrize("unknown", ["abc", "%3Cscript%3E", "0" * 16])
def test_queue_that_nobody_knows_is_a_sentence_with_404(seen, unknown):
    seen(b"mail")
    response = client().get(f"/queues/{unknown}/")
    assert response.status_code == 404
    assert "No queue with this id is known" in response.content.decode()


def test_key_of_another_type_has_no_messages_and_says_why(seen, redis):
    redis.hset("mail", "a", "b")
    (url,) = seen(b"mail", wrong_type="hash")
    assert "Its key holds a hash, so there are no messages." in page(client(), url)


def test_broker_that_is_away_is_said_in_the_page(seen, settings):
    (url,) = seen(b"mail")
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "BROKER_URL": "redis://127.0.0.1:1/0"}
    assert "The broker could not be read" in page(client(), url)


def test_pages_send_the_watched_broker_nothing_but_what_was_asked_for(seen, redis):
    redis.lpush("mail", message())
    (url,) = seen(b"mail")
    made = client()
    redis.config_resetstat()
    for _ in range(20):
        page(made, "/queues/")
    calls = set(redis.info("commandstats"))
    assert not calls & {"cmdstat_llen", "cmdstat_lindex", "cmdstat_lrange", "cmdstat_scan", "cmdstat_zrange"}
    page(made, url)
    assert redis.info("commandstats")["cmdstat_lrange"]["calls"] == 1


def test_nothing_inline_for_the_policy_to_forbid(seen, redis):
    redis.lpush("mail", message())
    made = client("view_payloads")
    for url in ["/queues/", *seen(b"mail")]:
        html = page(made, url)
        assert " style=" not in html
        assert not re.search(r"<script(?![^>]*\bsrc=)", html)
        assert not re.search(r"\son\w+=", html)


def test_without_permission_there_is_nothing(seen, redis):
    redis.lpush("mail", message())
    (url,) = seen(b"mail")
    user = User.objects.create_user("bob")
    made = Client()
    assert made.get(url).status_code == 302
    made.force_login(user)
    response = made.get(url)
    assert response.status_code == 403
    assert "mail" not in json.dumps(response.content.decode()).replace("e-mail", "")
