/**
 * A machine for Python's pickles that can't do anything: it builds numbers, strings, lists, tuples,
 * sets and dicts. Whatever else a pickle asks for, it asks the `Host` for, who knows a few harmless
 * names. Opcodes that make or call objects by other ways are refused.
 *
 * Follows https://docs.python.org/3/library/pickletools.html, protocols 0 to 5
 */
import { checkpointError } from '../errors';

/** Python's lists and tuples become arrays, dicts Maps, sets Sets, bytes Uint8Arrays. */
export interface Host {
  /** What stands for the global `module.name`; throws if it isn't known. */
  global(module: string, name: string): unknown;
  /** The object that was saved outside the pickle under `id`. */
  persistent(id: unknown): unknown;
}

/** A global that may be called, by REDUCE alone. */
export class Callable {
  constructor(
    readonly name: string,
    readonly call: (args: unknown[]) => unknown,
  ) {}
}

/** Objects and stack places: they bound the memory that a small pickle can take. */
const MAX_VALUES = 2 ** 22;
const MAX_CONTAINERS = 2 ** 19;
const MAX_MARKS = 2 ** 13;
/** Of an integer; beyond this it is no number that anyone computes with. */
const MAX_INTEGER_BYTES = 1024;
const MAX_LINE = 4096;

/** What is known; the names are those of Python's pickletools. */
const enum Op {
  Proto = 0x80,
  Frame = 0x95,
  Mark = 0x28,
  Pop = 0x30,
  PopMark = 0x31,
  Dup = 0x32,
  None = 0x4e,
  NewTrue = 0x88,
  NewFalse = 0x89,
  Int = 0x49,
  Long = 0x4c,
  BinInt = 0x4a,
  BinInt1 = 0x4b,
  BinInt2 = 0x4d,
  Long1 = 0x8a,
  Long4 = 0x8b,
  Float = 0x46,
  BinFloat = 0x47,
  Unicode = 0x56,
  ShortBinString = 0x55,
  ShortBinUnicode = 0x8c,
  BinString = 0x54,
  BinUnicode = 0x58,
  BinUnicode8 = 0x8d,
  ShortBinBytes = 0x43,
  BinBytes = 0x42,
  BinBytes8 = 0x8e,
  ByteArray8 = 0x96,
  EmptyList = 0x5d,
  EmptyTuple = 0x29,
  List = 0x6c,
  Tuple = 0x74,
  Tuple1 = 0x85,
  Tuple2 = 0x86,
  Tuple3 = 0x87,
  Append = 0x61,
  Appends = 0x65,
  EmptyDict = 0x7d,
  Dict = 0x64,
  SetItem = 0x73,
  SetItems = 0x75,
  EmptySet = 0x8f,
  FrozenSet = 0x91,
  AddItems = 0x90,
  Get = 0x67,
  BinGet = 0x68,
  LongBinGet = 0x6a,
  Put = 0x70,
  BinPut = 0x71,
  LongBinPut = 0x72,
  Memoize = 0x94,
  Global = 0x63,
  StackGlobal = 0x93,
  Reduce = 0x52,
  Build = 0x62,
  BinPersId = 0x51,
  Stop = 0x2e,
}

/** Opcodes that serve to make or call objects in ways of their own. */
const REFUSED = new Map([
  [0x69, 'INST'],
  [0x6f, 'OBJ'],
  [0x81, 'NEWOBJ'],
  [0x92, 'NEWOBJ_EX'],
  [0x82, 'EXT1'],
  [0x83, 'EXT2'],
  [0x84, 'EXT4'],
  [0x50, 'PERSID'],
  [0x97, 'NEXT_BUFFER'],
  [0x98, 'READONLY_BUFFER'],
]);

const HIGHEST_PROTOCOL = 5;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class Unpickler {
  /** Where the next opcode is. */
  position: number;
  /** Whether it stopped because the bytes had come to an end. */
  ended = false;

  readonly #bytes: Buffer;
  readonly #host: Host;
  #stack: unknown[] = [];
  /** The stacks below the current MARK. */
  #below: unknown[][] = [];
  #memo: unknown[] = [];
  #values = 0;
  #containers = 0;

  constructor(bytes: Buffer, host: Host, position = 0) {
    this.#bytes = bytes;
    this.#host = host;
    this.position = position;
  }

  /** Reads one pickle, up to its STOP; another may follow. */
  load(): unknown {
    this.#stack = [];
    this.#below = [];
    this.#memo = [];
    for (;;) {
      const opcode = this.#byte() as Op;
      if (opcode === Op.Stop) return this.#pop();
      this.#execute(opcode);
    }
  }

  #execute(opcode: Op): void {
    switch (opcode) {
      case Op.Proto:
        return this.#checkProtocol(this.#byte());
      case Op.Frame:
        this.#count(8);
        return;
      case Op.Mark:
        return this.#mark();
      case Op.Pop:
        if (this.#stack.length > 0) this.#pop();
        else this.#popMark();
        return;
      case Op.PopMark:
        this.#popMark();
        return;
      case Op.Dup:
        return this.#push(this.#top());
      case Op.None:
        return this.#push(null);
      case Op.NewTrue:
        return this.#push(true);
      case Op.NewFalse:
        return this.#push(false);
      case Op.Int:
        return this.#push(this.#textInt());
      case Op.Long:
        return this.#push(parseInteger(this.#line().replace(/L$/, '')));
      case Op.BinInt:
        return this.#push(this.#bytes.readInt32LE(this.#advance(4)));
      case Op.BinInt1:
        return this.#push(this.#byte());
      case Op.BinInt2:
        return this.#push(this.#bytes.readUInt16LE(this.#advance(2)));
      case Op.Long1:
        return this.#push(this.#binaryInteger(this.#byte()));
      case Op.Long4:
        return this.#push(this.#binaryInteger(this.#count(4)));
      case Op.Float:
        return this.#push(parseFloatText(this.#line()));
      case Op.BinFloat:
        return this.#push(this.#bytes.readDoubleBE(this.#advance(8)));
      case Op.Unicode:
        return this.#push(unescape(this.#line()));
      case Op.ShortBinString:
      case Op.ShortBinUnicode:
        return this.#push(this.#text(this.#byte()));
      case Op.BinString:
      case Op.BinUnicode:
        return this.#push(this.#text(this.#count(4)));
      case Op.BinUnicode8:
        return this.#push(this.#text(this.#count(8)));
      case Op.ShortBinBytes:
        return this.#push(this.#blob(this.#byte()));
      case Op.BinBytes:
        return this.#push(this.#blob(this.#count(4)));
      case Op.BinBytes8:
      case Op.ByteArray8:
        return this.#push(this.#blob(this.#count(8)));
      case Op.EmptyList:
      case Op.EmptyTuple:
        return this.#pushContainer([]);
      case Op.List:
      case Op.Tuple:
        return this.#pushContainer(this.#popMark());
      case Op.Tuple1:
        return this.#pushContainer(this.#popMany(1));
      case Op.Tuple2:
        return this.#pushContainer(this.#popMany(2));
      case Op.Tuple3:
        return this.#pushContainer(this.#popMany(3));
      case Op.Append:
        return this.#append(this.#popMany(1));
      case Op.Appends:
        return this.#append(this.#popMark());
      case Op.EmptyDict:
        return this.#pushContainer(new Map());
      case Op.Dict:
        return this.#pushContainer(fill(new Map(), this.#popMark()));
      case Op.SetItem:
        return this.#setItems(this.#popMany(2));
      case Op.SetItems:
        return this.#setItems(this.#popMark());
      case Op.EmptySet:
        return this.#pushContainer(new Set());
      case Op.FrozenSet:
        return this.#pushContainer(new Set(this.#popMark()));
      case Op.AddItems:
        return this.#addItems(this.#popMark());
      case Op.Get:
        return this.#get(Number(this.#line()));
      case Op.BinGet:
        return this.#get(this.#byte());
      case Op.LongBinGet:
        return this.#get(this.#count(4));
      case Op.Put:
        return this.#put(Number(this.#line()));
      case Op.BinPut:
        return this.#put(this.#byte());
      case Op.LongBinPut:
        return this.#put(this.#count(4));
      case Op.Memoize:
        return this.#put(this.#memo.length);
      case Op.Global:
        return this.#push(this.#host.global(this.#line(), this.#line()));
      case Op.StackGlobal:
        return this.#stackGlobal();
      case Op.Reduce:
        return this.#reduce();
      case Op.Build:
        return this.#build();
      case Op.BinPersId:
        return this.#push(this.#host.persistent(this.#pop()));
      default:
        throw this.#refusal(opcode);
    }
  }

  // Bytes

  /** Goes on by `length` bytes; returns where they start. */
  #advance(length: number): number {
    const start = this.position;
    if (start + length > this.#bytes.length) {
      this.ended = true;
      throw checkpointError('its pickle is cut short');
    }
    this.position = start + length;
    return start;
  }

  #take(length: number): Buffer {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, this.position);
  }

  #byte(): number {
    return this.#bytes[this.#advance(1)];
  }

  /** An unsigned number of 4 or 8 bytes, for a length or an index. */
  #count(width: 4 | 8): number {
    const start = this.#advance(width);
    return width === 4
      ? this.#bytes.readUInt32LE(start)
      : Number(this.#bytes.readBigUInt64LE(start));
  }

  #line(): string {
    const end = this.#bytes.indexOf('\n', this.position);
    const length = (end < 0 ? this.#bytes.length : end) - this.position;
    if (length > MAX_LINE) throw checkpointError('its pickle has an endless line of text');
    // Without an end, this asks for one byte more than there is.
    return this.#take(length + 1).toString('latin1', 0, length);
  }

  #text(length: number): string {
    const bytes = this.#take(length);
    try {
      return UTF8.decode(bytes);
    } catch (cause) {
      throw checkpointError('its pickle has a string that is no UTF-8', { cause });
    }
  }

  #blob(length: number): Uint8Array {
    return Uint8Array.from(this.#take(length));
  }

  #binaryInteger(length: number): number | bigint {
    const bytes = this.#take(length);
    if (length > MAX_INTEGER_BYTES) throw checkpointError('its pickle has an integer of that size');
    if (length === 0) return 0;
    const hex = Buffer.from(bytes).reverse().toString('hex');
    return exact(BigInt.asIntN(8 * length, BigInt(`0x${hex}`)));
  }

  #textInt(): number | bigint | boolean {
    const text = this.#line();
    // How protocols 0 and 1 write True and False.
    if (text === '01') return true;
    if (text === '00') return false;
    return parseInteger(text);
  }

  #checkProtocol(protocol: number): void {
    if (protocol > HIGHEST_PROTOCOL) {
      throw checkpointError(
        `its pickle has protocol ${protocol}; what can be loaded is up to ${HIGHEST_PROTOCOL}`,
      );
    }
  }

  // The stack

  #tally(): void {
    if (++this.#values > MAX_VALUES) {
      throw checkpointError(`its pickle has more than ${MAX_VALUES} values`);
    }
  }

  #push(value: unknown): void {
    this.#tally();
    this.#stack.push(value);
  }

  #pushContainer(value: unknown): void {
    if (++this.#containers > MAX_CONTAINERS) {
      throw checkpointError(`its pickle has more than ${MAX_CONTAINERS} lists and dicts`);
    }
    this.#push(value);
  }

  #top(): unknown {
    if (this.#stack.length === 0) throw checkpointError('its pickle takes more than it has made');
    return this.#stack[this.#stack.length - 1];
  }

  #pop(): unknown {
    const value = this.#top();
    this.#stack.pop();
    return value;
  }

  #popMany(count: number): unknown[] {
    if (this.#stack.length < count) throw checkpointError('its pickle takes more than it has made');
    return this.#stack.splice(this.#stack.length - count, count);
  }

  #mark(): void {
    this.#tally();
    if (this.#below.length === MAX_MARKS) throw checkpointError('its pickle is nested too deep');
    this.#below.push(this.#stack);
    this.#stack = [];
  }

  /** All values since the last MARK. */
  #popMark(): unknown[] {
    const below = this.#below.pop();
    if (below === undefined) throw checkpointError('its pickle takes more than it has made');
    const values = this.#stack;
    this.#stack = below;
    return values;
  }

  #put(index: number): void {
    this.#tally();
    // Python counts upwards, Python 2 from 1.
    if (!(index <= this.#memo.length + 1)) {
      throw checkpointError(`its pickle fills memo ${index} out of turn; it is damaged`);
    }
    this.#memo[index] = this.#top();
  }

  #get(index: number): void {
    const value = this.#memo[index];
    if (value === undefined) throw checkpointError(`its pickle has nothing in memo ${index}`);
    this.#push(value);
  }

  // Containers

  #append(items: unknown[]): void {
    const list = this.#top();
    if (!Array.isArray(list)) throw wrongTarget('an item', 'a list');
    for (const item of items) list.push(item);
  }

  #setItems(items: unknown[]): void {
    const dict = this.#top();
    if (!(dict instanceof Map)) throw wrongTarget('an item', 'a dict');
    fill(dict, items);
  }

  #addItems(items: unknown[]): void {
    const set = this.#top();
    if (!(set instanceof Set)) throw wrongTarget('an item', 'a set');
    for (const item of items) set.add(item);
  }

  // What is asked for by name

  #stackGlobal(): void {
    const [module, name] = this.#popMany(2);
    if (typeof module !== 'string' || typeof name !== 'string') {
      throw checkpointError('its pickle asks for a global whose name is no string');
    }
    this.#push(this.#host.global(module, name));
  }

  #reduce(): void {
    const [callable, args] = this.#popMany(2);
    if (!(callable instanceof Callable)) {
      throw checkpointError('its pickle calls what is no function (REDUCE); nothing was run');
    }
    if (!Array.isArray(args)) {
      throw checkpointError(`its pickle calls ${callable.name} with something other than a tuple`);
    }
    this.#pushContainer(callable.call(args));
  }

  #build(): void {
    this.#pop();
    // A state dict has the versions of its modules as an attribute, which say nothing about tensors.
    if (!(this.#top() instanceof Map)) throw wrongTarget('attributes', 'an OrderedDict');
  }

  #refusal(opcode: number): Error {
    const name = REFUSED.get(opcode);
    return checkpointError(
      name === undefined
        ? `its pickle has no opcode at byte ${this.position - 1}; it is damaged`
        : `its pickle asks for ${name}, which nothing that torch.save writes for a state dict needs; ` +
            'nothing was run',
    );
  }
}

function wrongTarget(what: string, kind: string): Error {
  return checkpointError(`its pickle sets ${what} of what is not ${kind}; nothing was run`);
}

function fill(dict: Map<unknown, unknown>, items: readonly unknown[]): Map<unknown, unknown> {
  if (items.length % 2 !== 0) throw checkpointError('its pickle has a dict key without a value');
  for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  return dict;
}

/** A number where it is exact. */
function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function parseInteger(text: string): number | bigint {
  if (!/^[+-]?[0-9]{1,2048}$/.test(text)) throw checkpointError('its pickle has a bad integer');
  return exact(BigInt(text.replace('+', '')));
}

function parseFloatText(text: string): number {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text);
  const special = /^([+-]?)(inf|nan)$/.exec(text);
  if (special === null) throw checkpointError('its pickle has a bad floating-point number');
  return special[2] === 'nan' ? NaN : special[1] === '-' ? -Infinity : Infinity;
}

/** Python's raw-unicode-escape. */
function unescape(text: string): string {
  return text.replace(/\\u([0-9a-fA-F]{4})|\\U00(0[0-9a-fA-F]{5}|10[0-9a-fA-F]{4})/g, (_, ...hex) =>
    String.fromCodePoint(parseInt((hex[0] ?? hex[1]) as string, 16)),
  );
}
