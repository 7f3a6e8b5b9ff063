/**
 * Times the layers of `shapes/layers.json`, alone or against a peer in the same run.
 *
 *   npx ts-node bench/run.ts [--threads 1] [--filter rn50] [--seconds 1] [--json] [--save]
 *                            [--peer onnxruntime-node]
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { manualSeed, randn, runtimeInfo, setNumThreads, version } from '../lib';
import { build, loadLayers, type LayerCase } from './layers';
import { interleave, relativeError, type Run } from './measure';
import * as onnxruntime from './peers/onnxruntime';
import { render, type Report, type Row } from './report';

const PEERS: Record<string, typeof onnxruntime> = { [onnxruntime.name]: onnxruntime };
/** Two float32 results that differ in reduction order only stay well inside this. */
const TOLERANCE = 1e-5;

function commit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { cwd: __dirname, encoding: 'utf8' }).trim();
    const changed = git('status', '--porcelain', '--', '../lib', '../native') !== '';
    return git('rev-parse', '--short', 'HEAD') + (changed ? ' with changes' : '');
  } catch {
    return 'unknown';
  }
}

async function measure(
  layer: LayerCase,
  peer: typeof onnxruntime | undefined,
  threads: number,
  seconds: number,
): Promise<Row> {
  manualSeed(0);
  const conv = build(layer);
  const x = randn(layer.input);
  const runs: Run[] = [() => conv.forward(x).data];
  if (peer) {
    runs.push(await peer.prepare(layer, conv, x, threads));
    const error = relativeError(await runs[0](), await runs[1]());
    if (!(error <= TOLERANCE)) {
      throw new Error(`${layer.name}: results differ from ${peer.name}'s by ${error} (relative)`);
    }
  }
  const { algorithm, macs } = conv.explain(layer.input);
  const [ours, theirs] = await interleave(runs, seconds);
  const row: Row = { name: layer.name, network: layer.network, algorithm, macs, nnconv: ours };
  return theirs ? { ...row, peer: theirs } : row;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      threads: { type: 'string', default: '1' },
      filter: { type: 'string', default: '' },
      seconds: { type: 'string', default: '1' },
      peer: { type: 'string' },
      json: { type: 'boolean', default: false },
      save: { type: 'boolean', default: false },
    },
  });
  const peer = PEERS[values.peer ?? ''] as typeof onnxruntime | undefined;
  if (values.peer !== undefined && !peer) {
    throw new Error(`no peer '${values.peer}'; there is: ${Object.keys(PEERS).join(', ')}`);
  }
  const layers = loadLayers(values.filter);
  if (layers.length === 0) throw new Error(`no layer's name contains '${values.filter}'`);
  const seconds = Number(values.seconds);
  if (!(seconds > 0)) throw new Error(`--seconds must be positive, got '${values.seconds}'`);
  const threads = Number(values.threads);
  setNumThreads(threads);

  const info = runtimeInfo();
  const report: Report = {
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
    nnconv: version,
    cpu: info.cpu,
    isa: info.isa,
    compiler: info.compiler,
    node: process.versions.node,
    threads,
    ...(peer ? { peer: `${peer.name} ${peer.version()}` } : {}),
    rows: [],
  };
  for (const layer of layers) {
    report.rows.push(await measure(layer, peer, threads, seconds));
    if (process.stderr.isTTY) process.stderr.write(`\r${report.rows.length}/${layers.length}`);
  }
  if (process.stderr.isTTY) process.stderr.write('\r');

  console.log(values.json ? JSON.stringify(report, undefined, 2) : render(report));
  if (values.save) {
    const slug = info.cpu
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '');
    const file = path.join(__dirname, 'results', `${report.date}-${slug}-${threads}t`);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(`${file}.json`, `${JSON.stringify(report, undefined, 2)}\n`);
    fs.writeFileSync(`${file}.md`, `${render(report)}\n`);
    console.error(`saved ${path.relative(process.cwd(), file)}.json and .md`);
  }
}

main().catch((error: unknown) => {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
