/** Looking at a model without leaving a mark. */
import { readData, writeData } from '../../tensor';
import type { Module } from '../module';
import { Structure } from './structure';

/**
 * Runs `body` with the model in evaluation mode. Afterwards the model is what it was: each module's own
 * mode, its properties, its tensors, and the elements of its buffers.
 */
export function inEvaluation<T>(model: Module, body: () => T): T {
  const structure = new Structure(model);
  const buffers = Array.from(model.buffers(), (buffer) => ({
    buffer,
    before: readData(buffer).slice(),
  }));
  try {
    model.eval();
    return body();
  } finally {
    structure.restore();
    for (const { buffer, before } of buffers) {
      const now = readData(buffer);
      if (before.some((value, i) => !Object.is(value, now[i]))) {
        writeData(buffer).set(before as never);
      }
    }
  }
}
