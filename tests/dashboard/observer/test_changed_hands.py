"""A release that comes just after its lock changed hands: two real runs, the release from a shell."""

import json
import subprocess
import sys

from tests.system import ROOT, wait_for

HOLDER = {"GUEST_REDIS_CLIENT_CLASS": "dashboard.locking.HolderRedis"}


def manage(system, *arguments, **env):
    command, own = [sys.executable, "manage.py", *arguments], {**system.env, **env}
    return subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, timeout=60, check=False)


def test_release_of_a_token_that_is_another_runs_by_now_does_nothing_and_says_so(system, locks):
    made = manage(system, "createsuperuser", "--noinput", "--username", "alice", "--email", "alice@example.com", DJANGO_SUPERUSER_PASSWORD="x")
    assert made.returncode == 0, made.stderr
    system.worker(concurrency=3, **HOLDER)
    system.observer()
    system.watched()
    system.send("guest_import", "import-1", 300)
    system.taken("import-1")
    seen = wait_for(lambda: locks().get("import-1")).lock
    system.send("guest_import", "import-1", 300, 600, 60)
    wait_for(lambda: locks()["import-1"].waiting == 1)

    system.guest.rpush("import-1:go", 1)  # the first run ends, and who waits takes the lock
    taken = wait_for(lambda: (one := locks().get("import-1")) and one.lock.token_digest != seen.token_digest and one).lock
    done = manage(system, "release", seen.id, "--digest", seen.token_digest, "--reason", "it looked stale", "--as", "alice", "--force", "--json")

    answer = json.loads(done.stdout)
    assert (done.returncode, answer["state"], answer["code"]) == (1, "refused", "changed_hands"), done.stdout
    after = wait_for(lambda: (one := locks().get("import-1")) and one.verdict == "held" and one)
    assert after.lock.token_digest == taken.token_digest
