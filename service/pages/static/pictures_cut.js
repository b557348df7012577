// The brush on a cut-out: mouse, pen, fingers, keys, saving. The mask is in pictures_brush.js, its look in pictures_view.js.

import { Mask, join } from "./pictures_brush.js";
import { View, pixels } from "./pictures_view.js";

const GROUNDS = ["photo", "checker", "light", "dark", "colour"];

class Bench extends View {
  constructor(root, data) {
    super(root, data);
    this.fingers = new Map();
    this.isPanning = false;
  }

  get mode() { return this.root.querySelector("[name=mode]:checked").value; }

  async load() {
    const [photo, fore, mask] = await Promise.all([this.data.photo, this.data.fore, this.data.mask].map(pixels));
    this.photo = photo.data;
    this.fore = fore.data;
    const start = new Uint8Array(this.width * this.height);
    for (let i = 0; i < start.length; i += 1) start[i] = mask.data[i * 4];
    this.mask = new Mask(this.width, this.height, start);
    this.restore();
    this.root.querySelector(".bench-loading").remove();
    this.compose();
    this.fit();
    this.listen();
    this.tell();
    this.root.dataset.ready = "true";
  }

  get radius() { return Number(this.$("size").value) / 2; } // on the screen, so that zooming makes it finer

  moveCursor(event) {
    const cursor = this.$("cursor");
    if (event) this.pointer = event;
    if (!this.pointer || this.mode === "move" || this.isPanning || this.pointer.pointerType === "touch") { cursor.hidden = true; return; }
    const box = this.stage.getBoundingClientRect();
    const r = this.radius;
    cursor.hidden = false;
    cursor.style.width = cursor.style.height = `${r * 2}px`;
    cursor.style.transform = `translate(${this.pointer.clientX - box.left - r}px, ${this.pointer.clientY - box.top - r}px)`;
  }

  // --- painting -------------------------------------------------------------------------------------------------------

  listen() {
    const on = (target, name, act, options) => target.addEventListener(name, act.bind(this), options);
    on(this.canvas, "pointerdown", this.down);
    on(this.canvas, "pointermove", this.move);
    for (const name of ["pointerup", "pointercancel"]) on(this.canvas, name, this.up);
    on(this.canvas, "pointerleave", () => { this.pointer = null; this.$("cursor").hidden = true; });
    on(this.canvas, "wheel", (event) => {
      event.preventDefault();
      const box = this.canvas.getBoundingClientRect();
      this.zoomBy(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0016)), event.clientX - box.left, event.clientY - box.top);
    }, { passive: false });
    on(this.root, "change", (event) => {
      if (event.target.name === "ground") { this.$("colour").hidden = event.target.value !== "colour"; this.compose(); }
      if (event.target.name === "mode") this.stage.dataset.mode = event.target.value;
      if (event.target.id === "edges") this.compose();
    });
    on(this.$("colour"), "input", () => this.compose());
    on(this.$("size"), "input", () => this.moveCursor());
    on(this.$("undo"), "click", () => this.step("undo"));
    on(this.$("redo"), "click", () => this.step("redo"));
    on(this.$("save"), "click", this.save);
    this.root.querySelectorAll("[data-zoom]").forEach((button) => on(button, "click", () => {
      if (button.dataset.zoom === "fit") this.fit(); else this.zoomBy(button.dataset.zoom === "in" ? 1.4 : 1 / 1.4);
    }));
    new ResizeObserver(() => this.draw()).observe(this.stage);
  }

  down(event) {
    if (event.button > 1) return;
    event.preventDefault();
    this.canvas.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, event);
    if (event.pointerType === "touch" && this.fingers.size === 2) { // pinch and move, not paint
      if (this.mask.stroke) this.compose(this.mask.cancel() ?? [0, 0, 0, 0]);
      this.pinch = this.spread();
      return;
    }
    if (this.mode === "move" || this.isPanning || event.button === 1) { this.grip = [event.clientX - this.view.x, event.clientY - this.view.y]; return; }
    const isAdding = (this.mode === "add") !== (event.altKey || event.buttons === 32); // a pen's other end erases
    const pressed = event.pointerType === "pen" && event.pressure > 0 ? 0.4 + 0.9 * event.pressure : 1;
    this.mask.begin(isAdding, Math.max(0.6, (this.radius * pressed) / this.view.zoom), Number(this.$("soft").value) / 100);
    this.compose(this.mask.to(...this.at(event)) ?? [0, 0, 0, 0]);
  }

  move(event) {
    this.moveCursor(event);
    if (this.fingers.has(event.pointerId)) this.fingers.set(event.pointerId, event);
    if (this.pinch && this.fingers.size === 2) {
      const now = this.spread();
      this.view.x += now.x - this.pinch.x;
      this.view.y += now.y - this.pinch.y;
      this.zoomBy(now.far / this.pinch.far, now.x, now.y);
      this.pinch = now;
      return;
    }
    if (this.grip) { this.view.x = event.clientX - this.grip[0]; this.view.y = event.clientY - this.grip[1]; this.look(); return; }
    if (!this.mask.stroke) return;
    let box = null;
    for (const part of event.getCoalescedEvents?.().length ? event.getCoalescedEvents() : [event]) box = join(box, this.mask.to(...this.at(part)));
    if (box) this.compose(box);
  }

  up(event) {
    this.fingers.delete(event.pointerId);
    if (this.fingers.size < 2) this.pinch = null;
    this.grip = null;
    if (this.mask.stroke && this.mask.end()) this.tell();
  }

  spread() {
    const [one, two] = [...this.fingers.values()];
    const box = this.canvas.getBoundingClientRect();
    return {
      x: (one.clientX + two.clientX) / 2 - box.left, y: (one.clientY + two.clientY) / 2 - box.top,
      far: Math.max(8, Math.hypot(one.clientX - two.clientX, one.clientY - two.clientY)),
    };
  }

  step(way) {
    const box = this.mask[way]();
    if (box) { this.compose(box); this.tell(); }
  }

  // --- keeping --------------------------------------------------------------------------------------------------------

  tell() {
    this.$("undo").disabled = !this.mask.past.length;
    this.$("redo").disabled = !this.mask.future.length;
    this.$("save").disabled = !this.mask.isChanged || this.isSaving;
    try { // strokes outlive a reload or a lost connection
      if (this.mask.isChanged) localStorage.setItem(this.data.draft, JSON.stringify(this.mask.strokes)); else localStorage.removeItem(this.data.draft);
    } catch { /* no room, or not allowed: they live as long as the page */ }
  }

  restore() {
    try {
      const strokes = JSON.parse(localStorage.getItem(this.data.draft) ?? "[]");
      if (strokes.length) { this.mask.replay(strokes); note("Your unsaved strokes are back."); }
    } catch { localStorage.removeItem(this.data.draft); }
  }

  async save() {
    if (this.isSaving || !this.mask.isChanged) return;
    this.isSaving = true;
    this.$("save").disabled = true;
    this.$("save").textContent = "Saving …";
    try {
      const form = new FormData();
      form.append("version", this.data.version);
      form.append("mask", await this.png(), "mask.png");
      const token = document.querySelector("[name=csrf]").value;
      const answer = await fetch(this.data.save, { method: "POST", body: form, headers: { "X-CSRF-Token": token, Accept: "application/json" } });
      const isJson = (answer.headers.get("content-type") ?? "").includes("json");
      const told = isJson ? await answer.json() : {};
      if (!answer.ok) { note(told.problem ?? "It was not saved. Your strokes are kept here; load the page again.", "bad"); return; }
      localStorage.removeItem(this.data.draft);
      location.replace(`${location.pathname}${location.search}`); // as every later picture sees it
    } catch {
      note("The connection is lost. Your strokes are kept on this device; save again when it is back.", "bad");
    } finally {
      this.isSaving = false;
      this.$("save").textContent = "Save edge";
      this.$("save").disabled = !this.mask.isChanged;
    }
  }

  png() {
    const sheet = document.createElement("canvas");
    sheet.width = this.width;
    sheet.height = this.height;
    const image = new ImageData(this.width, this.height);
    for (let i = 0; i < this.mask.now.length; i += 1) {
      image.data[i * 4] = image.data[i * 4 + 1] = image.data[i * 4 + 2] = this.mask.now[i];
      image.data[i * 4 + 3] = 255;
    }
    sheet.getContext("2d").putImageData(image, 0, 0);
    return new Promise((done) => { sheet.toBlob(done, "image/png"); });
  }

  // --- keys -----------------------------------------------------------------------------------------------------------

  key(event) {
    const size = this.$("size"), soft = this.$("soft");
    const turn = (dial, by) => { dial.value = Number(dial.value) + by; this.moveCursor(); };
    const choose = (name, value) => { const radio = this.root.querySelector(`[name=${name}][value=${value}]`); radio.checked = true; radio.dispatchEvent(new Event("change", { bubbles: true })); this.moveCursor(); };
    const acts = {
      "[": () => turn(size, -Math.max(2, size.value * 0.15)), "]": () => turn(size, Math.max(2, size.value * 0.18)),
      "{": () => turn(soft, -10), "}": () => turn(soft, 10),
      z: () => this.step("undo"), Z: () => this.step("redo"), y: () => this.step("redo"),
      b: () => choose("mode", "add"), x: () => choose("mode", this.mode === "add" ? "remove" : "add"),
      g: () => choose("ground", GROUNDS[(GROUNDS.indexOf(this.ground) + 1) % GROUNDS.length]),
      e: () => { this.$("edges").checked = !this.$("edges").checked; this.compose(); },
      "+": () => this.zoomBy(1.4), "=": () => this.zoomBy(1.4), "-": () => this.zoomBy(1 / 1.4), 0: () => this.fit(),
      s: () => this.save(), "?": () => document.getElementById("keys").showModal(),
    };
    const act = acts[event.key];
    const isPlain = !event.altKey && (!(event.ctrlKey || event.metaKey) || ["z", "Z", "y", "s"].includes(event.key));
    if (act && isPlain) { event.preventDefault(); act(); }
  }
}

function note(text, tone = "note") {
  const flash = document.createElement("div");
  flash.className = `flash ${tone}`;
  const said = document.createElement("p");
  said.textContent = text;
  flash.append(said);
  document.getElementById("messages").replaceChildren(flash);
  setTimeout(() => flash.remove(), tone === "bad" ? 12000 : 5000);
}

let bench = null;
function begin() {
  const root = document.getElementById("bench");
  if (!root || root.dataset.begun) return;
  root.dataset.begun = "true";
  bench = new Bench(root, JSON.parse(root.querySelector("#bench-data").textContent));
  bench.load().catch((error) => {
    root.querySelector(".bench-loading").textContent = "The photograph could not be loaded. Load the page again.";
    console.error(error);
  });
}
begin();
document.addEventListener("htmx:afterSettle", begin);
document.addEventListener("keydown", (event) => {
  if (!bench?.mask || document.querySelector("dialog[open]") || event.target.closest("input[type=text], input[type=search], textarea, select")) return;
  if (event.key === " " && (event.target === bench.canvas || event.target === document.body)) { event.preventDefault(); bench.isPanning = true; bench.moveCursor(); return; }
  bench.key(event);
});
document.addEventListener("keyup", (event) => { if (event.key === " " && bench) { bench.isPanning = false; bench.moveCursor(); } });
