/** Arguments: numbers, tuples, strings, options objects, and what is said about wrong ones. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import vm from 'node:vm';

import { nn } from '../lib';
import { load } from '../lib/binding';
import { show } from '../lib/errors';
import {
  boolean,
  integer,
  integers,
  number,
  oneOf,
  optionsOf,
  spread,
  tuple,
} from '../lib/options';
import { expectRejected, thrownBy } from './support/errors';

describe('numbers', () => {
  test('integers', () => {
    expect(integer('n', 2 ** 53 - 1)).toBe(2 ** 53 - 1);
    expect(integer('n', -3)).toBe(-3);
    expect(Object.is(integer('n', -0), 0)).toBe(true);
    for (const value of [NaN, 1.5, Infinity, -Infinity, 2 ** 53, -(2 ** 53), 1e300]) {
      expectRejected(() => integer('n', value), /^n must be an integer/, 'ERR_NNCONV_ARG_VALUE');
    }
    for (const value of [undefined, null, '1', 1n, true, [1], {}, Symbol('s'), new Number(1)]) {
      expectRejected(() => integer('n', value), /^n must be an integer/, 'ERR_NNCONV_ARG_TYPE');
    }
  });

  test('other numbers and booleans', () => {
    expect(number('x', 0.5)).toBe(0.5);
    expect(number('x', NaN, { finite: false })).toBeNaN();
    expectRejected(() => number('x', NaN), /finite.*NaN/, 'ERR_NNCONV_ARG_VALUE');
    expectRejected(() => number('x', '1'), /x.*'1'/, 'ERR_NNCONV_ARG_TYPE');
    expect(boolean('b', false)).toBe(false);
    expectRejected(() => boolean('b', 0), /b must be true or false, got 0/, 'ERR_NNCONV_ARG_TYPE');
  });
});

describe('tuples', () => {
  test('a number stands for all dimensions', () => {
    expect(tuple('k', 3, 1)).toEqual([3]);
    expect(tuple('k', 3, 3)).toEqual([3, 3, 3]);
  });

  test('arrays and typed arrays, of any realm, copied and frozen', () => {
    const given = [1, 2];
    const result = tuple('k', given, 2);
    given[0] = 9;
    expect(result).toEqual([1, 2]);
    expect(Object.isFrozen(result)).toBe(true);
    expect(tuple('k', Int32Array.of(1, 2), 2)).toEqual([1, 2]);
    expect(tuple('k', vm.runInNewContext('[1, 2]'), 2)).toEqual([1, 2]);
    expect(tuple('k', vm.runInNewContext('new Uint8Array([1, 2])'), 2)).toEqual([1, 2]);
  });

  test('one element is spread where PyTorch does so', () => {
    expect(tuple('stride', [2], 3, { broadcast: true })).toEqual([2]);
    expect(spread([2], 3)).toEqual([2, 2, 2]);
    expect(spread([1, 2], 2)).toEqual([1, 2]);
    expectRejected(() => tuple('k', [2], 3), /k=\[2\]/, 'ERR_NNCONV_ARG_VALUE');
  });

  test('lengths and elements are checked', () => {
    const message = /expected stride .* list of 2 values .*stride=\[1, 2, 3\]/;
    const three = () => tuple('stride', [1, 2, 3], 2, { broadcast: true });
    expectRejected(three, message, 'ERR_NNCONV_ARG_VALUE');
    expectRejected(() => tuple('k', [], 2), /k=\[\]/, 'ERR_NNCONV_ARG_VALUE');
    expectRejected(() => tuple('k', [1, 2.5], 2), /k\[1\].*2\.5/, 'ERR_NNCONV_ARG_VALUE');
    expectRejected(() => tuple('k', [1, '2'], 2), /k\[1\].*'2'/, 'ERR_NNCONV_ARG_TYPE');
    expectRejected(() => tuple('k', new Array(2), 2), /k\[0\].*undefined/, 'ERR_NNCONV_ARG_TYPE');
    for (const value of [
      undefined,
      null,
      '33',
      {},
      { length: 2 },
      new BigInt64Array(2),
      new Set([1]),
    ]) {
      expectRejected(() => tuple('k', value, 2), /^k must be/, 'ERR_NNCONV_ARG_TYPE');
    }
    expectRejected(() => integers('shape', '12'), /shape.*'12'/, 'ERR_NNCONV_ARG_TYPE');
  });
});

describe('strings', () => {
  const modes = ['zeros', 'reflect'] as const;
  test('one of a few', () => {
    expect(oneOf('mode', 'zeros', modes)).toBe('zeros');
    expectRejected(() => oneOf('mode', 1, modes), /'zeros', 'reflect', got 1/);
    const near = () => oneOf('mode', 'reflct', modes);
    expectRejected(near, /'reflct' \(did you mean 'reflect'\?\)/, 'ERR_NNCONV_ARG_VALUE');
    expect(thrownBy(() => oneOf('mode', 'x'.repeat(1000), modes)).message.length).toBeLessThan(200);
  });
});

describe('options objects', () => {
  const of = (value: unknown) =>
    optionsOf('Conv2d', value as object, ['paddingMode', 'bias'] as never);

  test('plain ones, those without a prototype, instances, undefined', () => {
    expect(of(undefined)).toEqual({});
    expect(of({ bias: true })).toEqual({ bias: true });
    expect(of(Object.assign(Object.create(null), { bias: true }))).toMatchObject({ bias: true });
    expect(of(vm.runInNewContext('({ bias: 1 })'))).toMatchObject({ bias: 1 });
    const layer = new nn.Conv2d(1, 1, 1, { stride: undefined, bias: undefined });
    expect(layer.bias).not.toBeNull();
    expect(new nn.Conv2d(1, 1, 1, Object.create(null) as object).stride).toEqual([1, 1]);
  });

  test('anything else is rejected', () => {
    for (const value of [
      null,
      1,
      'same',
      true,
      [],
      [1],
      () => 1,
      new Float32Array(1),
      Symbol('s'),
    ]) {
      expectRejected(() => of(value), /^the options of Conv2d must be/, 'ERR_NNCONV_ARG_TYPE');
    }
  });

  test.each([
    ['padding_mode', /'padding_mode' \(did you mean 'paddingMode'\?\)/],
    ['paddingmode', /did you mean 'paddingMode'/],
    ['bais', /did you mean 'bias'/],
    ['padd', /did you mean 'paddingMode'/],
    ['inplace', /'inplace'; it takes paddingMode, bias/],
    ['x'.repeat(300), /'x{60}\.\.\.'/],
  ])('an unknown key is named: %s', (key, message) => {
    expectRejected(() => of({ [key]: 1 }), message, 'ERR_NNCONV_UNKNOWN_OPTION');
  });

  test('keys of Object.prototype are as unknown as any', () => {
    const own = JSON.parse('{"__proto__": 1}') as object;
    expectRejected(() => of(own), /'__proto__'/, 'ERR_NNCONV_UNKNOWN_OPTION');
    expectRejected(() => of({ toString: 1 }), /'toString'/, 'ERR_NNCONV_UNKNOWN_OPTION');
  });
});

test('values in messages are short, and never a failure themselves', () => {
  const hostile = new Proxy(
    {},
    {
      get() {
        throw new Error('no');
      },
    },
  );
  const getter = {
    get constructor() {
      throw new Error('no');
    },
  };
  expect(show(hostile)).toBe('a Proxy');
  expect(show(getter)).toBe('an object');
  expect(show(Object.create(null))).toBe('an object');
  expect(show({})).toBe('an object');
  expect(show(new Map())).toBe('an instance of Map');
  expect(show([1, 'a', [2], null])).toBe("[1, 'a', {...}, null]");
  expect(show(new Array(100).fill(1))).toBe('[1, 1, 1, 1, 1, 1, 1, 1, ...]');
  expect(show(-0)).toBe('-0');
  expect(show('a'.repeat(100)).length).toBeLessThan(80);
  expect(show(10n ** 100n).length).toBeLessThan(80);
});

describe('the addon', () => {
  test('that is missing or none: every path and the remedy', () => {
    const missing = '/nowhere/nnconv.node';
    const broken = path.join(mkdtempSync(path.join(tmpdir(), 'nnconv-')), 'nnconv.node');
    writeFileSync(broken, 'no addon');
    const error = thrownBy(() => load([missing, broken]));
    expect(error).toMatchObject({ name: 'Error', code: 'ERR_NNCONV_LOAD' });
    expect(error.message).toContain(`${missing}: no such file`);
    expect(error.message).toContain(broken);
    expect(error.message).toContain('npm rebuild nnconv');
    rmSync(path.dirname(broken), { recursive: true });
  });
});
