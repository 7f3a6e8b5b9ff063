/** Resampling layers by name, as the fixtures in test/fixtures/resampling have them. */
import { nn } from '../../lib';
import type { Tensor } from '../../lib';

export interface ResampleCall {
  layer: string;
  options: nn.InterpolateOptions;
  input: number[];
}

const FIXED: Record<string, nn.InterpolateOptions> = {
  UpsamplingNearest2d: { mode: 'nearest' },
  UpsamplingBilinear2d: { mode: 'bilinear', alignCorners: true },
};

export function resampleLayer({ layer, options }: ResampleCall): nn.Upsample {
  return new nn[layer as 'Upsample'](options);
}

/** The call of the function that says the same as the layer. */
export function resampleFunction({ layer, options }: ResampleCall, input: Tensor): Tensor {
  return nn.functional.interpolate(input, { ...options, ...FIXED[layer] });
}

export function resampleTitle({ layer, options, input }: ResampleCall): string {
  return `${layer}(${JSON.stringify(options)}) of ${JSON.stringify(input)}`;
}
