/** The classes that an output tells of. */
import { argTypeError, argValueError, show } from '../errors';
import { isTensor, readData, type Tensor } from '../tensor';
import type { Prediction } from './bars';

const MOST = 5;
const SUM_TOLERANCE = 1e-3;

/** Scores as probabilities: themselves where they are such already, otherwise their softmax. */
function probabilitiesOf(scores: readonly number[]): { values: number[]; softmax: boolean } {
  const sum = scores.reduce((total, score) => total + score, 0);
  if (scores.every((score) => score >= 0) && Math.abs(sum - 1) <= SUM_TOLERANCE) {
    return { values: [...scores], softmax: false };
  }
  const most = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - most));
  const total = powers.reduce((all, power) => all + power, 0);
  return { values: powers.map((power) => power / total), softmax: true };
}

/** Checks labels as they are given. */
export function readLabels(labels: unknown): readonly string[] | undefined {
  if (labels === undefined) return undefined;
  if (!Array.isArray(labels) || !labels.every((label) => typeof label === 'string')) {
    throw argTypeError(`labels must be an array of strings, got ${show(labels)}`);
  }
  return labels;
}

/**
 * The most probable classes of the first sample, where the output has shape (N, classes) with two
 * classes at least and finite values; otherwise undefined.
 *
 * @throws RangeError ERR_NNCONV_ARG_VALUE where there aren't as many labels as classes
 */
export function predictionsOf(
  output: unknown,
  labels: readonly string[] | undefined,
): { predictions: Prediction[]; softmax: boolean } | undefined {
  const tensor = isTensor(output) ? (output as Tensor) : undefined;
  const [batch = 0, classes = 0] = tensor?.shape ?? [];
  const fits = tensor?.ndim === 2 && batch > 0 && classes > 1;
  if (labels !== undefined && (!fits || labels.length !== classes)) {
    throw argValueError(
      `labels must name the classes of an output of shape (N, classes): got ${labels.length} for ` +
        `${tensor ? `an output of shape [${tensor.shape.join(', ')}]` : show(output)}`,
    );
  }
  if (!fits) return undefined;
  const scores = Array.from(readData(tensor).subarray(0, classes));
  if (!scores.every(Number.isFinite)) return undefined;
  const { values, softmax } = probabilitiesOf(scores);
  const predictions = values
    .map((probability, i) => ({ label: labels?.[i] ?? `class ${i}`, probability }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, MOST);
  return { predictions, softmax };
}
