/** Files made by hand, piece by piece. */

export type Piece = Buffer | string | number;

/** Bytes of pieces: a string stands for its characters (latin-1), a number for a byte. */
export function bytes(...pieces: Piece[]): Buffer {
  return Buffer.concat(
    pieces.map((piece) =>
      typeof piece === 'number'
        ? Buffer.of(piece)
        : typeof piece === 'string'
          ? Buffer.from(piece, 'latin1')
          : piece,
    ),
  );
}

export function u16(value: number): Buffer {
  const result = Buffer.alloc(2);
  result.writeUInt16LE(value);
  return result;
}

export function u32(value: number): Buffer {
  const result = Buffer.alloc(4);
  result.writeUInt32LE(value);
  return result;
}

export function u64(value: number | bigint): Buffer {
  const result = Buffer.alloc(8);
  result.writeBigUInt64LE(BigInt(value));
  return result;
}

export function floats(...values: number[]): Buffer {
  return Buffer.from(Float32Array.from(values).buffer);
}

// safetensors

/** A file with this header, whose length may be lied about. */
export function safetensors(header: unknown, data: Piece = '', length?: number | bigint): Buffer {
  const text = Buffer.isBuffer(header)
    ? header
    : Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  return bytes(u64(length ?? text.length), text, data);
}

// Zip archives

export interface ZipEntry {
  name: string;
  data: Buffer;
  /** What the directory says, where it isn't the truth. */
  method?: number;
  flags?: number;
  size?: number;
  inflated?: number;
  offset?: number;
  localSignature?: number;
}

interface ZipEnd {
  count?: number;
  offset?: number;
  comment?: Piece;
}

const UTF8_FLAG = 0x800;

/** A zip archive of stored entries. */
export function zip(entries: readonly ZipEntry[], end: ZipEnd = {}): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name);
    const size = u32(entry.size ?? entry.data.length);
    const common = bytes(
      u16(entry.flags ?? UTF8_FLAG),
      u16(entry.method ?? 0),
      Buffer.alloc(8), // time, date, checksum
      size,
      u32(entry.inflated ?? entry.size ?? entry.data.length),
      u16(name.length),
    );
    const local = bytes(u32(entry.localSignature ?? 0x04034b50), u16(20), common, u16(0), name);
    const offset = u32(entry.offset ?? at);
    directory.push(
      bytes(u32(0x02014b50), u16(20), u16(20), common, Buffer.alloc(12), offset, name),
    );
    locals.push(local, entry.data);
    at += local.length + entry.data.length;
  }
  const count = u16(end.count ?? entries.length);
  const length = directory.reduce((total, { length: part }) => total + part, 0);
  const comment = bytes(end.comment ?? '');
  return Buffer.concat([
    ...locals,
    ...directory,
    bytes(u32(0x06054b50), u16(0), u16(0), count, count, u32(length), u32(end.offset ?? at)),
    u16(comment.length),
    comment,
  ]);
}

/** A torch.save archive with this pickle and these storages. */
export function torchZip(data: Buffer, storages: Record<string, Buffer> = {}): Buffer {
  return zip(torchEntries(data, storages));
}

export function torchEntries(data: Buffer, storages: Record<string, Buffer> = {}): ZipEntry[] {
  return [
    { name: 'x/data.pkl', data },
    ...Object.entries(storages).map(([key, content]) => ({ name: `x/data/${key}`, data: content })),
  ];
}

// Pickles

/** A pickle of protocol 2 that makes one value. */
export function pickle(...pieces: Piece[]): Buffer {
  return bytes('\x80\x02', ...pieces, '.');
}

export const str = (text: string): Buffer => {
  const encoded = Buffer.from(text);
  return bytes('X', u32(encoded.length), encoded);
};

/** Any integer, also as large as to need LONG1. */
export function int(value: number | bigint): Buffer {
  const hex = BigInt.asUintN(160, BigInt(value)).toString(16).padStart(40, '0');
  return bytes('\x8a', 20, Buffer.from(hex, 'hex').reverse());
}

export const tuple = (...items: Piece[]): Buffer => bytes('(', ...items, 't');
export const ints = (...values: (number | bigint)[]): Buffer => tuple(...values.map(int));
export const global = (module: string, name: string): Buffer => bytes('c', `${module}\n${name}\n`);
export const call = (callable: Piece, ...args: Piece[]): Buffer =>
  bytes(callable, tuple(...args), 'R');

export interface StorageOptions {
  type?: string;
  numel?: number | bigint;
}

/** A reference to a storage, of 4 float32 unless told otherwise. */
export const storage = (key: string, { type = 'FloatStorage', numel = 4 }: StorageOptions = {}) =>
  bytes(tuple(str('storage'), global('torch', type), str(key), str('cpu'), int(numel)), 'Q');

export interface TensorOptions extends StorageOptions {
  key?: string;
  offset?: number | bigint;
  size?: Piece;
  stride?: Piece;
}

/** A tensor, of 4 elements in a row unless told otherwise. */
export function tensor(options: TensorOptions = {}): Buffer {
  const { key = '0', offset = 0, size = ints(4), stride = ints(1) } = options;
  return call(
    global('torch._utils', '_rebuild_tensor_v2'),
    storage(key, options),
    int(offset),
    size,
    stride,
    '\x89',
    call(global('collections', 'OrderedDict')),
  );
}

/** A file of the format before PyTorch 1.6. */
export function legacy(
  value: Buffer,
  storages: Record<string, Buffer> = {},
  { magic = 0x1950a86a20f9469cfc6cn, protocol = 1001, keys = Object.keys(storages) } = {},
): Buffer {
  return bytes(
    pickle(int(magic)),
    pickle(int(protocol)),
    pickle('}'),
    value,
    pickle(']', '(', ...keys.map(str), 'e'),
    ...Object.values(storages).flatMap((content) => [u64(content.length / 4), content]),
  );
}
