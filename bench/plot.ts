/** The plots of a report: percent of peak, and the ratios to the peers, layer by layer. */
import { execFileSync } from 'node:child_process';
import * as path from 'node:path';
import { percentOfPeak, ratio, type Report } from './report';

const ROW_HEIGHT = 15;
const BACKGROUND = '#ffffff';
/** Okabe and Ito's colours, which colour-blind readers can tell apart; the same in every plot. */
const ALGORITHM_COLOURS: Record<string, string> = {
  direct_oc: '#e69f00',
  direct_px: '#d55e00',
  direct_px_panel: '#f0a37a',
  pointwise: '#cc79a7',
  depthwise: '#009e73',
  blocked_depthwise: '#66c5ab',
  winograd_4x4: '#0072b2',
  winograd_3x3: '#2c91cc',
  winograd_2x2: '#56b4e9',
  winograd_1x4: '#00405e',
};
const OTHER_COLOUR = '#777777';
const PEER_COLOURS = ['#111111', '#d55e00', '#0072b2'];

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
  const algorithms = [...new Set(report.rows.map(({ algorithm }) => algorithm))].sort();
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
            scale: {
              domain: algorithms,
              range: algorithms.map((name) => ALGORITHM_COLOURS[name] ?? OTHER_COLOUR),
            },
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
            scale: { range: PEER_COLOURS },
            legend: { title: 'Peer', orient: 'bottom', labelLimit: 0 },
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
