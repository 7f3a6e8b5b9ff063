/** What a call throws. Errors of native code are of another realm than jest's: judged by name. */
import { types } from 'node:util';

export interface Thrown {
  name: string;
  code: string;
  message: string;
}

export function thrownBy(call: () => unknown): Thrown {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    if (!types.isNativeError(error))
      throw new Error('something other than an Error was thrown', { cause: error });
    return {
      name: error.name,
      code: String((error as Partial<Thrown>).code),
      message: error.message,
    };
  }
  throw new Error(`nothing was thrown, the result is ${String(result)}`);
}

/** The class that goes with each code. */
const CLASSES: Record<string, string> = {
  ERR_NNCONV_ARG_TYPE: 'TypeError',
  ERR_NNCONV_ARG_VALUE: 'RangeError',
  ERR_NNCONV_SHAPE: 'RangeError',
  ERR_NNCONV_UNKNOWN_OPTION: 'TypeError',
  ERR_NNCONV_ALLOC: 'RangeError',
  ERR_NNCONV_BUFFER: 'TypeError',
  ERR_NNCONV_UNSUPPORTED: 'RangeError',
  ERR_NNCONV_STATE_DICT: 'RangeError',
  ERR_NNCONV_IMAGE: 'RangeError',
};

/** Asserts an error with a stable code, of the class that goes with it, that names `argument`. */
export function expectRejected(call: () => unknown, argument: RegExp, code?: string): void {
  const error = thrownBy(call);
  expect(error.message).toMatch(argument);
  expect(error).toMatchObject({ name: CLASSES[error.code] ?? 'a class for this code' });
  if (code !== undefined) expect(error).toMatchObject({ code });
}
