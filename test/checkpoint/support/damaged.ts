/** Files that must be refused, and what the refusal must say. */
import { deflateRawSync } from 'node:zlib';

import { bytesOf } from './corpus';
import {
  bytes,
  call,
  floats,
  global,
  int,
  ints,
  legacy,
  pickle,
  type Piece,
  safetensors,
  storage,
  str,
  tensor,
  type TensorOptions,
  torchEntries,
  torchZip,
  tuple,
  u32,
  u64,
  zip,
  type ZipEntry,
} from './craft';

export interface Damaged {
  name: string;
  make: () => Buffer;
  says: RegExp;
}

export const damaged: Damaged[] = [];

function add(name: string, says: RegExp, make: () => Buffer): void {
  damaged.push({ name, says, make });
}

const FOUR = floats(1, 2, 3, 4);

// safetensors

const U8 = (begin: number, end: number) => ({
  dtype: 'U8',
  shape: [end - begin],
  data_offsets: [begin, end],
});

function header(name: string, says: RegExp, content: unknown, data: Piece = ''): void {
  add(`safetensors: ${name}`, says, () => safetensors(content, data));
}

function entry(name: string, says: RegExp, changed: object): void {
  const a = { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...changed };
  header(name, says, { a }, Buffer.alloc(8));
}

for (const length of [101_000_000, 2 ** 40, 2 ** 53, 2n ** 63n, 2n ** 64n - 1n]) {
  add(`safetensors: header of ${length} bytes`, /header has \d+ bytes/, () =>
    safetensors({ a: U8(0, 2) }, 'ab', length),
  );
}
add('safetensors: header longer than the file', /cut short/, () => safetensors('{}', '', 99e6));
add('safetensors: header one byte too long', /cut short/, () => safetensors('{}', '', 3));
add('safetensors: header one byte too short', /JSON/, () => safetensors('{}', '', 1));
header('no JSON', /JSON/, '{"a"');
header('text after the header', /JSON/, '{}x');
header('zero after the header', /JSON/, '{}\0');
header('no UTF-8', /JSON/, bytes('{"', 0xff, '":1}'));
header('half a surrogate pair', /JSON/, bytes('{"', 0xed, 0xa0, 0x80, '":1}'));
header('bad escape in a name', /JSON/, '{"\\x":1}');
header('deep nesting', /nested too deep/, `{"a":${'['.repeat(1e6)}`);
header('deep nesting of objects', /nested too deep/, `{"a":${'{"b":'.repeat(1e5)}`);
header('name twice', /'a' twice/, '{"a":1,"a":2}');
header('name twice, once escaped', /'a' twice/, '{"a":1 , "\\u0061" : 2}');
header('metadata twice', /'__metadata__' twice/, '{"__metadata__":{},"__metadata__":{}}');
header('key of the metadata twice', /'k' twice/, '{"__metadata__":{"k":"","k":""}}');
header('field twice', /'shape' twice/, '{"a":{"dtype":"U8","shape":[0],"shape":[0]}}');
header('metadata of a number', /__metadata__.*'k'/, { __metadata__: { k: 1 } });
header('metadata of an object', /__metadata__.*'k'/, { __metadata__: { k: { l: 'm' } } });
header('metadata as a list', /__metadata__/, { __metadata__: ['k'] });
header('metadata as null', /__metadata__/, { __metadata__: null });
for (const value of [null, 1, 'F32', ['F32', [2], [0, 8]]]) {
  header(`entry ${JSON.stringify(value)}`, /tensor 'a'/, { a: value });
}
for (const dtype of [
  'F8_E4M3',
  'F4',
  'U16',
  'U32',
  'U64',
  'C64',
  'f32',
  '',
  '__proto__',
  null,
  4,
]) {
  entry(`dtype ${JSON.stringify(dtype)}`, /tensor 'a' has dtype.*F32.*tensor\.float\(\)/, {
    dtype,
  });
}
for (const shape of [
  [-2],
  [2.5],
  ['2'],
  [null],
  [[2]],
  [2 ** 53],
  [2 ** 32, 2 ** 32],
  [2 ** 52, 4, 0.5],
  new Array(65).fill(1),
  '2',
  2,
  null,
  {},
]) {
  entry(`shape ${JSON.stringify(shape).slice(0, 30)}`, /tensor 'a'.*(shape|dimensions)/, { shape });
}
for (const offsets of [
  [0],
  [0, 8, 8],
  [8, 0],
  [-8, 0],
  [0.5, 8.5],
  ['0', '8'],
  [0, null],
  [2 ** 53, 2 ** 53 + 8],
  {},
  null,
]) {
  entry(`offsets ${JSON.stringify(offsets)}`, /tensor 'a'.*data_offsets/, {
    data_offsets: offsets,
  });
}
entry('fewer bytes than the shape needs', /takes 8 bytes.*\[0, 4\]/, { data_offsets: [0, 4] });
entry('out of range', /ends at byte 16.*cut short/, { data_offsets: [8, 16] });
entry('far out of range', /cut short/, { data_offsets: [2 ** 50, 2 ** 50 + 8] });
header(
  'fields of a prototype',
  /dtype undefined/,
  `{"a":{"__proto__":${JSON.stringify(U8(0, 2))}}}`,
);
header('overlap', /'b' overlaps tensor 'a'/, { a: U8(0, 3), b: U8(2, 4) }, 'abcd');
header('the same place twice', /overlaps/, { a: U8(0, 4), b: U8(0, 4) }, 'abcd');
header('hole', /1 bytes between tensor 'a' and tensor 'b'/, { a: U8(0, 2), b: U8(3, 4) }, 'abcd');
header('hole in front', /between the header and tensor 'a'/, { a: U8(1, 2) }, 'ab');
header('bytes left over', /1 bytes at its end/, { a: U8(0, 2) }, 'abc');
header('bytes and no tensor', /2 bytes at its end/, {}, 'ab');
header('empty tensor in the middle of another', /overlaps/, { a: U8(0, 4), b: U8(2, 2) }, 'abcd');
header('empty tensor outside', /cut short/, { a: U8(0, 2), b: U8(9, 9) }, 'ab');

// Archives

function archive(name: string, says: RegExp, entries: ZipEntry[], end = {}): void {
  add(`zip: ${name}`, says, () => zip(entries, end));
}

const NONE = pickle('N');
const [PICKLE, STORAGE] = torchEntries(pickle(tensor()), { 0: FOUR });

archive('no entries', /zip archive|neither/, []);
archive('no pickle', /no data\.pkl/, [{ name: 'x/version', data: bytes('3') }]);
archive('no folder', /no data\.pkl|folder/, [{ name: 'data', data: NONE }]);
archive('pickle in another folder', /no data\.pkl/, [
  { name: 'y/version', data: bytes('3') },
  { name: 'x/data.pkl', data: NONE },
]);
archive('storage is missing', /no entry 'x\/data\/0'/, [PICKLE]);
archive('storage is short', /4 elements of type float32, but has 12/, [
  PICKLE,
  { ...STORAGE, data: floats(1, 2, 3) },
]);
archive('storage is long', /4 elements of type float32, but has 20/, [
  PICKLE,
  { ...STORAGE, data: floats(1, 2, 3, 4, 5) },
]);
archive('name twice', /'x\/data\.pkl' twice/, [PICKLE, STORAGE, PICKLE]);
archive('compressed storage', /'x\/data\/0'.*is compressed/, [
  PICKLE,
  { ...STORAGE, method: 8, data: deflateRawSync(Buffer.alloc(16)) },
]);
archive('unknown method', /compressed/, [{ ...PICKLE, method: 99 }]);
archive('encrypted', /encrypted|damaged/, [{ ...PICKLE, flags: 0x801 }]);
archive('strongly encrypted', /encryption/, [{ ...PICKLE, flags: 0x841 }]);
archive('path upwards', /relative path/, [{ name: '../data.pkl', data: NONE }]);
archive('absolute path', /absolute path/, [{ name: '/x/data.pkl', data: NONE }]);
archive('backslash', /invalid characters/, [{ name: 'x\\data.pkl', data: NONE }]);
archive('no name', /no name/, [{ name: '', data: NONE }]);
archive('no local header', /signature/, [PICKLE, { ...STORAGE, offset: 3 }]);
archive('damaged local header', /signature/, [PICKLE, { ...STORAGE, localSignature: 1 }]);
archive('entry outside', /cut short|bounds/, [PICKLE, { ...STORAGE, offset: 0xfffffff0 }]);
archive('entry that is too long', /overlap|bounds/, [PICKLE, { ...STORAGE, size: 0x7fffffff }]);
archive('entries over one another', /overlap/, [
  PICKLE,
  ...Array.from({ length: 50 }, (_, i) => ({
    name: `x/data/${i}`,
    data: Buffer.alloc(0),
    size: 4000,
    offset: 0,
  })),
]);
archive('more entries than there are', /damaged/, [PICKLE, STORAGE], { count: 0xfffe });
archive('directory outside', /damaged/, [PICKLE, STORAGE], { offset: 0x7fffffff });
archive('directory at the wrong place', /damaged/, [PICKLE, STORAGE], { offset: 5 });
archive('end within the comment', /damaged/, [PICKLE], {
  comment: bytes(u32(0x06054b50), 'a'.repeat(40)),
});
add('zip: bomb', /'x\/data\.pkl'.*is compressed/, () =>
  zip([
    { name: 'x/data.pkl', method: 8, data: deflateRawSync(Buffer.alloc(50e6)), inflated: 50e6 },
  ]),
);
add('zip: too many entries', /more than 100000 entries|twice/, () => {
  const one = zip(Array.from({ length: 60_000 }, (_, i) => ({ name: `x/${i}`, data: NONE })));
  const end = one.length - 22;
  const directory = one.readUInt32LE(end + 16);
  // The directory of a zip64 archive may say that there are more.
  const record = bytes(
    u32(0x06064b50),
    u64(44),
    Buffer.alloc(12),
    u64(200_000),
    u64(200_000),
    u64(end - directory),
    u64(directory),
  );
  const locator = bytes(u32(0x07064b50), u32(0), u64(end), u32(1));
  return bytes(one.subarray(0, end), record, locator, one.subarray(end));
});
for (const offset of [2n ** 64n - 1n, 2n ** 53n, 0n, 7n]) {
  add(`zip: zip64 record at ${offset}`, /damaged|cut short/, () => {
    const plain = zip([PICKLE, STORAGE]);
    const end = plain.length - 22;
    const locator = bytes(u32(0x07064b50), u32(0), u64(offset), u32(1));
    return bytes(plain.subarray(0, end), locator, plain.subarray(end));
  });
}

// Pickles

function pickled(name: string, says: RegExp, ...pieces: Piece[]): void {
  add(`pickle: ${name}`, says, () => torchZip(pickle(...pieces), { 0: FOUR }));
}

const CUT = /cut short/;
const UNDERFLOW = /more than it has made/;
const ORDERED_DICT = global('collections', 'OrderedDict');

const ADVICE = /system.*torch\.save\(model\.state_dict\(\), path\)/;
pickled('os.system', ADVICE, call(global('os', 'system'), str('echo')));
pickled('posix.system', ADVICE, global('posix', 'system'));
pickled('STACK_GLOBAL', ADVICE, str('os'), str('system'), '\x93');
pickled('STACK_GLOBAL of numbers', /no string/, int(1), int(2), '\x93');
pickled('method of what is allowed', /__init__/, global('collections', 'OrderedDict.__init__'));
pickled(
  'STACK_GLOBAL with a dotted name',
  /__class__/,
  str('builtins'),
  str('set.__class__'),
  '\x93',
);
pickled('global of a prototype', /constructor/, global('torch', 'constructor'));
pickled('global named __proto__', /__proto__/, global('builtins', '__proto__'));
pickled('getattr', /getattr/, call(global('__builtin__', 'getattr'), '}', str('__class__')));
pickled('eval', /eval/, call(global('__builtin__', 'eval'), str('1')));
pickled('numpy scalar', /numpy.*float\(x\)/, global('numpy.core.multiarray', 'scalar'));
pickled('sparse tensor', /sparse.*to_dense/, global('torch._utils', '_rebuild_sparse_tensor'));
pickled('INST', /INST/, '(', str('x'), 'ios\nsystem\n');
pickled('OBJ', /OBJ/, '(', ORDERED_DICT, 'o');
pickled('NEWOBJ', /NEWOBJ/, ORDERED_DICT, ')', '\x81');
pickled('NEWOBJ_EX', /NEWOBJ_EX/, ORDERED_DICT, ')', '}', '\x92');
pickled('EXT1', /EXT1/, '\x82', 1);
pickled('EXT2', /EXT2/, '\x83', 1, 0);
pickled('EXT4', /EXT4/, '\x84', 1, 0, 0, 0);
pickled('PERSID', /PERSID/, 'P0\n');
pickled('NEXT_BUFFER', /NEXT_BUFFER/, '\x97');
pickled('READONLY_BUFFER', /READONLY_BUFFER/, '\x98');
for (const byte of [0, 1, 0x3a, 0x7f, 0x99, 0xff]) {
  pickled(`byte ${byte} as an opcode`, /no opcode at byte 2/, byte);
}
pickled('protocol 6', /protocol 6/, '\x80\x06', 'N');
pickled('REDUCE of a string', /REDUCE/, str('x'), ')', 'R');
pickled('REDUCE of a dict', /REDUCE/, '}', ')', 'R');
pickled('REDUCE of a storage class', /REDUCE/, global('torch', 'FloatStorage'), ')', 'R');
pickled('REDUCE without a tuple', /other than a tuple/, ORDERED_DICT, '}', 'R');
pickled('BUILD of a list', /sets attributes/, ']', '}', 'b');
pickled('BUILD of a tensor', /sets attributes/, tensor(), '}', 'b');
pickled('BUILD of a function', /sets attributes/, ORDERED_DICT, '}', 'b');
pickled('APPEND to a dict', /sets an item/, '}', 'N', 'a');
pickled('APPENDS to a tensor', /sets an item/, tensor(), '(', 'N', 'e');
pickled('SETITEM of a list', /sets an item/, ']', str('a'), 'N', 's');
pickled('SETITEMS of a tensor', /sets an item/, tensor(), '(', str('a'), 'N', 'u');
pickled('ADDITEMS to a list', /sets an item/, ']', '(', 'N', '\x90');
pickled('nothing', UNDERFLOW);
pickled('POP of nothing', UNDERFLOW, '0');
pickled('DUP of nothing', UNDERFLOW, '2');
pickled('TUPLE without a MARK', UNDERFLOW, 'N', 't');
pickled('TUPLE3 of two', UNDERFLOW, 'NN', '\x87');
pickled('SETITEM of nothing', UNDERFLOW, 's');
pickled('REDUCE below a MARK', UNDERFLOW, ORDERED_DICT, ')', '(', 'R');
pickled('PUT of nothing', UNDERFLOW, 'q', 0);
pickled('a key without a value', /key without a value/, '}', '(', str('a'), 'u');
pickled('memo that is empty', /nothing in memo 7/, 'h', 7);
pickled('memo of no number', /nothing in memo NaN/, 'gx\n');
pickled('string beyond the end', CUT, 'X', u32(0xffffffff), 'abc');
pickled('long string beyond the end', CUT, '\x8d', u64(2n ** 63n), 'abc');
pickled('bytes beyond the end', CUT, 'B', u32(0x7fffffff));
pickled('long bytes beyond the end', CUT, '\x8e', u64(2n ** 40n));
pickled('bytearray beyond the end', CUT, '\x96', u64(2n ** 64n - 1n));
pickled('integer beyond the end', CUT, '\x8b', u32(0x7fffffff));
pickled('integer of 2000 bytes', /integer of that size/, '\x8b', u32(2000), Buffer.alloc(2000, 1));
pickled('integer of many digits', /bad integer/, `L${'9'.repeat(3000)}L\n`);
pickled('integer of a megabyte of digits', /endless line/, `L${'9'.repeat(1e6)}L\n`);
pickled('integer of letters', /bad integer/, 'Ix\n');
pickled('float of letters', /bad floating/, 'Fx\n');
pickled('line without an end', CUT, 'cos');
pickled('no UTF-8', /no UTF-8/, 'X', u32(2), 0xff, 0xfe);
pickled('half a surrogate pair', /no UTF-8/, 'X', u32(3), 0xed, 0xa0, 0x80);
pickled('OrderedDict of numbers', /wrong kind/, call(ORDERED_DICT, tuple(int(1))));
pickled('OrderedDict of a number', /wrong kind/, call(ORDERED_DICT, int(1)));
pickled('Counter of a list', /wrong kind/, call(global('collections', 'Counter'), ']'));
pickled('set of a number', /wrong kind/, call(global('builtins', 'set'), int(1)));
pickled('Size of a string', /wrong kind/, call(global('torch', 'Size'), str('ab')));
pickled('device of a dict', /wrong kind/, call(global('torch', 'device'), '}'));
const ENCODE = global('_codecs', 'encode');
pickled('encode to rot13', /wrong kind/, call(ENCODE, str('a'), str('rot13')));
pickled('encode beyond latin-1', /wrong kind/, call(ENCODE, str('日'), str('latin1')));
pickled('a function as a value', /collections\.OrderedDict as a value/, ']', ORDERED_DICT, 'a');
pickled('a class as a value', /torch\.FloatStorage as a value/, global('torch', 'FloatStorage'));
pickled('a storage as a value', /a storage as a value/, storage('0'));
pickled('a function as a key', /as a value/, '}', ORDERED_DICT, 'N', 's');

add('pickle: nested 1002 deep', /nested more than 1000 deep/, () =>
  torchZip(pickle(']'.repeat(1002), 'a'.repeat(1001))),
);
add('pickle: nested 500000 deep', /nested more than 1000 deep/, () =>
  torchZip(pickle(']'.repeat(5e5), 'a'.repeat(5e5 - 1))),
);
add('pickle: nested dicts', /nested more than 1000 deep/, () =>
  torchZip(pickle('}', `N}`.repeat(1e5), 's'.repeat(1e5))),
);
add('pickle: millions of dicts', /lists and dicts/, () => torchZip(pickle('}'.repeat(2e7))));
add('pickle: millions of sets', /lists and dicts/, () => torchZip(pickle('\x8f'.repeat(5e6))));
add('pickle: millions of values', /values/, () => torchZip(pickle('N'.repeat(2e7))));
add('pickle: millions of MARKs', /nested too deep/, () => torchZip(pickle('('.repeat(1e7))));
add('pickle: millions of memos', /values/, () =>
  torchZip(pickle('N', Buffer.from('q\0'.repeat(9e6), 'latin1'))),
);
add('pickle: millions of copies', /values/, () => torchZip(pickle('N', '2'.repeat(1e7))));
add('pickle: memo far away', /out of turn/, () => torchZip(pickle('N', 'r', u32(4e9))));

// Tensors

function view(name: string, says: RegExp, options: TensorOptions): void {
  pickled(`tensor: ${name}`, says, tensor(options));
}

view('too large', /reaches element 4, but the storage has 4/, { size: ints(5) });
view('offset too large', /reaches element 4/, { offset: 1 });
view('offset far too large', /reaches element/, { offset: 2 ** 52 });
view('offset beyond 2^53', /bad strides .* or offset/, { offset: 2n ** 60n });
view('negative offset', /offset -1/, { offset: -1 });
view('stride too large', /reaches element 6/, { stride: ints(2) });
view('stride far too large', /reaches element/, { stride: ints(2 ** 52) });
view('negative stride', /bad strides \[-1\]/, { stride: ints(-1), offset: 3 });
view('too few strides', /bad strides/, { size: ints(2, 2) });
view('too many strides', /bad strides/, { stride: ints(2, 1) });
view('negative size', /bad shape, \[-4\]/, { size: ints(-4) });
view('size beyond 2^53', /bad shape/, { size: ints(2n ** 63n) });
view('size of a string', /wrong kind/, { size: str('4') });
view('size of strings', /bad shape/, { size: tuple(str('4')) });
view('size of a list that holds itself', /bad shape/, { size: bytes(']q\x00h\x00a') });
view('stride of None', /wrong kind/, { stride: 'N' });
view('65 dimensions', /65 dimensions/, {
  size: ints(...new Array<number>(65).fill(1)),
  stride: ints(...new Array<number>(65).fill(1)),
});
view('size that overflows', /too many elements/, {
  size: ints(2 ** 30, 2 ** 30),
  stride: ints(0, 0),
});
view('elements repeated a terabyte', /far more memory/, {
  size: ints(2 ** 20, 2 ** 20),
  stride: ints(0, 0),
});
view('elements repeated in three dimensions', /far more memory/, {
  size: ints(2 ** 12, 4, 2 ** 12),
  stride: ints(0, 1, 0),
});
view('storage larger than the file', /5000 elements.*cut short/, { numel: 5000 });
view('storage of a terabyte', /cut short/, { numel: 2 ** 40, size: ints(2 ** 40) });
view('storage of 2^53', /cut short/, { numel: 2 ** 53 - 1 });
view('storage beyond 2^53', /unknown way/, { numel: 2n ** 62n });
view('storage of negative size', /unknown way/, { numel: -4 });
view('storage of complex numbers', /ComplexFloatStorage.*tensor\.float/, {
  type: 'ComplexFloatStorage',
});
view('storage of an unknown kind', /StrangeStorage/, { type: 'StrangeStorage' });
view('storage of another type', /4 elements of type float64|cut short/, { type: 'DoubleStorage' });
view('storage of another folder', /no entry/, { key: '../data.pkl' });
pickled('tensor: many that repeat elements', /far more memory/, ']', '(', ...many(), 'e');

function* many(): Generator<Buffer> {
  for (let i = 0; i < 100; i++) yield tensor({ size: ints(1e6 + i), stride: ints(0) });
}

pickled(
  'tensor: storage in two ways',
  /in two ways/,
  tuple(tensor(), tensor({ numel: 2, size: ints(2) })),
);
pickled(
  'tensor: storage of two types',
  /in two ways/,
  tuple(tensor(), tensor({ type: 'IntStorage' })),
);
const REBUILD = global('torch._utils', '_rebuild_tensor_v2');
pickled('tensor: no arguments', /wrong kind, undefined/, call(REBUILD));
pickled('tensor: of a list', /wrong kind/, call(REBUILD, ']', int(0), ints(4), ints(1)));
pickled('tensor: of a tensor', /wrong kind/, call(REBUILD, tensor(), int(0), ints(4), ints(1)));
pickled(
  'tensor: dtype without storages',
  /dtype torch\.uint16.*tensor\.float/,
  call(
    global('torch._utils', '_rebuild_tensor_v3'),
    storage('0', { type: 'UntypedStorage', numel: 16 }),
    int(0),
    ints(8),
    ints(1),
    '\x89',
    call(ORDERED_DICT),
    global('torch', 'uint16'),
  ),
);
pickled(
  'parameter: of a string',
  /wrong kind/,
  call(global('torch._utils', '_rebuild_parameter'), str('x'), '\x88', call(ORDERED_DICT)),
);
const FROM_TYPE = global('torch._tensor', '_rebuild_from_type_v2');
const TENSOR = global('torch', 'Tensor');
pickled('from type: of a function', /wrong kind/, call(FROM_TYPE, ORDERED_DICT, TENSOR, ')', '}'));
pickled('from type: of itself', /wrong kind/, call(FROM_TYPE, FROM_TYPE, TENSOR, ')', '}'));
const ids: [string, Piece][] = [
  ['a string', str('0')],
  ['None', 'N'],
  ['an empty tuple', ')'],
  ['a module', tuple(str('module'), str('storage'))],
  ['a class by its name', tuple(str('storage'), str('FloatStorage'), str('0'), str('cpu'), int(4))],
  ['a function', tuple(str('storage'), ORDERED_DICT, str('0'), str('cpu'), int(4))],
  [
    'a key of a number',
    tuple(str('storage'), global('torch', 'FloatStorage'), int(0), str('cpu'), int(4)),
  ],
  [
    'a size of a float',
    tuple(str('storage'), global('torch', 'FloatStorage'), str('0'), str('cpu'), 'F4.5\n'),
  ],
];
for (const [name, id] of ids) pickled(`persistent id: ${name}`, /unknown way/, id, 'Q');
pickled(
  'persistent id: a view',
  /before 0\.4/,
  tuple(
    str('storage'),
    global('torch', 'FloatStorage'),
    str('0'),
    str('cpu'),
    int(4),
    tuple(str('1'), int(0), int(2)),
  ),
  'Q',
);

// The format before PyTorch 1.6

const ONE = pickle(tensor());
const LIST = /list of storages/;

add('legacy: wrong magic number', /not one that torch\.save wrote/, () =>
  legacy(ONE, { 0: FOUR }, { magic: 5n }),
);
add('legacy: wrong version', /version 1002/, () => legacy(ONE, { 0: FOUR }, { protocol: 1002 }));
add('legacy: storage is not listed', LIST, () => legacy(ONE));
add('legacy: storage twice', LIST, () => legacy(ONE, { 0: FOUR }, { keys: ['0', '0'] }));
add('legacy: unknown storage', LIST, () => legacy(ONE, { 0: FOUR, 1: FOUR }));
add('legacy: storage is short', /4 elements, but has 2/, () => legacy(ONE, { 0: floats(1, 2) }));
add('legacy: storage is cut short', CUT, () => legacy(ONE, { 0: FOUR }).subarray(0, -1));
add('legacy: os.system', /system/, () => legacy(pickle(global('os', 'system'))));
add('legacy: string beyond the end', CUT, () => legacy(pickle('X', u32(0xfffffff0))));
add('legacy: list of storages is a dict', LIST, () =>
  bytes(pickle(int(0x1950a86a20f9469cfc6cn)), pickle(int(1001)), pickle('}'), ONE, pickle('}')),
);
add('legacy: nothing but the magic number', CUT, () => pickle(int(0x1950a86a20f9469cfc6cn)));
add('legacy: another number as text', /not one that/, () => bytes('L1195L\n.'));
add('no format: empty', /empty/, () => Buffer.alloc(0));
add('no format: one byte', /neither/, () => Buffer.alloc(1));
add('no format: zeros', /neither/, () => Buffer.alloc(5000));
add('no format: 8 bytes', /neither/, () => u64(2));
add('no format: JSON', /neither/, () => bytes('{"a": 1}'));
add('no format: PK alone', /zip archive/, () => bytes('PK\x03\x04'));

// Good files, cut short

const WHOLE = [
  'zip-network.pt',
  'legacy-training.pt',
  'network.safetensors',
  'zip-mixed-protocol4.pt',
];

for (const file of WHOLE) {
  for (let i = 0; i < 24; i++) {
    add(`${file} cut at ${i}/24`, /./, () => {
      const whole = bytesOf('good', file);
      return whole.subarray(0, Math.floor((whole.length * i) / 24));
    });
  }
  for (const end of [1, 2, 8, 21, 22, 23, 60]) {
    add(`${file} without its last ${end} bytes`, /./, () =>
      bytesOf('good', file).subarray(0, -end),
    );
  }
}
