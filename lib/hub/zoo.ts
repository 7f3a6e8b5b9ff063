/** The models that have a name: how each is made, what it takes, what its outputs mean. */
import { IMAGENET, type Preprocessing } from '../image';
import * as models from '../models';
import type { Module, StateDict } from '../nn/module';
import { DIGIT_LABELS, DIGIT_PREPROCESSING, DIGIT_SIZE, DIGIT_WEIGHTS, DigitNet } from './digits';

/** A model that is known by name. */
export interface ZooEntry {
  /**
   * Makes the network, in training mode.
   *
   * @param weights what will be loaded into it: classes and channels may be read from their shapes
   */
  create(weights?: StateDict): Module;
  /** What `forward` takes; -1 for a size that is free. */
  inputShape: (module: Module) => readonly number[];
  /** What is done to a picture first. Default: what `inputShape` says. */
  preprocessing?: Preprocessing;
  /** The names of the outputs, one for each class. */
  labels?: () => Promise<readonly string[]>;
  /** A checkpoint that comes with the package. */
  weights?: string;
  /** From the keys of older checkpoints to today's. */
  rename?: (key: string) => string;
}

const imagenet = async () => (await import('./labels/imagenet.json')).default;
const kinetics = async () => (await import('./labels/kinetics.json')).default;

/** The size of one dimension of a tensor in `weights`, where there is one. */
function sizeIn(weights: StateDict | undefined, key: string, dim: number): number | undefined {
  return weights !== undefined && Object.hasOwn(weights, key)
    ? weights[key].shape.at(dim)
    : undefined;
}

/** A network of torchvision's for pictures; `head` is the layer whose outputs are the classes. */
function pictures(
  create: (options: models.ClassifierOptions) => Module,
  head: string,
  rest: Partial<ZooEntry> = {},
): ZooEntry {
  return {
    create: (weights) => create({ numClasses: sizeIn(weights, `${head}.weight`, 0) }),
    inputShape: () => [-1, 3, 224, 224],
    preprocessing: IMAGENET,
    labels: imagenet,
    ...rest,
  };
}

/** Checkpoints of torchvision's DenseNets have names with one dot more: 'norm.1' is 'norm1'. */
const renameDense = (key: string): string =>
  key.replace(/(\bdenselayer\d+\.(?:norm|relu|conv))\.([12]\.)/, '$1$2');

/** Clips of 16 frames. */
const clips = () => [-1, 3, 16, 112, 112];

export const ZOO: Readonly<Record<string, ZooEntry>> = Object.freeze({
  digits: {
    create: () => new DigitNet(),
    inputShape: () => [-1, 1, DIGIT_SIZE, DIGIT_SIZE],
    preprocessing: DIGIT_PREPROCESSING,
    labels: () => Promise.resolve(DIGIT_LABELS),
    weights: DIGIT_WEIGHTS,
  },
  resnet18: pictures(models.resnet18, 'fc'),
  resnet34: pictures(models.resnet34, 'fc'),
  resnet50: pictures(models.resnet50, 'fc'),
  vgg11: pictures(models.vgg11, 'classifier.6'),
  vgg11_bn: pictures(models.vgg11_bn, 'classifier.6'),
  vgg16: pictures(models.vgg16, 'classifier.6'),
  vgg16_bn: pictures(models.vgg16_bn, 'classifier.6'),
  densenet121: pictures(models.densenet121, 'classifier', { rename: renameDense }),
  mobilenet_v2: pictures(models.mobilenet_v2, 'classifier.1'),
  squeezenet1_1: pictures(models.squeezenet1_1, 'classifier.1'),
  'video.r3d_18': {
    create: (weights) => models.video.r3d_18({ numClasses: sizeIn(weights, 'fc.weight', 0) }),
    inputShape: clips,
    labels: kinetics,
  },
  c3d: {
    create: (weights) => models.c3d({ numClasses: sizeIn(weights, 'fc8.weight', 0) }),
    inputShape: clips,
  },
  unet: {
    create: (weights) =>
      models.unet(
        sizeIn(weights, 'inc.double_conv.0.weight', 1) ?? 3,
        sizeIn(weights, 'outc.conv.weight', 0) ?? 2,
        // Only transposed convolutions have weights on the way up.
        { bilinear: weights !== undefined && !Object.hasOwn(weights, 'up1.up.weight') },
      ),
    inputShape: (module) => [-1, channelsOf(module, 'inc.double_conv.0.weight', 1), -1, -1],
  },
  wavenet: {
    create: (weights) => models.wavenet({ classes: sizeIn(weights, 'start_conv.weight', 1) }),
    inputShape: (module) => [
      -1,
      channelsOf(module, 'start_conv.weight', 1),
      (module as models.WaveNet).receptiveField,
    ],
  },
  dcganGenerator: {
    create: (weights) =>
      models.dcganGenerator({
        nz: sizeIn(weights, 'main.0.weight', 0),
        nc: sizeIn(weights, 'main.12.weight', 1),
      }),
    inputShape: (module) => [-1, channelsOf(module, 'main.0.weight', 0), 1, 1],
  },
});

function channelsOf(module: Module, key: string, dim: number): number {
  return module.stateDict()[key].shape[dim];
}

/** The names that `openModel` knows, besides paths. */
export function modelNames(): string[] {
  return Object.keys(ZOO);
}
