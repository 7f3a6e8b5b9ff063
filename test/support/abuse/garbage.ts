/** Anything in the place of anything. */
import assert from 'node:assert/strict';

import type { Binding, ConvHandle } from '../../../lib/binding';
import {
  addon,
  raw,
  spec,
  transposed,
  shape,
  input,
  weight,
  bias,
  handle,
  expected,
  rightArgs,
  foreignExternal,
  garbage,
  outcome,
  throws,
  stillRight,
  specFields,
  randomizer,
} from './context';
import type { Scenarios } from './context';

export const garbageScenarios: Scenarios = {
  'each argument replaced by garbage'() {
    for (const name of Object.keys(rightArgs()) as (keyof Binding)[]) {
      const count = rightArgs()[name].length;
      for (let position = 0; position < count; position++) {
        for (const value of garbage()) {
          const args = rightArgs()[name];
          args[position] = value;
          outcome(() => raw[name](...args));
        }
      }
      stillRight();
    }
    addon.setNumThreads(2);
  },

  'too few arguments, too many, and a foreign this'() {
    for (const name of Object.keys(rightArgs()) as (keyof Binding)[]) {
      const args = rightArgs()[name];
      for (let count = 0; count < args.length; count++)
        outcome(() => raw[name](...args.slice(0, count)));
      outcome(() => raw[name](...args, ...garbage()));
      for (const self of garbage()) outcome(() => raw[name].apply(self, args));
      outcome(() => Reflect.construct(raw[name], args));
    }
    stillRight();
  },

  'two to four arguments replaced by garbage'() {
    const random = randomizer(7);
    const values = garbage();
    const names = Object.keys(rightArgs()) as (keyof Binding)[];
    for (let i = 0; i < 20_000; i++) {
      const name = names[random(names.length)];
      const args = rightArgs()[name];
      for (let n = 2 + random(3); n > 0 && args.length > 0; n--) {
        args[random(args.length)] = values[random(values.length)];
      }
      outcome(() => raw[name](...args));
    }
    addon.setNumThreads(2);
    stillRight();
  },

  'each field of a spec replaced by garbage, or missing'() {
    for (const base of [spec, transposed]) {
      for (const field of specFields()) {
        const rest: Record<string, unknown> = { ...base };
        delete rest[field];
        assert('code' in outcome(() => raw.convCreate(rest)), `${field} missing`);
        for (const value of garbage()) {
          outcome(() => raw.convCreate({ ...base, [field]: value }));
          const list = base[field];
          if (!Array.isArray(list)) continue;
          outcome(() => raw.convCreate({ ...base, [field]: [list[0], value] }));
        }
      }
    }
  },

  'each field of a padding and a resampling replaced by garbage, or missing'() {
    for (const kind of ['pad', 'resample'] as const) {
      const base = rightArgs()[`${kind}Check`][0] as Record<string, unknown>;
      // What a huge size asks for might even be there: shapes only.
      const judge = (changed: Record<string, unknown>) => {
        outcome(() => raw[`${kind}Check`](changed));
        return outcome(() => raw[`${kind}OutputShape`](changed, shape));
      };
      for (const [field, list] of Object.entries(base)) {
        const rest = { ...base };
        delete rest[field];
        assert('code' in judge(rest), `${field} missing`);
        for (const value of garbage()) {
          judge({ ...base, [field]: value });
          if (Array.isArray(list)) judge({ ...base, [field]: [value, ...list.slice(1)] });
        }
      }
    }
    stillRight();
  },

  'small numbers at random in a padding and a resampling'() {
    const random = randomizer(11);
    const modes = ['constant', 'reflect', 'replicate', 'circular'];
    const ways = ['nearest', 'nearest-exact', 'linear', 'bilinear', 'trilinear', 'bicubic'];
    for (let i = 0; i < 20_000; i++) {
      const sizes = Array.from({ length: random(6) }, () => random(5));
      const length = sizes.reduce((product, size) => product * size, 1);
      const data = new Float32Array(length);
      const padding = Array.from({ length: 2 * random(4) }, () => random(12) - 6);
      outcome(() => raw.padForward({ mode: modes[random(4)], padding, value: 0 }, data, sizes));
      const size = sizes.slice(2).map(() => random(7));
      const scaleFactor = size.map((n) => n / 2.3);
      const mode = ways[random(6)];
      const alignCorners = mode.startsWith('n') ? null : random(2) === 0;
      const sized = random(2) === 0;
      outcome(() =>
        raw.resampleForward(
          {
            mode,
            size: sized ? size : null,
            scaleFactor: sized ? null : scaleFactor,
            alignCorners,
            recomputeScaleFactor: !sized && random(2) === 0,
          },
          data,
          sizes,
        ),
      );
    }
    stillRight();
  },

  'handles of others'() {
    const fakes = [
      {},
      { ...handle },
      Object.create(handle),
      new Proxy(handle, {}),
      foreignExternal(),
    ];
    for (const fake of [...fakes, addon, null, undefined, 1, 'conv', raw.convCreate]) {
      throws('ERR_NNCONV_ARG_TYPE', () => raw.convStats(fake));
      throws('ERR_NNCONV_ARG_TYPE', () => raw.convForward(fake, input, shape, weight, 1, bias));
    }
    const mine = addon.convCreate(spec) as ConvHandle & { extra?: number };
    mine.extra = 1;
    Object.setPrototypeOf(mine, null);
    assert.deepEqual(addon.convForward(mine, input, shape, weight, 1, bias).data, expected);
    Object.freeze(mine);
    assert.deepEqual(addon.convForward(mine, input, shape, weight, 1, bias).data, expected);
  },
};
