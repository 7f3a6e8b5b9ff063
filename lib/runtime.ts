/** Settings of the process: threads, strict numerics, and what the library runs on. */
import { binding, type RuntimeInfo } from './binding';
import { boolean, integer } from './options';

export { version, type RuntimeInfo } from './binding';

/**
 * Sets the number of threads that all later calls use.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.set_num_threads.html
 *
 * @param n 1 to 1024
 * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE
 */
export function setNumThreads(n: number): void {
  binding().setNumThreads(integer('n', n));
}

/** The number of threads in use. Default: the CPUs this process may really use. */
export function getNumThreads(): number {
  return binding().getNumThreads();
}

/** What the library found and uses: instruction set, threads and why so many, caches, compiler. */
export function runtimeInfo(): RuntimeInfo {
  return binding().runtimeInfo();
}

let strict = false;

/**
 * Keeps all later calls to direct summation: exact on small integers, and an outlier, Inf or NaN
 * touches only the outputs whose window holds it. Default: false. One call can ask for it by
 * `{ strict: true }`.
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE
 */
export function setStrictNumerics(enabled: boolean): void {
  strict = boolean('enabled', enabled);
}

export function strictNumerics(): boolean {
  return strict;
}
