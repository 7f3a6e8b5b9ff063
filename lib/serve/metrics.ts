/** What Prometheus is told, by a registry of each service's own. */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

import { Counter, Gauge, Registry } from 'prom-client';

import type { BatchInfo } from './batcher';
import type { ServedModel } from './model';
import type { ModelSpec } from './spec';
import { type Series, Tally } from './tally';

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
  readonly #rejected: Counter<'model' | 'version' | 'reason'>;
  readonly #latency: Tally;
  readonly #waits: Tally;
  readonly #runs: Tally;
  readonly #rows: Tally;
  readonly #tallies = new Map<string, ModelTallies>();
  /** The same, by what was asked with: a spec, mostly. */
  readonly #known = new WeakMap<Named, ModelTallies>();
  readonly #loop: IntervalHistogram;

  /** @param sources what gauges look at when they are read */
  constructor(sources: { models(): readonly ServedModel[]; active(): number; buffered(): number }) {
    const { registry } = this;
    const registers = [registry];
    const counted = this.#tallies;
    new Counter({
      name: 'nnconv_requests_total',
      help: 'Requests to infer and classify that have been answered, or left by their client (499).',
      labelNames: [...MODEL_LABELS, 'route', 'status'],
      registers,
      collect() {
        for (const tallies of counted.values()) tallies.takeAnswers((...args) => this.inc(...args));
      },
    });
    this.#latency = new Tally(
      'nnconv_request_duration_seconds',
      'From the headers of a request to the end of its answer.',
      SECONDS,
      registry,
    );
    this.#rejected = new Counter({
      name: 'nnconv_rejected_total',
      help: 'Requests that were turned away with 503.',
      labelNames: [...MODEL_LABELS, 'reason'],
      registers,
    });
    this.#waits = new Tally(
      'nnconv_queue_duration_seconds',
      'How long a request waited for its run.',
      SECONDS,
      registry,
    );
    this.#runs = new Tally(
      'nnconv_run_duration_seconds',
      'How long a run took, waiting for the one before it included.',
      SECONDS,
      registry,
    );
    this.#rows = new Tally('nnconv_batch_size', 'Rows of a run.', ROWS, registry);

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
    this.#of(model).answered(route, status, seconds);
  }

  rejected(model: Named, reason: Rejection): void {
    this.#rejected.inc({ ...labels(model), reason });
  }

  ran(model: Named, { rows, waits }: BatchInfo, seconds: number): void {
    const tallies = this.#of(model);
    tallies.rows.observe(rows);
    tallies.runs.observe(seconds);
    for (const wait of waits) tallies.waits.observe(wait / 1000);
  }

  #of(model: Named): ModelTallies {
    let tallies = this.#known.get(model);
    if (tallies !== undefined) return tallies;
    const names = labels(model);
    // A model that is loaded anew goes on counting.
    const key = JSON.stringify(names);
    tallies = this.#tallies.get(key);
    if (tallies === undefined) {
      tallies = new ModelTallies(names, {
        latency: this.#latency,
        waits: this.#waits.series(names),
        runs: this.#runs.series(names),
        rows: this.#rows.series(names),
      });
      this.#tallies.set(key, tallies);
    }
    this.#known.set(model, tallies);
    return tallies;
  }

  close(): void {
    this.#loop.disable();
    this.registry.clear();
  }
}

type Answered = 'model' | 'version' | 'route' | 'status';

/** What is counted of one version of a model. */
class ModelTallies {
  readonly waits: Series;
  readonly runs: Series;
  readonly rows: Series;
  readonly #labels: ReturnType<typeof labels>;
  readonly #latency: Tally;
  /** By route. */
  readonly #routes = new Map<string, { latency: Series; answers: Map<number, number> }>();

  constructor(
    names: ReturnType<typeof labels>,
    of: { latency: Tally; waits: Series; runs: Series; rows: Series },
  ) {
    this.#labels = names;
    this.#latency = of.latency;
    this.waits = of.waits;
    this.runs = of.runs;
    this.rows = of.rows;
  }

  answered(route: string, status: number, seconds: number): void {
    let counts = this.#routes.get(route);
    if (counts === undefined) {
      counts = { latency: this.#latency.series({ ...this.#labels, route }), answers: new Map() };
      this.#routes.set(route, counts);
    }
    counts.latency.observe(seconds);
    counts.answers.set(status, (counts.answers.get(status) ?? 0) + 1);
  }

  /** Answers since the last time. */
  takeAnswers(inc: (labels: Record<Answered, string>, count: number) => void): void {
    for (const [route, { answers }] of this.#routes) {
      for (const [status, count] of answers) {
        inc({ ...this.#labels, route, status: String(status) }, count);
      }
      answers.clear();
    }
  }
}

/** What is measured, in nanoseconds, is the time between two ticks of a timer; in seconds. */
function delay(between: number): number {
  return Math.max(0, between / 1e9 - LOOP_RESOLUTION_MS / 1000);
}

function labels({ name, version }: Named): { model: string; version: string } {
  return { model: name, version };
}
