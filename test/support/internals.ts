/** What users can't see and tests must. */
import { binding } from '../../lib/binding';
import { handleOf } from '../../lib/nn/conv';

/** How often the weights of a convolution layer have been packed. */
export function packsOf(layer: Parameters<typeof handleOf>[0]): number {
  return binding().convStats(handleOf(layer)).packs;
}
