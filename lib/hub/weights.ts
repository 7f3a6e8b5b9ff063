/** The state dict in a checkpoint, wherever it lies. */
import { loadAsync } from '../checkpoint';
import { checkpointError, quote } from '../errors';
import type { StateDict } from '../nn/module';
import { isTensor } from '../tensor';

/** Where training scripts put the state dict beside epoch, optimizer, ...; the likeliest first. */
const NESTS = [
  'state_dict',
  'model_state_dict',
  'model_state',
  'model',
  'module',
  'net',
  'network',
  'params',
  'weights',
];

/** What wrappers of models put in front of every key. */
const PREFIXES = ['module.', '_orig_mod.'];

const DEEPEST = 3;
const SHOWN_KEYS = 5;

function isDict(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !isTensor(value) && Object.keys(value).length > 0
  );
}

function isStateDict(value: unknown): value is StateDict {
  return isDict(value) && Object.values(value).every((item) => isTensor(item));
}

/** The state dict in what `load` returned: that itself, or under one of the usual names. */
function find(value: unknown, depth = 0): StateDict | undefined {
  if (isStateDict(value)) return value;
  if (!isDict(value) || depth === DEEPEST) return undefined;
  for (const key of NESTS) {
    const found = Object.hasOwn(value, key) ? find(value[key], depth + 1) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function withoutPrefix(stateDict: StateDict): StateDict {
  const keys = Object.keys(stateDict);
  const prefix = PREFIXES.find((start) => keys.every((key) => key.startsWith(start)));
  if (prefix === undefined) return stateDict;
  const renamed = Object.create(null) as StateDict;
  for (const key of keys) renamed[key.slice(prefix.length)] = stateDict[key];
  return withoutPrefix(renamed);
}

/**
 * Loads the state dict of a checkpoint: the file may hold it alone, or in a dict under 'state_dict',
 * 'model' or the like; `module.` (DataParallel) and `_orig_mod.` (torch.compile) in front of all keys
 * are taken away.
 *
 * @throws as `loadAsync` does; RangeError ERR_NNCONV_CHECKPOINT for a file without a state dict
 */
export async function loadWeights(file: string): Promise<StateDict> {
  const content = await loadAsync<unknown>(file);
  const stateDict = find(content);
  if (stateDict !== undefined) return withoutPrefix(stateDict);
  const keys = isDict(content) ? Object.keys(content) : [];
  const has =
    keys.length === 0
      ? ''
      : `; it has ${keys.slice(0, SHOWN_KEYS).map(quote).join(', ')}${keys.length > SHOWN_KEYS ? ', ...' : ''}`;
  throw checkpointError(
    `can't load ${quote(file)}: it holds no state dict, neither alone nor under ` +
      `${NESTS.map(quote).join(', ')}${has}. Save one with torch.save(model.state_dict(), path)`,
  );
}
