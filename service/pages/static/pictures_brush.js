// The mask and its brush: numbers only, nothing is drawn here. One byte a pixel, 255 is product.

const MOST_STEPS = 60; // back

export class Mask {
  constructor(width, height, start) {
    this.width = width;
    this.height = height;
    this.start = start; // as it is kept
    this.now = start.slice();
    this.before = start.slice(); // when the stroke at hand began
    this.cover = new Uint8Array(width * height); // how much the stroke at hand has painted
    this.past = [];
    this.future = [];
    this.strokes = []; // to be painted again after a reload
    this.stroke = null;
  }

  begin(isAdding, radius, softness) {
    this.stroke = { add: isAdding, r: Math.round(radius * 10) / 10, soft: softness, points: [] };
    this.box = null;
    this.last = null;
  }

  // Paint from the last point to this one; the touched box [left, top, right, bottom].
  to(x, y) {
    const radius = this.stroke.r;
    this.stroke.points.push(Math.round(x * 10) / 10, Math.round(y * 10) / 10);
    const from = this.last ?? [x, y];
    const far = Math.hypot(x - from[0], y - from[1]);
    const steps = Math.max(1, Math.ceil(far / Math.max(0.5, radius * 0.22)));
    let box = null;
    for (let i = this.last ? 1 : 0; i <= steps; i += 1) {
      box = join(box, this.dab(from[0] + ((x - from[0]) * i) / steps, from[1] + ((y - from[1]) * i) / steps));
    }
    this.last = [x, y];
    this.box = join(this.box, box);
    return box;
  }

  dab(x, y) {
    const { r, soft, add } = this.stroke;
    const outer = r + 0.5;
    const inner = Math.max(0, r * (1 - soft) - 0.5);
    const left = Math.max(0, Math.floor(x - outer));
    const right = Math.min(this.width - 1, Math.ceil(x + outer));
    const top = Math.max(0, Math.floor(y - outer));
    const bottom = Math.min(this.height - 1, Math.ceil(y + outer));
    if (left > right || top > bottom) return null;
    const target = add ? 255 : 0;
    for (let row = top; row <= bottom; row += 1) {
      for (let column = left; column <= right; column += 1) {
        const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y);
        if (distance >= outer) continue;
        const t = distance <= inner ? 1 : (outer - distance) / (outer - inner);
        const amount = Math.round(255 * t * t * (3 - 2 * t));
        const at = row * this.width + column;
        if (amount <= this.cover[at]) continue;
        this.cover[at] = amount;
        this.now[at] = this.before[at] + Math.round(((target - this.before[at]) * amount) / 255);
      }
    }
    return [left, top, right + 1, bottom + 1];
  }

  end() {
    const stroke = this.stroke;
    this.stroke = null;
    if (!this.box) return null;
    const step = { box: this.box, before: this.cut(this.before, this.box), after: this.cut(this.now, this.box), stroke };
    this.paste(this.before, this.box, step.after);
    this.clearCover(this.box);
    this.past.push(step);
    if (this.past.length > MOST_STEPS) this.past.shift();
    this.future = [];
    this.strokes.push(stroke);
    return this.box;
  }

  cancel() { // a second finger came: it was no stroke
    this.stroke = null;
    if (!this.box) return null;
    this.paste(this.now, this.box, this.cut(this.before, this.box));
    this.clearCover(this.box);
    return this.box;
  }

  undo() {
    const step = this.past.pop();
    if (!step) return null;
    this.strokes.pop();
    this.future.push(step);
    return this.take(step.box, step.before);
  }

  redo() {
    const step = this.future.pop();
    if (!step) return null;
    this.strokes.push(step.stroke);
    this.past.push(step);
    return this.take(step.box, step.after);
  }

  take(box, values) {
    this.paste(this.now, box, values);
    this.paste(this.before, box, values);
    return box;
  }

  replay(strokes) {
    for (const stroke of strokes) {
      this.begin(stroke.add, stroke.r, stroke.soft);
      for (let i = 0; i < stroke.points.length; i += 2) this.to(stroke.points[i], stroke.points[i + 1]);
      this.end();
    }
  }

  get isChanged() { return this.strokes.length > 0; }

  keep() { // what is here now is what is kept
    this.start = this.now.slice();
    this.strokes = [];
    this.past = [];
    this.future = [];
  }

  cut(plane, [left, top, right, bottom]) {
    const part = new Uint8Array((right - left) * (bottom - top));
    for (let row = top; row < bottom; row += 1) {
      part.set(plane.subarray(row * this.width + left, row * this.width + right), (row - top) * (right - left));
    }
    return part;
  }

  paste(plane, [left, top, right, bottom], part) {
    const wide = right - left;
    for (let row = top; row < bottom; row += 1) plane.set(part.subarray((row - top) * wide, (row - top + 1) * wide), row * this.width + left);
  }

  clearCover([left, top, right, bottom]) {
    for (let row = top; row < bottom; row += 1) this.cover.fill(0, row * this.width + left, row * this.width + right);
  }

  // Left, top, right, bottom of the product, or all of it.
  bounds() {
    let left = this.width, top = this.height, right = -1, bottom = -1;
    for (let row = 0; row < this.height; row += 2) {
      for (let column = 0; column < this.width; column += 2) {
        if (this.now[row * this.width + column] < 24) continue;
        if (column < left) left = column;
        if (column > right) right = column;
        if (row < top) top = row;
        if (row > bottom) bottom = row;
      }
    }
    return right < 0 ? [0, 0, this.width, this.height] : [left, top, right + 1, bottom + 1];
  }
}

export function join(one, two) {
  if (!one || !two) return one ?? two;
  return [Math.min(one[0], two[0]), Math.min(one[1], two[1]), Math.max(one[2], two[2]), Math.max(one[3], two[3])];
}
