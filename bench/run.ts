/** Times convolution layers, alone or against peers in the same run; `--help` shows the options. */
import { execFileSync } from 'node:child_process';
import { manualSeed, randn, runtimeInfo, setNumThreads, version } from '../lib';
import { binding } from '../lib/binding';
import { readArguments, USAGE, type Settings } from './arguments';
import { coldSide } from './cold';
import { build, kindOf, loadLayers, neededMacs, type LayerCase } from './layers';
import { inProcess, interleave, relativeError, type Side, type Timing } from './measure';
import { PEERS, type Peer } from './peers';
import { render, type Report, type Row } from './report';
import { save } from './save';

/** Two float32 results that differ in reduction order only stay well inside this. */
const TOLERANCE = 1e-5;

function commit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, {
        cwd: __dirname,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
    const changed = git('status', '--porcelain', '--', '../lib', '../native') !== '';
    return git('rev-parse', '--short', 'HEAD') + (changed ? ' with changes' : '');
  } catch {
    return 'unknown';
  }
}

/** Loads the addon under this instruction set, which it chooses once for all. */
function useInstructionSet(isa: string): void {
  process.env.NNCONV_ISA = isa;
  try {
    runtimeInfo();
  } catch (error) {
    const { cause } = error as Error;
    throw new Error(`--isa: ${(cause instanceof Error ? cause : (error as Error)).message}`, {
      cause: error,
    });
  }
}

/** GFLOP/s of one thread; half a second, so that the clock gets to where it stays. */
function measurePeak(): number {
  return Math.max(...Array.from({ length: 5 }, () => binding().fmaPeak(0.1)));
}

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
  const info = runtimeInfo();
  const report: Report = {
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
    nnconv: version,
    cpu: info.cpu,
    isa: info.isa,
    compiler: info.compiler,
    node: process.versions.node,
    threads: settings.threads,
    peak: measurePeak(),
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
      console.error(
        `saved ${save(
          report,
          special.filter((part) => part !== ''),
        ).join(', ')}`,
      );
    }
  } finally {
    for (const peer of peers) await peer.close();
  }
}

main().catch((error: unknown) => {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
