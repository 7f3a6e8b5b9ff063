/** The state of a model when it was compiled, whatever happens to it later. */
import type { Module } from '../nn/module';
import {
  type DataOf,
  type DType,
  isTensor,
  readData,
  type Storage,
  storageOf,
  type Tensor,
} from '../tensor';
import type { Constant } from './graph';

/** Elements that nobody writes to. */
interface Held {
  data: DataOf<DType>;
  id: string;
}

/** A property that is a parameter or a buffer, or the place of one. */
interface Place {
  module: Module;
  name: string;
  tensor: Tensor<DType> | null;
}

type Properties = ReadonlyMap<string, PropertyDescriptor>;

/** Larger tensors made in `forward` are told apart by what they are, not by what they hold. */
const MOST_COMPARED = 16;

let ids = 0;

export class Snapshot {
  /** Of the model's own tensors. */
  readonly #held = new Map<Storage, Held>();
  /** Of the others that its `forward` uses; those that it makes come anew at each recording. */
  readonly #others = new WeakMap<Storage, Held>();
  readonly #places: Place[] = [];
  readonly #properties = new Map<Module, Properties>();
  readonly #hidden = new Map<Module, () => void>();

  constructor(model: Module) {
    // Properties that are parameters become known as such when they are listed.
    const own = [...model.namedParameters(), ...model.namedBuffers()];
    for (const [, tensor] of own) {
      if (!this.#held.has(storageOf(tensor))) this.#held.set(storageOf(tensor), held(tensor));
    }
    for (const module of model.modules()) {
      const properties = propertiesOf(module);
      this.#properties.set(module, properties);
      this.#hidden.set(module, module.remember());
      for (const [name, property] of properties) {
        if (!property.get || !property.set) continue;
        const tensor: unknown = property.get.call(module);
        if (tensor === null || isTensor(tensor)) this.#places.push({ module, name, tensor });
      }
    }
  }

  /** A tensor as it was, or as it was first seen where it is not the model's. */
  constant(tensor: Tensor): Constant {
    const storage = storageOf(tensor);
    let found = this.#held.get(storage) ?? this.#others.get(storage);
    if (found === undefined) {
      found = held(tensor);
      if (found.data.length <= MOST_COMPARED) found.id = contentId(found.data);
      this.#others.set(storage, found);
    }
    const { data, id } = found;
    return { kind: 'constant', data: data as DataOf<'float32'>, shape: tensor.shape, id };
  }

  /** Calls `body` while the model is as it was: its modules, their properties, its tensors. */
  restored<T>(body: () => T): T {
    const undo: (() => void)[] = [];
    try {
      for (const [module, recall] of this.#hidden) {
        undo.push(module.remember());
        recall();
      }
      for (const [module, properties] of this.#properties) {
        const now = propertiesOf(module);
        if (sameProperties(now, properties)) continue;
        undo.push(() => setProperties(module, now));
        setProperties(module, properties);
      }
      for (const { module, name, tensor } of this.#places) {
        const holder = module as unknown as Record<string, Tensor<DType> | null>;
        const now = holder[name];
        if (now === tensor) continue;
        undo.push(() => (holder[name] = now));
        holder[name] = tensor;
      }
      for (const [storage, { data }] of this.#held) {
        if (storage.data !== data) undo.push(storage.exchange(data));
      }
      return body();
    } finally {
      for (const step of undo.reverse()) step();
    }
  }
}

/** The elements as they are: shared until somebody wants to write to them. */
function held(tensor: Tensor<DType>): Held {
  const storage = storageOf(tensor);
  const data = readData(tensor);
  const id = `#${++ids}`;
  // Whoever has been given the elements may write to them unseen.
  if (storage.exposed) return { data: data.slice(), id };
  storage.shared = true;
  return { data, id };
}

function contentId({ buffer, byteOffset, byteLength }: DataOf<DType>): string {
  return `=${Buffer.from(buffer, byteOffset, byteLength).toString('hex')}`;
}

function propertiesOf(module: Module): Properties {
  return new Map(Object.entries(Object.getOwnPropertyDescriptors(module)));
}

function sameProperty(a: PropertyDescriptor, b: PropertyDescriptor | undefined): boolean {
  return (
    b !== undefined &&
    Object.is(a.value, b.value) &&
    a.get === b.get &&
    a.set === b.set &&
    a.enumerable === b.enumerable &&
    a.writable === b.writable
  );
}

function sameProperties(a: Properties, b: Properties): boolean {
  const others = [...b];
  return (
    a.size === b.size &&
    [...a].every(
      ([name, property], i) => name === others[i][0] && sameProperty(property, others[i][1]),
    )
  );
}

/** In their order too, which is that of the state dict. */
function setProperties(module: Module, properties: Properties): void {
  for (const name of Object.getOwnPropertyNames(module)) Reflect.deleteProperty(module, name);
  for (const [name, property] of properties) Reflect.defineProperty(module, name, property);
}
