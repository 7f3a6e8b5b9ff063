/**
 * The storages of a checkpoint and the tensors that view them. PyTorch pickles views: tensors may
 * share a storage, with any offset and strides.
 */
import { checkpointError, pyList, quote } from '../errors';
import {
  allocate,
  type DataOf,
  type DType,
  readData,
  storageOf,
  Tensor,
  writeData,
} from '../tensor';
import { countElements, type Element, isCount, readElements } from './elements';
import type { Reading } from './reading';

/**
 * Tensors may take this many times the bytes of the file, and this many bytes more: 16 bits become
 * 32, and views that overlap or repeat elements are copied. A damaged file can't ask for more.
 */
const EXPANSION = 4;
const ALLOWANCE = 2 ** 26;

interface View {
  readonly tensor: Tensor<DType>;
  readonly offset: number;
  /** Empty for elements in a row. */
  readonly stride: readonly number[];
}

/** Elements in a file that tensors view. */
export class FileStorage {
  readonly views = new Map<string, View>();

  constructor(
    readonly key: string,
    readonly element: Element,
    readonly numel: number,
  ) {}
}

export class Storages {
  readonly #all = new Map<string, FileStorage>();
  readonly #size: number;
  #allowed: number;

  /** @param size of the file */
  constructor(size: number) {
    this.#size = size;
    this.#allowed = EXPANSION * size + ALLOWANCE;
  }

  /** The storage that the pickle calls `key`. */
  storage(key: string, element: Element, numel: number): FileStorage {
    const known = this.#all.get(key);
    if (known !== undefined) {
      if (known.element !== element || known.numel !== numel) {
        throw checkpointError(`storage ${quote(key)} is described in two ways`);
      }
      return known;
    }
    if (numel * element.bytes > this.#size) {
      throw checkpointError(
        `storage ${quote(key)} should have ${numel} elements of type ${element.name}, but the file ` +
          `has ${this.#size} bytes in all; it is cut short or damaged`,
      );
    }
    const storage = new FileStorage(key, element, numel);
    this.#all.set(key, storage);
    return storage;
  }

  /**
   * A tensor on a storage. Its elements are there after {@link read}. Two that view the same elements
   * in the same order share them, as in PyTorch; any others have elements of their own.
   */
  tensor(storage: FileStorage, offset: unknown, size: unknown[], stride: unknown[]): Tensor<DType> {
    const { key, element } = storage;
    const what = `a tensor on storage ${quote(key)}`;
    const numel = countElements(what, size);
    if (stride.length !== size.length || !stride.every(isCount) || !isCount(offset)) {
      throw checkpointError(
        `${what} of shape ${pyList(size)} has bad strides ${pyList(stride)} or offset ` +
          String(offset),
      );
    }
    // The pickle may go on to change its lists.
    const shape = [...(size as number[])];
    const last = shape.reduce((at, length, dim) => at + (length - 1) * stride[dim], offset);
    if (numel > 0 && last >= storage.numel) {
      throw checkpointError(
        `${what} of shape ${pyList(shape)}, strides ${pyList(stride)} and offset ${offset} reaches ` +
          `element ${last}, but the storage has ${storage.numel}`,
      );
    }
    const inRow = isContiguous(shape, stride);
    const place = inRow ? `${offset} ${numel}` : `${offset} ${pyList(shape)} ${pyList(stride)}`;
    const known = storage.views.get(place);
    if (known !== undefined) return new Tensor(storageOf(known.tensor), shape);
    this.#charge(what, shape, numel * bytesOf(element.dtype));
    const tensor = allocate(element.dtype, shape);
    storage.views.set(place, { tensor, offset, stride: inRow ? [] : [...stride] });
    return tensor;
  }

  #charge(what: string, shape: readonly number[], bytes: number): void {
    this.#allowed -= bytes;
    if (this.#allowed < 0) {
      throw checkpointError(
        `with ${what} of shape ${pyList(shape)} its tensors take far more memory than the file has ` +
          'bytes: views that repeat or overlap elements become tensors of their own. In Python, ' +
          'save what they view instead',
      );
    }
  }

  /** The storage under `key`, undefined if no tensor views it. */
  get(key: string): FileStorage | undefined {
    return this.#all.get(key);
  }

  /**
   * Reads the elements of all tensors.
   *
   * @param locate where a storage begins in the file
   */
  *read(locate: (storage: FileStorage) => Reading<number>, bigEndian: boolean): Reading<void> {
    for (const storage of this.#all.values()) {
      yield* readViews(storage, yield* locate(storage), bigEndian);
    }
  }
}

function* readViews(storage: FileStorage, start: number, bigEndian: boolean): Reading<void> {
  const { element, numel } = storage;
  const views = [...storage.views.values()].filter(({ tensor }) => tensor.numel > 0);
  let whole: Tensor<DType> | undefined;
  for (const { tensor, offset, stride } of views) {
    const data = writeData(tensor);
    if (stride.length === 0) {
      yield* readElements(element, data, start + offset * element.bytes, bigEndian);
      continue;
    }
    if (whole === undefined) {
      whole = allocate(element.dtype, [numel]);
      yield* readElements(element, writeData(whole), start, bigEndian);
    }
    gather(readData(whole), offset, stride, data, tensor.shape);
  }
}

function isContiguous(shape: readonly number[], stride: readonly number[]): boolean {
  let expected = 1;
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    // The stride of a dimension of one is never used.
    if (shape[dim] !== 1 && stride[dim] !== expected) return false;
    expected *= shape[dim];
  }
  return true;
}

function bytesOf(dtype: DType): number {
  return readData(allocate(dtype, [])).BYTES_PER_ELEMENT;
}

/** Copies what `shape` and `stride` view from `offset` on into a row. */
function gather(
  source: DataOf<DType>,
  offset: number,
  stride: readonly number[],
  target: DataOf<DType>,
  shape: readonly number[],
): void {
  const last = shape.length - 1;
  let next = 0;
  const walk = (dim: number, start: number): void => {
    for (let i = 0, at = start; i < shape[dim]; i++, at += stride[dim]) {
      if (dim === last) target[next++] = source[at];
      else walk(dim + 1, at);
    }
  };
  walk(0, offset);
}
