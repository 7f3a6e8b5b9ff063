/** What a model returns: looked at, written to files. */
import { promises as fs } from 'node:fs';
import path from 'node:path';

import { save } from '../checkpoint';
import { isTensor, type Tensor } from '../tensor';
import { RunError, UsageError } from './failure';
import { PIPE } from './input';
import { encodeNpy } from './npy';
import { toJson } from './terminal';

const FORMATS = ['.npy', '.safetensors', '.json'];

/** Throws unless a result can be written to a file of this name. */
export function checkOutput(file: string): void {
  if (file === PIPE || FORMATS.includes(path.extname(file))) return;
  throw new UsageError(
    `--output must end in ${FORMATS.join(', ')}, or be '-' for .npy to standard output; got '${file}'`,
  );
}

/** The tensors in what `forward` returned, with dotted names; a tensor alone is 'output'. */
export function namedTensors(result: unknown): Map<string, Tensor> {
  const found = new Map<string, Tensor>();
  const visit = (value: unknown, name: string): void => {
    if (isTensor(value)) {
      found.set(name === '' ? 'output' : name, value as Tensor);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value)) {
        visit(item, name === '' ? key : `${name}.${key}`);
      }
    }
  };
  visit(result, '');
  if (found.size === 0) throw new RunError('the model returned no tensor');
  return found;
}

/** A tensor, or arrays and objects of them, as plain values. */
export function plain(result: unknown): unknown {
  if (isTensor(result)) return { shape: result.shape, data: result.toArray() };
  if (Array.isArray(result)) return result.map(plain);
  return Object.fromEntries(
    Object.entries(result as object).map(([key, value]) => [key, plain(value)]),
  );
}

/** Writes what `forward` returned, in the format that the file's name says. */
export async function writeOutput(file: string, result: unknown): Promise<void> {
  const format = path.extname(file);
  if (format === '.json') return fs.writeFile(file, `${toJson(plain(result))}\n`);
  const tensors = namedTensors(result);
  if (format === '.safetensors') return save(file, Object.fromEntries(tensors));
  if (tensors.size > 1) {
    throw new UsageError(
      `an .npy file holds one tensor, and the model returns ${tensors.size} (${[...tensors.keys()].join(', ')}); ` +
        'write .safetensors or .json',
    );
  }
  const [[, value]] = tensors;
  const bytes = encodeNpy(value);
  if (file !== PIPE) return fs.writeFile(file, bytes);
  process.stdout.write(bytes);
}
