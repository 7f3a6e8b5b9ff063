/** The state of a model when it was compiled: weights and modes as they were, whatever happens later. */
import type { Module } from '../nn/module';
import { type DataOf, type DType, type Storage, storageOf, type Tensor } from '../tensor';
import type { Constant } from './graph';

/** A property that holds a parameter or a buffer. */
interface Place {
  module: Module;
  name: string;
  tensor: Tensor<DType> | null;
}

let ids = 0;

export class Snapshot {
  readonly #data = new Map<Storage, { data: DataOf<'float32'>; id: number }>();
  readonly #places: Place[] = [];
  readonly #modes = new Map<Module, boolean>();

  constructor(model: Module) {
    for (const module of model.modules()) {
      this.#modes.set(module, module.training);
      const own = [...module.namedParameters(), ...module.namedBuffers()];
      for (const [name, tensor] of own) {
        if (!name.includes('.')) this.#places.push({ module, name, tensor });
        this.#take(tensor);
      }
    }
  }

  /** Elements that stay as they are: shared until somebody wants to write to them. */
  #take(tensor: Tensor<DType>): void {
    const storage = storageOf(tensor);
    if (storage.dtype !== 'float32' || this.#data.has(storage)) return;
    // Whoever has been given the elements may write to them unseen.
    const data = storage.exposed ? storage.data.slice() : storage.data;
    if (!storage.exposed) storage.shared = true;
    this.#data.set(storage, { data: data as DataOf<'float32'>, id: ++ids });
  }

  /** A tensor as it was, or as it is now where it was not the model's. */
  constant(tensor: Tensor): Constant {
    this.#take(tensor);
    const { data, id } = this.#data.get(storageOf(tensor))!;
    return { kind: 'constant', data, shape: tensor.shape, id };
  }

  /** Calls `body` while the model's modes and tensors are those of the snapshot. */
  restored<T>(body: () => T): T {
    const undo: (() => void)[] = [];
    try {
      for (const [module, training] of this.#modes) {
        if (module.training === training) continue;
        const now = module.training;
        module.training = training;
        undo.push(() => (module.training = now));
      }
      for (const { module, name, tensor } of this.#places) {
        const holder = module as unknown as Record<string, Tensor<DType> | null>;
        const now = holder[name];
        if (now !== null && tensor !== null && storageOf(now) === storageOf(tensor)) continue;
        holder[name] = tensor;
        undo.push(() => (holder[name] = now));
      }
      return body();
    } finally {
      for (const step of undo.reverse()) step();
    }
  }
}
