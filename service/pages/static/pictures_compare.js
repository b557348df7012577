// A picture beside its original: both laid so that the product meets itself, side by side or under a slider.

const WHOLE = [0, 0, 1, 1]; // left, top, width, height in shares of the picture

export class Compare {
  constructor(root, kept) {
    this.root = root;
    this.stage = root.querySelector("#look-stage");
    this.size = JSON.parse(root.dataset.size);
    this.photoSize = JSON.parse(root.dataset.photoSize);
    this.under = root.dataset.under ? JSON.parse(root.dataset.under) : null;
    this.kept = kept; // how one likes to look goes along to the next picture
    this.part = WHOLE;
    this.seam = root.querySelector("#seam");
    const wish = kept.mode ?? (innerWidth < 800 ? "slide" : "side");
    this.mode = wish === "slide" && !this.under ? "side" : wish;
    root.querySelector(`[name=compare][value=${this.mode}]`).checked = true;
    root.addEventListener("change", (event) => { if (event.target.name === "compare") this.set(event.target.value); });
    root.querySelector("[data-near]").addEventListener("click", () => this.near(!this.isNear));
    root.querySelector("[data-swap]").addEventListener("click", () => this.swap());
    this.seam.addEventListener("input", () => this.cut());
    this.watch = new ResizeObserver(() => this.lay());
    this.watch.observe(this.stage);
    this.hands();
    this.set(this.mode);
    if (kept.near) this.near(true);
  }

  close() { this.watch.disconnect(); }

  set(mode) {
    this.mode = this.kept.mode = mode;
    this.root.dataset.mode = mode;
    this.root.querySelector(".look-slide").hidden = mode !== "slide";
    this.cut();
    this.lay();
  }

  next() {
    const modes = ["side", "slide", "only"].filter((mode) => mode !== "slide" || this.under);
    const mode = modes[(modes.indexOf(this.mode) + 1) % modes.length];
    this.root.querySelector(`[name=compare][value=${mode}]`).checked = true;
    this.set(mode);
  }

  near(is) {
    this.isNear = this.kept.near = is;
    const [left, top, wide, tall] = this.under?.product ?? [0.25, 0.25, 0.5, 0.5];
    this.part = is ? [left - wide * 0.06, top - tall * 0.06, wide * 1.12, tall * 1.12] : WHOLE;
    const button = this.root.querySelector("[data-near]");
    button.setAttribute("aria-pressed", String(is));
    button.textContent = is ? "All of it" : "Close to the product";
    this.lay();
  }

  swap() { // the same place, the other picture
    if (this.mode !== "slide") { if (this.under) { this.root.querySelector("[name=compare][value=slide]").checked = true; this.seam.value = 1000; this.set("slide"); } return; }
    this.seam.value = Number(this.seam.value) > 500 ? 0 : 1000;
    this.cut();
  }

  cut() {
    const share = this.mode === "slide" ? Number(this.seam.value) / 10 : 0;
    const pane = this.root.querySelector("[data-pane=made]");
    pane.querySelector(".cover").style.clipPath = `inset(0 ${100 - share}% 0 0)`;
    pane.querySelector(".seam").style.left = `${share}%`;
    pane.querySelector("[data-caption]").textContent = this.mode === "slide" ? (share >= 99 ? "Your photograph" : share <= 1 ? "Finished picture" : "Your photograph | finished picture") : "Finished picture";
  }

  // Where all of a picture lies in a box so that this part of it fills the box.
  rect([left, top, wide, tall], ratio, box) {
    const width = Math.min(box.width / wide, (box.height * ratio) / tall);
    return { x: box.width / 2 - (left + wide / 2) * width, y: box.height / 2 - ((top + tall / 2) * width) / ratio, width, height: width / ratio };
  }

  lay() {
    const ratio = this.size[0] / this.size[1];
    for (const pane of this.root.querySelectorAll(".pane")) {
      const view = pane.querySelector(".view");
      const box = { width: view.clientWidth, height: view.clientHeight };
      if (!box.width || !box.height) continue;
      const made = this.rect(this.part, ratio, box);
      put(pane.querySelector(".made"), made);
      const original = pane.querySelector(".original");
      if (!original || !this.photoSize[0]) continue;
      const isAlone = pane.dataset.pane === "original" && this.part === WHOLE;
      put(original, isAlone || !this.under ? this.rect(WHOLE, this.photoSize[0] / this.photoSize[1], box) : {
        x: made.x + this.under.left * made.width, y: made.y + this.under.top * made.height,
        width: this.under.width * made.width, height: this.under.height * made.height,
      });
    }
  }

  hands() {
    let grip = null;
    this.stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      const view = event.target.closest(".view");
      if (!view) return;
      const box = view.getBoundingClientRect();
      const made = this.rect(this.part, this.size[0] / this.size[1], box);
      this.zoom(Math.exp(event.deltaY * 0.0016), (event.clientX - box.left - made.x) / made.width, (event.clientY - box.top - made.y) / made.height);
    }, { passive: false });
    this.stage.addEventListener("pointerdown", (event) => {
      const view = event.target.closest(".view");
      if (!view || event.button) return;
      event.preventDefault();
      view.setPointerCapture(event.pointerId);
      const isSeam = this.mode === "slide" && (this.part === WHOLE || event.target.closest(".seam"));
      grip = { view, isSeam, x: event.clientX, y: event.clientY, part: this.part };
      if (isSeam) this.drag(event, view);
    });
    this.stage.addEventListener("pointermove", (event) => {
      if (!grip) return;
      if (grip.isSeam) { this.drag(event, grip.view); return; }
      const box = grip.view.getBoundingClientRect();
      const made = this.rect(grip.part, this.size[0] / this.size[1], box);
      const [left, top, wide, tall] = grip.part;
      this.part = [left - (event.clientX - grip.x) / made.width, top - (event.clientY - grip.y) / made.height, wide, tall];
      this.lay();
    });
    for (const name of ["pointerup", "pointercancel"]) this.stage.addEventListener(name, () => { grip = null; });
  }

  drag(event, view) {
    const box = view.getBoundingClientRect();
    this.seam.value = Math.round((1000 * (event.clientX - box.left)) / box.width);
    this.cut();
  }

  zoom(by, x, y) {
    const [left, top, wide, tall] = this.part;
    const to = Math.min(1, Math.max(0.04, wide * by)) / wide;
    this.part = wide * to >= 0.999 ? WHOLE : [x - (x - left) * to, y - (y - top) * to, wide * to, tall * to];
    this.lay();
  }
}

function put(image, rect) {
  if (!image) return;
  image.style.left = `${rect.x}px`;
  image.style.top = `${rect.y}px`;
  image.style.width = `${rect.width}px`;
  image.style.height = `${rect.height}px`;
}
