// Title and icon, dialogs, links that change only the live part, and drawers that stay as the reader left them.
"use strict";
(() => {
  const root = document.getElementById("lockhouse");
  if (!root) return;
  const byId = (id) => document.getElementById(id);

  // Title and icon carry the state.
  function sayState() {
    const state = byId("lh-state");
    if (!state) return;
    if (document.title !== state.dataset.title) document.title = state.dataset.title;
    const icon = byId("lh-icon");
    if (icon.getAttribute("href") !== state.dataset.icon) icon.setAttribute("href", state.dataset.icon);
  }

  // On a phone the navigation scrolls sideways: the page that is shown stands in sight, once.
  const strip = document.querySelector(".lh-pages"), here = strip?.querySelector("[aria-current]");
  if (here && strip.scrollWidth > strip.clientWidth) strip.scrollLeft = here.offsetLeft - (strip.clientWidth - here.offsetWidth) / 2;

  // Drawers: what the reader opened or closed stays so when its row is pushed anew.
  const drawers = new Map();
  const drawerOf = (details) => details.closest("[id]").id;
  root.addEventListener("click", (event) => {
    const summary = event.target.closest("tr summary");
    if (summary) drawers.set(drawerOf(summary), !summary.parentElement.open);
  });
  function keepDrawers() {
    for (const [id, open] of drawers) {
      const row = byId(id);
      if (!row) drawers.delete(id);
      else if (row.querySelector("details").open !== open) row.querySelector("details").open = open;
    }
  }

  // Ticks: a row that a new filter still shows stays ticked.
  let ticked = [];
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.target.id === "lh-live") ticked = [...root.querySelectorAll("tr[id] input:checked")].map((box) => box.closest("tr").id);
  });
  function keepTicks() {
    const boxes = ticked.map((id) => byId(id)?.querySelector("input[type=checkbox]")).filter((box) => box && !box.checked);
    ticked = [];
    for (const box of boxes) {
      box.checked = true;
      box.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }
  document.addEventListener("htmx:afterSwap", () => ticked.length && keepTicks());

  /** What was done to the ticked rows is done: they are no longer held for the reader. */
  function letGo() {
    for (const box of root.querySelectorAll("[data-tick]:checked")) {
      box.checked = false;
      box.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }

  // Dialogs: the plan of an act comes into #lh-dialog, and what came of it in its place: focus stays in there, and goes back to where it came from,
  // as <dialog> does by itself; where that is gone or was pushed anew, to the same in its row, else to the page's heading.
  const dialog = byId("lh-dialog");
  let cameFrom = null;

  function focusOn(element) {
    if (element?.matches("h1, h2")) element.tabIndex = -1;
    element?.focus();
  }

  function open() {
    const from = document.activeElement;
    cameFrom = { row: from.closest("[id]")?.id, words: from.textContent.trim() };
    dialog.showModal();
  }

  function focusBack() {
    if (document.activeElement !== document.body) return;
    const row = cameFrom?.row && byId(cameFrom.row);
    const same = row && [...row.querySelectorAll("a, button, summary")].find((one) => one.textContent.trim() === cameFrom.words && one.checkVisibility());
    focusOn(same || root.querySelector("h1"));
  }

  document.addEventListener("htmx:afterSettle", () => {
    const done = dialog.querySelector("[data-lets-go]");
    if (done) {
      delete done.dataset.letsGo;
      letGo();
    }
    if (dialog.open && !dialog.contains(document.activeElement)) focusOn(dialog.querySelector("[autofocus], h2"));
  });
  root.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open]") ;
    if (opener) byId(opener.dataset.open).showModal();
    if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
  });
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("#header [data-open]");
    if (opener) byId(opener.dataset.open).showModal();
  });
  dialog.addEventListener("close", () => {
    dialog.replaceChildren();
    focusBack();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target === dialog && dialog.childElementCount && !dialog.open) open();
  });

  // Links: by htmx where it is there, else as any link. One listener for all rows, pushed ones too.
  const isPlain = (event) => !event.defaultPrevented && event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  root.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-live], a[data-dialog]");
    if (!link || !isPlain(event) || !window.htmx) return;
    event.preventDefault();
    const into = "live" in link.dataset ? { target: "#lh-live", swap: "outerHTML" } : { target: "#lh-dialog", swap: "innerHTML" };
    htmx.ajax("GET", link.getAttribute("href"), { source: root, ...into });
  });

  // The filter stands outside the live part: after a swap it says what the address says, but never under the reader's fingers.
  document.addEventListener("htmx:pushedIntoHistory", () => {
    const form = byId("lh-filter");
    if (!form) return;
    const given = new URLSearchParams(location.search);
    for (const input of form.querySelectorAll("input[name]")) {
      if (input !== document.activeElement) input.value = given.get(input.name) ?? "";
    }
  });

  function keepUp() {
    sayState();
    keepDrawers();
  }
  keepUp();
  new MutationObserver(keepUp).observe(root, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-title", "data-icon"] });
})();
