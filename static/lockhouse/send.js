// What stands beside the Send form is the answer to what is written in it now, or it is dimmed and says of when it is. Only our own answers are shown:
// of another's (a proxy's page while the server starts again) and of none at all the page says that the connection is lost, and asks on.
"use strict";

(() => {
  const CALM_MS = 1500; // since the last letter; most answers are there sooner, 0.4 s of waiting for the next letter included
  const NOTHING_NEW = 204;
  const say = window.gettext || ((words) => words);
  const byId = (id) => document.getElementById(id);
  const live = byId("send-live"), form = byId("send-form"), said = byId("lh-said");
  const clock = () => new Date().toISOString().slice(11, 19) + " UTC";
  const written = (fields) => new URLSearchParams(new FormData(fields)).toString();
  const pageOf = (html) => new DOMParser().parseFromString(html, "text/html");

  let asked = ""; // what was written when the last question was sent
  let answered = written(pageOf(form.outerHTML).forms[0]); // as the page came; what a browser has put back into its fields was not asked
  let answeredAt = clock();
  let lostAt = "";
  let shownError = "";
  let timer;

  function tell() {
    clearTimeout(timer);
    timer = undefined;
    const how = lostAt ? "lost" : written(form) === answered ? "" : "asking";
    const words = [];
    if (how === "lost") words.push(say("connection lost at %s; trying again").replace("%s", lostAt));
    if (how === "asking") words.push(say("asking again"));
    if (how && live.querySelector(".lh-verdict")) words.push(say("the answer as of %s").replace("%s", answeredAt));
    if (how) live.dataset.answer = how;
    else delete live.dataset.answer;
    byId("send-state").textContent = words.join(" · ");
  }

  /** After a change: at once where the answer is that of what is written again, else when it is not there in time. */
  function changed() {
    if (written(form) === answered) tell();
    else timer ||= setTimeout(tell, CALM_MS);
  }

  function lost() {
    if (!lostAt) {
      lostAt = clock();
      said.textContent = say("connection lost at %s; trying again").replace("%s", lostAt);
    }
    tell();
  }

  function found() {
    if (!lostAt) return;
    lostAt = said.textContent = "";
    tell();
  }

  function answer() {
    answered = written(form);
    answeredAt = clock();
    tell();
  }

  live.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.target !== live) return event.preventDefault();
    asked = written(form);
  });

  live.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    const page = xhr.status === NOTHING_NEW ? null : pageOf(xhr.responseText);
    const isOurs = !page || page.querySelector(".lh-check, #lh-error");
    const isLate = written(form) !== asked; // it is asked again in a moment
    const isSame = page && xhr.responseText === shownError;
    if (!isOurs || isLate || isSame) event.detail.shouldSwap = false;
    if (!isOurs) return lost();
    found();
    if (isLate) return;
    if (event.detail.shouldSwap) shownError = event.detail.isError ? xhr.responseText : "";
    else answer();
  });

  live.addEventListener("htmx:afterSettle", answer); // with the fields of another task, which came with it
  for (const name of ["htmx:sendError", "htmx:timeout"]) live.addEventListener(name, lost);

  form.addEventListener("input", changed);
  window.addEventListener("pageshow", changed);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    answered = ""; // nobody asked meanwhile
    changed();
  });
})();
