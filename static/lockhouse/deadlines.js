// What can be done for a time only, as confirming a plan or undoing an act: when that is over it can no longer be sent, and it is said in its place, once.
// Such a form has what counts down in `data-ends`, its button in `data-timed`, and an empty `data-over` for the words in the template that follows.
"use strict";
(() => {
  const root = document.getElementById("lockhouse"), dialog = document.getElementById("lh-dialog");
  if (!root) return;
  const byId = (id) => document.getElementById(id);
  let written = null; // the reason's field of a plan that was over, for the fresh one

  function end(form, counted) {
    const button = form.querySelector("[data-timed]"), over = form.querySelector("[data-over]"), plan = form.elements.plan;
    const hadFocus = document.activeElement === button;
    counted.hidden = true;
    button.disabled = true;
    if (plan) plan.disabled = true;
    over.append(over.nextElementSibling.content);
    if (!hadFocus) return;
    const next = over.querySelector("a, button") || form.closest("section").querySelector("h2"); // what is disabled loses the focus to nothing
    if (next.matches("h2")) next.tabIndex = -1;
    next.focus();
  }

  function look() {
    for (const counted of root.querySelectorAll("form [data-ends]:not([hidden])")) {
      const form = counted.closest("form"), isOver = Date.parse(counted.querySelector("time").dateTime) <= lockhouse.now();
      if (isOver && !form.matches(".htmx-request")) end(form, counted); // of one that is on its way the answer tells
    }
  }

  root.addEventListener("click", (event) => {
    if (event.target.closest("[data-over]")) written = byId("lh-reason");
  });
  document.addEventListener("htmx:afterSettle", () => {
    const field = byId("lh-reason");
    if (!written || !field || field === written) return;
    field.value ||= written.value;
    written = null;
  });
  dialog.addEventListener("close", () => (written = null));

  setInterval(look, 1000);
  document.addEventListener("visibilitychange", () => document.hidden || look());
})();
