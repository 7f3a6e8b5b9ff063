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
const MAX_VALUES = 2 ** 23;
const MAX_CONTAINERS = 2 ** 20;
/** Of an integer; beyond this it is no number that anyone computes with. */
const MAX_INTEGER_BYTES = 1024;
const MAX_LINE = 4096;

/** Opcodes that only serve to make or call objects by their class. */
const REFUSED = new Map([
  ['i', 'INST'],
  ['o', 'OBJ'],
  ['\x81', 'NEWOBJ'],
  ['\x92', 'NEWOBJ_EX'],
  ['\x82', 'EXT1'],
  ['\x83', 'EXT2'],
  ['\x84', 'EXT4'],
  ['P', 'PERSID'],
  ['\x97', 'NEXT_BUFFER'],
  ['\x98', 'READONLY_BUFFER'],
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
  #memo = new Map<number, unknown>();
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
    this.#memo = new Map();
    for (;;) {
      const opcode = String.fromCharCode(this.#byte());
      if (opcode === '.') return this.#pop();
      this.#execute(opcode);
    }
  }

  #execute(opcode: string): void {
    switch (opcode) {
      case '\x80': // PROTO
        return this.#checkProtocol(this.#byte());
      case '\x95': // FRAME
        this.#count(8);
        return;
      case '(': // MARK
        this.#tally();
        this.#below.push(this.#stack);
        this.#stack = [];
        return;
      case '0': // POP
        if (this.#stack.length > 0) this.#pop();
        else this.#popMark();
        return;
      case '1': // POP_MARK
        this.#popMark();
        return;
      case '2': // DUP
        return this.#push(this.#top());
      case 'N': // NONE
        return this.#push(null);
      case '\x88': // NEWTRUE
        return this.#push(true);
      case '\x89': // NEWFALSE
        return this.#push(false);
      case 'I': // INT
        return this.#push(this.#textInt());
      case 'L': // LONG
        return this.#push(parseInteger(this.#line().replace(/L$/, '')));
      case 'J': // BININT
        return this.#push(this.#take(4).readInt32LE());
      case 'K': // BININT1
        return this.#push(this.#byte());
      case 'M': // BININT2
        return this.#push(this.#take(2).readUInt16LE());
      case '\x8a': // LONG1
        return this.#push(this.#binaryInteger(this.#byte()));
      case '\x8b': // LONG4
        return this.#push(this.#binaryInteger(this.#count(4)));
      case 'F': // FLOAT
        return this.#push(parseFloatText(this.#line()));
      case 'G': // BINFLOAT
        return this.#push(this.#take(8).readDoubleBE());
      case 'V': // UNICODE
        return this.#push(unescape(this.#line()));
      case 'U': // SHORT_BINSTRING
      case '\x8c': // SHORT_BINUNICODE
        return this.#push(this.#text(this.#byte()));
      case 'T': // BINSTRING
      case 'X': // BINUNICODE
        return this.#push(this.#text(this.#count(4)));
      case '\x8d': // BINUNICODE8
        return this.#push(this.#text(this.#count(8)));
      case 'C': // SHORT_BINBYTES
        return this.#push(this.#blob(this.#byte()));
      case 'B': // BINBYTES
        return this.#push(this.#blob(this.#count(4)));
      case '\x8e': // BINBYTES8
      case '\x96': // BYTEARRAY8
        return this.#push(this.#blob(this.#count(8)));
      case ']': // EMPTY_LIST
      case ')': // EMPTY_TUPLE
        return this.#pushContainer([]);
      case 'l': // LIST
      case 't': // TUPLE
        return this.#pushContainer(this.#popMark());
      case '\x85': // TUPLE1
        return this.#pushContainer(this.#popMany(1));
      case '\x86': // TUPLE2
        return this.#pushContainer(this.#popMany(2));
      case '\x87': // TUPLE3
        return this.#pushContainer(this.#popMany(3));
      case 'a': // APPEND
        return this.#append(this.#popMany(1));
      case 'e': // APPENDS
        return this.#append(this.#popMark());
      case '}': // EMPTY_DICT
        return this.#pushContainer(new Map());
      case 'd': // DICT
        return this.#pushContainer(fill(new Map(), this.#popMark()));
      case 's': // SETITEM
        return this.#setItems(this.#popMany(2));
      case 'u': // SETITEMS
        return this.#setItems(this.#popMark());
      case '\x8f': // EMPTY_SET
        return this.#pushContainer(new Set());
      case '\x91': // FROZENSET
        return this.#pushContainer(new Set(this.#popMark()));
      case '\x90': // ADDITEMS
        return this.#addItems(this.#popMark());
      case 'g': // GET
        return this.#get(Number(this.#line()));
      case 'h': // BINGET
        return this.#get(this.#byte());
      case 'j': // LONG_BINGET
        return this.#get(this.#count(4));
      case 'p': // PUT
        return this.#put(Number(this.#line()));
      case 'q': // BINPUT
        return this.#put(this.#byte());
      case 'r': // LONG_BINPUT
        return this.#put(this.#count(4));
      case '\x94': // MEMOIZE
        return this.#put(this.#memo.size);
      case 'c': // GLOBAL
        return this.#push(this.#host.global(this.#line(), this.#line()));
      case '\x93': // STACK_GLOBAL
        return this.#stackGlobal();
      case 'R': // REDUCE
        return this.#reduce();
      case 'b': // BUILD
        return this.#build();
      case 'Q': // BINPERSID
        return this.#push(this.#host.persistent(this.#pop()));
      default:
        throw this.#refusal(opcode);
    }
  }

  // Bytes

  #take(length: number): Buffer {
    const end = this.position + length;
    if (end > this.#bytes.length) {
      this.ended = true;
      throw checkpointError('its pickle is cut short');
    }
    const taken = this.#bytes.subarray(this.position, end);
    this.position = end;
    return taken;
  }

  #byte(): number {
    return this.#take(1)[0];
  }

  /** An unsigned number of 4 or 8 bytes, for a length or an index. */
  #count(width: 4 | 8): number {
    const bytes = this.#take(width);
    return width === 4 ? bytes.readUInt32LE() : Number(bytes.readBigUInt64LE());
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
    this.#memo.set(index, this.#top());
  }

  #get(index: number): void {
    if (!this.#memo.has(index)) throw checkpointError(`its pickle has nothing in memo ${index}`);
    this.#push(this.#memo.get(index));
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

  #refusal(opcode: string): Error {
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
