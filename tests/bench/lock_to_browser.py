"""How long it takes from a lock being taken or released to its row being there or gone in a real browser.

    python tests/bench/lock_to_browser.py [--quick] [--json FILE]

The real thing from end to end: an embedded Valkey, `manage.py up` (observer and web), Chromium on the Locks page. Clocks: `time.time()` just
before the command is sent, and the page's own clock in a MutationObserver, set against each other by the shortest of many round trips.
"""

import argparse
import json
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright
from redis import Redis

from config.tooling.machine import find_browser
from tests.bench.installation import PASSWORD, Announcements, lockhouse, spread
from tests.system import running_system, wait_for

CHANGES, QUICK_CHANGES = 200, 40
APART_S = 0.25
SETTLE_MS = 3000  # for the last ones to be shown
OTHER_LOCKS = 20  # held all the time, so that the page is no empty one
BUDGET_MS = {"p50": 20.0, "p99": 60.0}
PREFIX = "shop:3:"

WATCH = """() => {
  const now = () => performance.timeOrigin + performance.now();
  window.seen = [];
  new MutationObserver((changes) => {
    const at = now();
    const found = [];
    for (const change of changes) {
      for (const [nodes, what] of [[change.addedNodes, "taken"], [change.removedNodes, "released"]]) {
        for (const node of nodes) {
          const name = node.querySelector?.(".lh-name")?.textContent;
          if (name?.startsWith("lock_bench_")) found.push({ name, what, at });
        }
      }
    }
    window.seen.push(...found);
    if (!found.length) return;
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => found.forEach((one) => { one.painted = now(); });
      channel.port2.postMessage(null);
    });
  }).observe(document.getElementById("locks-rows"), { childList: true });
}"""


@contextmanager
def locks_page(url: str) -> Iterator[Page]:
    """The Locks page, logged in and live."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox", "--disable-background-networking"])
        page = browser.new_page()
        page.goto(f"{url}/locks/")
        page.fill("input[name=username]", "bench")
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        page.wait_for_selector('#lh-live[data-live="live"]')
        yield page
        browser.close()


def clock_offset(page: Page) -> float:
    """How many seconds the page's clock is ahead of ours, known to half of the shortest round trip."""
    rounds = []
    for _ in range(60):
        before = time.time()
        theirs = page.evaluate("performance.timeOrigin + performance.now()") / 1000
        after = time.time()
        rounds.append((after - before, theirs - (before + after) / 2))
    return min(rounds)[1]


def change_locks(cache: Redis, changes: int) -> list[tuple[str, str, float]]:
    """Take and release a lock in turn; (name, what, when)."""
    done = []
    due = time.monotonic()
    for number in range(changes):
        due += APART_S
        time.sleep(max(0.0, due - time.monotonic()))
        name, what = f"lock_bench_{number // 2}", "taken" if number % 2 == 0 else "released"
        token = uuid.uuid1().hex
        began_at = time.time()
        if what == "taken":
            cache.set(PREFIX + name, token, nx=True, px=60_000)
        else:
            cache.delete(PREFIX + name)
        done.append((name, what, began_at))
    return done


def measure(changes: int) -> dict[str, Any]:
    """The figures of one run."""
    with tempfile.TemporaryDirectory() as folder, running_system(Path(folder)) as system:
        cache = Redis.from_url(f"{system.url}/1")
        for number in range(OTHER_LOCKS):
            cache.set(f"{PREFIX}lock_other_{number}", uuid.uuid1().hex, px=3_600_000)
        with lockhouse(system) as installation, locks_page(installation.url) as page:
            wait_for(lambda: page.locator("#locks-rows > tr").count() >= OTHER_LOCKS, said="the other locks on the page")
            announced = Announcements(Redis.from_url(f"{system.url}/2"))
            announced.start()
            page.evaluate(WATCH)
            time.sleep(1)
            offset = clock_offset(page)
            done = change_locks(cache, changes)
            page.wait_for_timeout(SETTLE_MS)
            drift = clock_offset(page) - offset
            return figures(done, page.evaluate("window.seen"), announced, offset, drift)


def figures(done: list[tuple[str, str, float]], seen: list[dict[str, Any]], announced: Announcements, offset: float, drift: float) -> dict[str, Any]:
    shown = {(one["name"], one["what"]): one for one in seen}
    times = [(began_at, shown[name, what]) for name, what, began_at in done if (name, what) in shown]
    missing = [f"{name} {what}" for name, what, _ in done if (name, what) not in shown]  # over before it was shown: later than the next change
    until_announced = [at - began_at for _, _, began_at in done if (at := announced.first_after(began_at)) is not None]
    return {
        "what": "lock taken or released -> shown in the browser",
        "changes": len(done),
        "never_shown": missing,
        "shown_ms": spread([one["at"] / 1000 - offset - began_at for began_at, one in times]),
        "painted_ms": spread([one["painted"] / 1000 - offset - began_at for began_at, one in times]),
        "announced_ms": spread(until_announced),
        "budget_ms": BUDGET_MS,
        "clock_drift_ms": round(drift * 1000, 2),
        "load": [round(load, 1) for load in os.getloadavg()],  # of everything on this machine: above the number of its processors nothing is measured well
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_CHANGES} changes instead of {CHANGES}")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    result = measure(QUICK_CHANGES if options.quick else CHANGES)
    for name, meaning in (("shown_ms", "in the page"), ("painted_ms", "painted"), ("announced_ms", "of that, until announced by the observer")):
        print(f"{meaning:>42}: " + "  ".join(f"{key} {value:6.1f} ms" for key, value in result[name].items()))
    kept = not result["never_shown"] and all(result["shown_ms"][key] <= limit for key, limit in BUDGET_MS.items())
    if result["never_shown"]:
        print(f"over before it was shown: {', '.join(result['never_shown'])}")
    verdict = "kept" if kept else "MISSED"
    print(f"budget p50 {BUDGET_MS['p50']} ms, p99 {BUDGET_MS['p99']} ms: {verdict} ({result['changes']} changes, {APART_S} s apart; load {result['load'][0]})")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
