/** Reports in a real browser: what is there, what goes wrong, what is asked of the network. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import type { Browser, BrowserContextOptions, Page } from 'playwright-core';

import { nn, randn } from '../../lib';
import { report } from '../../lib/report';
import { findChromium, launchChromium } from '../support/chromium';
import { digitsReport, resnetReport } from './reports';

/** Code for the page: see there. */
const contrasts = readFileSync(path.join(__dirname, 'contrasts.js'), 'utf8');

const found = findChromium();
if ('missing' in found) {
  test.skip(`reports in a browser: ${found.missing}`, () => undefined);
} else {
  describeBrowser(found.path);
}

function hostileReport(): string {
  const evil =
    '</title></style><img src=x onerror="document.title=1"><script>document.title=1</script>';
  const model = new nn.Sequential([evil.replaceAll('.', '·'), new nn.Conv2d(1, 2, 3)]);
  const net = new nn.Sequential(['body', model], ['flat', new nn.Flatten()]);
  return report(net, { input: randn([1, 1, 3, 3]), labels: [evil, `"'&`], title: evil });
}

function describeBrowser(executable: string): void {
  const folder = mkdtempSync(path.join(tmpdir(), 'nnconv-report-'));
  let browser: Browser;
  const contexts: { close(): Promise<void> }[] = [];

  beforeAll(async () => {
    for (const [name, html] of Object.entries({
      digits: digitsReport(),
      resnet18: resnetReport(),
      hostile: hostileReport(),
    })) {
      writeFileSync(path.join(folder, `${name}.html`), html);
    }
    browser = await launchChromium(executable);
  });
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Opens a page; `complaints` gathers what its console says and what it asks for. */
  async function open(name: string, options: BrowserContextOptions = {}, hash = '') {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 900 },
      ...options,
    });
    contexts.push(context);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
    page.on('request', (request) => {
      const url = request.url();
      if (!/^(file|data):/.test(url)) complaints.push(`request: ${url}`);
    });
    await page.goto(`${pathToFileURL(path.join(folder, `${name}.html`)).href}${hash}`);
    return { page, complaints };
  }

  const overflow = (page: Page): Promise<number> =>
    page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth');

  describe.each(['digits', 'resnet18'])('%s', (name) => {
    test('everything is there', async () => {
      const { page, complaints } = await open(name);
      const headings = await page.locator('h2').allTextContents();
      expect(headings).toEqual([
        'Input and predictions',
        'Network',
        'Time',
        'Kernels',
        'Feature maps',
        'Layers',
      ]);
      expect(await page.locator('h1').count()).toBe(1);
      const links = await page.locator('nav a').all();
      expect(links).toHaveLength(headings.length);
      for (const link of links) {
        expect(await page.locator((await link.getAttribute('href'))!).count()).toBe(1);
      }
      const picture = page.locator('#input img');
      expect(await picture.getAttribute('alt')).toMatch(/input of the network/);
      expect(
        await picture.evaluate(
          (image: unknown) => (image as { naturalWidth: number }).naturalWidth,
        ),
      ).toBeGreaterThan(0);
      expect(await page.locator('#input tbody tr').count()).toBe(5);
      expect(await page.locator('#kernels svg image').count()).toBeGreaterThan(16);
      expect(await page.locator('#features svg').count()).toBeGreaterThan(2);
      expect(await page.locator('.overview svg rect.box').count()).toBeGreaterThan(6);
      for (const svg of await page.locator('svg').all()) {
        const labelled =
          (await svg.getAttribute('aria-label')) ?? (await svg.getAttribute('aria-labelledby'));
        expect(labelled).toBeTruthy();
      }
      const ids = await page
        .locator('[id]')
        .evaluateAll((all: unknown[]) => all.map((item) => (item as { id: string }).id));
      expect(new Set(ids).size).toBe(ids.length);
      expect(complaints).toEqual([]);
    });

    test.each(['light', 'dark'] as const)(
      'on a phone, %s: nothing is wider',
      async (colorScheme) => {
        const { page, complaints } = await open(name, {
          colorScheme,
          viewport: { width: 390, height: 844 },
        });
        expect(await overflow(page)).toBeLessThanOrEqual(0);
        await page.evaluate(
          "document.querySelectorAll('details').forEach((item) => { item.open = true; })",
        );
        expect(await overflow(page)).toBeLessThanOrEqual(0);
        const table = page.locator('#summary .nnconv-scroll');
        expect(await table.evaluate((box) => box.scrollWidth > box.clientWidth)).toBe(true);
        expect(complaints).toEqual([]);
      },
    );

    test.each(['light', 'dark'] as const)('texts stand out, %s', async (colorScheme) => {
      const { page } = await open(name, { colorScheme });
      const ratios = await page.evaluate<{ ratio: number }[]>(contrasts);
      expect(ratios.length).toBeGreaterThan(20);
      expect(ratios.filter(({ ratio }) => !(ratio >= 4.5))).toEqual([]);
    });

    test('readable without JavaScript', async () => {
      const { page } = await open(name, { javaScriptEnabled: false });
      expect(await page.locator('#summary tbody tr').count()).toBeGreaterThan(10);
      expect(await page.locator('h2').first().isVisible()).toBe(true);
      expect(await page.locator('.overview svg').isVisible()).toBe(true);
    });
  });

  test('the digit is recognised', async () => {
    const { page } = await open('digits');
    expect(await page.locator('#input tbody th').first().textContent()).toBe('7');
  });

  test('a box leads into its module, closed or not', async () => {
    const { page, complaints } = await open('resnet18');
    await page.evaluate(
      "document.querySelectorAll('details').forEach((item) => { item.open = false; })",
    );
    const box = page.locator('.overview a', { hasText: 'layer3' });
    await box.click();
    const opened = await page.evaluate<string[]>(
      "[...document.querySelectorAll('details[open] > summary > b')].map((name) => name.textContent)",
    );
    expect(opened).toEqual(['layer3']);
    expect(complaints).toEqual([]);
  });

  test('titles, labels and names are text', async () => {
    const { page, complaints } = await open('hostile');
    expect(await page.locator('h1').textContent()).toContain('</title></style><img src=x');
    expect(await page.title()).toContain('<script>document.title=1</script>');
    expect(await page.locator('#input tbody').textContent()).toContain('onerror=');
    expect(await page.locator('#input tbody').textContent()).toContain(`"'&`);
    expect(await page.locator('img').count()).toBe(1);
    expect(await page.locator('script').count()).toBe(1);
    expect(complaints).toEqual([]);
  });
}
