/** Where a compiled network's time goes. */
import { compile, type Profile } from '../../lib';
import { table } from '../table';
import { buildNetwork, inputOf, type Network } from './list';

interface Sum {
  steps: number;
  seconds: number;
  macs: number;
}

/** What sort of work a step is: what it computes, without what was fused, and how. */
function kindOf({ operation, algorithm }: Profile['steps'][number]): string {
  return `${operation.split('+')[0]} ${algorithm}`.trim();
}

/** Steps by kind, from that which takes most time on. */
function kindTable(steps: Profile['steps'], seconds: readonly number[]): string[] {
  const sums = new Map<string, Sum>();
  for (const [i, step] of steps.entries()) {
    const sum = sums.get(kindOf(step)) ?? { steps: 0, seconds: 0, macs: 0 };
    sum.steps += 1;
    sum.seconds += seconds[i];
    sum.macs += step.macs;
    sums.set(kindOf(step), sum);
  }
  const total = seconds.reduce((all, step) => all + step, 0);
  const cells = [...sums]
    .sort(([, a], [, b]) => b.seconds - a.seconds)
    .map(([kind, sum]) => [
      kind,
      String(sum.steps),
      (sum.seconds * 1e3).toFixed(3),
      ((100 * sum.seconds) / total).toFixed(1),
      sum.macs > 0 ? ((2 * sum.macs) / sum.seconds / 1e9).toFixed(1) : '',
    ]);
  return table(['kind', 'steps', 'ms', '%', 'GFLOP/s'], cells, 1);
}

/** The steps of a network, and their kinds with the least times found in so many seconds. */
export function profile(network: Network, batch: number, seconds: number): string {
  const session = compile(buildNetwork(network));
  try {
    const x = inputOf(network, batch);
    session.run(x);
    const end = performance.now() + seconds * 1e3;
    let best = session.profile(x);
    let least = best.seconds;
    while (performance.now() < end) {
      const next = session.profile(x);
      least = least.map((step, i) => Math.min(step, next.seconds[i]));
      if (next.total < best.total) best = next;
    }
    const title = `${network.name} ${x.shape.join('x')}`;
    return [title, '', String(best), '', ...kindTable(best.steps, least), ''].join('\n');
  } finally {
    session.dispose();
  }
}
