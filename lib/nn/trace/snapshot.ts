/** The state of a model when it was compiled, whatever happens to it later. */
import type { Module } from '../module';
import {
  type DataOf,
  type DType,
  Elements,
  readData,
  type Storage,
  storageOf,
  type Tensor,
} from '../../tensor';
import type { Constant } from './graph';
import { Structure } from './structure';

/** Elements that nobody writes to. */
interface Held {
  elements: Elements;
  id: string;
}

/** Larger tensors made in `forward` are told apart by what they are, not by what they hold. */
const MOST_COMPARED = 16;

let ids = 0;

export class Snapshot {
  /** Of the model's own tensors. */
  readonly #held = new Map<Storage, Held>();
  /** Of the others that its `forward` uses; those that it makes come anew at each recording. */
  readonly #others = new WeakMap<Storage, Held>();
  readonly #structure: Structure;

  constructor(model: Module) {
    // Properties that are parameters become known as such when they are listed.
    const own = [...model.namedParameters(), ...model.namedBuffers()];
    for (const [, tensor] of own) {
      if (!this.#held.has(storageOf(tensor))) this.#held.set(storageOf(tensor), held(tensor));
    }
    this.#structure = new Structure(model);
  }

  /** A tensor as it was, or as it was first seen where it is not the model's. */
  constant(tensor: Tensor): Constant {
    const storage = storageOf(tensor);
    let found = this.#held.get(storage) ?? this.#others.get(storage);
    if (found === undefined) {
      found = held(tensor);
      if (storage.numel <= MOST_COMPARED) found.id = contentId(found.elements.array);
      this.#others.set(storage, found);
    }
    const { elements, id } = found;
    return {
      kind: 'constant',
      elements,
      shape: tensor.shape,
      id,
    };
  }

  /** Calls `body` while the model is as it was: its modules, their properties, its tensors. */
  restored<T>(body: () => T): T {
    const undo = [this.#structure.restore()];
    try {
      for (const [storage, { elements }] of this.#held) {
        if (storage.elements !== elements) undo.push(storage.exchange(elements));
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
  if (storage.exposed) return { elements: new Elements(data.slice()), id };
  storage.shared = true;
  return { elements: storage.elements, id };
}

function contentId({ buffer, byteOffset, byteLength }: DataOf<DType>): string {
  return `=${Buffer.from(buffer, byteOffset, byteLength).toString('hex')}`;
}
