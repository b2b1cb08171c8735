// Makes the page's absolute times relative, and counts them once a second by the server's clock; without this script the page is whole.
"use strict";
(() => {
  const root = document.getElementById("lockhouse");
  if (!root) return;
  const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
  const JUST_NOW = 2 * SECOND;

  // The server said its time when the answer began; a browser whose clock is wrong still counts right.
  const [entry] = performance.getEntriesByType("navigation");
  const answered = performance.timeOrigin + (entry ? entry.responseStart : 0);
  const ahead = Date.parse(root.dataset.now) - answered;
  const now = () => performance.timeOrigin + performance.now() + ahead;
  window.lockhouse = { now };

  function duration(span) {
    const ms = Math.max(span, 0), whole = (unit) => Math.floor(ms / unit);
    if (ms < MINUTE) return `${whole(SECOND)} s`;
    if (ms < HOUR) return `${whole(MINUTE)} m ${whole(SECOND) % 60} s`;
    if (ms < DAY) return `${whole(HOUR)} h ${whole(MINUTE) % 60} m`;
    return `${whole(DAY)} d ${whole(HOUR) % 24} h`;
  }

  function worded(element, at, moment) {
    const isAhead = element.dataset.count === "down", span = isAhead ? at - moment : moment - at;
    if (element.dataset.fresh && span < JUST_NOW) return root.dataset.justNow;
    return "with" in element.dataset ? (element.dataset.with || root.dataset.ago).replace("…", duration(span)) : duration(span);
  }

  const written = new WeakMap(); // what this script wrote: any other text is the server's, and becomes the title
  function count(element, moment) {
    const at = Date.parse(element.dateTime);
    if (Number.isNaN(at)) return;
    if (element.textContent !== written.get(element)) element.title = element.textContent.trim();
    const text = worded(element, at, moment);
    if (element.textContent !== text) element.textContent = text;
    written.set(element, text);
    const line = element.dataset.fresh && element.closest(".lh-live-line, .lh-calm");
    if (line) line.classList.toggle("lh-stale", moment - at > element.dataset.fresh * SECOND);
  }

  function share(rect, moment) {
    const left = (Date.parse(rect.dataset.expires) - moment) / rect.dataset.timeout;
    const width = `${(Math.min(Math.max(left, 0), 1) * 100).toFixed(1)}%`;
    if (rect.getAttribute("width") !== width) rect.setAttribute("width", width); // set anew it costs a drawing, changed or not
  }

  // Under the banner everything is as it was: what counted up while it was read does not go on counting.
  const lastRead = () => Date.parse(root.querySelector(".lh-banner:not([hidden])")?.dataset.read);

  function tick() {
    const moment = now(), read = lastRead() || moment;
    for (const element of root.querySelectorAll("time[data-count]")) count(element, element.dataset.count === "up" ? read : moment);
    for (const rect of root.querySelectorAll("rect[data-expires]")) share(rect, moment);
    observer.takeRecords(); // our own changes are none
  }

  const observer = new MutationObserver(tick); // what was pushed or swapped is worded before it is painted
  tick();
  observer.observe(root, { childList: true, subtree: true, characterData: true });
  setInterval(tick, SECOND);
  document.addEventListener("visibilitychange", () => document.hidden || tick());
})();
