'use strict';

/**
 * node smoke.js PACKAGE: uses the package at that path, on several threads and asynchronously. The
 * numbers are small integers, so that sums are exact and have one right value.
 */

const assert = require('node:assert');

const { nn, runtimeInfo, setNumThreads, tensor, compile, models, randn } = require(process.argv[2]);

const functional = nn.functional;
setNumThreads(3);

const line = functional.conv1d(tensor([[[1, 2, 3, 4]]]), tensor([[[1, 0, -1]]]), null, {
  padding: 'same',
});
assert.deepStrictEqual(line.toArray(), [[[-2, -2, -2, 3]]]);

/** (channels, size, size) of integers from -3 to 3. */
const integers = (count, seed) => Array.from({ length: count }, (_, i) => ((i * seed) % 7) - 3);
const [N, C, OC, SIZE, K] = [2, 5, 19, 12, 3];
const x = integers(N * C * SIZE * SIZE, 11);
const w = integers(OC * C * K * K, 5);
const OUT = SIZE - K + 1;
const expected = [];
for (let n = 0; n < N; ++n)
  for (let oc = 0; oc < OC; ++oc)
    for (let y = 0; y < OUT; ++y)
      for (let p = 0; p < OUT; ++p) {
        let sum = 0;
        for (let c = 0; c < C; ++c)
          for (let i = 0; i < K; ++i)
            for (let j = 0; j < K; ++j)
              sum +=
                x[((n * C + c) * SIZE + y + i) * SIZE + p + j] * w[((oc * C + c) * K + i) * K + j];
        expected.push(sum);
      }

async function main() {
  const conv = new nn.Conv2d(C, OC, K, { bias: false });
  conv.weight.data.set(w);
  const input = tensor(Float32Array.from(x), [N, C, SIZE, SIZE]);
  for (const result of [conv.forward(input), await conv.forwardAsync(input)]) {
    assert.deepStrictEqual(result.shape, [N, OC, OUT, OUT]);
    assert.deepStrictEqual(Array.from(result.data), expected);
  }
  const session = compile(models.squeezenet1_1().eval());
  const logits = session.run(randn([1, 3, 64, 64]));
  assert.deepStrictEqual(logits.shape, [1, 1000]);
  assert(logits.data.every(Number.isFinite));
  const { isa, version } = runtimeInfo();
  console.log(`nnconv ${version} works: ${process.platform}-${process.arch}, ${isa}`);
}

main();
