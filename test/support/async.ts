/** Runs that take long enough to see others wait for them. */
import { binding } from '../../lib/binding';
import type { AsyncRun, ConvSpec, Shaped } from '../../lib/binding';

const spec: ConvSpec = {
  transposed: false,
  inChannels: 32,
  outChannels: 256,
  groups: 1,
  kernel: [3, 3],
  stride: [1, 1],
  dilation: [1, 1],
  padLow: [0, 0],
  padHigh: [0, 0],
  outputPadding: [0, 0],
  paddingMode: 'zeros',
};

/** Some tenths of a second, in pieces of a few milliseconds. */
export function slowRun(): AsyncRun<Shaped> {
  const addon = binding();
  return addon.convForwardAsync(
    addon.convCreate(spec),
    new Float32Array(32 * 64 * 64),
    [1, 32, 64, 64],
    new Float32Array(256 * 32 * 9),
    1,
    null,
    { algorithm: 'reference' },
  );
}

/** A slow run that has begun. */
export async function startedSlowRun(): Promise<AsyncRun<Shaped>> {
  const run = slowRun();
  await until(() => queueInfo().running && queueInfo().waiting === 0);
  return run;
}

export async function stopped({ task, promise }: AsyncRun<Shaped>): Promise<void> {
  binding().cancelTask(task);
  await Promise.allSettled([promise]);
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

export const queueInfo = () => binding().queueInfo();

/** What a promise rejects with. */
export function reasonOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('it was fulfilled');
    },
    (reason: unknown) => reason,
  );
}
