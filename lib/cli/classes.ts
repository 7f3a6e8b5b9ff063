/** The likeliest classes of a classifier's output. */
import { readData, type Tensor } from '../tensor';

export interface Candidate {
  /** Which of the classes, from 0. */
  index: number;
  /** Its name; the index where classes have none. */
  label: string;
  /** From 0 to 1. */
  probability: number;
}

/** How far the sum of a network's own probabilities may be from 1. */
const TOLERANCE = 1e-3;

/** The softmax of logits; what is a distribution already stays as it is. */
function probabilities(values: readonly number[]): readonly number[] {
  const sum = values.reduce((total, value) => total + value, 0);
  if (values.every((value) => value >= 0) && Math.abs(sum - 1) < TOLERANCE) return values;
  const largest = values.reduce((max, value) => Math.max(max, value), -Infinity);
  const powers = values.map((value) => Math.exp(value - largest));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / total);
}

/** Whether the output is that of a classifier: (N, classes). */
export function isClassification(output: Tensor): boolean {
  return output.ndim === 2 && output.numel > 0;
}

/** The `count` likeliest classes for each item of the batch, the likeliest first. */
export function topClasses(
  output: Tensor,
  count: number,
  labels: readonly string[] | undefined,
): Candidate[][] {
  const [batch, classes] = output.shape;
  const data = readData(output);
  const names = labels?.length === classes ? labels : undefined;
  return Array.from({ length: batch }, (_, item) => {
    const row = Array.from(data.subarray(item * classes, (item + 1) * classes));
    return probabilities(row)
      .map((probability, index) => ({ index, label: names?.[index] ?? String(index), probability }))
      .sort((a, b) => b.probability - a.probability)
      .slice(0, count);
  });
}
