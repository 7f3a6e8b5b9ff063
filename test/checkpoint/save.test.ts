/** save() writes what Python's safetensors writes. */
import { readFileSync } from 'node:fs';

import { load, nn, ones, save, saveAsync, type Tensor, tensor, zeros } from '../../lib';
import { expectRejected, thrownBy } from '../support/errors';
import { bytesOf } from './support/corpus';
import { temporaryFolder } from './support/temp';

const temporary = temporaryFolder();

/** Written by Python, without metadata and in types that stay as they are. */
const PYTHONS = [
  'dtype-float64.safetensors',
  'dtype-float32.safetensors',
  'dtype-int64.safetensors',
  'dtype-int32.safetensors',
  'dtype-int16.safetensors',
  'dtype-int8.safetensors',
  'dtype-uint8.safetensors',
  'dtype-bool.safetensors',
  'empty.safetensors',
];

test.each(PYTHONS)('%s comes out as Python wrote it, byte by byte', (name) => {
  const file = temporary(name);
  const original = bytesOf('good', name);
  save(file, load(original));
  expect(readFileSync(file).equals(original)).toBe(true);
});

test('saveAsync writes the same', async () => {
  const state = load(bytesOf('good', 'zip-network.pt'));
  const [file, other] = [temporary('a'), temporary('b')];
  save(file, state);
  await saveAsync(other, state);
  expect(readFileSync(other).equals(readFileSync(file))).toBe(true);
});

test('the order of the names is kept, and every tensor is aligned', () => {
  const file = temporary('mixed.safetensors');
  const state = load(bytesOf('good', 'all-dtypes.safetensors'));
  const names = Object.keys(state).reverse();
  const reversed = Object.fromEntries(names.map((name) => [name, state[name]]));
  save(file, reversed);
  const read = load(file);
  expect(Object.keys(read)).toEqual(names);
  for (const name of names) expect(read[name].data).toEqual(state[name].data);

  const written = readFileSync(file);
  const length = Number(written.readBigUInt64LE());
  expect(length % 8).toBe(0);
  const header = JSON.parse(written.toString('utf8', 8, 8 + length)) as Record<
    string,
    { data_offsets: number[] }
  >;
  for (const [name, { data_offsets }] of Object.entries(header)) {
    expect(data_offsets[0] % state[name].data.BYTES_PER_ELEMENT).toBe(0);
  }
});

test('a model’s weights come back', () => {
  const file = temporary('conv.safetensors');
  const [from, to] = [new nn.Conv2d(3, 4, 3), new nn.Conv2d(3, 4, 3)];
  save(file, from.stateDict());
  to.loadStateDict(load(file));
  const x = ones([1, 3, 5, 5]);
  expect(to.forward(x).data).toEqual(from.forward(x).data);
});

test('tensors that share elements are written as many times', () => {
  const file = temporary('tied.safetensors');
  const a = tensor([1, 2, 3, 4]);
  save(file, { a, b: a.reshape([2, 2]) });
  expect(load(file).b.toArray()).toEqual([
    [1, 2],
    [3, 4],
  ]);
});

test('an older file is replaced', () => {
  const file = temporary('twice.safetensors');
  save(file, { a: zeros([1000]) });
  save(file, { a: ones([1]) });
  expect(load(file).a.toArray()).toEqual([1]);
});

describe('rejected', () => {
  const file = temporary('never.safetensors');
  const a = zeros([1]);

  test.each([[undefined], [null], [5], ['a'], [[a]], [a], [new Map([['a', a]])]])(
    'state dict %#',
    async (state) => {
      expectRejected(() => save(file, state as never), /stateDict/, 'ERR_NNCONV_ARG_TYPE');
      await expect(saveAsync(file, state as never)).rejects.toMatchObject({
        code: 'ERR_NNCONV_ARG_TYPE',
      });
    },
  );

  test.each([[1], [null], [[1, 2]], [{ b: a }], [new Float32Array(1)]])('value %p', (value) => {
    expectRejected(
      () => save(file, { a, inner: value as unknown as Tensor }),
      /stateDict\['inner'\].*tensors by name/,
      'ERR_NNCONV_ARG_TYPE',
    );
  });

  test.each(['__metadata__', 'half \ud800'])('name %p', (name) => {
    expectRejected(() => save(file, { [name]: a }), /named/, 'ERR_NNCONV_ARG_VALUE');
  });

  test.each([[undefined], [5], [Buffer.from('x')]])('path %p', (path) => {
    expectRejected(() => save(path as never, { a }), /path/, 'ERR_NNCONV_ARG_TYPE');
  });

  test('nothing was written', () => {
    expect(thrownBy(() => readFileSync(file))).toMatchObject({ code: 'ENOENT' });
  });

  test('a folder that isn’t there', async () => {
    const nowhere = temporary('nowhere/x.safetensors');
    expect(thrownBy(() => save(nowhere, { a }))).toMatchObject({ code: 'ENOENT' });
    await expect(saveAsync(nowhere, { a })).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
