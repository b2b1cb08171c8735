// Draws what moves as dots along the flow's lines, each movement once; lights up the lines of a node; lets nodes glide where they go.
// The movements come in #flow-moves as `number:line:milliseconds`; the lines are the pieces of the picture, whose curve is read when a dot sets out.
"use strict";
(() => {
  const LATE_MS = 1000; // drawn so late, so that movements that were pushed together keep their rhythm
  const TRAVEL_MS = 1100, GLIDE_MS = 350;
  const FRAME_MS = 30; // half of a screen's frames: a dot moves a few pixels in each, and a browser without a graphics card paints them all by itself
  const MOST = 60; // dots at once; what is beyond is not drawn
  const TOO_LATE_MS = 400;
  const SVG = "http://www.w3.org/2000/svg";
  const PAUSED = "lockhouse-flow-paused";
  const byId = (id) => document.getElementById(id);
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const picture = () => document.querySelector(".lh-flow");
  if (!picture() || !window.lockhouse) return;

  // Dots

  let seen = -1; // the number of the newest movement that was taken in
  let isPaused = remembered() === "yes";
  let waiting = []; // {line, due}
  let dots = []; // {element, began, from, to, isRefused}
  let frame = 0, painted = 0;

  function take() {
    const holder = byId("flow-moves");
    if (!holder) return;
    const newest = Number(holder.dataset.number);
    if (newest < seen) seen = -1; // another observer, which counts anew
    const moves = holder.dataset.moves ? holder.dataset.moves.split(";").map((move) => move.split(":")) : [];
    const now = window.lockhouse.now();
    for (const [number, line, at] of moves) {
      const due = Number(at) + LATE_MS;
      if (Number(number) > seen && due > now - TOO_LATE_MS) waiting.push({ line, due });
    }
    seen = newest;
    waiting.sort((one, other) => one.due - other.due);
    if (isPaused || calm.matches || document.hidden) waiting = [];
    else if (waiting.length && !frame) frame = requestAnimationFrame(step);
  }

  function setOut(line, now) {
    const drawn = byId(`flow-line-${line}`);
    const layer = drawn && picture()?.querySelector(`.lh-flow-dots[data-of="${drawn.parentElement.id}"]`);
    if (!layer || dots.length >= MOST) return;
    const numbers = drawn.querySelector("path").getAttribute("d").match(/[\d.]+/g).map(Number);
    const element = document.createElementNS(SVG, "path"); // a line of no length with round ends: a circle at any scale
    const isRefused = drawn.classList.contains("lh-f-refused");
    element.setAttribute("class", isRefused ? "lh-dot lh-dot-refused" : "lh-dot");
    element.setAttribute("d", "M0 0h.001");
    layer.append(element);
    dots.push({ element, began: now, from: numbers[1], to: numbers[7], isRefused });
  }

  function place({ element, began, from, to, isRefused }, now) {
    const way = Math.min((now - began) / TRAVEL_MS, 1), t = isRefused ? Math.min(way, 0.9) : way, u = 1 - t;
    const x = 150 * t * u + 100 * t ** 3; // the curve of dashboard/web/flow_drawing.py
    const y = from * (u ** 3 + 3 * u * u * t) + to * (3 * u * t * t + t ** 3);
    element.setAttribute("transform", `translate(${x.toFixed(2)} ${y.toFixed(2)})`);
    if (way > 0.9) element.setAttribute("opacity", ((1 - way) * 10).toFixed(2));
    return way < 1;
  }

  function step(time) {
    frame = requestAnimationFrame(step);
    if (time - painted < FRAME_MS) return;
    painted = time;
    const now = window.lockhouse.now();
    while (waiting.length && waiting[0].due <= now) setOut(waiting.shift().line, now);
    dots = dots.filter((dot) => (dot.element.isConnected && place(dot, now)) || dot.element.remove());
    if (waiting.length || dots.length) return;
    cancelAnimationFrame(frame);
    frame = 0;
  }

  function clear() {
    waiting = [];
    dots.forEach((dot) => dot.element.remove());
    dots = [];
  }

  function remembered() {
    try {
      return localStorage.getItem(PAUSED);
    } catch {
      return null; // storage is forbidden here: a pause lasts as long as the page
    }
  }

  function remember() {
    try {
      localStorage.setItem(PAUSED, isPaused ? "yes" : "no");
    } catch {
      // as above
    }
  }

  function tellMotion() {
    const button = document.querySelector("[data-flow-pause]"), note = document.querySelector("[data-flow-calm]");
    if (!button) return;
    button.hidden = calm.matches;
    note.hidden = !calm.matches;
    button.setAttribute("aria-pressed", String(isPaused));
  }

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-flow-pause]")) return;
    isPaused = !isPaused;
    clear();
    remember();
    tellMotion();
  });
  calm.addEventListener("change", () => (clear(), tellMotion()));
  document.addEventListener("visibilitychange", () => document.hidden && clear());

  // The lines of the node under the pointer, or else of the one with the focus

  let lit = "";

  function light(node = lit) {
    lit = node;
    const root = picture();
    if (!root) return;
    root.toggleAttribute("data-lit", Boolean(node));
    const near = new Set([node]);
    for (const line of root.querySelectorAll(".lh-flow-line")) {
      const isMine = Boolean(node) && (line.dataset.from === node || line.dataset.to === node);
      line.toggleAttribute("data-lit", isMine);
      if (isMine) near.add(line.dataset.from).add(line.dataset.to);
    }
    for (const one of root.querySelectorAll(".lh-flow-node")) one.toggleAttribute("data-lit", near.has(one.dataset.node));
  }

  const nodeOf = (element) => element?.closest?.(".lh-flow-node")?.dataset.node || "";
  document.addEventListener("pointerover", (event) => {
    const node = nodeOf(event.target) || nodeOf(document.activeElement);
    if (node !== lit) light(node);
  });
  document.addEventListener("focusin", (event) => nodeOf(event.target) !== lit && light(nodeOf(event.target)));
  document.addEventListener("focusout", () => lit && light(""));

  // Nodes glide

  let tops = new Map();

  function glide() {
    const now = new Map();
    for (const node of picture()?.querySelectorAll(".lh-flow-node") || []) {
      const top = node.offsetTop, before = tops.get(node.id);
      now.set(node.id, top);
      if (before !== undefined && before !== top && !calm.matches) {
        node.animate([{ translate: `0 ${before - top}px` }, { translate: "0 0" }], { duration: GLIDE_MS, easing: "ease" });
      }
    }
    tops = now;
  }

  function keepUp() {
    take();
    glide();
    if (lit) light();
  }
  tellMotion();
  keepUp();
  document.addEventListener("lh:patched", keepUp);
  document.addEventListener("htmx:afterSwap", () => (tellMotion(), keepUp()));
})();
