'use strict';

/** Calls of the addon: right ones with something in them changed. */

const { raw, rightArgs } = require('../../test/support/abuse/context');

/** A copy, so that buffers may be taken away; handles stay. */
function fresh(value) {
  if (ArrayBuffer.isView(value)) return value.slice();
  if (Array.isArray(value)) return value.map(fresh);
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fresh(item)]));
}

function makeRaw({ any, below, chance, changed, list, pick }, attempt) {
  const names = Object.keys(rightArgs());
  return () => {
    const name = pick(names);
    let args = fresh(rightArgs()[name]);
    if (chance(3)) args = list(8, () => any());
    for (let n = below(4); n > 0 && args.length > 0; n--) {
      const position = below(args.length);
      args[position] = changed(args[position]);
    }
    // That takes its time: seconds, if it is told so.
    if (name === 'fmaPeak' && typeof args[0] === 'number' && args[0] > 0.001) return;
    attempt(name, raw[name], args);
  };
}

module.exports = { makeRaw };
