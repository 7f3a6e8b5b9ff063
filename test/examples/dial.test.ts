import * as fs from 'node:fs';
import * as path from 'node:path';
import { readWav, writeWav } from '../../examples/wav';
import { tensor, zeros } from '../../lib';
import { outputOf, runExample, temporaryFolder } from '../support/example';

const folder = temporaryFolder();
const file = (name: string): string => path.join(folder, name);

/** Half a second of silence with two tones in its middle. */
function tones(rate: number, parts: [frequency: number, amplitude: number][]): string {
  const samples = zeros([1, rate / 2]);
  for (let i = rate / 8; i < (3 * rate) / 8; ++i) {
    for (const [frequency, amplitude] of parts) {
      samples.data[i] += amplitude * Math.cos((2 * Math.PI * frequency * i) / rate);
    }
  }
  const path = file(`${rate}-${parts.join('-')}.wav`);
  writeWav(path, { samples, rate });
  return path;
}

describe('examples/dial.ts', () => {
  test('reads a number through noise', () => {
    const stdout = outputOf('dial.ts');
    expect(stdout).toMatch(/^dialled: 0123456789\*#ABCD$/m);
    const amplitudes = [...stdout.matchAll(/ (0\.\d{3}) (0\.\d{3})$/gm)].flatMap((match) => [
      Number(match[1]),
      Number(match[2]),
    ]);
    expect(amplitudes).toHaveLength(32);
    // The noise of a window: standard deviation 0.1, of which the filter keeps 1.5 / 400.
    for (const amplitude of amplitudes) expect(Math.abs(amplitude - 0.25)).toBeLessThan(0.04);
  });

  test('measures each tone, and hears no key where there is none', () => {
    const key: [number, number][] = [[770, 0.3], [1477, 0.2]]; // prettier-ignore
    const files = [
      tones(8000, key),
      tones(16000, key),
      tones(8000, [[770, 0.3]]),
      tones(8000, [[733, 0.3], [1477, 0.3]]), // prettier-ignore
      tones(8000, [[770, 0.03], [1477, 0.03]]), // prettier-ignore
    ];
    const reports = outputOf('dial.ts', ...files)
      .split(/(?<=^dialled: .*\n)\n/m)
      .filter((report) => report !== '');
    const heard = reports.map((report) => /^dialled: (.*)$/m.exec(report)![1]);
    expect(heard).toEqual(['6', '6', 'nothing', 'nothing', 'nothing']);
    for (const report of reports.slice(0, 2)) {
      const [, low, high] = / 6 +(\S+) (\S+)$/m.exec(report)!;
      expect(Number(low)).toBeCloseTo(0.3, 2);
      expect(Number(high)).toBeCloseTo(0.2, 2);
    }
  });

  test('says what is wrong', () => {
    const { status, stderr } = runExample('dial.ts', file('none.wav'));
    expect(status).toBe(1);
    expect(stderr).toMatch(/^dial: '.*none.wav' can't be read \(ENOENT\); check the path\n$/);
  });
});

describe('WAV files of the examples', () => {
  test('what is written reads back, to 16 bits and clipped', () => {
    const samples = tensor([[0, 0.5, -1, 2, 1 / 32768]]);
    writeWav(file('x.wav'), { samples, rate: 44100 });
    const sound = readWav(file('x.wav'));
    expect(sound.rate).toBe(44100);
    expect(Array.from(sound.samples.data)).toEqual([0, 0.5, -1, 32767 / 32768, 1 / 32768]);
  });

  test('channels are averaged, chunks of other kinds passed over', () => {
    writeWav(file('two.wav'), { samples: tensor([[0.5, 0.25]]), rate: 8000 });
    const bytes = fs.readFileSync(file('two.wav'));
    bytes.writeUInt16LE(2, 22);
    const odd = Buffer.from('LIST\x03\0\0\0abc\0', 'latin1');
    fs.writeFileSync(file('two.wav'), Buffer.concat([bytes.subarray(0, 12), odd, bytes.subarray(12)])); // prettier-ignore
    expect(Array.from(readWav(file('two.wav')).samples.data)).toEqual([0.375]);
  });

  test.each([
    ['is not a WAV file', (bytes: Buffer) => bytes.write('JUNK')],
    ['is not 16-bit PCM', (bytes: Buffer) => bytes.writeUInt16LE(3, 20)],
    ['is a damaged WAV file', (bytes: Buffer) => bytes.write('none', 36)],
  ])('%s', (message, damage) => {
    writeWav(file('bad.wav'), { samples: zeros([1, 4]), rate: 8000 });
    const bytes = fs.readFileSync(file('bad.wav'));
    damage(bytes);
    fs.writeFileSync(file('bad.wav'), bytes);
    expect(() => readWav(file('bad.wav'))).toThrow(message);
  });
});
