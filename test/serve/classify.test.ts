/** Pictures to classes. */
import fs from 'node:fs';
import path from 'node:path';

import { sizeOf } from '../../lib/serve/picture';
import { encodePng } from '../../lib/image';
import { call, type Running, SMALL, start, stopAll } from './support';

const PICTURES = path.join(__dirname, '../../examples/digits/pictures');
const files = fs.readdirSync(PICTURES).sort();
const read = (file: string) => fs.readFileSync(path.join(PICTURES, file));
const expected = JSON.parse(fs.readFileSync(path.join(PICTURES, '../expected.json'), 'utf8')) as {
  pictures: { file: string; label: number; logits: number[] }[];
};

let server: Running;
beforeAll(async () => {
  server = await start({ models: [{ name: 'digits' }, SMALL], maxPixels: 10_000 });
});
afterAll(stopAll);

const classify = (body: Buffer, type = 'image/png', query = '', model = 'digits') =>
  call(server, `/v2/models/${model}/classify${query}`, { body, headers: { 'content-type': type } });

function softmax(logits: readonly number[]): number[] {
  const powers = logits.map(Math.exp);
  const total = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / total);
}

test("digits are PyTorch's, likeliest first", async () => {
  for (const { file, logits } of expected.pictures.slice(0, 10)) {
    const answer = await classify(read(file), 'image/png', '?top_k=10');
    expect(answer.status).toBe(200);
    const { model_name, model_version, classes } = answer.json();
    expect([model_name, model_version, classes.length]).toEqual(['digits', '1', 10]);
    const scores = softmax(logits);
    for (const { label, index, score } of classes) {
      expect(label).toBe(String(index));
      expect(score).toBeCloseTo(scores[index], 4);
    }
    expect(classes[0].score).toBe(Math.max(...classes.map((item: any) => item.score)));
  }
});

test('five classes where nobody says how many', async () => {
  expect((await classify(read(files[0]))).json().classes).toHaveLength(5);
  expect((await classify(read(files[0]), 'image/png', '?top_k=1')).json().classes).toHaveLength(1);
  for (const bad of ['0', '-1', 'x', '1&top_k=2', '1.5']) {
    expect((await classify(read(files[0]), 'image/png', `?top_k=${bad}`)).status).toBe(400);
  }
});

test('a picture of another size and in colours', async () => {
  const data = new Uint8Array(60 * 80 * 3).fill(200);
  const png = encodePng({ data, width: 80, height: 60 });
  expect((await classify(Buffer.from(png))).status).toBe(200);
});

test('what is refused', async () => {
  const picture = read(files[0]);
  expect((await classify(picture, 'image/gif')).status).toBe(415);
  expect((await classify(picture, 'application/json')).status).toBe(415);
  const text = await classify(Buffer.from('no picture'));
  expect([text.status, text.json().error]).toEqual([400, expect.stringMatching(/PNG or a JPEG/)]);
  expect((await classify(Buffer.alloc(0))).status).toBe(400);
  expect((await classify(picture.subarray(0, 100))).status).toBe(400);
  const large = encodePng({
    data: new Uint8Array(101 * 100),
    width: 101,
    height: 100,
  });
  const answer = await classify(Buffer.from(large));
  expect([answer.status, answer.json().error]).toEqual([413, expect.stringMatching(/101x100/)]);
  const none = await classify(picture, 'image/png', '', 'small');
  expect([none.status, none.json().error]).toEqual([
    400,
    expect.stringMatching(/doesn't lead there/),
  ]);
});

test('sizes from headers', () => {
  expect(sizeOf(read(files[0]))).toEqual({ width: 28, height: 28 });
  const jpeg = [0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xff, 0xc4, 0, 3, 0];
  const frame = [0xff, 0xc2, 0, 17, 8, 0x12, 0x34, 0x56, 0x78, 3, 0, 0, 0, 0, 0];
  expect(sizeOf(Buffer.from([...jpeg, ...frame]))).toEqual({ height: 0x1234, width: 0x5678 });
  expect(sizeOf(Buffer.from([...jpeg, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]))).toBeUndefined();
  expect(sizeOf(Buffer.alloc(100))).toBeUndefined();
});
