/** What goes to the terminal, or to where its output was sent. */
import { createColors } from 'picocolors';

/** https://no-color.org and https://force-color.org: NO_COLOR wins. */
function coloured(stream: NodeJS.WriteStream): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return FORCE_COLOR !== '0';
  // It is undefined where the stream is no terminal.
  return Boolean(stream.isTTY) && TERM !== 'dumb';
}

/** Colours of stdout: functions that return their text unchanged where there are none. */
export const colors = createColors(coloured(process.stdout));

/** Colours of stderr. */
export const errorColors = createColors(coloured(process.stderr));

/** Writes a line to stdout. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Writes the one JSON value of `--json` to stdout. NaN and the infinities, which JSON lacks, as text. */
export function printJson(value: unknown): void {
  print(toJson(value));
}

export function toJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_, item: unknown) =>
      typeof item === 'number' && !Number.isFinite(item) ? String(item) : item,
    2,
  );
}

/** Writes a remark to stderr. */
export function note(text: string): void {
  process.stderr.write(`${errorColors.yellow('nnconv:')} ${text}\n`);
}

/** Work of several parts, told as it goes on. */
export interface Progress {
  /** One more part is done. */
  step(): void;
  /** Takes the bar away. */
  stop(): void;
}

/**
 * A progress bar on stderr; nothing at all where that is no terminal.
 *
 * @param total the number of parts
 */
export async function progress(title: string, total: number): Promise<Progress> {
  if (!process.stderr.isTTY) return { step() {}, stop() {} };
  const { SingleBar } = await import('cli-progress');
  const bar = new SingleBar({
    format: `${title} {bar} {value}/{total}`,
    barCompleteChar: '=',
    barIncompleteChar: ' ',
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: false,
  });
  bar.start(total, 0);
  return {
    step: () => bar.increment(),
    stop: () => bar.stop(),
  };
}
