'use strict';

/**
 * 64 requests at once, again and again: what waiting ones hold, whether they come back in order, how
 * fast aborted ones settle, and what 1,000 aborted ones leave behind.
 *
 *   node --expose-gc scripts/server/queue.js [--runs 1000]
 *
 * Meant: an abort settles within 50 ms and one step.
 */

const { expect, megabytes, numbers, plainLib, quantile, sleep } = require('./common');

const REQUESTS = 64;
const SHAPE = [1, 3, 128, 128];

const options = numbers({ runs: 1000 });
const { compile, models, rand, setNumThreads } = require(plainLib());

async function collected() {
  for (let i = 0; i < 3; i++) {
    global.gc?.();
    await sleep(20);
  }
  return megabytes();
}

async function main() {
  setNumThreads(2);
  const session = compile(models.resnet18().eval(), { inputShapes: [SHAPE] });
  const inputs = Array.from({ length: REQUESTS }, () => rand(SHAPE));
  const results = inputs.map((x) => session.run(x).data);
  await session.runAsync(inputs[0]);

  const round = async () => {
    const order = [];
    let most = 0;
    const runs = inputs.map((x, i) =>
      session.runAsync(x).then(({ data }) => {
        order.push(i);
        most = Math.max(most, megabytes());
        expect(
          Buffer.compare(Buffer.from(data.buffer), Buffer.from(results[i].buffer)) === 0,
          `request ${i} got another result`,
        );
      }),
    );
    most = Math.max(most, megabytes());
    await Promise.all(runs);
    expect(
      order.every((request, i) => request === i),
      `order: ${order}`,
    );
    return most;
  };
  const before = await collected();
  const peaks = [await round(), await round(), await round()];
  console.log(
    `${REQUESTS} requests      ${before.toFixed(0)} MB before, at most ` +
      `${peaks.map((peak) => peak.toFixed(0)).join(', ')} MB meanwhile, in order`,
  );
  // Inputs and outputs are some 13 MB.
  expect(Math.max(...peaks) - before < 200, 'waiting requests hold more than they should');

  const delays = [];
  const abortAll = async (count) => {
    const controller = new AbortController();
    const { signal } = controller;
    const runs = Array.from({ length: count }, (_, i) =>
      session.runAsync(inputs[i], { signal }).then(
        () => 'result',
        (reason) => {
          delays.push(performance.now() - aborted);
          return reason === signal.reason ? 'aborted' : String(reason);
        },
      ),
    );
    if (count % 2 === 0) await new Promise(setImmediate);
    const aborted = performance.now();
    controller.abort();
    const outcomes = new Set(await Promise.all(runs));
    outcomes.delete('aborted');
    outcomes.delete('result'); // it was done before
    expect(outcomes.size === 0, [...outcomes].join());
  };
  await abortAll(REQUESTS);
  const start = await collected();
  for (let left = options.runs; left > 0; left -= REQUESTS)
    await abortAll(Math.min(left, REQUESTS));
  // What ran when it was aborted stops first.
  await session.runAsync(inputs[0]);
  const end = await collected();
  console.log(
    `${options.runs} aborted       settled after p50 ${quantile(delays, 0.5).toFixed(2)}, most ` +
      `${Math.max(...delays).toFixed(2)} ms; ${start.toFixed(0)} MB before, ${end.toFixed(0)} MB after`,
  );
  expect(end - start < 100, 'aborted runs leave memory behind');
  expect(quantile(delays, 0.5) < 1000, 'aborts wait for runs');
}

void main();
