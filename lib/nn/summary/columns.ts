/** The columns of a summary's table: what each says of a layer. */
import type { SummaryLayer } from './layers';

/** torchinfo's names in camelCase, and three more. */
export const COLUMNS = [
  'kernelSize',
  'inputSize',
  'outputSize',
  'numParams',
  'paramsPercent',
  'multAdds',
  'receptiveField',
  'stride',
  'algorithm',
] as const;

export type SummaryColumn = (typeof COLUMNS)[number];

/** What a cell depends on besides the layer. */
export interface CellContext {
  /** Parameters of the model. */
  totalParameters: number;
  /** Layers below this depth have no rows. */
  maxDepth: number;
}

interface Column {
  title: string;
  /** Whether cells are numbers, to be aligned right. */
  numeric: boolean;
  text: (layer: SummaryLayer, context: CellContext) => string;
}

const NOTHING = '--';

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

function list(values: number | readonly number[] | null): string {
  if (values === null) return NOTHING;
  if (typeof values === 'number') return String(values);
  return `[${values.map((value) => Number(value.toFixed(2))).join(', ')}]`;
}

/** Whether a row stands for all that is below it. */
function standsForAll({ leaf, depth }: SummaryLayer, { maxDepth }: CellContext): boolean {
  return leaf || depth === maxDepth;
}

function parametersShown(layer: SummaryLayer, context: CellContext): number {
  return standsForAll(layer, context) ? layer.parameters : Math.max(0, layer.ownParameters);
}

function parameterCell(
  layer: SummaryLayer,
  context: CellContext,
  text: (parameters: number) => string,
): string {
  if (layer.parameters === 0) return NOTHING;
  if (layer.recursive) return '(recursive)';
  const shown = parametersShown(layer, context);
  return shown > 0 ? text(shown) : NOTHING;
}

export const COLUMN: Readonly<Record<SummaryColumn, Column>> = {
  kernelSize: { title: 'Kernel', numeric: false, text: (layer) => list(layer.kernelSize) },
  inputSize: { title: 'Input shape', numeric: false, text: (layer) => list(layer.inputShape) },
  outputSize: { title: 'Output shape', numeric: false, text: (layer) => list(layer.outputShape) },
  numParams: {
    title: 'Params',
    numeric: true,
    text: (layer, context) => parameterCell(layer, context, count),
  },
  paramsPercent: {
    title: 'Params %',
    numeric: true,
    text: (layer, context) =>
      parameterCell(layer, context, (shown) =>
        ((100 * shown) / Math.max(1, context.totalParameters)).toFixed(2),
      ),
  },
  multAdds: {
    title: 'Mult-adds',
    numeric: true,
    text: (layer, context) =>
      layer.multAdds > 0 && standsForAll(layer, context) ? count(layer.multAdds) : NOTHING,
  },
  receptiveField: {
    title: 'Receptive field',
    numeric: false,
    text: (layer) => list(layer.receptiveField),
  },
  stride: { title: 'Stride', numeric: false, text: (layer) => list(layer.stride) },
  algorithm: { title: 'Algorithm', numeric: false, text: (layer) => layer.algorithm ?? NOTHING },
};
