// How a cut-out looks: grounds, zoom, and what lies where. The brush that works on it is in pictures_cut.js.

const PLAIN = { light: [255, 255, 255], dark: [24, 26, 28] };

export class View {
  constructor(root, data) {
    this.root = root;
    this.data = data;
    this.canvas = root.querySelector("#canvas");
    this.stage = root.querySelector("#stage");
    this.view = { zoom: 1, x: 0, y: 0 }; // screen = image * zoom + (x, y), in CSS pixels
    [this.width, this.height] = data.size;
    this.sheet = document.createElement("canvas"); // the composed picture at its own size
    this.sheet.width = this.width;
    this.sheet.height = this.height;
    this.ink = this.sheet.getContext("2d");
  }

  $(id) { return this.root.querySelector(`#${id}`); }
  get ground() { return this.root.querySelector("[name=ground]:checked").value; }

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
}

function rgb(text) { return [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16)); }

export async function pixels(address) {
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
