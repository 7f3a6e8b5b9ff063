/** What Prometheus is told, by a registry of each service's own. */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

import { Counter, Gauge, Histogram, Registry } from 'prom-client';

import type { BatchInfo } from './batcher';
import type { ServedModel } from './model';
import type { ModelSpec } from './spec';

type Named = Pick<ModelSpec, 'name' | 'version'>;

/** Why a request was turned away before it was queued. */
export type Rejection = 'queue_full' | 'memory' | 'draining';

const MODEL_LABELS = ['model', 'version'] as const;
/** Seconds: from a small model's run to a deadline. */
const SECONDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];
const ROWS = [1, 2, 3, 4, 6, 8, 12, 16, 32, 64];
const QUANTILES = [50, 90, 99];
const LOOP_RESOLUTION_MS = 10;

export class Metrics {
  readonly registry = new Registry();
  readonly #requests: Counter<'model' | 'version' | 'route' | 'status'>;
  readonly #latency: Histogram<'model' | 'version' | 'route'>;
  readonly #rejected: Counter<'model' | 'version' | 'reason'>;
  readonly #waits: Histogram<'model' | 'version'>;
  readonly #runs: Histogram<'model' | 'version'>;
  readonly #rows: Histogram<'model' | 'version'>;
  readonly #loop: IntervalHistogram;

  /** @param sources what gauges look at when they are read */
  constructor(sources: { models(): readonly ServedModel[]; active(): number; buffered(): number }) {
    const registers = [this.registry];
    const histogram = <L extends string>(
      name: string,
      help: string,
      buckets: number[],
      labelNames: readonly L[],
    ): Histogram<L> => new Histogram({ name, help, buckets, labelNames, registers });

    this.#requests = new Counter({
      name: 'nnconv_requests_total',
      help: 'Requests to infer and classify that have been answered, or left by their client (499).',
      labelNames: [...MODEL_LABELS, 'route', 'status'],
      registers,
    });
    this.#latency = histogram(
      'nnconv_request_duration_seconds',
      'From the headers of a request to the end of its answer.',
      SECONDS,
      [...MODEL_LABELS, 'route'] as const,
    );
    this.#rejected = new Counter({
      name: 'nnconv_rejected_total',
      help: 'Requests that were turned away with 503.',
      labelNames: [...MODEL_LABELS, 'reason'],
      registers,
    });
    this.#waits = histogram(
      'nnconv_queue_duration_seconds',
      'How long a request waited for its run.',
      SECONDS,
      MODEL_LABELS,
    );
    this.#runs = histogram(
      'nnconv_run_duration_seconds',
      'How long a run took, waiting for the one before it included.',
      SECONDS,
      MODEL_LABELS,
    );
    this.#rows = histogram('nnconv_batch_size', 'Rows of a run.', ROWS, MODEL_LABELS);

    const gauge = (name: string, help: string, value: () => number): void => {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value());
        },
      });
    };
    new Gauge({
      name: 'nnconv_queue_length',
      help: 'Requests that wait for a run.',
      labelNames: MODEL_LABELS,
      registers,
      collect() {
        this.reset();
        for (const { spec, batcher } of sources.models()) this.set(labels(spec), batcher.queued);
      },
    });
    gauge('nnconv_requests_active', 'Requests that are being read or worked on.', () =>
      sources.active(),
    );
    gauge('nnconv_buffered_bytes', 'Bytes reserved for the bodies of these requests.', () =>
      sources.buffered(),
    );

    this.#loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
    this.#loop.enable();
    const loop = this.#loop;
    new Gauge({
      name: 'nodejs_eventloop_delay_seconds',
      help: 'Delay of the event loop since it was last asked for, by quantile; 1 is the largest.',
      labelNames: ['quantile'] as const,
      registers,
      collect() {
        for (const percent of QUANTILES) {
          this.set({ quantile: percent / 100 }, delay(loop.percentile(percent)));
        }
        this.set({ quantile: 1 }, delay(loop.max));
        loop.reset();
      },
    });
    gauge('process_resident_memory_bytes', 'Memory of the process.', () =>
      process.memoryUsage.rss(),
    );
    gauge('nodejs_heap_used_bytes', 'JavaScript objects.', () => process.memoryUsage().heapUsed);
    gauge(
      'nodejs_external_memory_bytes',
      'Memory outside of the heap that JavaScript objects hold: tensors, weights.',
      () => process.memoryUsage().external,
    );
    gauge('process_cpu_seconds', 'CPU time of the process since its start.', () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    });
  }

  answered(model: Named, route: string, status: number, seconds: number): void {
    this.#requests.inc({ ...labels(model), route, status });
    this.#latency.observe({ ...labels(model), route }, seconds);
  }

  rejected(model: Named, reason: Rejection): void {
    this.#rejected.inc({ ...labels(model), reason });
  }

  ran(model: Named, { rows, waits }: BatchInfo, seconds: number): void {
    const names = labels(model);
    this.#rows.observe(names, rows);
    this.#runs.observe(names, seconds);
    for (const wait of waits) this.#waits.observe(names, wait / 1000);
  }

  close(): void {
    this.#loop.disable();
    this.registry.clear();
  }
}

/** What is measured, in nanoseconds, is the time between two ticks of a timer; in seconds. */
function delay(between: number): number {
  return Math.max(0, between / 1e9 - LOOP_RESOLUTION_MS / 1000);
}

function labels({ name, version }: Named): { model: string; version: string } {
  return { model: name, version };
}
