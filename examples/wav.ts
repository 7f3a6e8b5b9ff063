import * as fs from 'node:fs';
import { tensor, type Tensor } from '../lib';
import { UserError } from './main';

export interface Sound {
  /** `(1, samples)`, in -1..1. */
  samples: Tensor;
  /** Samples in a second. */
  rate: number;
}

const HEADER = 44;
const PCM = 1;

/** Reads a WAV file of 16-bit PCM; channels are averaged. */
export function readWav(file: string): Sound {
  let bytes: Buffer;
  try {
    bytes = fs.readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(`'${file}' can't be read (${code}); check the path`);
  }
  if (bytes.toString('latin1', 0, 4) !== 'RIFF' || bytes.toString('latin1', 8, 12) !== 'WAVE') {
    throw new UserError(`'${file}' is not a WAV file`);
  }
  const chunks = new Map<string, Buffer>();
  for (let at = 12; at + 8 <= bytes.length;) {
    const size = bytes.readUInt32LE(at + 4);
    chunks.set(bytes.toString('latin1', at, at + 4), bytes.subarray(at + 8, at + 8 + size));
    at += 8 + size + (size % 2); // chunks begin at even places
  }
  const format = chunks.get('fmt ');
  const data = chunks.get('data');
  if (!format || format.length < 16 || !data)
    throw new UserError(`'${file}' is a damaged WAV file`);
  if (format.readUInt16LE(0) !== PCM || format.readUInt16LE(14) !== 16) {
    throw new UserError(`'${file}' is not 16-bit PCM; convert it first (ffmpeg -c:a pcm_s16le)`);
  }
  const channels = format.readUInt16LE(2);
  const length = Math.floor(data.length / 2 / channels);
  const samples = new Float32Array(length);
  for (let i = 0; i < length; ++i) {
    let sum = 0;
    for (let c = 0; c < channels; ++c) sum += data.readInt16LE(2 * (i * channels + c));
    samples[i] = sum / channels / 32768;
  }
  return { samples: tensor(samples, [1, length]), rate: format.readUInt32LE(4) };
}

/** Writes one channel of 16-bit PCM; samples outside -1..1 are clipped. */
export function writeWav(file: string, { samples, rate }: Sound): void {
  const bytes = Buffer.alloc(HEADER + 2 * samples.numel);
  bytes.write('RIFF', 0, 'latin1');
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8, 'latin1');
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(PCM, 20);
  bytes.writeUInt16LE(1, 22); // channels
  bytes.writeUInt32LE(rate, 24);
  bytes.writeUInt32LE(2 * rate, 28);
  bytes.writeUInt16LE(2, 32); // bytes of a sample of all channels
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36, 'latin1');
  bytes.writeUInt32LE(bytes.length - HEADER, 40);
  samples.data.forEach((value, i) => {
    const level = Math.round(32768 * Number(value));
    bytes.writeInt16LE(Math.min(32767, Math.max(-32768, level)), HEADER + 2 * i);
  });
  fs.writeFileSync(file, bytes);
}
