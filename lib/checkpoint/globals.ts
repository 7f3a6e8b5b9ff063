/**
 * The globals that a checkpoint may name, and what each stands for: the ones that PyTorch loads with
 * `weights_only=True`, as far as there is something in JavaScript to load them as.
 */
import { checkpointError, show } from '../errors';
import { isTensor } from '../tensor';
import { ELEMENTS } from './elements';
import { Callable, type Host } from './pickle';
import { FileStorage, type Storages } from './storages';

/** A class that is only ever named, as the type of something. */
class TypeName {
  constructor(readonly name: string) {}
}

/** Classes of storages by the type of their elements. */
const STORAGES = new Map([
  ['Double', 'float64'],
  ['Float', 'float32'],
  ['Half', 'float16'],
  ['BFloat16', 'bfloat16'],
  ['Long', 'int64'],
  ['Int', 'int32'],
  ['Short', 'int16'],
  ['Char', 'int8'],
  ['Byte', 'uint8'],
  ['Bool', 'bool'],
  ['Untyped', 'uint8'],
]);
const STORAGE = /^torch\.(?:cuda\.|storage\.)?(\w+)Storage$/;

/** Data types are loaded as their names. */
const DTYPE = /^torch\.(bool|(bfloat|float|complex|q?u?int)\d\w*)$/;

const TYPES = new Set(['torch.Tensor', 'torch.nn.parameter.Parameter', 'torch.nn.Parameter']);

/** Called without regard to storages. */
const PLAIN: Record<string, (args: unknown[]) => unknown> = {
  'collections.OrderedDict': ([pairs = []]) => new Map(listOf(pairs).map(pairOf)),
  'collections.Counter': ([counts = new Map()]) => {
    if (!(counts instanceof Map)) throw badCall(counts);
    return new Map(counts);
  },
  'builtins.set': ([items = []]) => new Set(listOf(items)),
  'builtins.frozenset': ([items = []]) => new Set(listOf(items)),
  'builtins.bytes': (args) => bytesOf(args),
  'builtins.bytearray': (args) => bytesOf(args),
  '_codecs.encode': (args) => bytesOf(args),
  'torch.Size': ([sizes = []]) => [...listOf(sizes)],
  'torch.device': (args) => args.map(nameOf).join(':'),
  'torch.serialization._get_layout': ([name]) => nameOf(name),
};

/** What the pickle of a file of torch.save's may ask for. */
export function torchHost(storages: Storages): Host {
  const callables = callablesOf(storages);
  return {
    global(module, name) {
      // Python 3 writes the names of Python 2 in the protocols that Python 2 reads.
      const full = `${module === '__builtin__' ? 'builtins' : module}.${name}`;
      const callable = callables.get(full);
      if (callable !== undefined) return callable;
      if (DTYPE.test(full)) return full;
      if (TYPES.has(full)) return new TypeName(full);
      if (STORAGES.has(STORAGE.exec(full)?.[1] ?? '')) return new TypeName(full);
      throw refusal(full);
    },
    persistent(id) {
      const [kind, type, key, , numel, view] = Array.isArray(id) ? (id as unknown[]) : [];
      const storage = type instanceof TypeName ? STORAGE.exec(type.name)?.[1] : undefined;
      const dtype = STORAGES.get(storage ?? '');
      const isStorage = kind === 'storage' && dtype !== undefined && typeof key === 'string';
      if (!isStorage || !Number.isSafeInteger(numel) || (numel as number) < 0) {
        throw checkpointError('its pickle names a storage in an unknown way; it is damaged');
      }
      if (view !== undefined && view !== null) {
        throw checkpointError(
          'it has views of storages as PyTorch before 0.4 wrote them: load and save it with a ' +
            'current PyTorch',
        );
      }
      return storages.storage(key, ELEMENTS.get(dtype)!, numel as number);
    },
  };
}

function callablesOf(storages: Storages): Map<string, Callable> {
  const callables = new Map<string, Callable>();
  const define = (name: string, call: (args: unknown[]) => unknown): Callable => {
    const callable = new Callable(name, call);
    callables.set(name, callable);
    return callable;
  };
  for (const [name, call] of Object.entries(PLAIN)) define(name, call);

  const tensor = ([storage, offset, size, stride]: unknown[]): unknown => {
    if (!(storage instanceof FileStorage)) throw badCall(storage);
    return storages.tensor(storage, offset, listOf(size), listOf(stride));
  };
  const rebuild = [
    define('torch._utils._rebuild_tensor', tensor),
    define('torch._utils._rebuild_tensor_v2', tensor),
    // For the types that have no class of storages.
    define('torch._utils._rebuild_tensor_v3', (args) => {
      throw refusal(`a tensor of dtype ${nameOf(args[6])}`);
    }),
  ];
  for (const name of ['_rebuild_parameter', '_rebuild_parameter_with_state']) {
    define(`torch._utils.${name}`, ([data]) => {
      if (!isTensor(data)) throw badCall(data);
      return data;
    });
  }
  // A tensor that has attributes of its own, which are left out.
  define('torch._tensor._rebuild_from_type_v2', ([callable, , args]) => {
    const chosen = rebuild.find((candidate) => candidate === callable);
    if (chosen === undefined) throw badCall(callable);
    return chosen.call(listOf(args));
  });
  return callables;
}

/** What to do instead, for what is often found in checkpoints. */
const ADVICE: [pattern: RegExp, advice: string][] = [
  [/^numpy\b/, 'convert numpy values before saving, with float(x) or torch.from_numpy(x)'],
  [/sparse/, 'save sparse tensors as tensor.to_dense()'],
  [/_rebuild_qtensor|\.Q\w+Storage/, 'save quantised tensors as tensor.dequantize()'],
  [
    /^a tensor of|\.\w+Storage/,
    'convert the tensors of this type before saving, with tensor.float()',
  ],
];
const DEFAULT_ADVICE =
  'save the state dict alone, torch.save(model.state_dict(), path), or a safetensors file, ' +
  'safetensors.torch.save_file(model.state_dict(), path)';

function refusal(what: string): Error {
  const advice = ADVICE.find(([pattern]) => pattern.test(what))?.[1] ?? DEFAULT_ADVICE;
  return checkpointError(
    `it holds ${what}, which is not loaded: a checkpoint may hold dense tensors, numbers, strings, ` +
      `lists and dicts, and nothing else in it is ever run. In Python, ${advice}`,
  );
}

function listOf(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw badCall(value);
  return value;
}

function pairOf(value: unknown): [unknown, unknown] {
  const [key, item] = listOf(value);
  return [key, item];
}

function nameOf(value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number') throw badCall(value);
  return String(value);
}

/** `bytes` as protocol 2 writes it, a string and 'latin1', or bytes themselves. */
function bytesOf([value = new Uint8Array(0), encoding]: unknown[]): Uint8Array {
  if (value instanceof Uint8Array) return value.slice();
  const isLatin1 = encoding === 'latin1' || encoding === 'latin-1';
  if (!isLatin1 || typeof value !== 'string' || !/^[\0-\xff]*$/.test(value)) throw badCall(value);
  return Uint8Array.from(Buffer.from(value, 'latin1'));
}

function badCall(value: unknown): Error {
  return checkpointError(
    `its pickle calls a function with an argument of the wrong kind, ${show(value)}; nothing was run`,
  );
}
