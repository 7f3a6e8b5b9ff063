/** Tables with bars: predictions, and the time of each step. */
import { escapeHtml } from '../html';
import { milliseconds, percent, times } from './format';
import { type Network, type Step, stepsOf } from './network';

function bar(share: number): string {
  const width = (100 * Math.min(1, Math.max(0, share))).toFixed(1);
  return `<span class="bar" aria-hidden="true"><i style="width:${width}%"></i></span>`;
}

export interface Prediction {
  label: string;
  probability: number;
}

export function predictionTable(predictions: readonly Prediction[]): string {
  const rows = predictions.map(
    ({ label, probability }) =>
      `<tr><th scope="row">${escapeHtml(label)}</th><td class="number">${percent(probability)}</td>` +
      `<td>${bar(probability)}</td></tr>`,
  );
  return (
    '<div class="scroll" role="region" aria-label="Predictions" tabindex="0"><table class="bars"><thead><tr><th scope="col">Class</th>' +
    '<th scope="col" class="number">Probability</th><th scope="col"><span aria-hidden="true"></span></th></tr></thead>' +
    `<tbody>${rows.join('')}</tbody></table></div>`
  );
}

function stepTable(steps: readonly Step[], total: number, label: string): string {
  const most = Math.max(...steps.map(({ seconds }) => seconds));
  const rows = steps.map(({ module, label: what, algorithm, shape, seconds, macs }) => {
    const speed = macs > 0 && seconds > 0 ? `${((2 * macs) / seconds / 1e9).toFixed(0)}` : '';
    return (
      `<tr><th scope="row">${escapeHtml(module === '' ? what : module)}` +
      `<span class="what">${escapeHtml(what)} → ${times(shape)}</span></th>` +
      `<td class="algorithm">${escapeHtml(algorithm)}</td><td class="number algorithm">${speed}</td>` +
      `<td class="number">${milliseconds(seconds)}</td><td class="number">${percent(seconds / total)}</td>` +
      `<td>${bar(seconds / most)}</td></tr>`
    );
  });
  return (
    `<div class="scroll" role="region" aria-label="${label}" tabindex="0"><table class="bars"><thead><tr><th scope="col">Step</th>` +
    '<th scope="col" class="algorithm">Algorithm</th><th scope="col" class="number algorithm">GFLOP/s</th>' +
    '<th scope="col" class="number">Time</th><th scope="col" class="number">Share</th>' +
    `<th scope="col"><span aria-hidden="true"></span></th></tr></thead><tbody>${rows.join('\n')}</tbody></table></div>`
  );
}

/** More steps than that are shown on demand, the slowest first. */
const MOST_ROWS = 16;
const SLOWEST = 10;

export function timeSection(network: Network, threads: string): string {
  const steps = stepsOf(network.root).filter(({ seconds }) => seconds > 0);
  const intro = `<p class="muted">One run takes ${milliseconds(network.seconds)} on ${escapeHtml(threads)}: the least of five for each step.</p>`;
  if (steps.length <= MOST_ROWS) return intro + stepTable(steps, network.seconds, 'Steps');
  const slowest = [...steps].sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST);
  const share = slowest.reduce((sum, { seconds }) => sum + seconds, 0) / network.seconds;
  return (
    `${intro}<h3>The ${SLOWEST} slowest steps, ${percent(share)} of the time</h3>` +
    `${stepTable(slowest, network.seconds, 'Slowest steps')}` +
    `<details><summary>All ${steps.length} steps in order</summary><div>${stepTable(steps, network.seconds, 'All steps')}</div></details>`
  );
}
