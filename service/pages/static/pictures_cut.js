// The cut-out close up: grounds, zoom, the brush by mouse, pen, finger and keys. The mask itself is in pictures_brush.js.

import { Mask, join } from "./pictures_brush.js";

const GROUNDS = ["photo", "checker", "light", "dark", "colour"];
const PLAIN = { light: [255, 255, 255], dark: [24, 26, 28] };

class Bench {
  constructor(root, data) {
    this.root = root;
    this.data = data;
    this.canvas = root.querySelector("#canvas");
    this.stage = root.querySelector("#stage");
    this.view = { zoom: 1, x: 0, y: 0 }; // screen = image * zoom + (x, y), in CSS pixels
    this.fingers = new Map();
    this.isPanning = false;
  }

  $(id) { return this.root.querySelector(`#${id}`); }
  get mode() { return this.root.querySelector("[name=mode]:checked").value; }
  get ground() { return this.root.querySelector("[name=ground]:checked").value; }

  async load() {
    const [photo, fore, mask] = await Promise.all([this.data.photo, this.data.fore, this.data.mask].map(pixels));
    [this.width, this.height] = this.data.size;
    this.photo = photo.data;
    this.fore = fore.data;
    const start = new Uint8Array(this.width * this.height);
    for (let i = 0; i < start.length; i += 1) start[i] = mask.data[i * 4];
    this.mask = new Mask(this.width, this.height, start);
    this.sheet = document.createElement("canvas"); // the composed picture at its own size
    this.sheet.width = this.width;
    this.sheet.height = this.height;
    this.ink = this.sheet.getContext("2d");
    this.restore();
    this.root.querySelector(".bench-loading").remove();
    this.compose();
    this.fit();
    this.listen();
    this.tell();
    this.root.dataset.ready = "true";
  }

  // --- drawing --------------------------------------------------------------------------------------------------------

  compose(box = [0, 0, this.width, this.height]) {
    const [left, top, right, bottom] = box;
    if (right <= left || bottom <= top) return;
    const image = this.ink.createImageData(right - left, bottom - top);
    const ground = this.ground;
    const edges = this.$("edges").checked;
    const colour = ground === "colour" ? rgb(this.$("colour").value) : PLAIN[ground];
    const { now, start } = this.mask;
    let to = 0;
    for (let row = top; row < bottom; row += 1) {
      for (let column = left; column < right; column += 1, to += 4) {
        const at = row * this.width + column;
        const from = at * 4;
        const alpha = now[at] / 255;
        const source = now[at] === start[at] ? this.fore : this.photo; // where nobody painted, the old ground is out
        for (let c = 0; c < 3; c += 1) {
          let value;
          if (ground === "photo") {
            const dim = this.photo[from + c] * 0.38 + [150, 40, 40][c] * 0.3;
            value = this.photo[from + c] * alpha + dim * (1 - alpha);
          } else {
            const behind = colour ? colour[c] : (((row >> 4) + (column >> 4)) & 1 ? 255 : 218);
            value = source[from + c] * alpha + behind * (1 - alpha);
          }
          if (edges && now[at] > 10 && now[at] < 245) value = value * 0.35 + [255, 176, 0][c] * 0.65;
          image.data[to + c] = value;
        }
        image.data[to + 3] = 255;
      }
    }
    this.ink.putImageData(image, left, top);
    this.draw();
  }

  draw() {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      const ratio = Math.min(devicePixelRatio || 1, 2);
      const wide = this.stage.clientWidth, tall = this.stage.clientHeight;
      if (this.canvas.width !== Math.round(wide * ratio) || this.canvas.height !== Math.round(tall * ratio)) {
        this.canvas.width = Math.round(wide * ratio);
        this.canvas.height = Math.round(tall * ratio);
      }
      const ink = this.canvas.getContext("2d");
      ink.setTransform(1, 0, 0, 1, 0, 0);
      ink.clearRect(0, 0, this.canvas.width, this.canvas.height);
      ink.setTransform(this.view.zoom * ratio, 0, 0, this.view.zoom * ratio, this.view.x * ratio, this.view.y * ratio);
      ink.imageSmoothingEnabled = this.view.zoom < 3;
      ink.imageSmoothingQuality = "high";
      ink.drawImage(this.sheet, 0, 0);
    });
  }

  // --- view -----------------------------------------------------------------------------------------------------------

  fit() {
    const [left, top, right, bottom] = this.ground === "photo" ? [0, 0, this.width, this.height] : this.mask.bounds();
    const wide = this.stage.clientWidth, tall = this.stage.clientHeight;
    const zoom = Math.min(wide / (right - left), tall / (bottom - top)) * 0.92;
    this.fitted = zoom;
    this.view = { zoom, x: wide / 2 - ((left + right) / 2) * zoom, y: tall / 2 - ((top + bottom) / 2) * zoom };
    this.look();
  }

  zoomBy(factor, x = this.stage.clientWidth / 2, y = this.stage.clientHeight / 2) {
    const zoom = Math.min(16, Math.max(this.fitted * 0.4, this.view.zoom * factor));
    const by = zoom / this.view.zoom;
    this.view = { zoom, x: x - (x - this.view.x) * by, y: y - (y - this.view.y) * by };
    this.look();
  }

  look() {
    this.$("zoom-said").textContent = `${Math.round((100 * this.view.zoom * this.width) / this.data.photoPx[0])} %`;
    this.draw();
    this.moveCursor();
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left - this.view.x) / this.view.zoom, (event.clientY - box.top - this.view.y) / this.view.zoom];
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

function rgb(text) { return [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16)); }

async function pixels(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  const sheet = document.createElement("canvas");
  sheet.width = image.naturalWidth;
  sheet.height = image.naturalHeight;
  const ink = sheet.getContext("2d", { willReadFrequently: true });
  ink.drawImage(image, 0, 0);
  return ink.getImageData(0, 0, sheet.width, sheet.height);
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
