/**
 * Pictures of reports for docs/report/, in a light and a dark scheme, on a desktop and on a phone:
 *
 *     npx ts-node scripts/report-screenshots.ts [DIRECTORY]
 *
 * Takes Chromium (apt-get install chromium); NNCONV_CHROMIUM names another one.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { digitsReport, resnetReport } from '../test/report/reports';
import { findChromium, launchChromium } from '../test/support/chromium';

const REPORTS = { digits: digitsReport, resnet18: resnetReport };
const SCREENS = {
  desktop: { width: 1280, height: 900, most: 2100 },
  phone: { width: 390, height: 844, most: 2100 },
};

async function main(): Promise<void> {
  const found = findChromium();
  if ('missing' in found) throw new Error(found.missing);
  const target = path.resolve(process.argv[2] ?? path.join(__dirname, '../docs/report'));
  mkdirSync(target, { recursive: true });
  const folder = mkdtempSync(path.join(tmpdir(), 'nnconv-report-'));
  const browser = await launchChromium(found.path);
  try {
    for (const [name, make] of Object.entries(REPORTS)) {
      const file = path.join(folder, `${name}.html`);
      writeFileSync(file, make());
      for (const [screen, { width, height, most }] of Object.entries(SCREENS)) {
        for (const colorScheme of ['light', 'dark'] as const) {
          const page = await browser.newPage({ viewport: { width, height }, colorScheme });
          await page.goto(pathToFileURL(file).href);
          const whole = await page.evaluate<number>('document.documentElement.scrollHeight');
          const picture = path.join(target, `${name}-${screen}-${colorScheme}.jpg`);
          // The beginning of the page: all of it would be too much to look at.
          const clip = { x: 0, y: 0, width, height: Math.min(whole, most) };
          await page.screenshot({ path: picture, type: 'jpeg', quality: 58, fullPage: true, clip });
          await page.close();
          console.log(picture);
        }
      }
    }
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
