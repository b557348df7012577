// The merchant's page: evidence beside claims, keys, editing in place, copying. htmx does the asking.
"use strict";

const board = document.getElementById("board");
const box = document.getElementById("evidence");
const lines = () => [...board.querySelectorAll(".line")];
const isEditing = (line) => !line.querySelector(".edit").hidden;

// --- evidence: on hover, on focus, on a tap -------------------------------------------------------------------------

let shownFor = null;
let hiding = 0;

function showEvidence(claim) {
  clearTimeout(hiding);
  const said = document.getElementById(claim.dataset.evidence);
  if (!said) return;
  hideEvidence();
  box.replaceChildren(...[...said.childNodes].map((node) => node.cloneNode(true)));
  box.className = said.className;
  box.hidden = false;
  shownFor = claim;
  const at = claim.getClientRects()[0] ?? claim.getBoundingClientRect();
  const room = document.documentElement.clientWidth;
  const left = Math.max(12, Math.min(at.left, room - box.offsetWidth - 12));
  const below = at.bottom + 8 + box.offsetHeight < innerHeight;
  box.style.left = `${left + scrollX}px`;
  box.style.top = `${(below ? at.bottom + 8 : Math.max(8, at.top - box.offsetHeight - 8)) + scrollY}px`;
  for (const known of document.querySelectorAll("[data-known]")) {
    known.classList.toggle("proving", said.dataset.fact !== undefined && said.dataset.fact.split(" + ").includes(known.dataset.known));
  }
}

function hideEvidence() {
  clearTimeout(hiding);
  box.hidden = true;
  shownFor = null;
  document.querySelectorAll(".proving").forEach((known) => known.classList.remove("proving"));
}

function hideSoon() { // time enough to move onto the box itself
  clearTimeout(hiding);
  hiding = setTimeout(() => { if (shownFor !== document.activeElement) hideEvidence(); }, 180);
}

board.addEventListener("pointerover", (event) => {
  const claim = event.target.closest("[data-evidence]");
  if (claim && claim !== shownFor) showEvidence(claim);
});
board.addEventListener("pointerout", (event) => { if (event.target.closest("[data-evidence]")) hideSoon(); });
box.addEventListener("pointerenter", () => clearTimeout(hiding));
box.addEventListener("pointerleave", hideSoon);
board.addEventListener("focusin", (event) => {
  const claim = event.target.closest("[data-evidence]");
  if (claim) showEvidence(claim); else if (shownFor) hideEvidence();
});
board.addEventListener("focusout", (event) => { if (event.target.closest("[data-evidence]")) hideSoon(); });
document.addEventListener("click", (event) => { if (shownFor && !event.target.closest("[data-evidence], #evidence")) hideEvidence(); });

// --- the line at hand -----------------------------------------------------------------------------------------------

let current = null; // its number: lines are replaced when they change

const lineAt = () => (current === null ? null : document.getElementById(`line-${current}`));

function goTo(line) {
  if (!line) return;
  lines().forEach((other) => other.classList.toggle("current", other === line));
  current = line.dataset.line;
  line.focus({ preventScroll: true });
  line.scrollIntoView({ block: "nearest" });
}

function step(by, fits = () => true) {
  const all = lines();
  const from = all.indexOf(lineAt());
  const order = by > 0 ? all.slice(from + 1) : all.slice(0, Math.max(from, 0)).reverse();
  goTo(order.find(fits) ?? (from < 0 ? all.find(fits) : null));
}

board.addEventListener("focusin", (event) => {
  const line = event.target.closest(".line");
  if (line && line.dataset.line !== current) {
    lines().forEach((other) => other.classList.toggle("current", other === line));
    current = line.dataset.line;
  }
});

// --- editing --------------------------------------------------------------------------------------------------------

function edit(line, text) {
  const form = line.querySelector(".edit");
  form.hidden = false;
  line.querySelector(".shown").hidden = true;
  const area = form.querySelector("textarea");
  if (text !== undefined) area.value = text;
  area.focus();
  area.setSelectionRange(area.value.length, area.value.length);
  htmx.trigger(area, "input");
}

function leave(line) {
  const form = line.querySelector(".edit");
  form.reset();
  form.hidden = true;
  form.querySelector(".check").replaceChildren();
  line.querySelector(".shown").hidden = false;
  goTo(line);
}

const isTyped = (line) => isEditing(line) && line.querySelector("textarea").value !== line.dataset.text;
addEventListener("beforeunload", (event) => { if (lines().some(isTyped)) event.preventDefault(); });

board.addEventListener("click", (event) => {
  const line = event.target.closest(".line");
  if (!line) return;
  if (event.target.closest("[data-edits]")) edit(line);
  else if (event.target.closest("[data-cancels]")) leave(line);
  else if (event.target.closest("[data-copies]")) copy(line.dataset.text, "Copied.");
  else if (event.target.closest("[data-use]")) edit(line, event.target.closest("[data-use]").dataset.use);
  else if (event.target.closest("[data-why]")) say(event.target.closest("[data-why]").dataset.why, "bad");
});

// --- keys -----------------------------------------------------------------------------------------------------------

const off = document.getElementById("keys-off");
try { off.checked = localStorage.getItem("words-keys") === "off"; } catch { /* nothing is kept here */ }
off.addEventListener("change", () => { try { localStorage.setItem("words-keys", off.checked ? "off" : "on"); } catch { /* so be it */ } });

const press = (line, selector) => line?.querySelector(`.shown ${selector}`)?.click();
const KEYS = {
  j: () => step(1), k: () => step(-1), n: () => step(1, (line) => line.classList.contains("refused")),
  a: (line) => press(line, "[data-act=approve], .shown [data-act=unapprove]"),
  e: (line) => line && edit(line), u: (line) => press(line, "[data-act=undo]"),
  r: (line) => press(line, "[data-rewrite]"), c: (line) => press(line, "[data-copies]"),
};

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const area = event.target.closest?.(".edit textarea");
  if (area) {
    if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); area.form.requestSubmit(); }
    if (event.key === "Escape") { event.preventDefault(); leave(area.closest(".line")); }
    return;
  }
  if (event.key === "Escape" && shownFor) { hideEvidence(); return; }
  if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
  const line = event.target.closest?.(".line") ?? lineAt();
  if (event.target === line) { // these keys mean other things elsewhere
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); step(event.key === "ArrowDown" ? 1 : -1); return; }
    if (event.key === "Enter") { event.preventDefault(); edit(line); return; }
  }
  if (off.checked) return;
  if (event.key === "?") { event.preventDefault(); document.getElementById("keys").showModal(); return; }
  const act = KEYS[event.key];
  if (act) { event.preventDefault(); act(line && !isEditing(line) ? line : null); }
});

// --- after a change -------------------------------------------------------------------------------------------------

let returning = null; // the line that a change was asked for from inside it
document.addEventListener("htmx:beforeRequest", (event) => {
  const line = event.target.closest?.(".line");
  if (line && line.contains(document.activeElement) && !event.target.matches("textarea")) returning = line.id;
  if (event.target.matches?.(".edit textarea") && event.target.form.hidden) event.preventDefault(); // left meanwhile
});
document.addEventListener("htmx:beforeSwap", (event) => { if (shownFor && event.detail.target.contains?.(shownFor)) hideEvidence(); });
document.addEventListener("htmx:afterSettle", () => {
  const line = returning && document.getElementById(returning);
  if (!line) return;
  returning = null;
  goTo(line);
  line.querySelector(".problem")?.scrollIntoView({ block: "nearest" });
});

// --- taking along ---------------------------------------------------------------------------------------------------

function say(text, tone = "note") {
  const flash = document.createElement("div");
  flash.className = `flash ${tone}`;
  const said = document.createElement("p");
  said.textContent = text;
  flash.append(said);
  document.getElementById("messages").replaceChildren(flash);
  setTimeout(() => flash.remove(), 6000);
}

async function copy(text, done) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // no clipboard where the page is not served securely
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const worked = document.execCommand("copy");
    area.remove();
    if (!worked) { say("This browser does not let pages copy; download the file instead.", "bad"); return; }
  }
  say(done);
}

document.querySelector("[data-copies-all]").addEventListener("click", (event) => {
  const texts = [...board.querySelectorAll(".line.approved")].map((line) => line.dataset.text);
  event.target.closest("details").open = false;
  if (texts.length) copy(texts.join("\n"), texts.length === 1 ? "One line copied." : `${texts.length} lines copied.`);
  else say("Nothing is approved yet.");
});
document.addEventListener("click", (event) => {
  document.querySelectorAll("details.menu[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
});
if (matchMedia("(max-width: 980px)").matches) document.getElementById("known").open = false;
