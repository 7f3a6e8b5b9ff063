/** Random networks: layers one after another, branches, sums, concatenations, views. */
import { add, cat, flatten, mean, mul, nn, sub } from '../../lib';
import type { Tensor } from '../../lib';
import { network, scramble } from './graph';
import type { Outputs } from './graph';

const F = nn.functional;

export interface RandomNetwork {
  model: nn.Module;
  /** Of each input, without the batch. */
  inputs: number[][];
  /** What its layers are, for messages. */
  text: string;
}

type Step = (tensors: Tensor[]) => Tensor[];

/** Small, repeatable random numbers. */
function randomizer(seed: number): (below: number) => number {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return (below) => Math.floor(next() * below);
}

/**
 * The network of a seed. `(N, C, ...)` goes in; steps are written down once, with what sizes they
 * lead to, and `forward` follows them.
 */
export function randomNetwork(seed: number): RandomNetwork {
  const below = randomizer(seed);
  const pick = <T>(...choices: T[]): T => choices[below(choices.length)];
  const chance = (percent: number): boolean => below(100) < percent;

  const dims = pick(1, 2, 2, 2, 3);
  const layers: nn.Module[] = [];
  const steps: Step[] = [];
  const texts: string[] = [];
  /** Sizes of the tensors so far: channels and one for each dimension. */
  const shapes: number[][] = [];
  /** Whose elements each tensor shares, so that in-place layers keep off the inputs. */
  const owner: number[] = [];

  const say = (
    text: string,
    shape: number[],
    step: (tensors: Tensor[]) => Tensor,
    from?: number,
  ) => {
    texts.push(`${shapes.length}: ${text}`);
    owner.push(from === undefined ? shapes.length : owner[from]);
    shapes.push(shape);
    steps.push((tensors) => [...tensors, step(tensors)]);
  };
  /** Runs a layer on a tensor of this number. */
  const layer = (module: nn.Module, at: number, shape: number[], from?: number): void => {
    layers.push(module);
    say(`${module.constructor.name}(${at})`, shape, (t) => module.forward(t[at]) as Tensor, from);
  };

  const inputs = Array.from({ length: pick(1, 1, 1, 2) }, (_, i) => [
    pick(1, 3, 4, 6),
    ...Array.from({ length: dims }, () => (dims === 3 ? 3 : 5) + below(dims === 1 ? 20 : 7) + i),
  ]);
  for (const shape of inputs) {
    shapes.push(shape);
    owner.push(-1);
  }

  const last = (): number => shapes.length - 1;
  const any = (): number => (chance(60) ? last() : below(shapes.length));
  const like = (at: number): number[] =>
    shapes.flatMap((shape, i) => (String(shape) === String(shapes[at]) ? [i] : []));

  const conv = (at: number, wanted?: number): void => {
    const [channels, ...sizes] = shapes[at];
    const kind = below(10);
    const groups = kind === 0 ? channels : kind === 1 && channels % 2 === 0 ? 2 : 1;
    const out = wanted ?? groups * pick(1, 2, 3, 5, 8);
    const usedGroups = out % groups === 0 ? groups : 1;
    const bias = chance(70);
    const Conv = [nn.Conv1d, nn.Conv2d, nn.Conv3d][dims - 1];
    const Transposed = [nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d][dims - 1];
    if (wanted === undefined && chance(15) && sizes.every((size) => size < 14)) {
      layer(
        new Transposed(channels, out, 3, { stride: 2, padding: 1, groups: usedGroups, bias }),
        at,
        [out, ...sizes.map((size) => 2 * size - 1)],
      );
    } else if (wanted === undefined && chance(30) && sizes.every((size) => size > 3)) {
      layer(new Conv(channels, out, 3, { stride: 2, padding: 1, groups: usedGroups, bias }), at, [
        out,
        ...sizes.map((size) => Math.floor((size - 1) / 2) + 1),
      ]);
    } else {
      const kernel = pick(1, 3, 3, 5);
      const modes = ['zeros', 'zeros', 'zeros', 'replicate'] as const;
      const options = {
        padding: (kernel - 1) / 2,
        groups: usedGroups,
        bias,
        paddingMode: pick(...modes),
      };
      layer(new Conv(channels, out, kernel, options), at, [out, ...sizes]);
    }
  };

  const norm = (at: number): void => {
    const [channels] = shapes[at];
    const Norm = [nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d][dims - 1];
    const made = chance(80)
      ? new Norm(channels, { affine: chance(80) })
      : chance(50)
        ? new nn.GroupNorm(1, channels)
        : new nn.LocalResponseNorm(3);
    layer(made, at, shapes[at]);
  };

  const activation = (at: number): void => {
    const inplace = owner[at] !== -1 && chance(40);
    const made = pick<() => nn.Module>(
      () => new nn.ReLU({ inplace }),
      () => new nn.ReLU({ inplace }),
      () => new nn.ReLU6({ inplace }),
      () => new nn.SiLU({ inplace }),
      () => new nn.Hardswish({ inplace }),
      () => new nn.LeakyReLU({ negativeSlope: 0.1, inplace }),
      () => new nn.Sigmoid(),
      () => new nn.PReLU(),
      () => new nn.Dropout(),
    )();
    const shares = inplace || made instanceof nn.Dropout;
    layer(made, at, shapes[at], shares ? at : undefined);
  };

  const sum = (at: number): void => {
    const others = like(at);
    const other = others[below(others.length)];
    const [op, name] = pick(
      [add, 'add'] as const,
      [add, 'add'] as const,
      [mul, 'mul'] as const,
      [sub, 'sub'] as const,
    );
    if (chance(15)) {
      say(`${name}(${at}, mean of ${other})`, shapes[at], (t) =>
        op(t[at], mean(t[other], 1, { keepdim: true })),
      );
    } else if (chance(10)) {
      say(`${name}(${at}, 0.5)`, shapes[at], (t) => op(t[at], 0.5));
    } else {
      say(`${name}(${at}, ${other})`, shapes[at], (t) => op(t[at], t[other]));
    }
  };

  const concatenation = (at: number): void => {
    const sizes = String(shapes[at].slice(1));
    const others = shapes.flatMap((shape, i) => (String(shape.slice(1)) === sizes ? [i] : []));
    const parts = [at, ...Array.from({ length: 1 + below(3) }, () => others[below(others.length)])];
    const channels = parts.reduce((total, part) => total + shapes[part][0], 0);
    if (channels > 40) return;
    say(`cat(${String(parts)})`, [channels, ...shapes[at].slice(1)], (t) =>
      cat(
        parts.map((part) => t[part]),
        1,
      ),
    );
    // A sum with a part that repeats, or is seen as something else.
    if (chance(20)) {
      const whole = last();
      const narrow = parts.find((part) => shapes[part][0] === 1);
      if (narrow !== undefined) say(`add(${whole}, ${narrow})`, shapes[whole], (t) => add(t[whole], t[narrow])); // prettier-ignore
    }
  };

  const view = (at: number): void => {
    const [channels, ...sizes] = shapes[at];
    const copy = chance(30);
    say(
      copy ? `clone(${at})` : `view(${at})`,
      shapes[at],
      (t) =>
        copy ? t[at].clone() : flatten(t[at], 1).reshape([t[at].shape[0], channels, ...sizes]),
      copy ? undefined : at,
    );
  };

  const pool = (at: number): void => {
    const [channels, ...sizes] = shapes[at];
    if (sizes.some((size) => size < 4)) return;
    const Pool = (chance(50) ? [nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d] : [nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d])[dims - 1]; // prettier-ignore
    layer(new Pool(2), at, [channels, ...sizes.map((size) => Math.floor(size / 2))]);
  };

  const pad = (at: number): void => {
    const Pad = [nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d][dims - 1];
    const [channels, ...sizes] = shapes[at];
    if (sizes.some((size) => size > 20)) return;
    layer(new Pad(1), at, [channels, ...sizes.map((size) => size + 2)]);
    if (chance(70)) conv(last());
  };

  const block = (at: number): void => {
    conv(at, shapes[at][0]);
    if (chance(60)) norm(last());
    if (chance(60)) activation(last());
    conv(last(), shapes[at][0]);
    if (chance(60)) norm(last());
    const result = last();
    if (String(shapes[result]) !== String(shapes[at])) return;
    say(`add(${result}, ${at})`, shapes[at], (t) =>
      chance50(seed, result) ? add(t[result], t[at]) : add(t[at], t[result]),
    );
    if (chance(70)) activation(last());
  };

  const again = (at: number): void => {
    const used = layers.filter((made) => made instanceof nn.ReLU || made instanceof nn.PReLU);
    if (used.length === 0 || owner[at] === -1) return;
    const made = used[below(used.length)];
    const shares = made instanceof nn.ReLU && made.inplace;
    layer(made, at, shapes[at], shares ? at : undefined);
  };

  conv(below(inputs.length));
  const count = 3 + below(12);
  for (let i = 0; i < count; i++) {
    const at = any();
    pick(conv, conv, norm, norm, activation, activation, sum, sum, concatenation, concatenation, view, pool, pad, block, block, again)(at); // prettier-ignore
  }
  const kept = [last(), ...Array.from({ length: pick(0, 0, 1, 3) }, () => below(shapes.length))];
  const head = chance(30);
  if (head) layers.push(new nn.Linear(shapes[last()][0], 7));
  const linear = layers.at(-1)!;

  const parts = Object.fromEntries(layers.map((made, i) => [`layer${i}`, made]));
  const model = network(parts, (...given) => {
    const tensors = steps.reduce((so, step) => step(so), [...given]);
    const outputs: Outputs[] = kept.map((number) => tensors[number]);
    if (head) {
      const pooled = mean(
        tensors.at(-1)!,
        Array.from({ length: dims }, (_, d) => d + 2),
      );
      outputs.push({ logits: F.relu(linear.forward(pooled) as Tensor) });
    }
    return outputs.length === 1 ? outputs[0] : outputs;
  });
  const text = `seed ${seed}: ${JSON.stringify(inputs)} ${texts.join('; ')}; outputs ${String(kept)}`;
  return { model: scramble(model, seed), inputs, text };
}

/** The same side for the same step at every call. */
function chance50(seed: number, step: number): boolean {
  return (seed + step) % 2 === 0;
}
