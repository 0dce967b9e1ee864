// Words on a canvas that do not cover each other: rows below one another, from where each would stand.
const ROW = 15, ROWS = 10;

export class Words {
  private readonly taken: [number, number, number, number][] = [];

  /** How far down the words from `left` to `right` and from `top` to `bottom` move, in pixels of the canvas, as all here;
   *  null: there is no room for them. */
  place(left: number, right: number, top: number, bottom: number): number | null {
    for (let row = 0; row < ROWS; row++) {
      const down = row * ROW * devicePixelRatio;
      if (this.taken.some(([l, r, t, b]) => left < r && l < right && top + down < b && t < bottom + down)) continue;
      this.taken.push([left, right, top + down, bottom + down]);
      return down;
    }
    return null;
  }
}
