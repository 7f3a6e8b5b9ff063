/** What a pickle was made of -> what users get. */
import { checkpointError } from '../errors';
import { type DType, isTensor, type Tensor } from '../tensor';

/** What may stand in a checkpoint. */
export type CheckpointValue =
  | Tensor<DType>
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | CheckpointValue[]
  | Set<CheckpointValue>
  | Map<CheckpointValue, CheckpointValue>
  | { [key: string]: CheckpointValue };

/** Deeper nesting helps nobody, and recursive code of the caller's would overflow the stack. */
const MAX_DEPTH = 1000;

/**
 * Turns dicts into plain objects without a prototype, their integer keys into property names; a dict
 * with any other key stays a Map. What is shared stays shared, and what contains itself still does.
 */
export function toValue(root: unknown): CheckpointValue {
  const replaced = new Map<object, CheckpointValue>();
  let next: (() => void)[] = [];

  /** The value that stands for `value`; its contents are converted later, level by level. */
  const convert = (value: unknown): CheckpointValue => {
    if (typeof value !== 'object' || value === null) return plain(value);
    if (isTensor(value) || value instanceof Uint8Array) return value;
    let result = replaced.get(value);
    if (result === undefined) {
      result = shell(value);
      replaced.set(value, result);
    }
    return result;
  };

  /** An empty container in place of `value`. */
  const shell = (value: object): CheckpointValue => {
    if (Array.isArray(value)) {
      const items: CheckpointValue[] = [];
      next.push(() => {
        for (const item of value) items.push(convert(item));
      });
      return items;
    }
    if (value instanceof Set) {
      const items = new Set<CheckpointValue>();
      next.push(() => {
        for (const item of value) items.add(convert(item));
      });
      return items;
    }
    if (!(value instanceof Map)) throw notAValue(value);
    if (hasNames(value)) {
      const object = Object.create(null) as Record<string, CheckpointValue>;
      next.push(() => {
        for (const [key, item] of value) object[String(key)] = convert(item);
      });
      return object;
    }
    const map = new Map<CheckpointValue, CheckpointValue>();
    next.push(() => {
      for (const [key, item] of value) map.set(convert(key), convert(item));
    });
    return map;
  };

  const result = convert(root);
  for (let depth = 0; next.length > 0; depth++) {
    if (depth > MAX_DEPTH) throw checkpointError(`it is nested more than ${MAX_DEPTH} deep`);
    const level = next;
    next = [];
    for (const fill of level) fill();
  }
  return result;
}

/** Whether all keys are strings or integers, and stay different as property names. */
function hasNames(dict: Map<unknown, unknown>): boolean {
  const names = new Set<string>();
  for (const key of dict.keys()) {
    if (typeof key !== 'string' && !Number.isSafeInteger(key)) return false;
    names.add(String(key));
  }
  return names.size === dict.size;
}

function plain(value: unknown): null | boolean | number | bigint | string {
  switch (typeof value) {
    case 'boolean':
    case 'number':
    case 'bigint':
    case 'string':
      return value;
    default:
      if (value === null) return null;
      throw notAValue(value);
  }
}

/** A function, a class or a storage that is neither called nor viewed by a tensor. */
function notAValue(value: unknown): Error {
  const { name = 'a storage' } = value as { name?: string };
  return checkpointError(
    `it holds ${name} as a value: a checkpoint may hold tensors, numbers, strings, lists and dicts`,
  );
}
