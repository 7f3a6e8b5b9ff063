import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Machine } from './machine';

const slug = (text: string): string =>
  text
    .toLowerCase()
    // What chip makers add to a name.
    .replace(/\((r|tm)\)|\bprocessor\b/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

/**
 * Writes numbers, text and plots to results/, under a name that tells the date, the machine, what
 * differs from the defaults (`special`), and the threads. Returns the files.
 */
export function save(
  report: Machine,
  special: readonly string[],
  markdown: string,
  plot?: () => string,
): string[] {
  const name = [report.date, ...[report.cpu, ...special].map(slug), `${report.threads}t`].join('-');
  const base = path.join(__dirname, 'results', name);
  const written: string[] = [];
  const write = (extension: string, text: string): void => {
    fs.writeFileSync(`${base}.${extension}`, text);
    written.push(path.relative(process.cwd(), `${base}.${extension}`));
  };
  fs.mkdirSync(path.dirname(base), { recursive: true });
  write('json', `${JSON.stringify(report, undefined, 2)}\n`);
  write('md', `${markdown}\n${plot ? `\n![percent of peak and ratios](${name}.svg)\n` : ''}`);
  if (!plot) return written;
  try {
    write('svg', plot());
  } catch (error) {
    throw new Error(`saved ${written.join(', ')}, but no plots; run: npm ci --prefix bench`, {
      cause: error,
    });
  }
  return written;
}
