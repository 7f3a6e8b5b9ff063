/**
 * Requests that wait, and runs that take several of them at once. Results don't depend on who shares a
 * run: the library gives the same bits for every batch.
 */
import { unavailable } from './http-error';
import type { OutputTensor } from './protocol/response';
import type { Inputs } from './staging';

/** A run under way. */
export interface Running {
  readonly outputs: Promise<readonly OutputTensor[]>;
  /** Rejects the outputs as soon as the run has stopped. */
  cancel(): void;
}

/** Runs the model for these requests, of so many rows in all, with one call of the compiled session. */
export type Run = (requests: readonly Inputs[], rows: number) => Running;

/** What a batcher tells of its work. */
export interface BatchEvents {
  onStart?(batch: BatchInfo): void;
  onEnd?(batch: BatchInfo, error: unknown): void;
}

export interface BatchInfo {
  /** Rows, over all requests. */
  readonly rows: number;
  /** What the requests were submitted with. */
  readonly contexts: readonly unknown[];
  /** `performance.now()` at the start of the run. */
  readonly startedAt: number;
  /** Milliseconds that each request has waited. */
  readonly waits: readonly number[];
}

export interface BatcherOptions {
  run: Run;
  /** Whether the first dimension of all inputs and outputs is the batch. */
  batched: boolean;
  /** Rows of one run. */
  maxBatchSize: number;
  /** How long a request may wait for others while nothing runs. */
  maxDelayMs: number;
  /** Requests that may wait. */
  maxQueue: number;
  events?: BatchEvents;
}

interface Job {
  readonly inputs: Inputs;
  /** Requests with the same one can share a run. */
  readonly key: string;
  readonly rows: number;
  readonly context: unknown;
  readonly submittedAt: number;
  readonly resolve: (outputs: readonly OutputTensor[]) => void;
  readonly reject: (error: unknown) => void;
  batch?: Batch;
  settled: boolean;
}

interface Batch {
  readonly jobs: readonly Job[];
  running?: Running;
  /** Jobs that somebody still waits for. */
  wanted: number;
  /** Why it was cancelled. */
  reason?: unknown;
}

export interface Ticket {
  readonly result: Promise<readonly OutputTensor[]>;
  /**
   * Rejects the result with `reason`. A request that waits never runs; a run that nobody waits for
   * any more is aborted. Does nothing where the result is there.
   */
  cancel(reason: unknown): void;
}

/** Batches under way, in full ones: one that computes, and one that is ready for when it is done. */
const MOST_BATCHES = 2;
/**
 * Rows that are worth a run of their own although more would fit: the model computes them while the
 * event loop reads the next requests and writes the answers before.
 */
const ENOUGH_ROWS = 16;
/** Up to this every size of a batch has its own plan; above it powers of two have. */
const EVERY_SIZE = 8;
/** How much the last run counts in the average. */
const SMOOTHING = 0.2;

export class Batcher {
  readonly #options: BatcherOptions;
  /** In the order in which they came. */
  readonly #waiting = new Set<Job>();
  readonly #batches = new Set<Batch>();
  #rowsWaiting = 0;
  #rowsRunning = 0;
  #scheduled = false;
  #timer: NodeJS.Timeout | undefined;
  #idle: (() => void)[] = [];
  #secondsPerRequest = 0;

  constructor(options: BatcherOptions) {
    this.#options = options;
  }

  /** Rows that may be under way. */
  get #mostRows(): number {
    const { batched, maxBatchSize } = this.#options;
    return MOST_BATCHES * (batched ? maxBatchSize : 1);
  }

  /** Requests that wait. */
  get queued(): number {
    return this.#waiting.size;
  }

  /** Whether another request would be refused. */
  get full(): boolean {
    return this.#waiting.size >= this.#options.maxQueue;
  }

  /** The error for a request that there is no room for. */
  fullError(): Error {
    const seconds = Math.ceil(this.#secondsPerRequest * this.#waiting.size);
    return unavailable(
      `${this.#waiting.size} requests wait for this model, which is the limit`,
      Math.min(Math.max(seconds, 1), 60),
    );
  }

  /**
   * Queues a request.
   *
   * @param context handed to the events of its batch
   * @throws HttpError 503 where the queue is full
   */
  submit(inputs: Inputs, context?: unknown): Ticket {
    if (this.full) throw this.fullError();
    const { batched } = this.#options;
    let job!: Job;
    const result = new Promise<readonly OutputTensor[]>((resolve, reject) => {
      job = {
        inputs,
        key: batched ? inputs.map(({ shape }) => shape.slice(1).join()).join(';') : '',
        rows: batched ? inputs[0].shape[0] : 1,
        context,
        submittedAt: performance.now(),
        resolve,
        reject,
        settled: false,
      };
    });
    this.#waiting.add(job);
    this.#rowsWaiting += job.rows;
    const enough = this.#rowsWaiting >= ENOUGH_ROWS;
    if (enough && this.#rowsRunning + ENOUGH_ROWS <= this.#mostRows) this.#pump();
    else this.#schedule();
    return { result, cancel: (reason) => this.#cancel(job, reason) };
  }

  /** Resolves when nothing waits and nothing runs. */
  async idle(): Promise<void> {
    if (this.#waiting.size === 0 && this.#batches.size === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Gives up all that waits and runs. */
  abortAll(reason: unknown): void {
    const running = [...this.#batches].flatMap(({ jobs }) => jobs);
    for (const job of [...this.#waiting, ...running]) this.#cancel(job, reason);
  }

  #cancel(job: Job, reason: unknown): void {
    if (job.settled) return;
    job.settled = true;
    job.reject(reason);
    if (this.#waiting.delete(job)) {
      this.#rowsWaiting -= job.rows;
      if (this.#waiting.size === 0) clearTimeout(this.#timer);
      this.#checkIdle();
    }
    const { batch } = job;
    if (batch && --batch.wanted === 0) {
      batch.reason = reason;
      batch.running?.cancel();
    }
  }

  /** Looks for work once all requests that have arrived by now are read. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    const { maxDelayMs } = this.#options;
    while (this.#waiting.size > 0) {
      const { jobs, rows, full } = this.#next();
      const running = this.#batches.size > 0;
      if (running && this.#rowsRunning + rows > this.#mostRows) return;
      if (!full) {
        // While something runs, more may come; what is taken now could not start anyway.
        if (running && (rows < ENOUGH_ROWS || maxDelayMs > 0)) return;
        const left = running ? 0 : jobs[0].submittedAt + maxDelayMs - performance.now();
        if (left > 0) {
          this.#timer = setTimeout(() => this.#pump(), left);
          return;
        }
      }
      this.#start(jobs, rows);
    }
  }

  /** The oldest request and those that can share its run. */
  #next(): { jobs: Job[]; rows: number; full: boolean } {
    const { batched, maxBatchSize } = this.#options;
    const [first] = this.#waiting;
    if (!batched) return { jobs: [first], rows: 1, full: true };
    const jobs: Job[] = [];
    let rows = 0;
    let fit = 1;
    let fitRows = first.rows;
    let full = false;
    for (const job of this.#waiting) {
      if (job.key !== first.key) continue;
      if (rows + job.rows > maxBatchSize) {
        full = true;
        break;
      }
      rows += job.rows;
      jobs.push(job);
      if (isPlanned(rows, maxBatchSize)) {
        fit = jobs.length;
        fitRows = rows;
      }
      if (rows === maxBatchSize) {
        full = true;
        break;
      }
    }
    return { jobs: jobs.slice(0, fit), rows: fitRows, full };
  }

  #start(jobs: readonly Job[], rows: number): void {
    const batch: Batch = { jobs, wanted: jobs.length };
    for (const job of jobs) {
      this.#waiting.delete(job);
      job.batch = batch;
    }
    this.#rowsWaiting -= rows;
    this.#rowsRunning += rows;
    this.#batches.add(batch);
    const startedAt = performance.now();
    const info: BatchInfo = {
      rows,
      contexts: jobs.map(({ context }) => context),
      startedAt,
      waits: jobs.map(({ submittedAt }) => startedAt - submittedAt),
    };
    this.#options.events?.onStart?.(info);
    batch.running = this.#run(
      jobs.map(({ inputs }) => inputs),
      rows,
    );
    batch.running.outputs.then(
      (outputs) => this.#end(batch, info, undefined, outputs),
      (error: unknown) => this.#end(batch, info, batch.reason ?? error),
    );
  }

  #run(requests: readonly Inputs[], rows: number): Running {
    try {
      return this.#options.run(requests, rows);
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error));
      return { outputs: Promise.reject(reason), cancel: () => undefined };
    }
  }

  #end(batch: Batch, info: BatchInfo, error: unknown, outputs?: readonly OutputTensor[]): void {
    const seconds = (performance.now() - info.startedAt) / 1000 / batch.jobs.length;
    this.#secondsPerRequest += SMOOTHING * (seconds - this.#secondsPerRequest);
    this.#batches.delete(batch);
    this.#rowsRunning -= info.rows;
    // The next run first: it computes while answers are written.
    this.#pump();
    this.#options.events?.onEnd?.(info, error);
    let row = 0;
    for (const job of batch.jobs) {
      const from = row;
      row += job.rows;
      if (job.settled) continue;
      job.settled = true;
      if (outputs === undefined) job.reject(error);
      else job.resolve(batch.jobs.length === 1 ? outputs : rowsOf(outputs, from, row, info.rows));
    }
    this.#checkIdle();
  }

  #checkIdle(): void {
    if (this.#waiting.size > 0 || this.#batches.size > 0) return;
    const waiters = this.#idle;
    this.#idle = [];
    for (const resolve of waiters) resolve();
  }
}

/** Whether a batch of `rows` is run as it is, and not cut where a smaller one is planned for. */
function isPlanned(rows: number, maxBatchSize: number): boolean {
  return maxBatchSize <= EVERY_SIZE || rows === maxBatchSize || (rows & (rows - 1)) === 0;
}

/** The sizes of batches that runs have, where requests have one row each. */
export function plannedSizes(maxBatchSize: number): number[] {
  return Array.from({ length: maxBatchSize }, (_, index) => index + 1).filter((rows) =>
    isPlanned(rows, maxBatchSize),
  );
}

/** The rows of one job of a batch. */
function rowsOf(
  outputs: readonly OutputTensor[],
  from: number,
  to: number,
  rows: number,
): readonly OutputTensor[] {
  return outputs.map(({ data, shape: [, ...inner] }) => {
    const size = data.length / rows;
    return { data: data.subarray(from * size, to * size), shape: [to - from, ...inner] };
  });
}
