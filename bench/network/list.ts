/** The networks that are measured. */
import { manualSeed, models, nn, randn, type Tensor } from '../../lib';

export interface Network {
  name: string;
  build(): nn.Module;
  /** Of a batch of one. */
  input: readonly number[];
  /** Measured where it is asked for. */
  extra?: boolean;
}

/** Three blocks of convolution, batch norm and pooling. The twin is in ../peers/export.py. */
function seedCnn(): nn.Module {
  const block = (inside: number, outside: number): nn.Module[] => [
    new nn.Conv2d(inside, outside, 3, { padding: 1 }),
    new nn.BatchNorm2d(outside),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
  ];
  return new nn.Sequential(
    ...[...block(3, 16), ...block(16, 32), ...block(32, 64)],
    ...[new nn.Flatten(), new nn.Linear(1024, 10)],
  );
}

const PICTURE = [1, 3, 224, 224];

export const NETWORKS: readonly Network[] = [
  { name: 'seed_cnn', build: seedCnn, input: [1, 3, 32, 32] },
  { name: 'resnet18', build: () => models.resnet18(), input: PICTURE },
  { name: 'resnet50', build: () => models.resnet50(), input: PICTURE },
  { name: 'mobilenet_v2', build: () => models.mobilenet_v2(), input: PICTURE },
  { name: 'vgg11', build: () => models.vgg11(), input: PICTURE },
  { name: 'squeezenet1_1', build: () => models.squeezenet1_1(), input: PICTURE },
  { name: 'dcgan', build: () => models.dcganGenerator(), input: [1, 100, 1, 1] },
  { name: 'unet', build: () => models.unet(3, 2), input: [1, 3, 256, 256] },
  { name: 'r3d_18', build: () => models.video.r3d_18(), input: [1, 3, 8, 112, 112] },
  { name: 'wavenet', build: () => models.wavenet(), input: [1, 256, 8000], extra: true },
  { name: 'c3d', build: () => models.c3d(), input: [1, 3, 16, 112, 112], extra: true },
];

/**
 * With random weights, the same ones each time. Batch norms get statistics as a trained network might
 * have, so that folding them is put to the test.
 */
export function buildNetwork(network: Network): nn.Module {
  manualSeed(0);
  const model = network.build();
  for (const module of model.modules()) {
    if (!(module instanceof nn.BatchNorm2d || module instanceof nn.BatchNorm3d)) continue;
    nn.init.uniform_(module.weight!, 0.5, 1.5);
    nn.init.normal_(module.bias!, 0, 0.1);
    nn.init.normal_(module.running_mean!, 0, 0.1);
    nn.init.uniform_(module.running_var!, 0.5, 1.5);
  }
  return model.eval();
}

/** An input for so large a batch. */
export function inputOf({ input }: Network, batch: number): Tensor {
  manualSeed(1);
  return randn([batch, ...input.slice(1)]);
}
