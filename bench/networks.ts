/** Times whole networks, compiled, alone or against onnxruntime-node; `--help` shows the options. */
import { compile, setNumThreads, type Tensor } from '../lib';
import { machine, useInstructionSet } from './machine';
import { inProcess, interleave, NETWORK_PACE, relativeError, type Side } from './measure';
import { readArguments, type Settings, USAGE } from './network/arguments';
import { buildNetwork, inputOf, type Network } from './network/list';
import { Processes } from './network/memory';
import { profile } from './network/profile';
import {
  type MemoryRow,
  type NetworkReport,
  type NetworkRow,
  render,
  type SideFigures,
} from './network/report';
import { Exporter } from './peers/export';
import { createSession, ortVersion } from './peers/ort';
import { save } from './save';

/** Of the largest value; whole networks add up more rounding than layers do. */
const TOLERANCE = 1e-4;

/** What `body` returns, and how many milliseconds it took. */
function timed<T>(body: () => T): [result: T, ms: number] {
  const start = performance.now();
  const result = body();
  return [result, performance.now() - start];
}

async function measure(
  network: Network,
  batch: number,
  exporter: Exporter | undefined,
  settings: Settings,
): Promise<NetworkRow> {
  const model = buildNetwork(network);
  const x = inputOf(network, batch);
  const exported = await exporter?.export(network.name, model, x);
  const [session, compileMs] = timed(() => {
    const made = compile(model);
    made.prepare(x.shape);
    return made;
  });
  const [, firstMs] = timed(() => session.run(x));
  const sides: { name: 'nnconv' | 'eager' | 'peer'; side: Side }[] = [
    { name: 'nnconv', side: inProcess(() => session.run(x).data) },
  ];
  try {
    if (settings.eager) {
      sides.push({
        name: 'eager',
        side: inProcess(() => (model.forward as (x: Tensor) => Tensor)(x).data),
      });
    }
    if (exported) {
      const peer = await createSession(exported.model, settings.threads);
      const side = inProcess(peer.runner(x.data, x.shape));
      sides.push({ name: 'peer', side: { ...side, close: () => peer.release() } });
    }
    const figures: Partial<Record<'nnconv' | 'eager' | 'peer', SideFigures>> = {};
    const expected = exported?.expected ?? (await sides[0].side.output());
    const errors: number[] = [];
    for (const { name, side } of sides) {
      const error = relativeError(expected, await side.output());
      if (!(error <= TOLERANCE)) {
        throw new Error(`${network.name}: the result of ${name} is off by ${error} (relative)`);
      }
      errors.push(error);
    }
    const timings = await interleave(
      sides.map(({ side }) => side),
      settings.seconds,
      NETWORK_PACE,
    );
    for (const [i, { name }] of sides.entries()) {
      figures[name] = { timing: timings[i], ...(exported ? { error: errors[i] } : {}) };
    }
    const { steps, arenaBytes, packedBytes } = session.explain(x.shape);
    return {
      name: network.name,
      input: x.shape,
      macs: steps.reduce((total, { macs }) => total + macs, 0),
      steps: steps.length,
      ...{ arenaBytes, packedBytes, compileMs, firstMs },
      ...(figures as { nnconv: SideFigures }),
    };
  } finally {
    for (const { side } of sides) await side.close?.();
    session.dispose();
  }
}

async function memoryRow(
  network: Network,
  batch: number,
  exporter: Exporter,
  processes: Processes,
  { threads, alone }: Settings,
): Promise<MemoryRow> {
  const model = buildNetwork(network);
  const x = inputOf(network, batch);
  const request = { network: network.name, input: x.shape, threads };
  const weights = exporter.weights(network.name, model);
  const exported = alone ? undefined : await exporter.export(network.name, model, x);
  return {
    name: network.name,
    input: x.shape,
    weightBytes: 4 * [...model.parameters()].reduce((total, { numel }) => total + numel, 0),
    nnconv: processes.measure('nnconv', { ...request, file: weights }),
    ...(exported
      ? { peer: processes.measure('onnxruntime', { ...request, file: exported.model }) }
      : {}),
  };
}

async function run(settings: Settings, exporter: Exporter): Promise<NetworkReport> {
  const { filter, threads, alone, networks, batches } = settings;
  const peer = {
    name: 'onnxruntime-node',
    version: alone ? '' : ortVersion(),
    exporter: alone ? '' : await exporter.version(),
  };
  const report: NetworkReport = {
    ...machine(threads),
    ...(filter === '' ? {} : { filter }),
    ...(alone ? {} : { peer }),
    rows: [],
  };
  const processes = settings.memory ? new Processes() : undefined;
  try {
    if (processes) report.memory = [];
    for (const batch of batches) {
      for (const network of networks) {
        if (process.stderr.isTTY) process.stderr.write(`\r${network.name}\x1b[K`);
        if (processes) {
          report.memory!.push(await memoryRow(network, batch, exporter, processes, settings));
        } else {
          report.rows.push(await measure(network, batch, alone ? undefined : exporter, settings));
        }
      }
    }
  } finally {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    processes?.close();
  }
  return report;
}

async function main(): Promise<void> {
  const settings = readArguments(process.argv.slice(2), process.env);
  if (!settings) {
    console.log(USAGE);
    return;
  }
  if (settings.isa !== undefined) useInstructionSet(settings.isa);
  setNumThreads(settings.threads);
  if (settings.profile) {
    for (const network of settings.networks) {
      for (const batch of settings.batches) console.log(profile(network, batch, settings.seconds));
    }
    return;
  }
  const exporter = new Exporter(settings.python, settings.cache);
  try {
    const report = await run(settings, exporter);
    console.log(settings.json ? JSON.stringify(report, undefined, 2) : render(report));
    if (settings.save) {
      const { isa = '', filter, memory, eager, batches } = settings;
      const batch = batches.length === 1 && batches[0] === 1 ? '' : `b${batches.join('-')}`;
      const special = [
        'networks',
        isa,
        filter,
        memory ? 'memory' : '',
        eager ? 'eager' : '',
        batch,
      ];
      const named = special.filter((part) => part !== '');
      console.error(`saved ${save(report, named, render(report)).join(', ')}`);
    }
  } finally {
    await exporter.close();
  }
}

main().catch((error: unknown) => {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
