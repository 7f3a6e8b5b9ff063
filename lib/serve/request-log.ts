/** The logs of requests. */
import type { FastifyBaseLogger } from 'fastify';

type Bindings = Parameters<FastifyBaseLogger['child']>[0];
type ChildLoggerOptions = Parameters<FastifyBaseLogger['child']>[1];
type Write = FastifyBaseLogger['info'];

/**
 * A child of a logger that is made when it is first asked for anything: most requests write no line, and
 * pino's children take a small request a twentieth of its time.
 */
export class LazyLog implements FastifyBaseLogger {
  readonly #parent: FastifyBaseLogger;
  readonly #bindings: Bindings;
  readonly #options: ChildLoggerOptions;
  #made: FastifyBaseLogger | undefined;

  constructor(parent: FastifyBaseLogger, bindings: Bindings, options: ChildLoggerOptions) {
    this.#parent = parent;
    this.#bindings = bindings;
    this.#options = options;
  }

  get #log(): FastifyBaseLogger {
    return (this.#made ??= this.#parent.child(this.#bindings, this.#options));
  }

  get level(): string {
    return this.#log.level;
  }
  set level(level: string) {
    this.#log.level = level;
  }
  child(bindings: Bindings, options?: ChildLoggerOptions): FastifyBaseLogger {
    return this.#log.child(bindings, options);
  }
  fatal(...args: Parameters<Write>): void {
    this.#log.fatal(...args);
  }
  error(...args: Parameters<Write>): void {
    this.#log.error(...args);
  }
  warn(...args: Parameters<Write>): void {
    this.#log.warn(...args);
  }
  info(...args: Parameters<Write>): void {
    this.#log.info(...args);
  }
  debug(...args: Parameters<Write>): void {
    this.#log.debug(...args);
  }
  trace(...args: Parameters<Write>): void {
    this.#log.trace(...args);
  }
  silent(...args: Parameters<Write>): void {
    this.#log.silent(...args);
  }
}
