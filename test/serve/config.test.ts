/** Configs: what is refused, what a file may be, what a model must be. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { nn, save, type Tensor } from '../../lib';
import { createService, type ModelConfig, readConfig } from '../../lib/serve';
import { checkConfig, checkOptions } from '../../lib/serve/config';
import { SMALL, SmallNet } from './support';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nnconv-serve-'));
afterAll(() => fs.rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const file = path.join(folder, name);
  fs.writeFileSync(file, text);
  return file;
}

test('defaults', () => {
  expect(checkConfig({ models: [{ name: 'digits' }] })).toMatchObject({
    host: '127.0.0.1',
    port: 8000,
    bodyLimit: 2 ** 25,
    models: [{ name: 'digits', version: '1', model: 'digits', maxDelayMs: 0, maxQueue: 128 }],
  });
});

const model = (rest: object) => ({ models: [{ name: 'digits', ...rest }] });
test.each<[string, unknown, RegExp]>([
  ['nothing', undefined, /the config must be an object/],
  ['no models', {}, /models must be an array, got undefined/],
  ['an empty list', { models: [] }, /at least one model/],
  ['an unknown key', { ...model({}), prot: 1 }, /no option 'prot' \(did you mean 'port'\?\)/],
  ['one in a model', model({ label: [] }), /models\[0\] has no option 'label'/],
  ['one in batching', model({ batching: { maxSize: 1 } }), /models\[0\].batching has no option/],
  ['one in an input', model({ inputs: [{ shape: [1], type: 1 }] }), /inputs\[0\] has no option/],
  ['one in preprocessing', model({ preprocessing: { size: 1 } }), /preprocessing: .*no option/],
  ['bad preprocessing', model({ preprocessing: { resize: 0 } }), /preprocessing: resize must be/],
  ['a name of another kind', model({ name: 1 }), /models\[0\].name must be a string, got 1/],
  ['a name for no URL', model({ name: 'a/b' }), /models\[0\].name must be up to 64 letters/],
  ['the same twice', { models: [{ name: 'a' }, { name: 'a' }] }, /version 1 of 'a' twice/],
  ['a model of another kind', model({ model: 1 }), /must be a name, a path, an nn.Module/],
  ['a port', { ...model({}), port: 65536 }, /port must be from 0 to 65535, got 65536/],
  ['a batch of none', model({ batching: { maxBatchSize: 0 } }), /maxBatchSize must be from 1/],
  ['a shape', model({ inputs: [{ shape: [0] }] }), /inputs\[0\].shape must have sizes of -1/],
  ['an example', model({ inputs: [{ shape: [-1, 2], example: [1, 3] }] }), /that fits \[-1, 2\]/],
  ['a short token', { ...model({}), token: 'abc' }, /8 or more characters/],
  ['a token with spaces', { ...model({}), token: 'abc def ghi' }, /without spaces/],
  ['a level', { ...model({}), logLevel: 'loud' }, /logLevel must be one of/],
])('refused: %s', (_, config, message) => {
  expect(() => checkConfig(config)).toThrow(message);
});

test('the plugin has no port', () => {
  expect(() => checkOptions({ models: [{ name: 'digits' }], port: 1 })).toThrow(
    /serve has no option 'port'/,
  );
});

describe('files', () => {
  test('JSON: paths are relative to it', async () => {
    const file = write(
      'models.json',
      '{"port":1,"models":[{"name":"digits"},{"name":"a","model":"./a.js","weights":"a.pt"}]}',
    );
    expect(await readConfig(file)).toEqual({
      port: 1,
      models: [
        { name: 'digits' },
        { name: 'a', model: path.join(folder, 'a.js'), weights: path.join(folder, 'a.pt') },
      ],
    });
  });

  test('JSON that is none', async () => {
    await expect(readConfig(write('bad.json', '{'))).rejects.toThrow(/bad.json' is no valid JSON/);
    await expect(readConfig(write('null.json', 'null'))).rejects.toThrow(/must hold an object/);
    await expect(readConfig(path.join(folder, 'nix.json'))).rejects.toThrow(/ENOENT/);
  });
});

describe('models', () => {
  const fails = (rest: Partial<ModelConfig>, message: RegExp) =>
    expect(createService({ models: [{ ...SMALL, ...rest }] })).rejects.toThrow(message);

  test('weights are a checkpoint', async () => {
    const net = new SmallNet();
    net.fc.bias!.fill_(100);
    const weights = path.join(folder, 'small.safetensors');
    save(weights, net.stateDict());
    const service = await createService({ models: [{ ...SMALL, weights }] });
    const [{ data }] = await service.repository
      .get('small')
      .batcher.submit([{ data: new Float32Array(32), shape: [1, 2, 4, 4] }]).result;
    expect(data[0]).toBeGreaterThan(90);
    await service.close();
    await fails({ weights: path.join(folder, 'nix.pt') }, /ENOENT/);
  });

  test('one that is not there', () => fails({ model: 'resnet19' }, /no model named 'resnet19'/));
  test('one without inputs', () =>
    fails({ inputs: undefined }, /inputs must be given for 'small'/));
  test('inputs that it can not take', () =>
    fails({ inputs: [{ shape: [-1, 3, 4, 4] }] }, /the model 'small' can't be loaded: .*channels/));
  test('a free size without an example', () =>
    fails({ inputs: [{ shape: [-1, 2, -1, -1] }] }, /inputs\[0\].example must be given/));
  test('another number of outputs', () =>
    fails({ outputs: [{}, {}] }, /outputs has 2 names, but 'small' returns 1 tensors/));
  test('another number of labels', () =>
    fails({ labels: ['a'] }, /'small' has 1 labels, but its first output has 3 classes/));

  test('several inputs and outputs, free sizes, names', async () => {
    class Two extends nn.Module {
      forward(a: Tensor, b: Tensor) {
        return { sum: nn.functional.relu(a), rest: [b, nn.functional.maxPool2d(a, 2)] };
      }
    }
    const service = await createService({
      models: [
        {
          name: 'two',
          model: new Two(),
          inputs: [
            { name: 'a', shape: [-1, 1, -1, 8], example: [1, 1, 4, 8] },
            { name: 'b', shape: [-1, 5] },
          ],
        },
      ],
    });
    expect(service.repository.get('two').spec.outputs).toEqual([
      { name: 'sum', shape: [-1, 1, -1, 8] },
      { name: 'rest.0', shape: [-1, 5] },
      { name: 'rest.1', shape: [-1, 1, -1, 4] },
    ]);
    await service.close();
  });

  test('an output without the batch in front', async () => {
    class Mean extends nn.Module {
      forward(x: Tensor) {
        return nn.functional.adaptiveAvgPool2d(x, 1).reshape([2, -1]);
      }
    }
    const rest = { model: new Mean(), outputs: undefined };
    await fails(rest, /set batching.maxBatchSize to 1/);
    const models = [{ ...SMALL, ...rest, batching: { maxBatchSize: 1 } }];
    await (await createService({ models })).close();
  });
});
