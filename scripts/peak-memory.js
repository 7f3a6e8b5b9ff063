'use strict';

const fs = require('node:fs');

/**
 * The most bytes that were resident in this process. Linux's VmHWM begins with the program; getrusage
 * also counts what the parent had when it forked.
 */
function peakMemory() {
  const status = '/proc/self/status';
  const text = fs.existsSync(status) ? fs.readFileSync(status, 'utf8') : '';
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(text) ?? [];
  return 1024 * Number(kilobytes ?? process.resourceUsage().maxRSS);
}

module.exports = { peakMemory };
