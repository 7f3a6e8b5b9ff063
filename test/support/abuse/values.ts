/** Numbers, shapes and options that are wrong or extreme. */
import assert from 'node:assert/strict';

import type { ConvSpec } from '../../../lib/binding';
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
  outcome,
  throws,
  forward,
  stillRight,
} from './context';
import type { Scenarios } from './context';

export const valueScenarios: Scenarios = {
  'wrong kinds are TypeErrors, bad values are RangeErrors'() {
    const kinds = [undefined, null, '2', true, {}, 2n, Symbol('s'), () => 2];
    const values = [NaN, Infinity, 1.5, -1, 2 ** 31, 2 ** 53, 1e300];
    for (const field of ['inChannels', 'outChannels', 'groups'] as const) {
      for (const value of kinds) {
        throws('ERR_NNCONV_ARG_TYPE', () => raw.convCreate({ ...spec, [field]: value }));
      }
      for (const value of values) {
        throws('ERR_NNCONV_ARG_VALUE', () => raw.convCreate({ ...spec, [field]: value }));
      }
    }
    for (const field of ['kernel', 'stride', 'dilation', 'padLow', 'padHigh'] as const) {
      for (const value of [...kinds, 3]) {
        throws('ERR_NNCONV_ARG_TYPE', () => raw.convCreate({ ...spec, [field]: value }));
      }
      for (const value of kinds) {
        throws('ERR_NNCONV_ARG_TYPE', () => raw.convCreate({ ...spec, [field]: [1, value] }));
      }
      for (const value of values) {
        throws('ERR_NNCONV_ARG_VALUE', () => raw.convCreate({ ...spec, [field]: [1, value] }));
      }
      for (const value of [[], [1, 1, 1, 1], new Array(1e6).fill(1)]) {
        throws('ERR_NNCONV_ARG_VALUE', () => raw.convCreate({ ...spec, [field]: value }));
      }
    }
    for (const value of kinds.filter((kind) => kind !== true)) {
      throws('ERR_NNCONV_ARG_TYPE', () => raw.convCreate({ ...spec, transposed: value }));
    }
    for (const value of [0, 1025, -1, 1.5, NaN, 2 ** 32 + 1, 1e300]) {
      throws('ERR_NNCONV_ARG_VALUE', () => raw.setNumThreads(value));
    }
    for (const value of kinds) throws('ERR_NNCONV_ARG_TYPE', () => raw.setNumThreads(value));
    throws('ERR_NNCONV_ARG_VALUE', () => raw.convCreate({ ...spec, paddingMode: 'mirror' }));
    throws('ERR_NNCONV_ARG_TYPE', () => raw.convCreate({ ...spec, paddingMode: 1 }));
  },

  'lying shapes and wrong lengths'() {
    const run = (s: unknown, x = input, w = weight, b: Float32Array | null = bias) =>
      raw.convForward(handle, x, s, w, 1, b);
    const lies = [
      [2, 2, 4, 4],
      [0, 2, 4, 4],
      [1, 2, 4, 5],
      [1, 2, 8, 2 ** 10],
      [2, 4, 5],
    ];
    for (const lie of lies) throws('ERR_NNCONV_SHAPE', () => run(lie));
    // Products that wrap around to something small, or to the true length.
    const huge = [
      [2 ** 32, 2, 4, 4],
      [2 ** 53 - 1, 2, 4, 4],
      [1, 2, 2 ** 32, 2 ** 32],
      [2 ** 27, 2, 2 ** 32, 4],
      [2 ** 40, 2, 2 ** 40, 2 ** 40],
      [2 ** 31 + 1, 2, 2 ** 31 + 1, 2 ** 31 + 1],
    ];
    for (const lie of huge) assert('code' in outcome(() => run(lie)), String(lie));
    for (const lie of [
      [-1, 2, 4, 4],
      [1, 2, -4, -4],
      [1, 2, NaN, 4],
      [1, 2, 0.5, 4],
    ]) {
      throws('ERR_NNCONV_ARG_VALUE', () => run(lie));
    }
    for (const lie of [[], [4], [4, 4], [1, 1, 2, 4, 4], [1, 3, 4, 4], [1, 2, 0, 4]]) {
      throws('ERR_NNCONV_SHAPE', () => run(lie));
    }
    for (const length of [0, 1, 31, 33, 64]) {
      throws('ERR_NNCONV_SHAPE', () => run(shape, new Float32Array(length)));
    }
    for (const length of [0, 1, 23, 25]) {
      throws('ERR_NNCONV_SHAPE', () => run(shape, input, new Float32Array(length)));
    }
    for (const length of [0, 2, 4]) {
      throws('ERR_NNCONV_SHAPE', () => run(shape, input, weight, new Float32Array(length)));
    }
    stillRight();
  },

  'a shape is judged before memory is asked for'() {
    // Far more output than the machine has, for an input that isn't there.
    throws('ERR_NNCONV_SHAPE', () =>
      raw.convForward(handle, input, [1e9, 2, 4, 4], weight, 1, bias),
    );
  },

  'sizes that overflow or that nobody has'() {
    const alloc = (s: Partial<ConvSpec>, inputShape: number[], values: Float32Array) => {
      const made = addon.convCreate({ ...spec, inChannels: 1, outChannels: 1, ...s });
      const w = new Float32Array(4);
      throws('ERR_NNCONV_ALLOC', () => addon.convForward(made, values, inputShape, w, 1, null));
    };
    const one = new Float32Array(1);
    const pads = { padLow: [2 ** 25, 2 ** 25], padHigh: [2 ** 25, 2 ** 25] };
    alloc(pads, [1, 1, 1, 1], one);
    alloc({ ...pads, paddingMode: 'replicate' }, [1, 1, 1, 1], one);
    const top = 2 ** 31 - 1;
    alloc({ padLow: [top, top], padHigh: [top, top] }, [1, 1, 1, 1], one);
    alloc({ transposed: true, dilation: [top, top] }, [1, 1, 1, 1], one);
    alloc({ transposed: true, stride: [top, top] }, [1, 1, 2, 2], new Float32Array(4));
    const dims = { kernel: [top, top], stride: [1, 1] };
    throws('ERR_NNCONV_ALLOC', () => addon.convCreate({ ...spec, ...dims }));
    const wide = { inChannels: top, outChannels: top };
    throws('ERR_NNCONV_ALLOC', () => addon.convCreate({ ...spec, ...wide, kernel: [9, 9] }));
    const resample = { mode: 'nearest', scaleFactor: null, alignCorners: null } as const;
    for (const huge of [2 ** 31, 2 ** 45, 2 ** 53 - 1]) {
      const padding = [huge, huge, huge, huge];
      const constant = { mode: 'constant', padding, value: 0 } as const;
      throws('ERR_NNCONV_ALLOC', () => addon.padForward(constant, one, [1, 1, 1, 1]));
      const replicate = { ...constant, mode: 'replicate' } as const;
      throws('ERR_NNCONV_ALLOC', () => addon.padForward(replicate, one, [1, 1, 1, 1]));
      const to = { ...resample, size: [huge, huge], recomputeScaleFactor: false };
      throws('ERR_NNCONV_ALLOC', () => addon.resampleForward(to, one, [1, 1, 1, 1]));
    }
    // Weights that count as possible, and that can't be there: never touched.
    const big = addon.convCreate({ ...spec, inChannels: 2 ** 20, outChannels: 2 ** 20 });
    throws('ERR_NNCONV_SHAPE', () => raw.convForward(big, input, shape, weight, 1, null));
    outcome(() => addon.convExplain(big, [1, 2 ** 20, 2 ** 10, 2 ** 10]));
    outcome(() => addon.convAlgorithms(big, [2 ** 20, 2 ** 20, 2 ** 4, 2 ** 4]));
  },

  'large padding and stride with a small output'() {
    const cases: [Partial<ConvSpec>, number[]][] = [];
    for (const paddingMode of ['zeros', 'replicate'] as const) {
      for (const far of [2 ** 12, 2 ** 20, 2 ** 26]) {
        const pads = { padLow: [far, far], padHigh: [far, far], stride: [far, far], paddingMode };
        cases.push([{ ...pads, kernel: [1, 1] }, [1, 1, 4, 4]]);
        cases.push([{ ...pads, kernel: [3, 3] }, [1, 1, 4, 4]]);
      }
    }
    for (const far of [2 ** 12, 2 ** 20, 2 ** 26, 2 ** 30]) {
      const dilation = [far, far];
      cases.push([{ dilation, padLow: dilation, padHigh: dilation, kernel: [3, 3] }, [1, 1, 4, 4]]);
      cases.push([{ dilation, kernel: [1, 1] }, [1, 1, 4, 4]]);
      const crop = { transposed: true, padLow: [far, far], padHigh: [far, far], kernel: [3, 3] };
      cases.push([{ ...crop, dilation }, [1, 1, 4, 4]]);
      cases.push([{ ...crop, stride: [far, far] }, [1, 1, 3, 3]]);
    }
    for (const [fields, inputShape] of cases) {
      const made = addon.convCreate({ ...spec, inChannels: 1, outChannels: 1, ...fields });
      const values = new Float32Array(inputShape[2] * inputShape[3]).fill(1);
      const w = new Float32Array(fields.kernel![0] ** 2).fill(1);
      const result = outcome(() => addon.convOutputShape(made, inputShape));
      outcome(() => addon.convExplain(made, inputShape));
      if ('code' in result) continue;
      const sizes = result.returned as number[];
      if (sizes[2] * sizes[3] > 2 ** 24) continue;
      for (const algorithm of addon.convAlgorithms(made, inputShape)) {
        const ran = outcome(() =>
          addon.convForward(made, values, inputShape, w, 1, null, { algorithm }),
        );
        if ('code' in ran) assert.equal(ran.code, 'ERR_NNCONV_ALLOC', JSON.stringify(fields));
      }
    }
    stillRight();
  },

  'options that are not understood'() {
    for (const algorithm of ['', 'Direct', 'nothing', 'reference\0', 'x'.repeat(1e6)]) {
      assert('code' in outcome(() => forward({ algorithm })), algorithm.slice(0, 20));
    }
    for (const algorithm of [1, null, {}, Symbol('s'), true]) {
      throws('ERR_NNCONV_ARG_TYPE', () => forward({ algorithm: algorithm as string }));
    }
    for (const strict of [0, 1, 'true', null, {}]) {
      throws('ERR_NNCONV_ARG_TYPE', () => forward({ strict: strict as boolean }));
    }
    throws('ERR_NNCONV_ARG_VALUE', () => forward({ outputPadding: [0, 0] }));
    const made = addon.convCreate(transposed);
    const w = new Float32Array(24);
    const extra = (outputPadding: any) =>
      raw.convForward(made, input, shape, w, 1, bias, { outputPadding });
    for (const bad of [
      [-1, 0],
      [2, 0],
      [0, 2 ** 31],
      [0],
      [0, 0, 0],
      [NaN, 0],
      [0.5, 0],
      [1e300, 0],
    ]) {
      throws('ERR_NNCONV_ARG_VALUE', () => extra(bad));
    }
    for (const bad of [null, 1, '00', ['0', 0], [null, 0], {}]) {
      throws('ERR_NNCONV_ARG_TYPE', () => extra(bad));
    }
    for (const version of [NaN, Infinity, 0.5, 2 ** 53]) {
      throws('ERR_NNCONV_ARG_VALUE', () =>
        raw.convForward(handle, input, shape, weight, version, bias),
      );
    }
    for (const version of [undefined, null, '1', 1n, {}]) {
      throws('ERR_NNCONV_ARG_TYPE', () =>
        raw.convForward(handle, input, shape, weight, version, bias),
      );
    }
  },

  'a forced algorithm that cannot do the problem'() {
    const all = new Set<string>();
    const problems: [ConvSpec, number[]][] = [
      [spec, shape],
      [transposed, shape],
      [{ ...spec, inChannels: 4, outChannels: 4, groups: 4, kernel: [3, 3] }, [1, 4, 5, 5]],
      [{ ...spec, kernel: [1, 1] }, shape],
      [
        {
          ...spec,
          inChannels: 2,
          outChannels: 4,
          groups: 2,
          paddingMode: 'reflect',
          padLow: [1, 1],
          padHigh: [1, 1],
        },
        shape,
      ],
      [
        { ...spec, kernel: [3, 3], outChannels: 32, padLow: [1, 1], padHigh: [1, 1] },
        [1, 2, 16, 16],
      ],
    ];
    for (const [s, size] of problems) {
      for (const name of addon.convAlgorithms(addon.convCreate(s), size)) all.add(name);
    }
    for (const [s, size] of problems) {
      const made = addon.convCreate(s);
      const names = addon.convAlgorithms(made, size);
      const x = new Float32Array(size.reduce((a, b) => a * b));
      const perGroup = s.transposed ? s.outChannels / s.groups : s.inChannels / s.groups;
      const rows = s.transposed ? s.inChannels : s.outChannels;
      const w = new Float32Array(rows * perGroup * s.kernel.reduce((a, b) => a * b));
      for (const algorithm of all) {
        const call = () => addon.convForward(made, x, size, w, 1, null, { algorithm });
        if (names.includes(algorithm)) assert('returned' in outcome(call), algorithm);
        else throws('ERR_NNCONV_UNSUPPORTED', call);
      }
    }
  },
};
