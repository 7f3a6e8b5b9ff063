/** Requests by autocannon. */

/** What of autocannon is used; it brings no types. */
interface Result {
  duration: number;
  errors: number;
  timeouts: number;
  latency: { p50: number; p99: number; max: number };
  statusCodeStats: Record<string, { count: number }>;
}
// eslint-disable-next-line @typescript-eslint/no-require-imports
const autocannon = require('autocannon') as (options: object) => Promise<Result>;

export interface Target {
  url: string;
  headers: Record<string, string>;
  body: Buffer;
}

export interface Load {
  connections: number;
  seconds: number;
  /** Requests a second; as many as come through where undefined. */
  rate?: number;
}

export interface Outcome {
  /** Answers with 200, a second. */
  rate: number;
  answers: number;
  statuses: Record<string, number>;
  /** Connections that broke, and requests without an answer. */
  errors: number;
  p50: number;
  p99: number;
}

export async function fire(target: Target, { connections, seconds, rate }: Load): Promise<Outcome> {
  const result = await autocannon({
    ...target,
    method: 'POST',
    connections,
    duration: seconds,
    timeout: 60,
    ...(rate === undefined ? {} : { overallRate: Math.max(1, Math.round(rate)) }),
  });
  const statuses = Object.fromEntries(
    Object.entries(result.statusCodeStats).map(([status, { count }]) => [status, count]),
  );
  const answers = statuses['200'] ?? 0;
  return {
    rate: answers / result.duration,
    answers,
    statuses,
    errors: result.errors + result.timeouts,
    p50: result.latency.p50,
    p99: result.latency.p99,
  };
}
