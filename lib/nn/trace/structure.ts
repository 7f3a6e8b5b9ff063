/** What a model is made of at one moment: its modules, their properties, and which tensors those are. */
import { type DType, isTensor, type Tensor } from '../../tensor';
import type { Module } from '../module';

/** A property that is a parameter or a buffer, or the place of one. */
interface Place {
  module: Module;
  name: string;
  tensor: Tensor<DType> | null;
}

type Properties = ReadonlyMap<string, PropertyDescriptor>;

export class Structure {
  readonly #places: Place[] = [];
  readonly #properties = new Map<Module, Properties>();
  readonly #hidden = new Map<Module, () => void>();

  constructor(model: Module) {
    // Properties that are parameters become known as such when they are listed.
    Array.from(model.parameters());
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

  /** Makes the model what it was. The result makes it what it was before that. */
  restore(): () => void {
    const undo: (() => void)[] = [];
    const undoAll = (): void => {
      for (const step of undo.splice(0).reverse()) step();
    };
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
    } catch (error) {
      undoAll();
      throw error;
    }
    return undoAll;
  }
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
