/** The generator of DCGAN, with the module names of PyTorch's tutorial: its checkpoints load. */
import * as nn from '../nn';
import { optionsOf } from '../options';
import type { Tensor } from '../tensor';

/** Options of {@link dcganGenerator}, named as in the tutorial. */
export interface DCGANGeneratorOptions {
  /** Size of the latent vector. Default: 100. */
  nz?: number;
  /** Feature maps of the last hidden layer; the first has 8 times as many. Default: 64. */
  ngf?: number;
  /** Channels of the picture. Default: 3. */
  nc?: number;
}

const OPTIONS = ['nz', 'ngf', 'nc'] as const;

/**
 * Pictures out of noise: (N, nz, 1, 1) -> (N, nc, 64, 64) in -1..1.
 *
 * Follows https://docs.pytorch.org/tutorials/beginner/dcgan_faces_tutorial.html
 */
export class Generator extends nn.Module {
  readonly main: nn.Sequential;

  /**
   * @throws TypeError ERR_NNCONV_ARG_TYPE, ERR_NNCONV_UNKNOWN_OPTION; RangeError
   *   ERR_NNCONV_ARG_VALUE
   */
  constructor(options?: DCGANGeneratorOptions) {
    super();
    const { nz = 100, ngf = 64, nc = 3 } = optionsOf('Generator', options, OPTIONS);
    const doubling = { stride: 2, padding: 1, bias: false };
    const layers: nn.Module[] = [];
    let channels = nz;
    for (const maps of [8, 4, 2, 1]) {
      const step = layers.length === 0 ? { bias: false } : doubling;
      layers.push(
        new nn.ConvTranspose2d(channels, ngf * maps, 4, step),
        new nn.BatchNorm2d(ngf * maps),
        new nn.ReLU({ inplace: true }),
      );
      channels = ngf * maps;
    }
    layers.push(new nn.ConvTranspose2d(channels, nc, 4, doubling), new nn.Tanh());
    this.main = new nn.Sequential(...layers);
    for (const module of this.modules()) {
      if (module instanceof nn.ConvTranspose2d) nn.init.normal_(module.weight, 0, 0.02);
      else if (module instanceof nn.BatchNorm2d) {
        nn.init.normal_(module.weight!, 1, 0.02);
      }
    }
  }

  /** Pictures `(N, nc, 64, 64)` in -1..1 of noise `(N, nz, 1, 1)`. */
  forward(noise: Tensor): Tensor {
    return this.main.forward(noise);
  }
}

/** The {@link Generator} of DCGAN. */
export function dcganGenerator(options?: DCGANGeneratorOptions): Generator {
  return new Generator(options);
}
