/** Fixtures in JSON, and the numbers in them that JSON lacks. */
import fs from 'node:fs';
import path from 'node:path';

export function readFixture<T>(name: string): T[] {
  return JSON.parse(fs.readFileSync(path.join(__dirname, '..', 'fixtures', name), 'utf8')) as T[];
}

/** A number, or its text where JSON has none: 'nan', 'inf', '-inf', '-0.0'. */
export type JsonNumber = number | string;

export function toNumber(value: JsonNumber): number {
  if (typeof value === 'number') return value;
  if (value === 'nan') return NaN;
  return Number(value.replace('inf', 'Infinity'));
}
