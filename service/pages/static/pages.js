// What pages do in the browser: dialogs, charts, messages. htmx does the rest.
"use strict";

// --- dialogs, messages, small buttons ---------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const opens = event.target.closest("[data-opens]");
  if (opens) ask(document.getElementById(opens.dataset.opens), opens.dataset);
  if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
  if (event.target instanceof HTMLDialogElement) event.target.close(); // a click beside it
  if (event.target.closest("[data-dismiss]")) event.target.closest(".flash")?.remove();
  if (event.target.closest("[data-back]")) history.length > 1 ? history.back() : location.assign("/");
  const all = event.target.closest("[data-ticks]");
  if (all) {
    const boxes = [...document.querySelectorAll(`${all.dataset.ticks} input[type=checkbox]`)].filter((box) => !box.disabled);
    const wanted = !boxes.every((box) => box.checked);
    boxes.forEach((box) => { box.checked = wanted; });
    boxes[0]?.dispatchEvent(new Event("change", { bubbles: true }));
  }
});

document.addEventListener("submit", (event) => { // no second click while the first is on its way
  if (event.defaultPrevented || event.target.method !== "post") return;
  setTimeout(() => event.target.querySelectorAll("button[type=submit]").forEach((button) => { button.disabled = true; }));
});
addEventListener("pageshow", () => document.querySelectorAll("form button[type=submit]:disabled").forEach((button) => { button.disabled = false; }));

function ask(dialog, about) { // one dialog may serve a whole list: the button says what it is about
  const form = dialog.querySelector("form");
  if (about.fillAction) form.action = about.fillAction;
  if (about.fillName) dialog.querySelectorAll("[data-put=name]").forEach((place) => { place.textContent = about.fillName; });
  if (about.fillState) dialog.querySelectorAll("[data-when]").forEach((button) => { button.hidden = !button.dataset.when.split(" ").includes(about.fillState); });
  dialog.showModal();
}

// --- charts ------------------------------------------------------------------------------------------------------

const NARROW = 430; // pixels of room below which the narrow drawing is taken
const dark = matchMedia("(prefers-color-scheme: dark)");

function coloured(text) { // the style sheet's inks; series keep their colours
  const style = getComputedStyle(document.documentElement);
  const ink = (name) => style.getPropertyValue(`--chart-${name}`).trim();
  const spec = JSON.parse(text.replaceAll("#c9ccd1", ink("others")));
  const config = spec.config ?? (spec.config = {});
  config.axis = { ...config.axis, labelColor: ink("soft"), titleColor: ink("soft"), gridColor: ink("grid"), domainColor: ink("grid"), tickColor: ink("grid") };
  config.legend = { ...config.legend, labelColor: ink("ink"), titleColor: ink("soft") };
  config.text = { ...config.text, color: ink("ink") };
  config.style = { ...config.style, ground: { stroke: style.getPropertyValue("--paper").trim() }, zero: { stroke: ink("soft") } };
  return spec;
}

async function draw(figure, afresh) {
  const place = figure.querySelector("[data-chart]");
  const room = place.clientWidth;
  if (!room || !window.vegaEmbed) return;
  const wanted = room < NARROW ? "narrow" : "wide";
  const text = figure.querySelector(`[data-spec=${wanted}]`).textContent;
  const key = `${wanted} ${Math.round(room)} ${dark.matches} ${text}`;
  if (place.drawn === key && !afresh) return;
  place.drawn = key;
  const sheet = document.createElement("div"); // drawn beside, then changed in one step: nothing flickers
  sheet.style.width = `${room}px`;
  const spec = coloured(text);
  spec.width = "container";
  sheet.style.position = "absolute";
  sheet.style.visibility = "hidden";
  place.append(sheet);
  const result = await vegaEmbed(sheet, spec, { actions: false, ast: true, renderer: "svg", defaultStyle: false, tooltip: { disableDefaultStyle: true } });
  if (place.drawn !== key) { result.finalize(); sheet.remove(); return; }
  place.result?.finalize();
  place.result = result;
  sheet.removeAttribute("style");
  place.querySelectorAll("svg").forEach((svg) => { svg.setAttribute("aria-hidden", "true"); }); // the table says it
  place.replaceChildren(sheet);
  figure.dataset.done = "true";
}

function drawAll(root) {
  (root ?? document).querySelectorAll("figure.chart").forEach((figure) => {
    draw(figure).catch((error) => {
      figure.querySelector("[data-chart]").textContent = "This chart could not be drawn; the table below has its numbers.";
      console.error(error);
    });
  });
}

let waiting = 0;
addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(drawAll, 150); });
dark.addEventListener("change", () => drawAll());

// --- refreshed parts: what was drawn or opened stays until there is something newer --------------------------------

document.addEventListener("htmx:beforeRequest", (event) => { // whoever is deciding something is not disturbed
  if (event.target.id === "live" && (document.hidden || document.querySelector("dialog[open]"))) event.preventDefault();
});
const kept = { drawings: new Map(), open: new Set() };
document.addEventListener("htmx:beforeSwap", (event) => {
  kept.drawings.clear();
  kept.open.clear();
  event.detail.target.querySelectorAll("figure.chart").forEach((figure) => { kept.drawings.set(figure.id, figure.querySelector("[data-chart]")); });
  event.detail.target.querySelectorAll("details[open][id]").forEach((details) => kept.open.add(details.id));
});
document.addEventListener("htmx:afterSwap", () => {
  for (const [id, old] of kept.drawings) {
    const place = document.getElementById(id)?.querySelector("[data-chart]");
    if (!place || place === old) continue;
    old.setAttribute("aria-label", place.getAttribute("aria-label"));
    place.replaceWith(old);
  }
  for (const id of kept.open) document.getElementById(id)?.setAttribute("open", "");
  drawAll();
});

document.addEventListener("DOMContentLoaded", () => drawAll());
