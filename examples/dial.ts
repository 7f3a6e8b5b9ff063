/**
 * Sound through a Conv1d: `npx ts-node examples/dial.ts [file.wav ...]` reads the number that was dialled
 * from the tones of a telephone.
 *
 * A key sounds two tones at once, one of its row and one of its column. A filter bank finds them: one
 * Conv1d with a pair of kernels for each of the eight frequencies, a cosine and a sine, whose outputs
 * together are the amplitude of that frequency, whatever its phase. Without a file it makes
 * one, with noise, in demo-out/.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { add, manualSeed, mul, nn, randn, tensor, type Tensor, zeros } from '../lib';
import { fromUser, main, UserError } from './main';
import { readWav, type Sound, writeWav } from './wav';

const ROWS = [697, 770, 852, 941];
const COLUMNS = [1209, 1336, 1477, 1633];
const KEYS = ['123A', '456B', '789C', '*0#D'];
const FREQUENCIES = [...ROWS, ...COLUMNS];

const WINDOW = 0.05; // seconds: long enough to tell 697 Hz from 770 Hz
const STEP = 0.01;
const LEAST_AMPLITUDE = 0.05;
const LEAST_FRAMES = 3;

/** Amplitudes of the eight frequencies, `(8, frames)`, of sound `(1, samples)`. */
class FilterBank extends nn.Module {
  bank: nn.Conv1d;

  constructor(rate: number) {
    super();
    const taps = Math.round(WINDOW * rate);
    this.bank = new nn.Conv1d(1, 2 * FREQUENCIES.length, taps, {
      stride: Math.round(STEP * rate),
      bias: false,
    });
    // A window that rises and falls softly keeps loud tones out of their neighbours' filters. Its sum
    // is taps / 2, and a tone's mean square is half its amplitude's.
    const soft = Array.from({ length: taps }, (_, i) => {
      return (1 - Math.cos((2 * Math.PI * (i + 0.5)) / taps)) * (2 / taps);
    });
    const kernel = (frequency: number, wave: (phase: number) => number): number[] =>
      soft.map((weight, i) => weight * wave((2 * Math.PI * frequency * i) / rate));
    const kernels = [Math.cos, Math.sin].flatMap((wave) => FREQUENCIES.map((f) => kernel(f, wave)));
    this.bank.weight.copy_(tensor(kernels.flat(), this.bank.weight.shape));
  }

  forward(sound: Tensor): Tensor {
    const pairs = this.bank.forward(sound); // (16, frames): cosines, then sines
    const [real, imaginary] = [0, 1].map((i) =>
      pairs.reshape([2, FREQUENCIES.length, -1]).select(0, i),
    );
    const power = add(mul(real, real), mul(imaginary, imaginary));
    power.data.forEach((value, i) => (power.data[i] = Math.sqrt(Number(value))));
    return power;
  }
}

interface Press {
  key: string;
  start: number; // seconds
  frames: number;
  /** Of the row's and the column's tone, where they are loudest. */
  amplitudes: [number, number];
}

function strongest(levels: number[]): number {
  const most = Math.max(...levels);
  const clear = levels.filter((level) => level > most / 2).length === 1;
  return most >= LEAST_AMPLITUDE && clear ? levels.indexOf(most) : -1;
}

function pressesIn({ samples, rate }: Sound): Press[] {
  if (samples.numel < WINDOW * rate) throw new UserError(`the sound is shorter than ${WINDOW} s`);
  const levels = new FilterBank(rate).forward(samples).toArray() as number[][];
  const presses: Press[] = [];
  let current: Press | undefined;
  levels[0].forEach((_, frame) => {
    const [rows, columns] = [levels.slice(0, 4), levels.slice(4)].map((part) =>
      part.map((level) => level[frame]),
    );
    const [row, column] = [strongest(rows), strongest(columns)];
    const key = row < 0 || column < 0 ? undefined : KEYS[row][column];
    if (key !== current?.key) current = undefined;
    if (key === undefined) return;
    if (!current) {
      current = { key, start: frame * STEP, frames: 0, amplitudes: [0, 0] };
      presses.push(current);
    }
    const [low, high] = current.amplitudes;
    current.frames++;
    current.amplitudes = [Math.max(low, rows[row]), Math.max(high, columns[column])];
  });
  return presses.filter(({ frames }) => frames >= LEAST_FRAMES);
}

/** A number being dialled: tones of amplitude 0.25 for 0.1 s, 0.08 s apart, in noise. */
function dial(number: string, rate: number): Sound {
  const [tone, pause] = [0.1 * rate, 0.08 * rate].map(Math.round);
  const samples = zeros([1, pause + number.length * (tone + pause)]);
  const noise = randn(samples.shape);
  [...number].forEach((key, n) => {
    const row = KEYS.findIndex((keys) => keys.includes(key));
    const pair = [ROWS[row], COLUMNS[KEYS[row].indexOf(key)]];
    for (let i = 0; i < tone; ++i) {
      const at = pause + n * (tone + pause) + i;
      samples.data[at] = pair.reduce(
        (s, f) => s + 0.25 * Math.sin((2 * Math.PI * f * i) / rate),
        0,
      );
    }
  });
  return { samples: add(samples, mul(noise, 0.1)), rate };
}

main('dial', (args) => {
  manualSeed(0);
  const files = args.map(fromUser);
  if (files.length === 0) {
    fs.mkdirSync('demo-out', { recursive: true });
    files.push(path.join('demo-out', 'dial.wav'));
    writeWav(files[0], dial('0123456789*#ABCD', 8000));
  }
  for (const file of files) {
    const sound = readWav(file);
    console.log(`${file}: ${(sound.samples.numel / sound.rate).toFixed(2)} s at ${sound.rate} Hz`);
    console.log(`${String(new FilterBank(sound.rate))}\n\n start  key  amplitudes`);
    const presses = pressesIn(sound);
    for (const { key, start, amplitudes } of presses) {
      const [low, high] = amplitudes.map((amplitude) => amplitude.toFixed(3));
      console.log(`${start.toFixed(2).padStart(6)}  ${key.padStart(3)}  ${low} ${high}`);
    }
    console.log(`\ndialled: ${presses.map(({ key }) => key).join('') || 'nothing'}\n`);
  }
});
