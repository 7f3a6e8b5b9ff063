/** What load() takes, how tensors share elements, and how modules take what it gives. */
import { createHash } from 'node:crypto';
import { copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { type CheckpointValue, load, loadAsync, nn, type Tensor, tensor, zeros } from '../../lib';
import { readData, storageOf } from '../../lib/tensor';
import { thrownBy } from '../support/errors';
import { folder } from './support/corpus';
import {
  bytes,
  call,
  floats,
  global,
  int,
  ints,
  pickle,
  type Piece,
  safetensors,
  str,
  tensor as tensorPiece,
  torchEntries,
  torchZip,
  tuple,
  zip,
} from './support/craft';
import { temporaryFolder } from './support/temp';

const temporary = temporaryFolder();
const good = (name: string): string => path.join(folder('good'), name);

describe('sources', () => {
  test.each([[undefined], [null], [5], [{}], [[1]], [new ArrayBuffer(8)], [new Float32Array(2)]])(
    '%p is none',
    async (source) => {
      const error = { name: 'TypeError', code: 'ERR_NNCONV_ARG_TYPE' };
      expect(thrownBy(() => load(source as never))).toMatchObject(error);
      await expect(loadAsync(source as never)).rejects.toMatchObject(error);
    },
  );

  test('bytes on a shared buffer are none', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(8));
    expect(thrownBy(() => load(shared))).toMatchObject({
      name: 'TypeError',
      code: 'ERR_NNCONV_BUFFER',
    });
  });

  test('errors of the file system are kept', async () => {
    const missing = temporary('missing.pt');
    expect(thrownBy(() => load(missing))).toMatchObject({ code: 'ENOENT' });
    await expect(loadAsync(missing)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(thrownBy(() => load(folder('good')))).toMatchObject({ code: 'EISDIR' });
  });

  test('a URL', () => {
    expect(load(pathToFileURL(good('zip-network.pt')))['bn.weight'].shape).toEqual([3]);
  });

  test('bytes in the middle of a buffer, which stay the caller’s', () => {
    const file = safetensors({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } }, floats(7));
    const buffer = new Uint8Array(file.length + 9);
    buffer.set(file, 5);
    const { a } = load(buffer.subarray(5, 5 + file.length));
    buffer.fill(0);
    expect(a.item()).toBe(7);
  });

  test('the name of a file says nothing', () => {
    const file = temporary('model.txt');
    copyFileSync(good('legacy-network.pt'), file);
    expect(Object.keys(load(file))).toContain('conv.weight');
  });

  test('an error names the file, and its stack begins at the caller', async () => {
    const file = temporary('damaged.pt');
    writeFileSync(file, 'PK\x03\x04');
    const { message } = thrownBy(() => load(file));
    expect(message).toMatch(`can't load '`);
    expect(message).toMatch('damaged.pt');
    const error = (await loadAsync(file).catch((caught: unknown) => caught)) as Error;
    expect(error.message).toBe(message);
    expect(error.stack).toMatch(message);
    expect(error.stack).not.toMatch('zip.ts');
  });
});

describe('numbers', () => {
  const digest = (values: Float32Array): string =>
    createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex');

  test.each([
    ['F16', 'float16'],
    ['BF16', 'bfloat16'],
  ])('every %s is PyTorch’s', (dtype, name) => {
    const all = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits);
    const header = { x: { dtype, shape: [2 ** 16], data_offsets: [0, 2 ** 17] } };
    const { x } = load<Record<string, Tensor>>(safetensors(header, Buffer.from(all.buffer)));
    expect(x.dtype).toBe('float32');
    // NaNs differ in bits that say nothing.
    expect(digest(x.data.map((value) => (Number.isNaN(value) ? 0 : value)))).toBe(DIGESTS[name]);
  });

  test('true is 1, whatever the byte', () => {
    const header = { x: { dtype: 'BOOL', shape: [3], data_offsets: [0, 3] } };
    expect(load(safetensors(header, bytes(0, 1, 200))).x.toArray()).toEqual([0, 1, 1]);
  });

  test('integers are bigints where numbers end', () => {
    const value = load<unknown[]>(torchZip(pickle('(', int(2n ** 53n), int(2 ** 53 - 1), 't')));
    expect(value).toEqual([2n ** 53n, 2 ** 53 - 1]);
  });
});

const DIGESTS: Record<string, string> = {
  float16: 'faa6d965574036872b0d39a42d1f8bee361d5be92b1e718155a69556a5abacdd',
  bfloat16: '2950e27364395060b01ae85b45dd15a2ab8891f6ee8b0af2b541dbda5524d0b4',
};

describe('shared elements', () => {
  const { a, b, again, part } = load(good('zip-shared.pt'));

  test('tensors that view the same elements share them', () => {
    expect(storageOf(b)).toBe(storageOf(a));
    expect(storageOf(again)).toBe(storageOf(a));
    a.fill_(9);
    expect(again.toArray()).toEqual([
      [9, 9, 9],
      [9, 9, 9],
    ]);
  });

  test('a view of a part has elements of its own', () => {
    expect(part.toArray()).toEqual([2, 3]);
  });

  test('a tensor keeps no more memory than its own', () => {
    expect(readData(part).buffer.byteLength).toBe(8);
  });
});

describe('pickles', () => {
  const loaded = (...pieces: Piece[]): unknown =>
    load<CheckpointValue>(torchZip(pickle(...pieces), { 0: floats(1, 2, 3, 4) }));

  test('a shape stays as it was, though the pickle changes its list', () => {
    const size = bytes(']', 'q', 0, int(4), 'a');
    const [x, list] = loaded('(', tensorPiece({ size }), 'h', 0, int(7), 'a', 't') as [
      Tensor,
      number[],
    ];
    expect([x.shape, list]).toEqual([[4], [4, 7]]);
  });

  test('sharing a list thousandfold takes no memory', () => {
    // Each of 60 lists holds the one before twice.
    const doubled = Array.from({ length: 60 }, () => bytes('q', 0, '0]', 'h', 0, 'a', 'h', 0, 'a'));
    const many = loaded(']', ...doubled) as unknown[][];
    expect(many[0]).toBe(many[1]);
  });

  test('attributes of a dict are left out', () => {
    const state = bytes('}', str('_metadata'), '}', 's');
    expect(loaded(call(global('collections', 'OrderedDict')), state, 'b')).toEqual({});
  });

  test('memo numbers that begin at 1, as Python 2 has them', () => {
    expect(loaded('(', str('a'), 'q', 1, 'h', 1, 't')).toEqual(['a', 'a']);
  });

  test('negative zero, and text of floats', () => {
    expect(loaded('(', 'F-0.0\n', 'Finf\n', 'F-inf\n', 'Fnan\n', 'F1e-5\n', 't')).toEqual([
      -0,
      Infinity,
      -Infinity,
      NaN,
      1e-5,
    ]);
  });

  test('strings of Python 2', () => {
    expect(loaded('(', 'U', 2, 'ab', 'T', 1, 0, 0, 0, 'c', 't')).toEqual(['ab', 'c']);
  });

  test('a dict with an empty name and one of a prototype’s', () => {
    const value = loaded('}', '(', str('__proto__'), int(1), str(''), int(2), 'u') as object;
    expect(Object.getPrototypeOf(value)).toBeNull();
    expect(Object.entries(value)).toEqual([
      ['__proto__', 1],
      ['', 2],
    ]);
  });

  test('64 dimensions', () => {
    const x = loaded(
      tensorPiece({
        size: ints(...new Array<number>(63).fill(1), 4),
        stride: ints(...new Array<number>(64).fill(1)),
      }),
    ) as Tensor;
    expect([x.ndim, x.numel]).toEqual([64, 4]);
  });

  test('empty tensors may lie anywhere', () => {
    const x = loaded(tensorPiece({ size: ints(0), offset: 99 })) as Tensor;
    expect(x.shape).toEqual([0]);
  });

  test('a storage may be shared by tensors with and without strides', () => {
    const [x, y] = loaded(
      tuple(tensorPiece({ size: ints(2, 2), stride: ints(1, 2) }), tensorPiece()),
    ) as Tensor[];
    expect(x.toArray()).toEqual([
      [1, 3],
      [2, 4],
    ]);
    expect(y.toArray()).toEqual([1, 2, 3, 4]);
  });
});

describe('archives', () => {
  test('with a directory of more than the first read', () => {
    const entries = torchEntries(pickle(tensorPiece()), { 0: floats(5, 6, 7, 8) });
    for (let i = 0; i < 3000; i++) entries.push({ name: `x/more/${i}`, data: Buffer.alloc(0) });
    expect(load<Tensor>(zip(entries)).toArray()).toEqual([5, 6, 7, 8]);
  });

  test('with a comment', () => {
    const entries = torchEntries(pickle('N'));
    expect(load(zip(entries, { comment: 'made by hand' }))).toBeNull();
  });
});

describe('modules', () => {
  class BatchNorm extends nn.Module {
    constructor(features: number) {
      super();
      this.registerParameter('weight', zeros([features]));
      this.registerParameter('bias', zeros([features]));
      this.registerBuffer('running_mean', zeros([features]));
      this.registerBuffer('running_var', zeros([features]));
      this.registerBuffer('num_batches_tracked', tensor(BigInt64Array.of(0n), []));
    }
    forward(): void {}
  }
  class Linear extends nn.Module {
    constructor(inputs: number, outputs: number) {
      super();
      this.registerParameter('weight', zeros([outputs, inputs]));
      this.registerParameter('bias', zeros([outputs]));
    }
    forward(): void {}
  }
  class Network extends nn.Module {
    conv = new nn.Conv2d(2, 3, 3, { padding: 1 });
    bn = new BatchNorm(3);
    fc = new Linear(12, 4);
    forward(): void {}
  }

  test.each(['zip-network.pt', 'legacy-network.pt', 'network.safetensors'])('take %s', (file) => {
    const network = new Network();
    const state = load(good(file));
    expect(network.loadStateDict(state)).toEqual({ missingKeys: [], unexpectedKeys: [] });
    const own = network.stateDict();
    expect(own['bn.num_batches_tracked'].item()).toBe(1);
    for (const [name, { data }] of Object.entries(own)) expect(data).toEqual(state[name].data);
  });

  test('take the state dict of a training checkpoint', () => {
    const saved = load<{ epoch: number; model_state_dict: nn.StateDict }>(good('zip-training.pt'));
    const network = new Network();
    network.loadStateDict(saved.model_state_dict);
    expect(saved.epoch).toBe(7);
    expect(network.conv.weight.data).toEqual(saved.model_state_dict['conv.weight'].data);
  });
});
