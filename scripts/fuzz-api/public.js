'use strict';

/** Calls of what lib/ exports: functions, layers and what they return. */

const { types } = require('node:util');

const lib = require('../../lib');

/** They write files, take long, or are made by functions, not by callers. */
const LEFT_OUT = new Set([
  'save',
  'saveAsync',
  'models',
  'nn',
  'Session',
  'Explanation',
  'Profile',
  'Summary',
]);
const MOST_KEPT = 40;

const isClass = (value) =>
  typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));

function makePublic({ any, below, chance, floats, list, pick, sly }, attempt) {
  const functions = [
    ...Object.entries(lib).filter(([name]) => !LEFT_OUT.has(name)),
    ...Object.entries(lib.nn.functional),
    ...Object.entries(lib.nn.init),
  ].filter(([, value]) => typeof value === 'function' && !isClass(value));
  const classes = Object.entries(lib.nn).filter(
    ([name, value]) => isClass(value) && !LEFT_OUT.has(name),
  );

  const tensors = [lib.rand([1, 2, 4, 4]), lib.rand([1, 3, 5]), lib.zeros([2, 3]), lib.ones([1])];
  const models = [new lib.nn.Conv2d(2, 3, 2).eval(), new lib.nn.Linear(4, 2).eval()];
  const sessions = [lib.compile(models[0])];
  const keep = (pool, value) => {
    if (pool.length < MOST_KEPT) pool.push(value);
    else pool[below(pool.length)] = value;
  };
  const sort = (value) => {
    if (types.isProxy(value)) return;
    if (value instanceof lib.Tensor) keep(tensors, value);
    else if (value instanceof lib.nn.Module) keep(models, value);
    else if (value instanceof lib.Session) keep(sessions, value);
    else if (value instanceof Promise) value.then(sort, () => undefined);
  };

  function argument() {
    switch (below(8)) {
      case 0:
      case 1:
        return pick(tensors);
      case 2:
        return 1 + below(4);
      case 3:
        return list(4, () => 1 + below(4));
      case 4:
        return chance(50) ? pick(models) : lib.tensor(Array.from({ length: 4 }, () => below(9)));
      case 5:
        return chance(30) ? sly(pick(tensors)) : floats();
      default:
        return any();
    }
  }

  const methods = (value) => {
    const names = new Set();
    for (let at = value; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
      for (const name of Object.getOwnPropertyNames(at)) names.add(name);
    }
    // What layers share among themselves is no part of the API.
    return [...names].filter((name) => name !== 'constructor' && !/^check/.test(name));
  };

  /** Calls or reads something of an object of ours. */
  function use(pool) {
    const target = pick(pool);
    const name = pick(chance(50) && 'forward' in target ? ['forward'] : methods(target));
    const args = list(4, argument);
    return attempt(
      `${target.constructor.name}.${name}`,
      (...given) => {
        const value = target[name];
        return typeof value === 'function' ? value.apply(target, given) : value;
      },
      args,
    );
  }

  return () => {
    const args = list(5, argument);
    switch (below(5)) {
      case 0: {
        const [name, Class] = pick(classes);
        return sort(attempt(`new ${name}`, (...given) => new Class(...given), args));
      }
      case 1:
        return sort(use(tensors));
      case 2:
        return sort(use(models));
      case 3:
        return sort(use(sessions));
      default: {
        const [name, call] = pick(functions);
        return sort(attempt(name, call, args));
      }
    }
  };
}

module.exports = { makePublic };
