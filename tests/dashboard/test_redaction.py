"""What is a secret, by its name and by its look; and what only resembles one."""

import time

import pytest

from dashboard.redaction import HIDDEN, hide_secrets, is_secret_name


@pytest.mark.parametrize(
    "name",
    ["password", "DB_PASSWORD", "passwd", "apiKey", "api-key", "x-api-key", "access_token", "sessionid", "session", "Set-Cookie", "clientSecret", "key",
     "AUTH", "authorization", "credentials", "private_key", "otp", "card_cvv", "sentry_dsn"],
)  # fmt: skip
def test_names_of_secrets(name):
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["monkey", "author", "keyboard", "passenger", "compass", "name", "id", "status", "pinned", "assault", "", "obsession"])
def test_names_of_other_things(name):
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("{'password': 'a b, c', 'id': 7}", f"{{'password': {HIDDEN}, 'id': 7}}"),
        ('{"token": "x\\"y", "id": 7}', f'{{"token": {HIDDEN}, "id": 7}}'),
        ("(12,)", "(12,)"),
        ("password=hunter2&user=bob", f"password={HIDDEN}&user=bob"),
        ("https://bob:hunter2@host/x", f"https://bob:{HIDDEN}@host/x"),
        ("redis://:hunter2@host:6379/0", f"redis://:{HIDDEN}@host:6379/0"),
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("AKIAIOSFODNN7EXAMPLE", HIDDEN),
        ("paid with 4111 1111 1111 1111 today", f"paid with {HIDDEN} today"),
        ("order 4111111111111112", "order 4111111111111112"),
        ("at 1763900000000 ms", "at 1763900000000 ms"),
        ("Bearer abc.def-123", f"Bearer {HIDDEN}"),
        ("id='d9c26803-1111-4222-8333-444455556666'", "id='d9c26803-1111-4222-8333-444455556666'"),
        ("{'tokens': ['hunter2', {'a': 'c]'}], 'id': 7}", f"{{'tokens': {HIDDEN}, 'id': 7}}"),
        ("{'password': SecretStr('hunter2'), 'id': 7}", f"{{'password': {HIDDEN}, 'id': 7}}"),
        ("{'token': <Token a->b>, 'id': 7}", f"{{'token': {HIDDEN}, 'id': 7}}"),
        ("{'credentials': {'user': 'bob', 'pw1': 'hunter2", f"{{'credentials': {HIDDEN}"),
        ("{'headers': [('Authorization', 'Token hunter2'), ('Accept', 'all')]}", f"{{'headers': [('Authorization', {HIDDEN}), ('Accept', 'all')]}}"),
        ("('session', 'first', 'second')", "('session', 'first', 'second')"),
        (f"{{'{'a' * 61}_password': 'hunter2'}}", f"{{'{'a' * 61}_password': {HIDDEN}}}"),
        (f"{{'{'a' * 300}': 'hunter2'}}", f"{{'{'a' * 300}': {HIDDEN}}}"),
        ("KeyError: 'customer'", "KeyError: 'customer'"),
        ("'postgres://app:hunter2-is-lo", f"'postgres://app:{HIDDEN}"),
        ("('postgres://app:hunter2-is-lo...', 7)", f"('postgres://app:{HIDDEN}', 7)"),
        ("at http://host:8080/orders", "at http://host:8080/orders"),
        ("at http://host:8080", "at http://host:8080"),
    ],
)  # fmt: skip
def test_texts(said, shown):
    assert hide_secrets(said) == shown


def test_key_that_was_cut_off_is_hidden_to_the_end():
    assert hide_secrets("a -----BEGIN PRIVATE KEY-----\nMIIE") == f"a {HIDDEN}"


@pytest.mark.parametrize(
    "filler",
    ["eyJ", "a" * 30 + "=", "-----BEGIN PRIVATE KEY", "4", "4 ", "http://a:", "'a':'", "\\'", "password='", "a-", "key", " ", "bearer ",
     "a://x:", "key=[", "('key',", "key=<'", "eyJaaaaa."],
)  # fmt: skip
def test_no_text_makes_it_slow(filler):
    text = (filler * 70_000)[: 64 * 1024]
    began = time.perf_counter()

    hide_secrets(text)

    assert time.perf_counter() - began < 30  # what grows by the square takes minutes


@pytest.mark.parametrize(
    ("first", "filler", "last"),
    [("token=[", "\\'", ""), ("token=[", "'a\\", ""), ("", "token=\\'", ""), ("token=[", "'\"\\", ""), ("token=[", "b'\\\\", ""), ("", "['key',\\\"", '"x'),
     ("", "('key',\\'", "'x"), ("", "[('key',b\\\"", '"x'), ("", "['key',\\'['key',\\\"", "'x\"x"), ("(", "'\\", "\\"), ("token=", "<'\\", "")],
)  # fmt: skip
def test_time_grows_with_the_text_and_not_by_its_square(first, filler, last):
    def took(size):
        text = first + (filler * size)[:size] + last
        times = []
        for _ in range(3):
            began = time.thread_time()
            hide_secrets(text)
            times.append(time.thread_time() - began)
        return min(times)

    assert took(60 * 1024) < 60 * took(4 * 1024) + 0.05, "the square would be 225 times as long"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (f"{{'token': '{'a' * 5000}', 'id': 7}}", f"{{'token': {HIDDEN}, 'id': 7}}"),
        (f"token={'a' * 5000} id=7", f"token={HIDDEN} id=7"),
        (f"[('token', '{'a' * 5000}'), ('id', 7)]", f"[('token', {HIDDEN}), ('id', 7)]"),
        ("{'token': 'a\\", f"{{'token': {HIDDEN}"),
        ("('first', ('password', 'hunter2'))", f"('first', ('password', {HIDDEN}))"),
        ("('key', \"a ('password', 'hunter2') b\", 3)", f"('key', \"a ('password', {HIDDEN}) b\", 3)"),
        ("('key', \"a (\\\"password\\\", 'hunter2') b\", 3)", f'(\'key\', "a (\\"password\\", {HIDDEN}) b", 3)'),
    ],
)
def test_long_and_nested_values_are_hidden_to_their_end(said, shown):
    assert hide_secrets(said) == shown


def test_secret_after_another_name_is_found():
    assert hide_secrets("ValueError: password=hunter2") == "ValueError: password=••••••"
