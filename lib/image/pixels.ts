/** Pixels row by row, `data.length / (width * height)` bytes each: gray, RGB or RGBA. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}
