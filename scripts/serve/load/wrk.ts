/** Requests by wrk, which takes a tenth of the CPU that a client in JavaScript does. */
import { execFile, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';

import type { Load, Outcome, Target } from './fire';

export const hasWrk = spawnSync('wrk', ['-v'], { stdio: 'ignore' }).error === undefined;

/** Posts the body, and prints what it counted as JSON. */
const script = (headers: Record<string, string>, file: string): string => `
wrk.method = "POST"
local file = io.open(${JSON.stringify(file)}, "rb")
wrk.body = file:read("*a")
file:close()
${Object.entries(headers)
  .map(([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`)
  .join('\n')}
done = function(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"seconds": %f, "answers": %d, "refused": %d, "errors": %d, "p50": %f, "p99": %f}',
    summary.duration / 1e6, summary.requests, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
`;

interface Counted {
  seconds: number;
  answers: number;
  refused: number;
  errors: number;
  p50: number;
  p99: number;
}

/** As `fire`, with as many requests as come through. */
export async function fireWrk(
  { url, headers, body }: Target,
  { connections, seconds }: Omit<Load, 'rate'>,
): Promise<Outcome> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nnconv-wrk-'));
  try {
    const [code, data] = ['post.lua', 'body'].map((name) => path.join(folder, name));
    fs.writeFileSync(data, body);
    fs.writeFileSync(code, script(headers, data));
    const load = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--timeout', '60s'];
    const { stdout } = await promisify(execFile)('wrk', [...load, '-s', code, url]);
    const counted = JSON.parse(stdout.trim().split('\n').at(-1)!) as Counted;
    const answers = counted.answers - counted.refused;
    return {
      rate: answers / counted.seconds,
      answers,
      statuses: { 200: answers, ...(counted.refused > 0 ? { other: counted.refused } : {}) },
      errors: counted.errors,
      p50: Number(counted.p50.toFixed(1)),
      p99: Number(counted.p99.toFixed(1)),
    };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
