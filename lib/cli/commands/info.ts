/** `nnconv info`. */
import type { Command } from 'commander';

import { runtimeInfo } from '../../runtime';
import { table } from '../table';
import { colors, print, printJson } from '../terminal';
import { measurePeak } from '../measure';

interface Options {
  peak?: boolean;
  json?: boolean;
}

const HELP = `
Examples:
  nnconv info
  nnconv info --peak           how fast one thread can multiply and accumulate
  NNCONV_ISA=avx2 nnconv info  what another instruction set would bring
  nnconv info --json | jq -r .isa`;

const size = (bytes: number): string =>
  bytes === 0 ? 'unknown' : bytes < 2 ** 20 ? `${bytes / 2 ** 10} KiB` : `${bytes / 2 ** 20} MiB`;

async function info({ peak = false, json = false }: Options): Promise<void> {
  const found = runtimeInfo();
  const result = {
    ...found,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    ...(peak ? { peakGflops: await measurePeak() } : {}),
  };
  if (json) {
    printJson(result);
    return;
  }
  const rows = [
    ['nnconv', found.version],
    ['Node', `${result.node}, ${result.platform}`],
    ['compiler', found.compiler],
    ['CPU', found.cpu],
    ['instruction set', `${found.isa} (this CPU can run ${found.isaAvailable.join(', ')})`],
    ['threads', `${found.threads} (${found.threadsReason})`],
    ['caches', `L1 ${size(found.l1Bytes)}, L2 ${size(found.l2Bytes)}, L3 ${size(found.l3Bytes)}`],
  ];
  if (result.peakGflops !== undefined) {
    rows.push(['FMA peak', `${result.peakGflops.toFixed(1)} GFLOP/s of one thread`]);
  }
  print(table(rows.map(([name, value]) => [colors.bold(name), value])));
}

export function configure(command: Command): void {
  command
    .description(
      'Prints what this machine and this build can do: CPU, instruction set, threads and why.',
    )
    .option('--peak', 'measure how fast one thread can multiply and accumulate (half a second)')
    .option('--json', 'print one JSON value')
    .addHelpText('after', HELP)
    .action(info);
}
