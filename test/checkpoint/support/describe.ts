/** What was loaded, in the form of good.json; see `describe` in scripts/fixtures/checkpoints.py. */
import type { CheckpointValue, Tensor } from '../../../lib';
import type { DType } from '../../../lib';
import { isTensor } from '../../../lib/tensor';

export type Description = unknown;

/** Describes a value; integers and floats are told apart by `like`, which JavaScript can't. */
export function describeValue(value: CheckpointValue, like: unknown): Description {
  return describeAt(value, like, []);
}

function describeAt(
  value: CheckpointValue,
  like: unknown,
  above: readonly CheckpointValue[],
): Description {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'bigint') return ['int', String(value)];
  if (typeof value === 'number') return [kindOf(like) === 'float' ? 'float' : 'int', text(value)];
  if (value instanceof Uint8Array) return ['bytes', Buffer.from(value).toString('hex')];
  if (isTensor(value)) return describeTensor(value);

  const at = above.indexOf(value);
  if (at >= 0) return ['cycle', above.length - at];
  const inside = [...above, value];
  const items = contentOf(like);
  if (Array.isArray(value)) {
    return ['list', value.map((item, i) => describeAt(item, items[i], inside))];
  }
  if (value instanceof Set) {
    const found = [...value].map((item) => describeAt(item, undefined, inside));
    return ['set', found.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))];
  }
  if (value instanceof Map) {
    return [
      'map',
      [...value].map(([key, item], i) => {
        const [likeKey, likeItem] = contentOf(['', items[i]]);
        return [describeAt(key, likeKey, []), describeAt(item, likeItem, inside)];
      }),
    ];
  }
  expect(Object.getPrototypeOf(value)).toBeNull();
  return ['object', describeObject(value, items, inside)];
}

function describeObject(
  value: { [key: string]: CheckpointValue },
  items: readonly unknown[],
  inside: readonly CheckpointValue[],
): Description[] {
  // JavaScript puts the names of integers first.
  const expected = new Map(
    items.map((item) => {
      const [key, content] = item as [unknown, unknown];
      return [String(typeof key === 'string' ? key : contentOf(key)), [key, content]] as const;
    }),
  );
  const found = new Map(
    Object.keys(value).map((name) => {
      const [key, content] = expected.get(name) ?? [name, undefined];
      return [name, [key, describeAt(value[name], content, inside)]] as const;
    }),
  );
  const isInteger = (name: string) => /^(0|[1-9]\d*)$/.test(name);
  if ([...expected.keys()].some(isInteger)) {
    return [...expected.keys()].map((name) => found.get(name));
  }
  return [...found.values()];
}

function describeTensor(tensor: Tensor<DType>): Description {
  const { dtype, shape, data } = tensor;
  const items = Array.from(data as ArrayLike<number | bigint>, text);
  return ['tensor', dtype, [...shape], items];
}

/** A number as JSON has it, or Python's text where it has none. */
function text(value: number | bigint): number | string {
  if (typeof value === 'bigint') {
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  }
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  return Object.is(value, -0) ? '-0.0' : value;
}

function kindOf(description: unknown): unknown {
  return Array.isArray(description) ? description[0] : undefined;
}

function contentOf(description: unknown): readonly unknown[] {
  const content: unknown = Array.isArray(description) ? description[1] : undefined;
  return Array.isArray(content) ? content : [content];
}
