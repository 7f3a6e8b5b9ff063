/** Which modules a model calls, in which order, with what shapes: one run of its `forward`. */
import { zeros } from '../../create';
import { isTensor, storageOf, type Tensor } from '../../tensor';
import type { Module } from '../module';
import { type AroundForward, aroundForwards, inEvaluation, trace } from '../trace';
import { type Field, receptiveFields } from './receptive-field';

/** A call of a module's `forward`. */
export interface Call {
  readonly module: Module;
  /** Of the first tensor given and returned; null where there is none. */
  inputShape: readonly number[] | null;
  outputShape: readonly number[] | null;
  /** Of the output; undefined where it is not known. */
  field: Field | undefined;
}

type Shapes = readonly (readonly number[])[];

/** The first tensor in a list of lists; the last value of an object, as torchinfo has it. */
function firstTensor(value: unknown): Tensor | undefined {
  if (isTensor(value)) return value as Tensor;
  if (Array.isArray(value)) return firstTensor(value[0]);
  if (typeof value !== 'object' || value === null) return undefined;
  return firstTensor(Object.values(value).at(-1));
}

/** Notes each call as it begins. */
function noteCalls(calls: Call[], note: (call: Call, output: Tensor) => void): AroundForward {
  return (module, _name, forward) =>
    (...args) => {
      const inputShape = firstTensor(args[0])?.shape ?? null;
      const call: Call = { module, inputShape, outputShape: null, field: undefined };
      calls.push(call);
      const output = forward(...args);
      const tensor = firstTensor(output);
      if (tensor) {
        call.outputShape = tensor.shape;
        note(call, tensor);
      }
      return output;
    };
}

/** The calls of a recording, which computes nothing. */
function tracedCalls(model: Module, inputShapes: Shapes): Call[] {
  const calls: Call[] = [];
  const values = new Map<Call, number>();
  const around = noteCalls(calls, (call, output) => {
    const { symbolic } = storageOf(output);
    if (symbolic) values.set(call, symbolic.value);
  });
  const constants = {
    constant: (tensor: Tensor) =>
      ({
        kind: 'constant',
        elements: storageOf(tensor).elements,
        shape: tensor.shape,
        id: '',
      }) as const,
  };
  const fields = receptiveFields(trace(model, constants, inputShapes, around).graph);
  for (const [call, value] of values) call.field = fields[value];
  return calls;
}

/** The calls of a real run, on zeros. */
function eagerCalls(model: Module, inputShapes: Shapes): Call[] {
  const calls: Call[] = [];
  const inputs = inputShapes.map((shape) => zeros([...shape]));
  const around = noteCalls(calls, () => undefined);
  aroundForwards(model, around, () =>
    (model.forward as (...args: unknown[]) => unknown)(...inputs),
  );
  return calls;
}

/**
 * The calls that `model.forward` makes in evaluation mode with inputs of these shapes. The model stays
 * as it is: modes, parameters, buffers and other properties.
 *
 * @throws what `forward` throws
 */
export function callsOf(model: Module, inputShapes: Shapes): Call[] {
  return inEvaluation(model, () => {
    try {
      return tracedCalls(model, inputShapes);
    } catch (error) {
      // It reads values, say: only a run with values can tell.
      if ((error as { code?: unknown }).code !== 'ERR_NNCONV_TRACE') throw error;
      return eagerCalls(model, inputShapes);
    }
  });
}
