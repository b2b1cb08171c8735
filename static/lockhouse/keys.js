// The keyboard: "/" to the filter, j and k through the rows, "?" for the list of keys.
"use strict";
(() => {
  const rows = () => [...document.querySelectorAll("#lh-live .lh-row, #acts tbody tr, #attention-rows > li")];
  const byId = (id) => document.getElementById(id);
  const linkOf = (row) => row?.querySelector(".lh-l-run a") ?? row?.querySelector("a.lh-name") ?? row?.querySelector("a[href]");
  let isGoing = false;

  function move(by) {
    const all = rows(), here = all.findIndex((row) => row.contains(document.activeElement));
    const next = all[Math.min(Math.max(here + by, 0), all.length - 1)];
    linkOf(next)?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }

  const current = () => document.activeElement?.closest("#locks-rows > tr");
  const go = (page) => document.querySelector(`#lh-nav a[data-page="${page}"]`)?.click();
  const KEYS = {
    "/": () => byId("lh-q")?.select(),
    j: () => move(1),
    k: () => move(-1),
    e: () => current()?.querySelector("summary").click(),
    x: () => current()?.querySelector("[data-tick]").click(),
    c: () => document.querySelector("#lh-bulk:not([hidden]) [data-copy-ticked]")?.click(),
    "?": () => byId("lh-help").showModal(),
  };
  const PAGES = { o: "overview", l: "locks", q: "queues", t: "tasks", r: "runs", e: "results", s: "schedules", w: "workers", f: "flow", n: "send", a: "acts" };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const act = isGoing && PAGES[event.key] ? () => go(PAGES[event.key]) : KEYS[event.key];
    isGoing = event.key === "g";
    if (!act) return;
    event.preventDefault();
    act();
  });
})();
