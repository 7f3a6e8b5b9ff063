#!/usr/bin/env node
/**
 * Looks for register spills in the hot loops: disassembles the built addon and lists every innermost
 * loop that multiplies and accumulates but moves vectors to or from the stack.
 *
 *   node scripts/check-inner-loops.js [build/Release/nnconv.node]
 *
 * Takes objdump (binutils). Exits with 1 where there is such a loop.
 */
'use strict';

const { execFileSync } = require('node:child_process');
const path = require('node:path');

/** The micro-kernels that must not spill, by what their names begin with. */
const HOT = /(oc_tile|oc_paired|px_tile|winograd_product|winograd_fused)</;
const MULTIPLY = /\b(vfn?madd\d+ps|vmulps|mulps|fmla)\b/;
/** Wide vectors only: in plain x86-64 code a masked load is put together on the stack. */
const VECTOR_ON_STACK = /[yz]mm\d+.*\(%rsp|\(%rsp.*[yz]mm\d+/;
/** A constant lane mask that is read again is no spill of a sum. */
const MASK_FROM_STACK = /^vmovdq[au]\S*\s+\S*\(%rsp\),/;
const FEWEST_MULTIPLIES = 2;

/** Functions of a disassembly: name and instructions with address and jump target. */
function* functions(listing) {
  for (const block of listing.split(/\n\n/)) {
    const head = /^[0-9a-f]+ <(.+)>:$/m.exec(block);
    if (!head) continue;
    const code = [];
    for (const line of block.split('\n')) {
      const match = /^\s+([0-9a-f]+):\s+(\S.*)$/.exec(line);
      if (!match) continue;
      const target = /^j\w+\s+([0-9a-f]+)/.exec(match[2]);
      code.push({
        at: parseInt(match[1], 16),
        text: match[2],
        target: target ? parseInt(target[1], 16) : undefined,
      });
    }
    yield { name: head[1], code };
  }
}

/** Bodies of the loops that hold no other loop. */
function innermostLoops(code) {
  const index = new Map(code.map(({ at }, i) => [at, i]));
  const loops = [];
  code.forEach(({ at, target }, end) => {
    if (target === undefined || target > at || !index.has(target)) return;
    loops.push([index.get(target), end]);
  });
  return loops
    .filter(([a, b]) => !loops.some(([c, d]) => c >= a && d <= b && (c !== a || d !== b)))
    .map(([a, b]) => code.slice(a, b + 1));
}

const file = process.argv[2] ?? path.join(__dirname, '..', 'build', 'Release', 'nnconv.node');
const listing = execFileSync('objdump', ['-d', '-C', '--no-show-raw-insn', file], {
  encoding: 'utf8',
  maxBuffer: 1 << 30,
});

let hot = 0;
const spilling = [];
for (const { name, code } of functions(listing)) {
  if (!HOT.test(name)) continue;
  for (const loop of innermostLoops(code)) {
    if (loop.filter(({ text }) => MULTIPLY.test(text)).length < FEWEST_MULTIPLIES) continue;
    hot++;
    const spill = loop.find(
      ({ text }) => VECTOR_ON_STACK.test(text) && !MASK_FROM_STACK.test(text),
    );
    if (spill) spilling.push(`${name} at ${spill.at.toString(16)}: ${spill.text}`);
  }
}
if (hot === 0) {
  console.error(`no hot loops found in ${file}: was it stripped?`);
  process.exit(1);
}
for (const line of spilling) console.error(line);
console.log(`${hot} hot loops, ${spilling.length} with vectors on the stack`);
process.exitCode = spilling.length > 0 ? 1 : 0;
