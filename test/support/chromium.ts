/** A headless Chromium, where there is one. NNCONV_REQUIRE_CHROMIUM=1 makes that there is none an error. */
import { accessSync, constants } from 'node:fs';

import { type Browser, chromium } from 'playwright-core';

const PATHS = [process.env.NNCONV_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'];

/** Nothing of the browser's own may go to the network or wait for anybody. */
const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The path of Chromium, or why its tests are left out. */
export function findChromium(): { path: string } | { missing: string } {
  for (const path of PATHS) {
    if (path === undefined) continue;
    try {
      accessSync(path, constants.X_OK);
      return { path };
    } catch {
      // The next one.
    }
  }
  const missing =
    'no Chromium: install it (apt-get install chromium), or name it in NNCONV_CHROMIUM';
  if (process.env.NNCONV_REQUIRE_CHROMIUM === '1') throw new Error(missing);
  return { missing };
}

export function launchChromium(path: string): Promise<Browser> {
  return chromium.launch({ executablePath: path, args: ARGS });
}
