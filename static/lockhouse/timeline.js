// Moves the overlap timeline between two drawings of the server: the past to the left, the time to live along its logarithmic strip.
"use strict";
(() => {
  const WINDOW = 120000, LONGEST = 3600, SCALE_ENDS_AT = 86, BEYOND_SCALE = 4; // as dashboard/web/timeline.py
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const clamped = (value, low, high) => Math.min(Math.max(value, low), high);

  function place(left) {
    if (left > LONGEST) return SCALE_ENDS_AT + BEYOND_SCALE;
    return (SCALE_ENDS_AT * Math.log(Math.max(left, 1))) / Math.log(LONGEST);
  }

  function draw() {
    const moment = window.lockhouse.now();
    for (const shift of document.querySelectorAll(".lh-shift")) {
      const since = clamped(moment - Date.parse(shift.dataset.anchor), 0, WINDOW);
      shift.setAttribute("x", `${(-since / WINDOW) * 100}%`);
    }
    for (const strip of document.querySelectorAll("svg[data-expires]")) {
      const x = `${place((Date.parse(strip.dataset.expires) - moment) / 1000).toFixed(2)}%`;
      strip.querySelector(".lh-strip").setAttribute("x2", x);
      strip.querySelector(".lh-strip-end").setAttribute("cx", x);
    }
    for (const edge of document.querySelectorAll("time.lh-now")) {
      if (edge.textContent !== edge.dataset.nowWord) edge.textContent = edge.dataset.nowWord;
    }
  }

  if (!document.querySelector(".lh-timeline") || !window.lockhouse) return;
  // By a timer: a page that asks for every frame is painted sixty times a second, though it looks the same.
  function step() {
    if (!document.hidden) requestAnimationFrame(draw);
    setTimeout(step, calm.matches ? 1000 : 100);
  }
  draw();
  step();
  // What was pushed has the place of its anchor: set right before it is painted.
  new MutationObserver(draw).observe(document.getElementById("lockhouse"), { childList: true, subtree: true });
})();
