/** A summary as a fragment of HTML, with a style of its own. */
import { escapeHtml } from '../../html';
import { COLUMN, type CellContext, type SummaryColumn } from './columns';
import type { SummaryLayer } from './layers';

const STYLE = `.nnconv-summary{font:14px/1.45 system-ui,sans-serif;color:var(--text,#1c2330)}
.nnconv-summary .nnconv-scroll{overflow-x:auto;max-width:100%}
.nnconv-summary table{border-collapse:collapse;font-variant-numeric:tabular-nums;white-space:nowrap}
.nnconv-summary th,.nnconv-summary td{padding:.3em .75em;text-align:left;border-bottom:1px solid var(--line,#d9dee6)}
.nnconv-summary thead th{font-weight:600;border-bottom-width:2px}
.nnconv-summary tbody th{font-weight:400}
.nnconv-summary .nnconv-number{text-align:right}
.nnconv-summary .nnconv-group th{font-weight:600}
.nnconv-summary .nnconv-muted{color:var(--muted,#5b6577)}
.nnconv-summary dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(11em,1fr));gap:.75em;margin:1em 0 0}
.nnconv-summary dt{color:var(--muted,#5b6577);font-size:.9em}
.nnconv-summary dd{margin:0;font-weight:600}
@media (prefers-color-scheme:dark){.nnconv-summary{color:var(--text,#e4e8ef)}
.nnconv-summary th,.nnconv-summary td{border-color:var(--line,#343c4a)}
.nnconv-summary .nnconv-muted,.nnconv-summary dt{color:var(--muted,#9aa5b8)}}`;

function cell(layer: SummaryLayer, column: SummaryColumn, context: CellContext): string {
  const { numeric, text } = COLUMN[column];
  const value = text(layer, context);
  const classes = [numeric && 'nnconv-number', /^\W+$|^\(/.test(value) && 'nnconv-muted'];
  const named = classes.filter(Boolean).join(' ');
  return `<td${named === '' ? '' : ` class="${named}"`}>${escapeHtml(value)}</td>`;
}

function row(layer: SummaryLayer, columns: readonly SummaryColumn[], context: CellContext): string {
  const name =
    layer.depth > 0 ? ` <span class="nnconv-muted">${escapeHtml(layer.varName)}</span>` : '';
  const cells = columns.map((column) => cell(layer, column, context)).join('');
  return (
    `<tr${layer.leaf ? '' : ' class="nnconv-group"'}>` +
    `<th scope="row" style="padding-left:${(0.75 + 1.25 * layer.depth).toFixed(2)}em"` +
    `${layer.name === '' ? '' : ` title="${escapeHtml(layer.name)}"`}>` +
    `${escapeHtml(layer.className)}${name}</th>${cells}</tr>`
  );
}

export function htmlTable(
  layers: readonly SummaryLayer[],
  columns: readonly SummaryColumn[],
  context: CellContext,
  totals: readonly (readonly [label: string, value: string])[],
): string {
  const head = columns
    .map((column) => {
      const { title, numeric } = COLUMN[column];
      return `<th scope="col"${numeric ? ' class="nnconv-number"' : ''}>${title}</th>`;
    })
    .join('');
  return `<div class="nnconv-summary"><style>${STYLE}</style>
<div class="nnconv-scroll" role="region" aria-label="Layers" tabindex="0"><table>
<thead><tr><th scope="col">Layer</th>${head}</tr></thead>
<tbody>
${layers.map((layer) => row(layer, columns, context)).join('\n')}
</tbody></table></div>
<dl>${totals
    .map(
      ([label, value]) => `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}</dd></div>`,
    )
    .join('')}</dl></div>`;
}
