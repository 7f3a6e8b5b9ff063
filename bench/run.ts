/** Times convolution layers, alone or against peers in the same run; `--help` shows the options. */
import { manualSeed, randn, setNumThreads } from '../lib';
import { readArguments, USAGE, type Settings } from './arguments';
import { coldSide } from './cold';
import { build, kindOf, loadLayers, neededMacs, type LayerCase } from './layers';
import { machine, useInstructionSet } from './machine';
import { inProcess, interleave, relativeError, type Side, type Timing } from './measure';
import { PEERS, type Peer } from './peers';
import { plot } from './plot';
import { render, type Report, type Row } from './report';
import { save } from './save';

/** Two float32 results that differ in reduction order only stay well inside this. */
const TOLERANCE = 1e-5;

async function measure(layer: LayerCase, peers: Peer[], settings: Settings): Promise<Row> {
  manualSeed(0);
  const conv = build(layer);
  const x = randn(layer.input);
  const sides: Side[] = [inProcess(() => conv.forward(x).data)];
  try {
    const expected = await sides[0].output();
    for (const peer of peers) {
      const side = await peer.prepare(layer, conv, x, settings.threads);
      sides.push(side);
      const error = relativeError(expected, await side.output());
      if (!(error <= TOLERANCE)) {
        throw new Error(`${layer.name}: results differ from ${peer.name}'s by ${error} (relative)`);
      }
    }
    const cold = settings.cold ? coldSide(layer, conv, x) : undefined;
    if (cold) sides.push(cold);
    const [nnconv, ...others] = await interleave(sides, settings.seconds);
    const timings: Record<string, Timing> = {};
    for (const [i, { name }] of peers.entries()) timings[name] = others[i];
    return {
      name: layer.name,
      network: layer.network,
      kind: kindOf(layer),
      algorithm: conv.explain(layer.input).algorithm,
      macs: neededMacs(layer, conv.outputShape(layer.input)),
      nnconv,
      ...(cold ? { cold: others[peers.length] } : {}),
      peers: timings,
    };
  } finally {
    for (const side of sides) await side.close?.();
  }
}

async function run(settings: Settings, peers: Peer[]): Promise<Report> {
  const layers = loadLayers(settings.shapes, settings.filter);
  if (layers.length === 0) {
    throw new Error(
      `--filter: no layer of ${settings.shapes.join(', ')} has '${settings.filter}' in its name, ` +
        'network or kind',
    );
  }
  if (settings.isa !== undefined) useInstructionSet(settings.isa);
  setNumThreads(settings.threads);
  const versions: Report['peers'] = [];
  for (const peer of peers) versions.push({ name: peer.name, version: await peer.version() });
  const report: Report = {
    ...machine(settings.threads),
    shapes: settings.shapes,
    ...(settings.filter === '' ? {} : { filter: settings.filter }),
    peers: versions,
    rows: [],
  };
  const progress = (text: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r${text}`);
  };
  for (const layer of layers) {
    progress(`${report.rows.length}/${layers.length}`);
    report.rows.push(await measure(layer, peers, settings));
  }
  progress('');
  return report;
}

async function main(): Promise<void> {
  const settings = readArguments(process.argv.slice(2), process.env);
  if (!settings) {
    console.log(USAGE);
    return;
  }
  const peers = settings.peers.map((name) => PEERS[name](settings.python));
  try {
    const report = await run(settings, peers);
    console.log(settings.json ? JSON.stringify(report, undefined, 2) : render(report));
    if (settings.save) {
      const shapes = settings.shapes.join('-');
      const special = [
        settings.isa ?? '',
        shapes === 'layers' ? '' : shapes,
        settings.filter,
        settings.cold ? 'cold' : '',
      ];
      const named = special.filter((part) => part !== '');
      const files = save(report, named, render(report), () => plot(report));
      console.error(`saved ${files.join(', ')}`);
    }
  } finally {
    for (const peer of peers) await peer.close();
  }
}

main().catch((error: unknown) => {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
