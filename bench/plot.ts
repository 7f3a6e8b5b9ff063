/** The plots of a report: percent of peak, and the ratios to the peers, layer by layer. */
import { execFileSync } from 'node:child_process';
import * as path from 'node:path';
import { percentOfPeak, ratio, type Report } from './report';

const ROW_HEIGHT = 15;
const BACKGROUND = '#ffffff';
/** Okabe and Ito's colours, which colour-blind readers can tell apart. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#000000'];

function rowsAxis(report: Report, labels: boolean): object {
  return {
    field: 'layer',
    type: 'nominal',
    sort: report.rows.map(({ name }) => name),
    axis: labels
      ? { title: null, labelLimit: 200, grid: true }
      : { labels: false, title: null, grid: true },
  };
}

function rule(at: number): object {
  return {
    data: { values: [{ at }] },
    mark: { type: 'rule', color: '#555555', strokeDash: [4, 3] },
    encoding: { x: { field: 'at', type: 'quantitative' } },
  };
}

function peakPlot(report: Report): object {
  return {
    title: 'Percent of FMA peak',
    width: 380,
    height: { step: ROW_HEIGHT },
    data: {
      values: report.rows.map((row) => ({
        layer: row.name,
        algorithm: row.algorithm,
        percent: percentOfPeak(report, row),
      })),
    },
    layer: [
      {
        mark: { type: 'bar', height: { band: 0.7 } },
        encoding: {
          y: rowsAxis(report, true),
          x: { field: 'percent', type: 'quantitative', axis: { title: '% (effective)' } },
          color: {
            field: 'algorithm',
            type: 'nominal',
            scale: { range: COLOURS },
            legend: { title: 'Algorithm', orient: 'bottom', columns: 4 },
          },
        },
      },
      rule(100),
    ],
  };
}

function ratioPlot(report: Report): object {
  const values = report.rows.flatMap((row) =>
    report.peers.map(({ name, version }) => ({
      layer: row.name,
      peer: `${name} ${version}`,
      ratio: ratio(row, name),
    })),
  );
  return {
    title: 'Times as fast as the peer',
    width: 380,
    height: { step: ROW_HEIGHT },
    data: { values },
    layer: [
      rule(1),
      {
        mark: { type: 'point', filled: true, size: 55, opacity: 1 },
        encoding: {
          y: rowsAxis(report, false),
          x: {
            field: 'ratio',
            type: 'quantitative',
            scale: { type: 'log', base: 2, nice: true },
            axis: { title: 'ratio (log scale); left of 1, nnconv is slower', format: '~g' },
          },
          color: {
            field: 'peer',
            type: 'nominal',
            scale: { range: COLOURS.slice(1) },
            legend: { title: 'Peer', orient: 'bottom' },
          },
          shape: { field: 'peer', type: 'nominal' },
        },
      },
    ],
  };
}

/** The plots as a Vega-Lite specification. */
function specification(report: Report): object {
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    background: BACKGROUND,
    padding: 12,
    title: {
      text: `nnconv ${report.nnconv}, ${report.cpu}, ${report.isa}, ${report.threads} thread(s), ${report.date}`,
      anchor: 'start',
      offset: 14,
    },
    hconcat: [peakPlot(report), ...(report.peers.length > 0 ? [ratioPlot(report)] : [])],
    spacing: 24,
    resolve: { scale: { color: 'independent', shape: 'independent' } },
    config: { font: 'sans-serif', axis: { gridColor: '#e4e4e4' } },
  };
}

/** The plots as SVG. Throws where the packages of bench/ are not installed. */
export function plot(report: Report): string {
  // In a process of its own: the packages are ES modules, which not every Node here can require.
  return execFileSync(process.execPath, [path.join(__dirname, 'render.mjs')], {
    input: JSON.stringify(specification(report)),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}
