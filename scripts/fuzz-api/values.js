'use strict';

/** Random values: right ones, wrong ones, and ones that do something when they are looked at. */

const { types } = require('node:util');

const { garbage } = require('../../test/support/abuse/context');
const { randomizer } = require('../server/common');

/** What getters throw: not ours, and let through as it is. */
class Mine extends Error {}

const NUMBERS = [
  ...[0, -0, 1, -1, 2, 3, 4, 5, 7, 8, 16, 0.5, -0.5, 1.5, 1e-300, 1e300, NaN, Infinity, -Infinity],
  ...[2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1, 2 ** 53, -(2 ** 31), -(2 ** 53)],
];

/** Values of a seed. `reenter` is called by getters, a few deep. */
function makeValues(seed, reenter) {
  const below = randomizer(seed);
  const pick = (list) => list[below(list.length)];
  const chance = (percent) => below(100) < percent;
  const list = (most, make) => Array.from({ length: below(most + 1) }, make);
  let depth = 0;

  let made = [];
  let uses = 0;
  /** Made anew now and then: some of it is large, and buffers go. */
  function rubbish() {
    if (uses++ % 500 === 0) made = garbage();
    return made;
  }

  /** Runs when JavaScript looks at something: throws, calls back, or takes a buffer away. */
  function surprise(buffers) {
    switch (below(4)) {
      case 0:
        throw new Mine('mine');
      case 1:
        if (depth >= 2) return;
        depth++;
        try {
          reenter();
        } finally {
          depth--;
        }
        return;
      case 2:
        for (const buffer of buffers) {
          if (buffer.detached || buffer.byteLength === 0) continue;
          try {
            if (buffer.resizable && chance(50)) buffer.resize(below(buffer.byteLength));
            else structuredClone(buffer, { transfer: [buffer] });
          } catch {
            // Some can't be.
          }
        }
        return;
      default:
    }
  }

  function floats() {
    const length = pick([0, 1, 3, 4, 24, 32, 36]);
    switch (below(8)) {
      case 0:
        return new Float32Array(new SharedArrayBuffer(4 * length));
      case 1: {
        const array = new Float32Array(
          new ArrayBuffer(4 * length, { maxByteLength: 8 * length + 8 }),
        );
        array.buffer.resize(4 * below(2 * length + 1));
        return array;
      }
      case 2: {
        const array = new Float32Array(length);
        structuredClone(array.buffer, { transfer: [array.buffer] });
        return array;
      }
      case 3:
        return new Float32Array(new ArrayBuffer(4 * length + 16), 4 * below(3), length);
      default:
        return Float32Array.from({ length }, () => below(9) - 4);
    }
  }

  /** Something in whose place a wrong one may be. */
  function sly(value) {
    if (types.isProxy(value) || ArrayBuffer.isView(value)) return value;
    const buffers = [value, ...Object.values(value)].flatMap((item) =>
      ArrayBuffer.isView(item) && item.buffer instanceof ArrayBuffer ? [item.buffer] : [],
    );
    if (chance(50)) {
      const keys = Reflect.ownKeys(value).filter((key) => key !== 'length');
      if (keys.length === 0) return value;
      const copy = Array.isArray(value) ? [...value] : { ...value };
      const key = pick(keys);
      const inner = value[key];
      try {
        Object.defineProperty(copy, key, {
          enumerable: true,
          get() {
            surprise(buffers);
            return inner;
          },
        });
      } catch {
        // A frozen one.
      }
      return copy;
    }
    return new Proxy(value, {
      get(target, key) {
        if (chance(20)) surprise(buffers);
        return Reflect.get(target, key);
      },
      ...(chance(30) && { has: () => chance(50), ownKeys: () => ['length', 'x'] }),
    });
  }

  const NAMES = [
    ...[
      'zeros',
      'reflect',
      'replicate',
      'circular',
      'same',
      'valid',
      'nearest',
      'bilinear',
      'area',
    ],
    ...[
      'max',
      'average',
      'add',
      'clamp',
      'none',
      'tanh',
      'float32',
      'direct_oc',
      'weight',
      '0',
      '',
    ],
  ];
  const KEYS = [
    ...[
      'stride',
      'padding',
      'dilation',
      'groups',
      'bias',
      'paddingMode',
      'outputPadding',
      'strict',
    ],
    ...['signal', 'inplace', 'dim', 'keepdim', 'eps', 'affine', 'size', 'scaleFactor', 'mode', 'p'],
    ...['alpha', 'threads', 'inputShapes', 'outputSize', 'ceilMode', 'shape', 'weight', 'startDim'],
  ];

  /** Anything. */
  function any(level = 0) {
    switch (below(level > 2 ? 4 : 9)) {
      case 0:
        return pick(NUMBERS);
      case 1:
        return pick([true, false, null, undefined, 'x']);
      case 2:
        return pick(NAMES);
      case 3:
        return pick(rubbish());
      case 4:
        return floats();
      case 5:
        return list(5, () => below(6));
      case 6:
        return list(4, () => any(level + 1));
      case 7:
        return Object.fromEntries(list(3, () => [pick(KEYS), any(level + 1)]));
      default:
        return sly(pick([[1, 2, 4, 4], { stride: 1 }, { weight: floats() }, [any(level + 1)]]));
    }
  }

  /** `value` with something in it changed, or around it. */
  function changed(value, level = 0) {
    const open =
      typeof value === 'object' &&
      value !== null &&
      !ArrayBuffer.isView(value) &&
      !types.isProxy(value);
    if (!open || level > 3) return chance(30) ? floats() : any();
    const keys = Object.keys(value);
    if (keys.length === 0 || chance(15)) return any();
    if (chance(25)) return sly(value);
    const copy = Array.isArray(value) ? [...value] : { ...value };
    const key = pick(keys);
    if (chance(10)) delete copy[key];
    else copy[key] = changed(value[key], level + 1);
    return copy;
  }

  /** The same for values that throw when they are copied. */
  function changedOrNot(value) {
    try {
      return changed(value);
    } catch {
      return value;
    }
  }

  return { any, below, chance, changed: changedOrNot, floats, list, pick, sly };
}

module.exports = { makeValues, Mine };
