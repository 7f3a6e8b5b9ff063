/** Vega-Lite in, SVG out: a filter for plot.ts. */
import { readFileSync } from 'node:fs';
import { parse, View } from 'vega';
import { compile } from 'vega-lite';

const { spec } = compile(JSON.parse(readFileSync(0, 'utf8')));
process.stdout.write(`${await new View(parse(spec), { renderer: 'none' }).toSVG()}\n`);
