/** Bodies of inference requests and their answers. */
import { tensor } from '../../lib';
import {
  binaryBody,
  call,
  jsonBody,
  ROW,
  type Running,
  SmallNet,
  start,
  stopAll,
  values,
} from './support';

let server: Running;
beforeAll(async () => {
  server = await start();
});
afterAll(stopAll);

const URL = '/v2/models/small/infer';

/** What the model makes of rows, to the bits. */
function expected(data: Float32Array): number[] {
  const result = new SmallNet().eval().forward(tensor(data, [data.length / ROW, 2, 4, 4]));
  return Array.from(result.data);
}

function answer(body: string | Buffer, headers?: Record<string, string>) {
  return call(server, URL, { body, headers });
}

function input(rest: object): string {
  const base = { name: 'x', shape: [1, 2, 4, 4], datatype: 'FP32', data: Array(ROW).fill(0) };
  return JSON.stringify({ inputs: [{ ...base, ...rest }] });
}

async function refusal(payload: string | Buffer, headers?: Record<string, string>) {
  const response = await answer(payload, headers);
  expect(response.status).toBe(400);
  const body = response.json();
  expect(Object.keys(body)).toEqual(['error']);
  return body.error as string;
}

describe('metadata', () => {
  test('of the server', async () => {
    for (const url of ['/v2', '/v2/']) {
      const body = (await call(server, url)).json();
      expect(body).toEqual({
        name: 'nnconv',
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
        extensions: ['binary_tensor_data', 'model_repository'],
      });
    }
  });

  test.each(['/v2/models/small', '/v2/models/small/versions/1'])('of a model: %s', async (url) => {
    expect((await call(server, url)).json()).toEqual({
      name: 'small',
      versions: ['1'],
      platform: 'nnconv',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2, 4, 4] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 3] }],
    });
  });

  test('health', async () => {
    expect((await call(server, '/v2/health/live')).json()).toEqual({ live: true });
    expect((await call(server, '/v2/health/ready')).json()).toEqual({ ready: true });
    expect((await call(server, '/v2/models/small/ready')).json()).toEqual({
      name: 'small',
      ready: true,
    });
  });
});

describe('JSON', () => {
  test('flat data, id and parameters', async () => {
    const data = values(2 * ROW);
    const response = await answer(
      jsonBody(data, { id: '42', parameters: { tag: 'a', n: 1.5, yes: true } }),
    );
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(response.json()).toEqual({
      model_name: 'small',
      model_version: '1',
      id: '42',
      parameters: { tag: 'a', n: 1.5, yes: true },
      outputs: [{ name: 'y', datatype: 'FP32', shape: [2, 3], data: expected(data) }],
    });
  });

  test('nested data are the same', async () => {
    const data = values(2 * ROW);
    const nested = tensor(data, [2, 2, 4, 4]).toArray();
    const response = await answer(input({ shape: [2, 2, 4, 4], data: nested }));
    expect(response.json().outputs[0].data).toEqual(expected(data));
  });

  test('no id, no parameters: none comes back; nor what only the server reads', async () => {
    const body = (
      await answer(jsonBody(values(ROW), { parameters: { binary_data_output: false, timeout: 0 } }))
    ).json();
    expect(Object.keys(body)).toEqual(['model_name', 'model_version', 'outputs']);
  });

  test('outputs by name, and none', async () => {
    const data = values(ROW);
    const one = (await answer(jsonBody(data, { outputs: [{ name: 'y' }] }))).json();
    expect(one.outputs[0].data).toEqual(expected(data));
    expect((await answer(jsonBody(data, { outputs: [] }))).json().outputs).toEqual([]);
  });

  test.each([
    ['BOOL', [true, false], [1, 0]],
    ['UINT8', [255, 0], [255, 0]],
    ['UINT16', [65535, 1], [65535, 1]],
    ['UINT32', [2 ** 32 - 1, 1], [2 ** 32, 1]],
    ['UINT64', [2 ** 53, 1], [2 ** 53, 1]],
    ['INT8', [-128, 127], [-128, 127]],
    ['INT16', [-32768, 32767], [-32768, 32767]],
    ['INT32', [-(2 ** 31), 7], [-(2 ** 31), 7]],
    ['INT64', [-(2 ** 53), 7], [-(2 ** 53), 7]],
    ['FP16', [0.5, -2], [0.5, -2]],
    ['BF16', [0.5, -2], [0.5, -2]],
    ['FP64', [0.1, 1e-60], [Math.fround(0.1), 0]],
  ])('%s', async (datatype, pair, floats) => {
    const data = Array.from({ length: ROW }, (_, i) => pair[i % 2]);
    const response = await answer(input({ datatype, data }));
    expect(response.status).toBe(200);
    expect(response.json().outputs[0].data).toEqual(
      expected(Float32Array.from({ length: ROW }, (_, i) => floats[i % 2])),
    );
  });
});

describe('binary data', () => {
  const head = (parameters: object, rest: object = {}) => ({
    inputs: [{ name: 'x', shape: [1, 2, 4, 4], datatype: 'FP32', parameters }],
    ...rest,
  });

  test('in and out, as clients of Triton send it: without a content type', async () => {
    const data = values(ROW);
    const { payload, headers } = binaryBody(
      head({ binary_data_size: 128 }, { id: 'a', parameters: { binary_data_output: true } }),
      data,
    );
    const response = await answer(payload, headers);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    const length = Number(response.headers.get('inference-header-content-length'));
    const raw = response.bytes;
    expect(JSON.parse(raw.subarray(0, length).toString())).toEqual({
      model_name: 'small',
      model_version: '1',
      id: 'a',
      outputs: [
        { name: 'y', datatype: 'FP32', shape: [1, 3], parameters: { binary_data_size: 12 } },
      ],
    });
    const bytes = Uint8Array.from(raw.subarray(length));
    expect(Array.from(new Float32Array(bytes.buffer))).toEqual(expected(data));
  });

  test('a description that was sent before means what it meant, whatever the data', async () => {
    const description = head(
      { binary_data_size: 128 },
      { id: 'again', parameters: { binary_data_output: true, mine: 3 } },
    );
    for (const seed of [1, 2, 3]) {
      const data = values(ROW, seed);
      const { payload, headers } = binaryBody(description, data);
      const response = await answer(payload, headers);
      const length = Number(response.headers.get('inference-header-content-length'));
      expect(JSON.parse(response.bytes.subarray(0, length).toString())).toEqual({
        model_name: 'small',
        model_version: '1',
        id: 'again',
        parameters: { mine: 3 },
        outputs: [
          { name: 'y', datatype: 'FP32', shape: [1, 3], parameters: { binary_data_size: 12 } },
        ],
      });
      const bytes = Uint8Array.from(response.bytes.subarray(length));
      expect(Array.from(new Float32Array(bytes.buffer))).toEqual(expected(data));
    }
    const short = binaryBody(description, values(ROW - 1));
    expect(await refusal(short.payload, short.headers)).toMatch(/needs 128 bytes .* 124 are left/);
    const long = binaryBody(description, values(ROW + 1));
    expect(await refusal(long.payload, long.headers)).toMatch(/^4 bytes are left over/);
    // One that is wrong is wrong each time.
    const wrong = binaryBody(head({ binary_data_size: 64 }), values(ROW));
    for (let i = 0; i < 2; i++) {
      expect(await refusal(wrong.payload, wrong.headers)).toMatch(/binary_data_size must be 128/);
    }
  });

  test('more descriptions than are kept, and long ones', async () => {
    const data = values(ROW);
    const ids = Array.from({ length: 40 }, (_, i) => `${i % 25}`).concat('x'.repeat(2000));
    for (const id of ids) {
      const { payload, headers } = binaryBody(head({ binary_data_size: 128 }, { id }), data);
      const body = (await answer(payload, headers)).json();
      expect(body.id).toBe(id);
      expect(body.outputs[0].data).toEqual(expected(data));
    }
  });

  test('each output says whether it is binary', async () => {
    const data = values(ROW);
    const { payload, headers } = binaryBody(
      head(
        { binary_data_size: 128 },
        {
          parameters: { binary_data_output: true },
          outputs: [{ name: 'y', parameters: { binary_data: false } }],
        },
      ),
      data,
    );
    const response = await answer(payload, headers);
    expect(response.headers.get('inference-header-content-length')).toBeNull();
    expect(response.json().outputs[0].data).toEqual(expected(data));
    const other = await answer(
      jsonBody(data, { outputs: [{ name: 'y', parameters: { binary_data: true } }] }),
    );
    expect(other.headers.get('inference-header-content-length')).not.toBeNull();
  });

  const numbers = [0, 1, 2, 100];
  const cycle = (i: number): number => numbers[i % numbers.length];
  test.each<[string, NodeJS.TypedArray]>([
    ['BOOL', Uint8Array.from({ length: ROW }, (_, i) => i % 2)],
    ['UINT8', Uint8Array.from({ length: ROW }, (_, i) => cycle(i))],
    ['UINT16', Uint16Array.from({ length: ROW }, (_, i) => cycle(i))],
    ['UINT32', Uint32Array.from({ length: ROW }, (_, i) => cycle(i))],
    ['UINT64', BigUint64Array.from({ length: ROW }, (_, i) => BigInt(cycle(i)))],
    ['INT8', Int8Array.from({ length: ROW }, (_, i) => -cycle(i))],
    ['INT16', Int16Array.from({ length: ROW }, (_, i) => -cycle(i))],
    ['INT32', Int32Array.from({ length: ROW }, (_, i) => -cycle(i))],
    ['INT64', BigInt64Array.from({ length: ROW }, (_, i) => -BigInt(cycle(i)))],
    ['FP64', Float64Array.from({ length: ROW }, (_, i) => cycle(i) / 3)],
  ])('%s', async (datatype, elements) => {
    const { payload, headers } = binaryBody(
      {
        inputs: [
          {
            name: 'x',
            shape: [1, 2, 4, 4],
            datatype,
            parameters: { binary_data_size: elements.byteLength },
          },
        ],
      },
      elements,
    );
    const response = await answer(payload, headers);
    expect(response.json().outputs[0].data).toEqual(
      expected(Float32Array.from(elements as ArrayLike<number | bigint>, Number)),
    );
  });

  test.each([
    ['FP16', [0x3c00, 0xc000, 0x0001, 0x7bff], [1, -2, 2 ** -24, 65504]],
    ['BF16', [0x3f80, 0xc000, 0x0080, 0x4780], [1, -2, 2 ** -126, 65536]],
  ])('%s', async (datatype, words, floats) => {
    const elements = Uint16Array.from({ length: ROW }, (_, i) => words[i % 4]);
    const { payload, headers } = binaryBody(
      {
        inputs: [
          { name: 'x', shape: [1, 2, 4, 4], datatype, parameters: { binary_data_size: 64 } },
        ],
      },
      elements,
    );
    const response = await answer(payload, headers);
    expect(response.json().outputs[0].data).toEqual(
      expected(Float32Array.from({ length: ROW }, (_, i) => floats[i % 4])),
    );
  });

  test('sizes that are not right', async () => {
    const data = values(ROW);
    const send = (parameters: object, part: Float32Array, length?: string) => {
      const { payload, headers } = binaryBody(head(parameters), part);
      return refusal(
        payload,
        length === undefined ? headers : { 'inference-header-content-length': length },
      );
    };
    const size = { binary_data_size: 128 };
    expect(await send({ binary_data_size: 124 }, data)).toMatch(
      /must be 128 \(32 elements of FP32\)/,
    );
    expect(await send({ binary_data_size: '128' }, data)).toMatch(/must be 128/);
    expect(await send(size, data.subarray(1))).toMatch(/needs 128 bytes .* 124 are left/);
    expect(await send(size, values(ROW + 1))).toMatch(/4 bytes are left over/);
    expect(await send(size, data, '100000')).toMatch(/is 100000, but the body has/);
    expect(await send(size, data, '-1')).toMatch(/must be a number of bytes/);
    expect(await refusal(JSON.stringify(head(size)))).toMatch(/Inference-Header-Content-Length/);
    const both = JSON.stringify({
      inputs: [{ ...head(size).inputs[0], data: Array.from(data) }],
    });
    const length = { 'inference-header-content-length': String(both.length) };
    expect(await refusal(Buffer.from(both), length)).toMatch(/both data and binary_data_size/);
  });

  test('a BOOL is 0 or 1', async () => {
    const { payload, headers } = binaryBody(
      {
        inputs: [
          {
            name: 'x',
            shape: [1, 2, 4, 4],
            datatype: 'BOOL',
            parameters: { binary_data_size: ROW },
          },
        ],
      },
      new Uint8Array(ROW).fill(2),
    );
    expect(await refusal(payload, headers)).toMatch(/0 or 1, got 2/);
  });

  test('what JSON has no number for can be had', async () => {
    const data = new Float32Array(ROW).fill(Infinity);
    const json = binaryBody(head({ binary_data_size: 128 }), data);
    expect(await refusal(json.payload, json.headers)).toMatch(/'y' has NaN or infinities/);
    const binary = binaryBody(
      head({ binary_data_size: 128 }, { parameters: { binary_data_output: true } }),
      data,
    );
    expect((await answer(binary.payload, binary.headers)).status).toBe(200);
  });
});

describe('what is refused', () => {
  const ZEROS = Array(ROW).fill(0);
  test.each<[string, string, RegExp]>([
    ['no JSON', '{', /no valid JSON/],
    ['no object', '[]', /must be a JSON object/],
    ['null', 'null', /must be a JSON object/],
    ['no inputs', '{}', /inputs must be an array, got undefined/],
    ['an input that is none', '{"inputs":[null]}', /inputs\[0\] must be an object/],
    ['none of the inputs', '{"inputs":[]}', /the input 'x' is missing/],
    ['another name', input({ name: 'z' }), /no input 'z'; it has 'x'/],
    ['a name that is no string', input({ name: 3 }), /inputs\[0\].name must be a string, got 3/],
    [
      'an unknown type',
      input({ datatype: 'FP8' }),
      /must be one of BOOL, .*FP64, got string 'FP8'/,
    ],
    ['strings', input({ datatype: 'BYTES' }), /must be one of/],
    ['an inherited type', input({ datatype: 'constructor' }), /must be one of/],
    ['a shape of another rank', input({ shape: [32] }), /shape must be \[-1, 2, 4, 4\]/],
    ['a shape of other sizes', input({ shape: [1, 2, 4, 5] }), /shape must be \[-1, 2, 4, 4\]/],
    ['a batch of none', input({ shape: [0, 2, 4, 4], data: [] }), /any size from 1/],
    ['a negative batch', input({ shape: [-1, 2, 4, 4] }), /any size from 1/],
    ['a fraction', input({ shape: [1.5, 2, 4, 4] }), /shape must be/],
    ['a shape of strings', input({ shape: ['1', 2, 4, 4] }), /shape must be/],
    ['a huge batch', input({ shape: [2 ** 52, 2, 4, 4] }), /more than 16777216 elements/],
    ['a large batch', input({ shape: [33, 2, 4, 4], data: Array(33 * ROW).fill(0) }), /at most 32/],
    ['too few elements', input({ data: [1, 2] }), /must have 32 elements/],
    ['no data', input({ data: undefined }), /data must be an array, got undefined/],
    ['a number as data', input({ data: 1 }), /data must be an array, got 1/],
    ['strings as data', input({ data: Array(ROW).fill('1') }), /has string '1', which is no FP32/],
    ['null as data', input({ data: Array(ROW).fill(null) }), /has null, which is no FP32/],
    ['numbers for BOOL', input({ datatype: 'BOOL' }), /which is no BOOL/],
    ['a fraction for INT8', input({ datatype: 'INT8', data: [...ZEROS.slice(1), 0.5] }), /no INT8/],
    ['256 for UINT8', input({ datatype: 'UINT8', data: [...ZEROS.slice(1), 256] }), /no UINT8/],
    ['-1 for UINT64', input({ datatype: 'UINT64', data: [...ZEROS.slice(1), -1] }), /no UINT64/],
    ['beyond double', input({}).replace('0,0', '0,1e999'), /has Infinity, which is beyond float32/],
    [
      'beyond float32',
      input({ data: [...ZEROS.slice(1), 1e39] }),
      /1e\+39, which is beyond float32/,
    ],
    ['uneven nesting', input({ data: [ZEROS.slice(1), [0]] }), /nested as shape/],
    ['nesting of another shape', input({ data: [Array(ROW).fill([0])] }), /nested as shape/],
    ['deeper nesting', input({ data: [[[[ZEROS]]]] }), /nested as shape/],
    ['very deep nesting', `{"inputs":${'['.repeat(1e5)}`, /nested deeper than 32/],
    ['an id that is no string', jsonBody(ZEROS, { id: 1 }), /id must be a string/],
    [
      'parameters that are none',
      jsonBody(ZEROS, { parameters: [] }),
      /parameters must be an object/,
    ],
    ['nested parameters', jsonBody(ZEROS, { parameters: { a: {} } }), /parameters.a must be a/],
    ['a timeout that is none', jsonBody(ZEROS, { parameters: { timeout: -1 } }), /microseconds/],
    ['outputs that are none', jsonBody(ZEROS, { outputs: {} }), /outputs must be an array/],
    ['an unknown output', jsonBody(ZEROS, { outputs: [{ name: 'z' }] }), /no output 'z'/],
    ['an output twice', jsonBody(ZEROS, { outputs: [{ name: 'y' }, { name: 'y' }] }), /twice/],
    [
      'classes of an output',
      jsonBody(ZEROS, { outputs: [{ name: 'y', parameters: { classification: 2 } }] }),
      /classification is not supported/,
    ],
    [
      'binary_data that is no flag',
      jsonBody(ZEROS, { outputs: [{ name: 'y', parameters: { binary_data: 1 } }] }),
      /binary_data must be true or false/,
    ],
  ])('%s', async (_, payload, message) => {
    expect(await refusal(payload)).toMatch(message);
  });

  test('an input twice', async () => {
    const { inputs } = JSON.parse(input({}));
    expect(await refusal(JSON.stringify({ inputs: [...inputs, ...inputs] }))).toMatch(/twice/);
  });

  test('bytes that are no UTF-8', async () => {
    expect(await refusal(Buffer.from([0x7b, 0xff, 0x7d]))).toMatch(/must be UTF-8/);
  });

  test('names of the prototype are names like any other', async () => {
    const proto = '{"__proto__":{"inputs":[]},"constructor":1}';
    expect(await refusal(proto)).toMatch(/inputs must be an array, got undefined/);
    const body = jsonBody(values(ROW)).replace('{', '{"parameters":{"__proto__":"a"},');
    const response = await answer(body);
    expect(response.text).toContain('"parameters":{"__proto__":"a"}');
    expect(({} as any).inputs).toBeUndefined();
  });
});
