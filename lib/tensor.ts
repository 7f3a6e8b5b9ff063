/**
 * Tensor: numbers in row-major order under an immutable shape.
 *
 * Only {@link Tensor} and its types are public. The other exports are how the rest of the library
 * reads and writes a tensor without handing its storage out.
 */
import {
  allocError,
  argTypeError,
  argValueError,
  bufferError,
  pyList,
  shapeError,
  show,
} from './errors';
import { integer, integers, number } from './options';
import { record, refuseSymbolic, type Symbolic } from './record';
import { formatTensor } from './tensor-print';

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

/** Element types. Layers compute in float32; the others come out of checkpoints. */
export type DType = keyof typeof ARRAYS;

/** The typed array that holds elements of type `D`; 'bool' is one byte, 0 or 1. */
export type DataOf<D extends DType> = InstanceType<(typeof ARRAYS)[D]>;

/** Numbers nested as deep as a tensor has dimensions. */
export type NestedNumbers = number | NestedNumbers[];

/** Counts every mutation of every tensor: one value names one tensor's storage in one state. */
let clock = 0;

/**
 * An array of elements, of one storage or of several that hold the same. Its memory may be lent: a
 * network that has packed its weights in its own way can make them anew.
 */
export class Elements<D extends DType = DType> {
  #array: DataOf<D>;
  #reclaim: (() => DataOf<D> | null) | undefined;
  #holders = 0;

  constructor(array: DataOf<D>) {
    this.#array = array;
  }

  get array(): DataOf<D> {
    // Most have something in them, which a detached array has not.
    if (this.#reclaim !== undefined && this.#array.length === 0) this.keep();
    return this.#array;
  }

  /** Whether anybody relies on the array to stay where it is. */
  get isHeld(): boolean {
    return this.#holders > 0;
  }

  /** From here on the array may be detached, until `reclaim` is called: what it returns replaces it. */
  lend(reclaim: () => DataOf<D> | null): void {
    this.#reclaim = reclaim;
  }

  /** The array is not lent any longer, if it was. */
  keep(): void {
    this.#array = this.#reclaim?.() ?? this.#array; // may throw where memory is short
    this.#reclaim = undefined;
  }

  /** The array stays where it is until the function it returns is called. */
  hold(): () => void {
    this.keep();
    this.#holders += 1;
    let held = true;
    return () => {
      if (held) this.#holders -= 1;
      held = false;
    };
  }
}

/** The elements of a tensor and of every view of it. */
export class Storage<D extends DType = DType> {
  /** Changes with every write that goes through this library. */
  version = ++clock;
  /** Whether `data` has been handed out, so that it may be written to behind our back. */
  exposed = false;
  /** Whether others hold the elements too: whoever wants to write gets a copy. Never so when exposed. */
  shared = false;
  elements: Elements<D>;
  /** What `data.length` must be: a buffer that was handed out can be detached. */
  readonly numel: number;
  /** Where there are no elements, only a value of a network that is being recorded. */
  readonly symbolic: Symbolic | undefined;

  constructor(
    readonly dtype: D,
    data: DataOf<D>,
    { symbolic, numel }: { symbolic?: Symbolic; numel?: number } = {},
  ) {
    this.symbolic = symbolic;
    this.numel = numel ?? data.length;
    this.elements = new Elements(data);
  }

  get data(): DataOf<D> {
    return this.elements.array;
  }

  /** To be called before anybody may write. */
  separate(): void {
    if (!this.shared) return;
    this.elements = new Elements(this.data.slice() as DataOf<D>);
    this.shared = false;
  }

  /**
   * Holds what `source` holds, an equal number of elements of the same type, until one of both is
   * written to. False where that can't be, and nothing is done then.
   */
  share(source: Storage<D>): boolean {
    const { data } = source;
    // Whoever has been given an array may write to it unseen, and expects to see writes. A small
    // part of a large buffer would keep all of it.
    if (this === source || this.exposed || source.exposed) return false;
    if (data.byteLength * 2 < data.buffer.byteLength) return false;
    this.elements = source.elements;
    this.shared = source.shared = true;
    this.version = ++clock;
    return true;
  }

  /** Holds `elements`, which somebody else owns, until the function it returns is called. */
  exchange(elements: Elements<D>): () => void {
    const { elements: own, version, exposed, shared } = this;
    Object.assign(this, { elements, version: ++clock, exposed: false, shared: true });
    return () => Object.assign(this, { elements: own, version, exposed, shared });
  }
}

let storageOf: <D extends DType>(tensor: Tensor<D>) => Storage<D>;

/** Whether `value` is a Tensor, a {@link Storage} inside. */
let isTensor: (value: unknown) => value is Tensor<DType>;

/**
 * An n-dimensional array, contiguous and row-major: `(N, C, H, W)` for a batch of images. Make one
 * with `tensor`, `zeros`, `ones`, `full`, `rand` or `randn`.
 *
 * Follows https://docs.pytorch.org/docs/stable/tensors.html
 */
export class Tensor<D extends DType = 'float32'> {
  /** The size of each dimension; frozen. `[]` for a scalar. */
  readonly shape: readonly number[];
  readonly #storage: Storage<D>;

  static {
    storageOf = (tensor) => {
      // A Proxy of one, say.
      if (!isTensor(tensor)) throw argTypeError(`this must be a Tensor, got ${show(tensor)}`);
      return tensor.#storage;
    };
    isTensor = (value): value is Tensor<DType> =>
      typeof value === 'object' && value !== null && #storage in value;
  }

  /** @internal */
  constructor(storage: Storage<D>, shape: readonly number[]) {
    if (!(storage instanceof Storage)) {
      throw argTypeError(
        'a Tensor is made by tensor(), zeros(), ones(), full(), rand() or randn(), not by new Tensor()',
      );
    }
    this.shape = Object.freeze(shape);
    this.#storage = storage;
  }

  /** The type of the elements, 'float32' for whatever a layer takes or returns. */
  get dtype(): D {
    return storageOf(this).dtype;
  }

  /** The number of dimensions. */
  get ndim(): number {
    return this.shape.length;
  }

  /** The number of elements. */
  get numel(): number {
    return storageOf(this).numel;
  }

  /**
   * The elements themselves, not a copy: writing to them changes the tensor, and a layer whose
   * weight this is sees the change. From then on that layer has to compare its weight with what it
   * prepared at every call, so change weights through `nn.init`, `copy_` or `loadStateDict` where
   * speed matters.
   */
  get data(): DataOf<D> {
    refuseSymbolic(this as Tensor, 'reads the values of a tensor');
    const storage = storageOf(this);
    storage.separate();
    storage.exposed = true;
    return storage.data;
  }

  /**
   * A view of the same elements under another shape: writes to either show in both. One size may
   * be -1, which stands for whatever is left.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE; RangeError
   *   ERR_NNCONV_SHAPE if the number of elements differs
   */
  reshape(shape: readonly number[]): Tensor<D> {
    return new Tensor(storageOf(this), resolveShape(this, integers('shape', shape)));
  }

  /** A copy with elements of its own. */
  clone(): Tensor<D> {
    const recorded = record([this as Tensor], () => ({ op: 'reshape', shape: this.shape }));
    if (recorded) return recorded as Tensor<D>;
    return wrap(this.dtype, readData(this).slice() as DataOf<D>, this.shape);
  }

  /**
   * A copy of the slice at `index` of dimension `dim`, which is dropped from the shape. Both may be
   * negative and then count from the end.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE
   */
  select(dim: number, index: number): Tensor<D> {
    const { shape } = this;
    const at = countFromEnd('dim', dim, shape.length, shape);
    const position = countFromEnd('index', index, shape[at], shape);
    const recorded = record([this as Tensor], () => ({ op: 'select', dim: at, index: position }));
    if (recorded) return recorded as Tensor<D>;
    const inner = product(shape.slice(at + 1));
    const outer = product(shape.slice(0, at));
    const source = readData(this);
    const result = allocate(this.dtype, without(shape, at));
    const target = writeData(result);
    for (let i = 0; i < outer; i++) {
      const start = (i * shape[at] + position) * inner;
      target.set(source.subarray(start, start + inner) as never, i * inner);
    }
    return result;
  }

  /**
   * Overwrites every element with `value`; NaN and infinities are fine in floating-point tensors.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE; RangeError ERR_NNCONV_ARG_VALUE if an integer tensor
   *   can't hold `value`
   */
  fill_(value: number): this {
    number('value', value, { finite: false });
    const one = convert(Float64Array.of(value), 'float64', this.dtype);
    if (isIntegral(this.dtype) && Number(one[0]) !== Math.trunc(value)) {
      throw argValueError(`value ${show(value)} can't be held by a tensor of dtype ${this.dtype}`);
    }
    writeData(this).fill(one[0] as never);
    return this;
  }

  /**
   * Copies the elements of `source` into this tensor, converted to its dtype. Its shape must be
   * this one's or broadcast to it.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_SHAPE
   */
  copy_(source: Tensor<DType>): this {
    checkTensor('source', source);
    const elements = readData(source);
    readData(this);
    const values = convert(elements, source.dtype, this.dtype);
    const all = broadcast(values, this.dtype, source.shape, this.shape);
    // A checkpoint's tensors become a model's without a copy.
    const whole = all === elements;
    const shared = whole && this.#storage.share(storageOf(source) as unknown as Storage<D>);
    if (!shared) writeData(this).set(all as never);
    return this;
  }

  /**
   * The elements as nested arrays of numbers, a plain number for a scalar. Elements of dtype 'bool'
   * are 0 or 1.
   *
   * @throws RangeError ERR_NNCONV_ARG_VALUE for an int64 element beyond 2^53 - 1: read those as
   *   bigints from `data`
   */
  toArray(): NestedNumbers {
    const data = readData(this);
    let next = 0;
    const build = (dim: number): NestedNumbers =>
      dim === this.ndim
        ? exactNumber(data[next++])
        : Array.from({ length: this.shape[dim] }, () => build(dim + 1));
    return build(0);
  }

  /**
   * The only element of a tensor of one.
   *
   * @throws RangeError ERR_NNCONV_SHAPE if there are more or none; RangeError ERR_NNCONV_ARG_VALUE
   *   for an int64 beyond 2^53 - 1
   */
  item(): number {
    if (this.numel !== 1) {
      throw shapeError(
        `item() needs a tensor of one element, but this one has shape ${pyList(this.shape)}`,
      );
    }
    return exactNumber(readData(this)[0]);
  }

  /** What PyTorch's `print(tensor)` prints. */
  toString(): string {
    return formatTensor(this.dtype, this.shape, readData(this));
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/**
 * A tensor that a module owns: a weight or a bias. It shares the elements of the tensor it is made
 * from.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html
 */
export class Parameter extends Tensor {
  /** @throws TypeError ERR_NNCONV_ARG_TYPE unless `tensor` is a float32 Tensor */
  constructor(tensor: Tensor) {
    checkFloat32('tensor', tensor);
    super(storageOf(tensor), tensor.shape);
  }

  override toString(): string {
    return `Parameter containing:\n${super.toString()}`;
  }
}

export { isTensor, storageOf };

/** The elements, for reading only. */
export function readData<D extends DType>(tensor: Tensor<D>): DataOf<D> {
  const { data, numel } = storageOf(tensor);
  if (data.length !== numel) {
    refuseSymbolic(tensor as Tensor, 'reads the values of a tensor');
    throw detached(tensor);
  }
  return data;
}

/** The elements, for writing: the tensor counts as changed from here on. */
export function writeData<D extends DType>(tensor: Tensor<D>): DataOf<D> {
  readData(tensor);
  const storage = storageOf(tensor);
  storage.separate();
  storage.version = ++clock;
  return storage.data;
}

/** A number for the state of the elements, -1 when they may change unseen. */
export function versionOf(tensor: Tensor<DType>): number {
  const storage = storageOf(tensor);
  return storage.exposed ? -1 : storage.version;
}

/** A tensor around `data`, which becomes its own, and `shape`, which gets frozen. */
export function wrap<D extends DType>(
  dtype: D,
  data: DataOf<D>,
  shape: readonly number[],
): Tensor<D> {
  return new Tensor(new Storage(dtype, data), shape);
}

/** A tensor of zeros. */
export function allocate<D extends DType>(dtype: D, shape: readonly number[]): Tensor<D> {
  const numel = product(shape);
  try {
    return wrap(dtype, new ARRAYS[dtype](numel) as DataOf<D>, shape);
  } catch (cause) {
    throw allocError(
      `a ${dtype} tensor of shape ${pyList(shape)} can't be allocated ` +
        `(${numel * ARRAYS[dtype].BYTES_PER_ELEMENT} bytes)`,
      { cause },
    );
  }
}

/** Checks the kind and the values of a shape, and copies it. */
export function checkShape(name: string, value: unknown): number[] {
  if (typeof value === 'number') {
    throw argTypeError(`${name} must be an array of integers, got ${value}; write [${value}]`);
  }
  const shape = integers(name, value);
  const negative = shape.findIndex((size) => size < 0);
  if (negative >= 0) {
    throw shapeError(`${name}[${negative}] must be at least 0, but ${name} is ${pyList(shape)}`);
  }
  return shape;
}

/** The number of elements under a shape. */
export function product(shape: readonly number[]): number {
  if (shape.includes(0)) return 0;
  const numel = shape.reduce((total, size) => total * size, 1);
  if (numel > Number.MAX_SAFE_INTEGER) {
    throw allocError(`a tensor of shape ${pyList(shape)} has too many elements`);
  }
  return numel;
}

export function checkTensor(name: string, value: unknown): asserts value is Tensor<DType> {
  if (!isTensor(value)) throw argTypeError(`${name} must be a Tensor, got ${show(value)}`);
}

export function checkFloat32(name: string, value: unknown): asserts value is Tensor {
  checkTensor(name, value);
  if (value.dtype !== 'float32') {
    throw argTypeError(
      `${name} must be a Tensor of dtype float32, got one of dtype ${value.dtype}`,
    );
  }
}

function detached(tensor: Tensor<DType>): Error {
  return bufferError(
    `the data of a tensor of shape ${pyList(tensor.shape)} is gone: its buffer was detached ` +
      '(transferred to another thread?)',
  );
}

function resolveShape(tensor: Tensor<DType>, wanted: number[]): number[] {
  const { numel, shape } = tensor;
  const mismatch = () =>
    shapeError(
      `a tensor of shape ${pyList(shape)} (${numel} elements) can't be reshaped to ${pyList(wanted)}`,
    );
  const unknown = wanted.indexOf(-1);
  const known = unknown < 0 ? wanted : without(wanted, unknown);
  // A second -1 is negative like any other.
  if (known.some((size) => size < 0)) throw mismatch();
  const rest = product(known);
  if (unknown < 0) {
    if (rest !== numel) throw mismatch();
    return wanted;
  }
  // With no elements to divide, -1 could be anything.
  if (rest === 0 || numel % rest !== 0) throw mismatch();
  return wanted.map((size, dim) => (dim === unknown ? numel / rest : size));
}

function without(shape: readonly number[], dim: number): number[] {
  return shape.filter((_, other) => other !== dim);
}

function countFromEnd(
  name: string,
  value: unknown,
  length: number,
  shape: readonly number[],
): number {
  const given = integer(name, value);
  if (given < -length || given >= length) {
    throw argValueError(
      `${name} must be from ${-length} to ${length - 1} for a tensor of shape ${pyList(shape)}, ` +
        `got ${given}`,
    );
  }
  return given < 0 ? given + length : given;
}

function isIntegral(dtype: DType): boolean {
  return dtype.startsWith('int') || dtype === 'uint8';
}

function exactNumber(value: number | bigint): number {
  const result = Number(value);
  if (typeof value === 'bigint' && !Number.isSafeInteger(result)) {
    throw argValueError(`${value} is beyond 2^53 - 1: read it as a bigint from data`);
  }
  return result;
}

/** `values` as elements of another type; the very same array where the type is the same. */
function convert<D extends DType>(values: DataOf<DType>, from: DType, to: D): DataOf<D> {
  if (from === to) return values as DataOf<D>;
  const result = new ARRAYS[to](values.length) as DataOf<D>;
  const target = result as { [index: number]: number | bigint };
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (to === 'int64') target[i] = toBigInt(value);
    else target[i] = to === 'bool' ? Number(Number(value) !== 0) : Number(value);
  }
  return result;
}

function toBigInt(value: number | bigint): bigint {
  if (typeof value === 'bigint') return value;
  return Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n;
}

/** `values` of shape `from` repeated to fill shape `to`. */
function broadcast<D extends DType>(
  values: DataOf<D>,
  dtype: D,
  from: readonly number[],
  to: readonly number[],
): DataOf<D> {
  const lead = to.length - from.length;
  const stretched = to.map((_, dim) => (dim < lead ? 1 : from[dim - lead]));
  if (lead < 0 || stretched.some((size, dim) => size !== 1 && size !== to[dim])) {
    throw shapeError(
      `source of shape ${pyList(from)} doesn't broadcast to the tensor's shape ${pyList(to)}`,
    );
  }
  if (values.length === product(to)) return values;
  const result = new ARRAYS[dtype](product(to)) as DataOf<D>;
  let next = 0;
  const walk = (dim: number, offset: number): void => {
    if (dim === to.length) {
      result[next++] = values[offset];
      return;
    }
    for (let i = 0; i < to[dim]; i++) {
      walk(dim + 1, offset * stretched[dim] + (stretched[dim] === 1 ? 0 : i));
    }
  };
  walk(0, 0);
  return result;
}
