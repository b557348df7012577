// Reviewing: keys from picture to picture, decisions with undo, many at once, the viewer, news of a running batch.

import { Compare } from "./pictures_compare.js";

const wall = document.getElementById("wall");
const viewer = document.getElementById("viewer");
const tray = document.getElementById("tray");
const csrf = document.querySelector("[name=csrf]").value;
const about = wall ? JSON.parse(wall.dataset.wanted) : {};
const shots = () => (wall ? [...wall.querySelectorAll(".shot[data-id]")] : []);
const shotOf = (id) => wall?.querySelector(`.shot[data-id="${CSS.escape(id)}"]`);

function say(text, tone = "note", undo = false) {
  const flash = document.createElement("div");
  flash.className = `flash ${tone}`;
  const said = document.createElement("p");
  said.textContent = text;
  flash.append(said);
  if (undo) {
    const button = document.createElement("button");
    button.className = "small";
    button.textContent = "Undo";
    button.addEventListener("click", () => { flash.remove(); takeBack(); });
    flash.append(button);
  }
  (viewer.open ? viewer : document.body).append(document.getElementById("messages")); // above the viewer while it is open
  document.getElementById("messages").replaceChildren(flash);
  setTimeout(() => flash.remove(), 6000);
}

// --- the picture at hand ------------------------------------------------------------------------------------------------

let current = null;
function goTo(shot, isQuiet = false) {
  if (!shot) return;
  shots().forEach((other) => { other.classList.toggle("current", other === shot); other.tabIndex = other === shot ? 0 : -1; });
  current = shot.dataset.id;
  if (!isQuiet) shot.focus({ preventScroll: true });
  shot.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const all = shots();
  const at = all.findIndex((shot) => shot.dataset.id === current);
  const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
  if (!next) return;
  goTo(next, viewer.open);
  if (viewer.open) look(next);
}

const columns = () => getComputedStyle(wall).gridTemplateColumns.split(" ").length;
wall?.addEventListener("focusin", (event) => { const shot = event.target.closest(".shot[data-id]"); if (shot && shot.dataset.id !== current) goTo(shot, true); });
if (shots().length) shots()[0].tabIndex = 0;

// --- decisions ------------------------------------------------------------------------------------------------------------

const done = []; // what can be taken back: [[id, verdict before], ...]
const NAMES = { approve: "approved", reject: "rejected", wait: "put back" };

async function post(fields) {
  const body = new URLSearchParams({ ...about, ...fields, csrf });
  try {
    const answer = await fetch(wall.dataset.decide, { method: "POST", body, headers: { "X-CSRF-Token": csrf, Accept: "application/json" } });
    if (!(answer.headers.get("content-type") ?? "").includes("json")) throw new Error("signed out");
    const told = await answer.json();
    if (!answer.ok) { say(told.problem, "bad"); return null; }
    return told;
  } catch (error) {
    say(error.message === "signed out" ? "This page is out of date. Load it again." : "The connection is lost; nothing was decided. Try again when it is back.", "bad");
    return null;
  }
}

function mark(id, state) {
  const shot = shotOf(id);
  for (const place of [shot, viewer.querySelector(`#look[data-id="${CSS.escape(id)}"]`)]) {
    const said = place?.querySelector("[data-said]");
    if (said) said.replaceChildren(document.getElementById(`state-${state}`).content.cloneNode(true));
  }
  if (!shot) return;
  shot.classList.remove("approved", "rejected", "waiting", "review");
  shot.classList.add(state);
  shot.dataset.state = state;
}

function recount(counts) {
  document.querySelectorAll("#filters a[data-state]").forEach((tab) => { if (tab.dataset.state in counts) tab.querySelector(".n-of").textContent = counts[tab.dataset.state].toLocaleString("en"); });
}

async function decide(ids, verdict, extra = {}) {
  if (!ids.length && !extra.all) return;
  if (verdict === "approve" && ids.length === 1 && shotOf(ids[0])?.dataset.blocked) { say(shotOf(ids[0]).dataset.blocked, "bad"); return; }
  const told = await post({ ids: ids.join(","), verdict, ...extra });
  if (!told) return;
  const changed = told.changed.filter((one) => one.before !== verdict);
  if (changed.length) done.push(changed.map((one) => [one.id, one.before]));
  told.changed.forEach((one) => mark(one.id, one.state));
  recount(told.counts);
  const no = told.refused.length ? ` ${told.refused.length} cannot be: ${told.refused[0].why}` : "";
  if (ids.length !== 1 || no || extra.all) say(`${changed.length === 1 ? "One picture" : `${changed.length} pictures`} ${NAMES[verdict]}.${no}`, no ? "bad" : "good", changed.length > 0);
}

async function takeBack() {
  const last = done.pop();
  if (!last) { say("There is nothing to undo."); return; }
  let told = null;
  for (const verdict of ["approve", "reject", "wait"]) {
    const ids = last.filter(([, before]) => before === verdict).map(([id]) => id);
    if (ids.length) told = await post({ ids: ids.join(","), verdict });
    told?.changed.forEach((one) => mark(one.id, one.state));
  }
  if (told) { recount(told.counts); goTo(shotOf(last[0][0]), viewer.open); if (viewer.open) look(shotOf(last[0][0])); }
  say(last.length === 1 ? "Taken back." : `${last.length} pictures as before.`);
}

async function verdict(name, isKey) {
  const chosen = picked();
  if (chosen.length && !viewer.open && isKey) { bulk(name); return; }
  const id = current;
  if (!id) { goTo(shots()[0]); return; }
  const before = shotOf(id)?.dataset.state;
  await decide([id], (name === "approve" && before === "approved") || (name === "reject" && before === "rejected") ? "wait" : name);
  if (isKey && shotOf(id)?.dataset.state !== before && before !== "approved" && before !== "rejected") step(1);
}

// --- many at once ---------------------------------------------------------------------------------------------------------

let isAll = false; // all that the filter shows, also those further down
const picked = () => [...document.querySelectorAll("[data-pick]:checked")].map((box) => box.value);
function tell() {
  const n = picked().length;
  tray.hidden = !n;
  const total = Number(document.querySelector("#filters [aria-current] .n-of")?.textContent.replaceAll(",", "") ?? n);
  tray.querySelector(".tray-said").textContent = isAll && total > n ? `All ${total.toLocaleString("en")} chosen` : n === 1 ? "1 chosen" : `${n} chosen`;
  document.querySelector("#take [name=ids]").value = isAll ? "" : picked().join(",");
  document.querySelector("#again [name=ids]").value = isAll ? "" : picked().join(",");
  document.querySelector("[data-take]").textContent = n ? (isAll ? "Download all" : `Download ${n}`) : about.state ? "Download these" : "Download all";
}
async function bulk(name) {
  await decide(isAll ? [] : picked(), name, isAll ? { all: "yes" } : {});
  clear();
}
function clear() { isAll = false; document.querySelectorAll("[data-pick]:checked").forEach((box) => { box.checked = false; }); tell(); }
document.addEventListener("change", (event) => { if (event.target.matches("[data-pick]")) { isAll = false; tell(); } if (event.target.matches("[data-submits]")) event.target.form.requestSubmit(); });
document.getElementById("pick-all").addEventListener("click", () => { document.querySelectorAll("[data-pick]").forEach((box) => { box.checked = true; }); isAll = true; tell(); });
document.getElementById("take").addEventListener("submit", (event) => { // the page stays, so the button comes back
  setTimeout(() => event.target.querySelectorAll("button").forEach((button) => { button.disabled = false; }), 2500);
});

// --- the viewer -----------------------------------------------------------------------------------------------------------

let compare = null;
const kept = {};
async function look(shot) {
  if (!shot) return;
  goTo(shot, true);
  const answer = await fetch(`/pictures/shots/${encodeURIComponent(shot.dataset.id)}`).catch(() => null);
  if (!answer?.ok || answer.redirected) { say(answer ? "This page is out of date. Load it again." : "The connection is lost. Try again when it is back.", "bad"); return; }
  const text = await answer.text();
  if (current !== shot.dataset.id) return; // one has gone on meanwhile
  const isProofOpen = viewer.querySelector("#proof")?.open;
  compare?.close();
  document.getElementById("viewer-body").innerHTML = text;
  if (!viewer.open) { viewer.showModal(); viewer.querySelector("#look").focus(); document.body.classList.add("looking"); }
  compare = new Compare(viewer.querySelector("#look"), kept);
  if (isProofOpen) viewer.querySelector("#proof").open = true;
  const next = shots()[shots().indexOf(shot) + 1]?.dataset.id;
  if (next) new Image().src = `/pictures/shots/${encodeURIComponent(next)}/picture`; // the next one is there at once
}
viewer.addEventListener("close", () => {
  compare?.close();
  compare = null;
  document.body.classList.remove("looking");
  document.querySelector("main").before(document.getElementById("messages"));
  goTo(shotOf(current));
});

document.addEventListener("click", (event) => {
  const shot = event.target.closest(".shot[data-id]");
  if (event.target.closest("[data-look]") && !event.ctrlKey && !event.metaKey) { event.preventDefault(); look(shot); return; }
  const button = event.target.closest("[data-verdict]");
  if (button) { if (shot) goTo(shot, true); verdict(button.dataset.verdict, false); return; }
  if (event.target.closest("[data-bulk]")) bulk(event.target.closest("[data-bulk]").dataset.bulk);
  if (event.target.closest("#tray [data-clear]")) clear();
  if (event.target.closest("[data-shuts]")) viewer.close();
  if (event.target.closest("[data-step]")) step(Number(event.target.closest("[data-step]").dataset.step));
});

// --- keys -----------------------------------------------------------------------------------------------------------------

const KEYS = {
  a: () => verdict("approve", true), r: () => verdict("reject", true), u: () => takeBack(),
  x: () => { const box = shotOf(current)?.querySelector("[data-pick]"); if (box) { box.checked = !box.checked; isAll = false; tell(); } },
  ArrowRight: () => step(1), ArrowLeft: () => step(-1), ArrowDown: () => step(viewer.open ? 1 : columns()), ArrowUp: () => step(viewer.open ? -1 : -columns()),
  Enter: () => (viewer.open ? viewer.close() : look(shotOf(current) ?? shots()[0])),
  c: () => compare?.next(), " ": () => compare?.swap(), z: () => compare?.near(!compare.isNear),
  p: () => { const proof = viewer.querySelector("#proof"); if (proof) proof.open = !proof.open; },
  d: () => viewer.querySelector("[data-save]")?.click(), "?": () => document.getElementById("keys").showModal(),
};
document.addEventListener("keydown", (event) => {
  if (!wall || event.isComposing || event.altKey || document.querySelector("dialog[open]:not(#viewer)")) return;
  if (event.target.closest("input:not([type=checkbox]):not([type=range]):not([type=radio]), textarea, select")) return;
  const isControl = event.target.closest("button, a, summary, input");
  if (isControl && [" ", "Enter"].includes(event.key) && !event.target.matches("[data-look]")) return;
  if (event.target.matches("input[type=range], input[type=radio]") && event.key.startsWith("Arrow")) return;
  const name = event.ctrlKey || event.metaKey ? (event.key === "z" ? "u" : null) : event.key;
  const act = KEYS[name];
  if (!act || (event.key === " " && !viewer.open)) return;
  event.preventDefault();
  act();
});

// --- news of a running batch ------------------------------------------------------------------------------------------------

const offline = document.getElementById("offline");
document.addEventListener("htmx:configRequest", (event) => {
  if (event.target.id !== "progress") return;
  const seen = [...document.querySelectorAll(".shot[data-making]")].map((slot) => slot.dataset.slot);
  event.detail.parameters.set("state", about.state ?? "");
  event.detail.parameters.set("waiting", seen.slice(0, 600).join(","));
});
document.addEventListener("htmx:beforeRequest", (event) => { if (event.target.id === "progress" && document.hidden) event.preventDefault(); });
for (const name of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(name, () => { offline.hidden = false; });
document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) offline.hidden = true; });
