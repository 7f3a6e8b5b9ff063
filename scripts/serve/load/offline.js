'use strict';

/**
 * What `runAsync` does without a server: prints rows a second and CPU seconds a row as JSON. As many runs are asked
 * for at once as keep the library busy.
 *
 *   node offline.js MODEL WEIGHTS|- SHAPE BATCH SECONDS
 */

const { compile, randn } = require('../../../dist');
const { openModel } = require('../../../dist/hub');

const IN_FLIGHT = 2;

async function main([model, weights, shape, batch, seconds]) {
  const { module } = await openModel({ model, ...(weights === '-' ? {} : { weights }) });
  const input = randn([Number(batch), ...shape.split(',').map(Number)]);
  const session = compile(module, { inputShapes: [input.shape] });
  const measure = async (milliseconds) => {
    let runs = 0;
    const before = process.cpuUsage();
    const start = performance.now();
    const work = async () => {
      while (performance.now() - start < milliseconds) {
        await session.runAsync(input);
        runs++;
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, work));
    const elapsed = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(before);
    const rows = runs * batch;
    return { rate: rows / elapsed, cpuMs: (user + system) / 1000 / rows };
  };
  await measure(500);
  console.log(JSON.stringify(await measure(1000 * seconds)));
}

void main(process.argv.slice(2));
