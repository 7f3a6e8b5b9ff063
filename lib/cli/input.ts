/** What a command is given to work on: pictures and tensors, from files or from a pipe. */
import { promises as fs } from 'node:fs';

import { type CheckpointValue, load } from '../checkpoint';
import type { OpenedModel } from '../hub';
import { decodeImage, preprocess } from '../image';
import { type DType, isTensor, readData, type Tensor } from '../tensor';
import { tensor } from '../create';
import { RunError, UsageError } from './failure';
import { decodeNpy, isNpy } from './npy';

/** The file name that stands for standard input and output. */
export const PIPE = '-';

export interface Input {
  /** The file's path; '-' for standard input. */
  name: string;
  kind: 'picture' | 'tensor';
  /** float32: a picture of shape (C, H, W) in 0..1, or what the file holds. */
  value: Tensor;
}

const PICTURE_STARTS = ['\x89PNG', '\xff\xd8\xff'];
/** Formats that somebody might take for pictures that are read. */
const OTHER_PICTURES: readonly [name: string, start: RegExp][] = [
  ['GIF', /^GIF8/],
  ['BMP', /^BM/],
  ['WebP', /^RIFF....WEBP/s],
  ['TIFF', /^(II\*\0|MM\0\*)/],
  ['AVIF or HEIC', /^....ftyp/s],
  ['SVG', /^\s*<(svg|\?xml)/],
];

async function readPipe(): Promise<Buffer> {
  if (process.stdin.isTTY) {
    throw new UsageError(
      "'-' reads standard input, which is the terminal here: pipe a file into it",
    );
  }
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function readBytes(file: string): Promise<Buffer> {
  if (file === PIPE) return readPipe();
  try {
    return await fs.readFile(file);
  } catch (error) {
    // Reading a folder fails without its name.
    throw Object.assign(error as NodeJS.ErrnoException, { path: file });
  }
}

/** The name of an input for messages. */
function called(file: string): string {
  return file === PIPE ? 'standard input' : `'${file}'`;
}

/**
 * Reads a picture or a tensor; the content tells which, not the name.
 *
 * @param file a path, or '-' for standard input
 * @param key which tensor of a file with several
 */
export async function readInput(file: string, key?: string): Promise<Input> {
  const bytes = await readBytes(file);
  const name = called(file);
  if (bytes.length === 0) throw new RunError(`${name} is empty`);
  const start = bytes.toString('latin1', 0, 16);
  if (PICTURE_STARTS.some((magic) => start.startsWith(magic))) {
    return { name: file, kind: 'picture', value: naming(name, () => decodeImage(bytes)) };
  }
  if (isNpy(bytes)) return { name: file, kind: 'tensor', value: decodeNpy(bytes, name) };
  if (start[8] === '{' || start.startsWith('PK\x03\x04') || start.startsWith('\x80')) {
    const content = naming(name, () => load<CheckpointValue>(bytes));
    return { name: file, kind: 'tensor', value: toFloat32(pick(name, content, key)) };
  }
  const other = OTHER_PICTURES.find(([, magic]) => magic.test(start))?.[0];
  throw new RunError(
    other === undefined
      ? `${name} is neither a picture (PNG, JPEG) nor a tensor (.npy, .safetensors, .pt)`
      : `${name} is a ${other} picture; convert it to PNG or JPEG`,
  );
}

/** Reads a picture; a tensor is none. */
export async function readPicture(file: string): Promise<Tensor> {
  const { kind, value } = await readInput(file);
  if (kind !== 'picture') throw new RunError(`${called(file)} is no picture; give a PNG or a JPEG`);
  return value;
}

/** Runs `read`; its errors get the file's name in front. */
function naming<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const reason = (cause as Error).message.replace("can't load the checkpoint: ", '');
    throw new RunError(`${name} can't be read: ${reason}`, { cause });
  }
}

function pick(name: string, content: CheckpointValue, key: string | undefined): Tensor<DType> {
  if (isTensor(content)) return content;
  const tensors =
    typeof content === 'object' && content !== null
      ? Object.entries(content).filter((entry): entry is [string, Tensor<DType>] =>
          isTensor(entry[1]),
        )
      : [];
  const names = tensors.map(([item]) => item).join(', ');
  if (key !== undefined) {
    const found = tensors.find(([item]) => item === key)?.[1];
    if (found !== undefined) return found;
    throw new UsageError(`${name} holds no tensor '${key}'; it has ${names || 'none'}`);
  }
  if (tensors.length === 1) return tensors[0][1];
  throw new UsageError(
    tensors.length === 0
      ? `${name} holds no tensor`
      : `${name} holds ${tensors.length} tensors; name one with --tensor: ${names}`,
  );
}

function toFloat32(value: Tensor<DType>): Tensor {
  if (value.dtype === 'float32') return value as Tensor;
  return tensor(Float32Array.from(readData(value), Number), value.shape);
}

/**
 * What the model's `forward` gets: a picture after the model's preprocessing, a tensor with the batch
 * dimension that it may lack.
 */
export function asModelInput(
  { kind, value }: Input,
  { inputShape, preprocessing }: OpenedModel,
): Tensor {
  if (kind === 'picture') return preprocess(value, preprocessing);
  return value.ndim + 1 === inputShape?.length ? value.reshape([1, ...value.shape]) : value;
}
