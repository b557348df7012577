// Choosing places, sizes and words: filter, show more, remember what was chosen.

const form = document.getElementById("choose");
const places = [...document.querySelectorAll("#places .place")];
const find = document.getElementById("find-place");
const family = document.getElementById("family");
const onlyFit = document.getElementById("only-fit");
const more = document.getElementById("more-places");
const noMatch = document.getElementById("no-match");
const STEP = 24; // places shown at once
let shown = STEP;

// --- places -----------------------------------------------------------------------------------------------------------

const box = (place) => place.querySelector("input");
const fits = (place) => {
  if (box(place).checked) return true; // what is chosen stays in sight
  if (family.value && place.dataset.family !== family.value) return false;
  if (onlyFit.checked && place.dataset.group === "2") return false;
  const words = find.value.toLowerCase().split(/[\s,]+/).filter(Boolean);
  return words.every((word) => place.dataset.search.includes(word));
};

function filter() {
  let n = 0, hits = 0;
  for (const place of places) {
    const is = fits(place);
    hits += is && !(box(place).checked && find.value) ? 1 : 0;
    place.hidden = !is || (n >= shown && !box(place).checked);
    if (is) n += 1;
  }
  more.hidden = n <= shown;
  more.textContent = `Show ${Math.min(STEP, n - shown)} more places`;
  noMatch.hidden = n > 0 && (hits > 0 || !find.value);
}

function reset() { shown = STEP; filter(); }
find.addEventListener("input", reset);
find.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
family.addEventListener("change", reset);
onlyFit.addEventListener("change", reset);
more.addEventListener("click", () => { shown += STEP; filter(); });
document.getElementById("show-all").addEventListener("click", () => { find.value = ""; family.value = ""; onlyFit.checked = false; reset(); });
if (!places.some((place) => place.dataset.group !== "2")) onlyFit.checked = false;

document.getElementById("surprise").addEventListener("click", () => {
  const candidates = places.filter((place) => fits(place) && place.dataset.group !== "2" && !box(place).checked);
  const seen = new Set();
  const picked = [];
  for (const place of [...candidates, ...candidates]) {
    if (picked.length === 6) break;
    if (picked.includes(place) || (seen.has(place.dataset.family) && picked.length + seen.size < 6 && !family.value)) continue;
    seen.add(place.dataset.family);
    picked.push(place);
  }
  picked.forEach((place) => { box(place).checked = true; });
  changed();
});
document.getElementById("no-place").addEventListener("click", () => { places.forEach((place) => { box(place).checked = false; }); changed(); });

// --- what is chosen ---------------------------------------------------------------------------------------------------

const said = (n) => (n === 0 ? "None" : n === 1 ? "One" : String(n));
function count() {
  const own = form.elements.own.value.split("\n").filter((line) => line.trim()).length;
  const n = places.filter((place) => box(place).checked).length + own;
  document.getElementById("n-places").textContent = said(n);
  document.getElementById("no-place").hidden = n === own;
  document.getElementById("n-sizes").textContent = said(form.querySelectorAll("[name=format]:checked").length);
  const words = form.querySelector("[name=words]:checked").value;
  form.querySelectorAll(".words-panel").forEach((panel) => {
    panel.hidden = panel.dataset.words !== words;
    panel.querySelectorAll("input, select").forEach((field) => { field.disabled = panel.hidden; });
  });
}

function changed() { form.dispatchEvent(new Event("change", { bubbles: true })); }
form.addEventListener("change", () => { count(); filter(); keep(); });
form.elements.own.addEventListener("input", () => { count(); keep(); });

// --- remembered while the tab lives: a reload loses nothing -------------------------------------------------------------

const KEY = `pictures ${[...form.querySelectorAll("[name=product]")].map((field) => field.value).join(" ")}`;
const SKIP = ["csrf", "once", "product"];

function keep() {
  const told = {};
  for (const field of form.elements) {
    if (!field.name || SKIP.includes(field.name)) continue;
    if (["checkbox", "radio"].includes(field.type)) { if (field.checked) (told[field.name] ??= []).push(field.value); } else if (field.value) told[`${field.name}#${field.id}`] = field.value;
  }
  try { sessionStorage.setItem(KEY, JSON.stringify(told)); } catch { /* nothing is kept here */ }
}

function restore() {
  let told = null;
  try { told = JSON.parse(sessionStorage.getItem(KEY)); } catch { /* nothing was kept */ }
  if (!told) return;
  for (const field of form.elements) {
    if (!field.name || SKIP.includes(field.name)) continue;
    if (["checkbox", "radio"].includes(field.type)) { if (!field.disabled) field.checked = (told[field.name] ?? []).includes(field.value); } else field.value = told[`${field.name}#${field.id}`] ?? "";
  }
  form.querySelectorAll("details[data-sizes]").forEach((sizes) => { sizes.open = !!sizes.querySelector(":checked"); });
  if (form.elements.own.value) document.getElementById("own-words").open = true;
}

form.addEventListener("submit", () => { try { sessionStorage.removeItem(KEY); } catch { /* so be it */ } });
restore();
count();
filter();
