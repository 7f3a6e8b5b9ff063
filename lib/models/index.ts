/** Networks: torchvision's under its names, and a few others. All are made in training mode. */
export { c3d, C3D, type C3DOptions } from './c3d';
export type { ClassifierOptions, DropoutOptions, WidthOptions } from './common';
export { type DCGANGeneratorOptions, dcganGenerator, Generator } from './dcgan';
export { DenseNet, densenet121, type DenseNetOptions } from './densenet';
export { mobilenet_v2, MobileNetV2, type MobileNetV2Options } from './mobilenetv2';
export {
  BasicBlock,
  Bottleneck,
  ResNet,
  resnet18,
  resnet34,
  resnet50,
  type ResNetOptions,
} from './resnet';
export { SqueezeNet, squeezenet1_1, type SqueezeNetOptions } from './squeezenet';
export { UNet, unet, type UNetOptions } from './unet';
export { VGG, vgg11, vgg11_bn, vgg16, vgg16_bn, type VGGOptions } from './vgg';
/** Networks for video clips. */
export * as video from './video';
export { WaveNet, wavenet, type WaveNetOptions } from './wavenet';
