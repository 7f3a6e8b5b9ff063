/** A layer as PyTorch or nnconv writes it: `Conv2d(64, 64, kernel_size=(3, 3), padding: 'same')`. */
import * as nn from '../nn';
import { didYouMean } from '../options';
import { oneLine, UsageError } from './failure';

type Value = number | string | boolean | null | Value[];
type Layer = nn.Module;

/** Arguments that come before the options, by the start of the layer's name. */
const POSITIONAL: readonly [start: RegExp, names: readonly string[]][] = [
  [/^Conv/, ['inChannels', 'outChannels', 'kernelSize']],
  [/^(Max|Avg)Pool/, ['kernelSize']],
  [/^Adaptive/, ['outputSize']],
  [/^(Batch|Instance)Norm/, ['numFeatures']],
  [/^GroupNorm/, ['numGroups', 'numChannels']],
  [/^LayerNorm/, ['normalizedShape']],
  [/^Linear/, ['inFeatures', 'outFeatures']],
  [/Pad\dd$/, ['padding']],
  [/^PixelShuffle/, ['upscaleFactor']],
];

const TOKENS =
  /\s*(?:([A-Za-z_]\w*)|([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|'([^']*)'|"([^"]*)"|([()[\]{},=:]))\s*/y;
const WORDS: Readonly<Record<string, boolean | null>> = {
  True: true,
  true: true,
  False: false,
  false: false,
  None: null,
  null: null,
};
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']' };

interface Token {
  kind: 'name' | 'number' | 'string' | 'sign';
  text: string;
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKENS.lastIndex = 0;
  while (TOKENS.lastIndex < text.length) {
    const at = TOKENS.lastIndex;
    const match = TOKENS.exec(text);
    if (match === null) throw malformed(text, `'${text.slice(at)}' can't be read`);
    const [, name, number, single, double, sign] = match;
    if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign });
    else tokens.push({ kind: 'string', text: single ?? double });
  }
  return tokens;
}

function malformed(text: string, reason: string): UsageError {
  return new UsageError(`--layer '${text}': ${reason}; write it as "Conv2d(64, 64, 3, padding=1)"`);
}

/** kernel_size -> kernelSize. */
const camel = (name: string): string =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** The class, the positional arguments and those that have a name. */
function parse(text: string): { name: string; given: Value[]; named: Map<string, Value> } {
  const tokens = tokensOf(text.replace(/^\s*(new\s+)?(nn\.)?/, ''));
  let at = 0;
  const next = (): Token | undefined => tokens[at];
  const isSign = (...signs: string[]): boolean =>
    next()?.kind === 'sign' && signs.includes(next()!.text);
  const expect = (sign: string): void => {
    if (!isSign(sign)) throw malformed(text, `expected '${sign}'`);
    at++;
  };
  const value = (): Value => {
    const token = next();
    if (token === undefined) throw malformed(text, 'it ends too soon');
    at++;
    if (token.kind === 'number') return Number(token.text);
    if (token.kind === 'string') return token.text;
    if (token.kind === 'name' && Object.hasOwn(WORDS, token.text)) return WORDS[token.text];
    const closing = CLOSING[token.text];
    if (closing === undefined) throw malformed(text, `'${token.text}' is no value`);
    const items: Value[] = [];
    while (!isSign(closing)) {
      items.push(value());
      if (!isSign(closing)) expect(',');
    }
    expect(closing);
    return items;
  };
  const name = next();
  if (name?.kind !== 'name') throw malformed(text, 'it must begin with the name of a layer');
  at++;
  const given: Value[] = [];
  const named = new Map<string, Value>();
  expect('(');
  while (!isSign(')')) {
    if (isSign('{', '}')) {
      at++; // nnconv's options object
      if (isSign(',')) at++;
      continue;
    }
    const [token, after] = tokens.slice(at, at + 2);
    if (token.kind === 'name' && after?.kind === 'sign' && /[=:]/.test(after.text)) {
      at += 2;
      named.set(camel(token.text), value());
    } else if (named.size > 0)
      throw malformed(text, 'an argument without a name follows named ones');
    else given.push(value());
    if (!isSign(')', '}')) expect(',');
  }
  expect(')');
  if (at < tokens.length) throw malformed(text, 'something follows the last bracket');
  return { name: name.text, given, named };
}

/** The layers of nn that can be asked for. */
function layerNames(): string[] {
  return Object.entries(nn)
    .filter(([, item]) => typeof item === 'function' && item.prototype instanceof nn.Module)
    .map(([name]) => name);
}

/**
 * The layer that `text` describes, in evaluation mode.
 *
 * @throws UsageError
 */
export function layerFrom(text: string): Layer {
  const { name, given, named } = parse(text);
  const names = layerNames();
  if (!names.includes(name)) {
    throw new UsageError(`--layer: nn has no layer ${name}${didYouMean(name, names)}`);
  }
  const required = POSITIONAL.find(([start]) => start.test(name))?.[1] ?? [];
  const positional = required.map((argument, i) => {
    const value = i < given.length ? given[i] : named.get(argument);
    named.delete(argument);
    return value;
  });
  if (given.length > required.length) {
    throw malformed(
      text,
      required.length === 0
        ? `${name} takes its arguments by name`
        : `after ${required.join(', ')} arguments must have names`,
    );
  }
  const Class = (nn as unknown as Record<string, new (...args: unknown[]) => Layer>)[name];
  try {
    const options = named.size > 0 ? [Object.fromEntries(named)] : [];
    return new Class(...positional, ...options).eval();
  } catch (cause) {
    throw new UsageError(`--layer '${text}': ${oneLine(cause)}`, { cause });
  }
}
