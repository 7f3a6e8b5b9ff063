/** Modules that hold others: a chain, a list, a dictionary. */
import { argTypeError, argValueError, quote, show } from '../errors';
import { integer } from '../options';
import type { Tensor } from '../tensor';
import { checkModule, checkName, missingForward, Module, nameTaken } from './module';
import { indent } from './repr';

/**
 * What the containers share: modules under names of any kind. They are kept in a Map, since an object
 * would list '10' before 'conv', and a module named 'get' would stand in for the method. (Names of
 * Module's methods are refused nevertheless, as PyTorch does.)
 */
abstract class Container extends Module {
  readonly #modules = new Map<string, Module>();

  /** @internal */
  override remember(): () => void {
    const modules = [...this.#modules];
    return () => {
      this.#modules.clear();
      for (const [name, module] of modules) this.#modules.set(name, module);
    };
  }

  /** Those of the container, then those that a subclass assigned to properties. */
  protected override *ownModules(): Generator<[name: string, module: Module]> {
    yield* this.#modules;
    yield* super.ownModules();
  }

  /**
   * Adds a module under `name`, at the end, or takes the place of the one under that name.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE; RangeError ERR_NNCONV_ARG_VALUE for a name that is empty,
   *   taken by a property or has a dot in it
   */
  override addModule(name: string, module: Module): void {
    checkName('module', name);
    if (Object.hasOwn(this, name)) {
      if (!new Map(this.ownModules()).has(name)) throw nameTaken(this, name);
      super.addModule(name, module);
    } else if (isMethodOfModule(name)) {
      throw nameTaken(this, name);
    } else {
      checkModule(`module ${quote(name)}`, module);
      this.#modules.set(name, module);
    }
  }

  /** Takes the module under `name` away; false where there is none. */
  protected removeModule(name: string): boolean {
    if (this.#modules.delete(name)) return true;
    return new Map(super.ownModules()).has(name) && Reflect.deleteProperty(this, name);
  }
}

/** Containers whose modules have positions, from 0. */
abstract class IndexedContainer<M extends Module> extends Container {
  /** How many modules there are. */
  get length(): number {
    return [...this.ownModules()].length;
  }

  /** The modules, in order; one that is there several times comes several times. */
  *[Symbol.iterator](): Generator<M> {
    for (const [, module] of this.ownModules()) yield module as M;
  }

  /**
   * The module at `index`, which counts from the end where it is negative.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE; RangeError ERR_NNCONV_ARG_VALUE out of range
   */
  at(index: number): M {
    return this.#entry(index)[1] as M;
  }

  /**
   * Puts another module in the place of that at `index`, under the same name.
   *
   * @throws as {@link at} does; TypeError ERR_NNCONV_ARG_TYPE
   */
  set(index: number, module: M): this {
    this.addModule(this.#entry(index)[0], module);
    return this;
  }

  /**
   * Adds a module at the end; its name is the number of those before.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE
   */
  append(module: M): this {
    this.addModule(String(this.length), module);
    return this;
  }

  /**
   * Adds modules at the end, as {@link append} does.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE
   */
  extend(modules: Iterable<M>): this {
    for (const module of listOf(modules)) this.append(module);
    return this;
  }

  /**
   * Adds a module before that at `index`; those from there on are renamed.
   *
   * @param index from 0, or from the end where it is negative; `length` adds at the end
   * @throws TypeError ERR_NNCONV_ARG_TYPE; RangeError ERR_NNCONV_ARG_VALUE out of range, or where
   *   the modules from there on are not named '0', '1', ...
   */
  insert(index: number, module: M): this {
    checkModule('module', module);
    const modules = new Map(this.ownModules());
    const { size } = modules;
    const position = inRange(index, size, size);
    for (let i = position; i < size; i++) {
      if (modules.has(String(i))) continue;
      const names = Array.from(modules.keys(), quote).join(', ');
      throw argValueError(
        `insert renames modules '0', '1', ...; there is no '${i}' among ${names}`,
      );
    }
    for (let i = size; i > position; i--) {
      this.addModule(String(i), modules.get(String(i - 1))!);
    }
    this.addModule(String(position), module);
    return this;
  }

  /** Names and modules from `start` to before `end`, as Array.prototype.slice counts. */
  protected entriesBetween(start: unknown, end: unknown): [name: string, module: M][] {
    const bounds = [optionalInteger('start', start), optionalInteger('end', end)];
    return [...this.ownModules()].slice(...bounds) as [string, M][];
  }

  #entry(index: unknown): [name: string, module: Module] {
    const entries = [...this.ownModules()];
    return entries[inRange(index, entries.length, entries.length - 1)];
  }
}

/**
 * Modules in a chain: each one's output is the next one's input. Without modules, the output is the
 * input.
 *
 * Their names are '0', '1', ..., or those given in pairs, as in
 * `new nn.Sequential(['conv', new nn.Conv2d(1, 20, 5)], ['relu', new nn.ReLU()])`.
 *
 * The type parameters are for chains that don't map one Tensor to another:
 * `new nn.Sequential<[Tensor, Tensor], Tensor>(...)`, whose first module takes two.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.Sequential.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE for a bad name
 */
export class Sequential<
  Inputs extends unknown[] = [input: Tensor],
  Output = Tensor,
> extends IndexedContainer<Module> {
  constructor(...modules: readonly (Module | readonly [name: string, module: Module])[]) {
    super();
    modules.forEach((item: unknown, i) => {
      if (isPair(item)) {
        this.addModule(item[0], item[1] as Module);
      } else if (item instanceof Module) {
        this.addModule(String(i), item);
      } else {
        throw argTypeError(
          `module ${i} of Sequential must be a Module or a [name, Module] pair, got ${show(item)}`,
        );
      }
    });
  }

  /** Runs the modules one after the other. The first one gets all arguments. */
  override forward(...inputs: Inputs): Output {
    let current: unknown[] = inputs;
    for (const module of this) current = [module.forward(...current) as unknown];
    return current[0] as Output;
  }

  /**
   * A Sequential of the modules from `start` to before `end`, under their names, as PyTorch's
   * `sequential[start:end]`: negative numbers count from the end. The modules are the same, not
   * copies. It is a plain Sequential, whatever the subclass.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE
   */
  slice(start?: number, end?: number): Sequential {
    return new Sequential(...this.entriesBetween(start, end));
  }
}

/**
 * A list of modules that a network walks as it likes. Their names are '0', '1', ...
 *
 * It has no `forward`; a subclass may.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.ModuleList.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE
 */
export class ModuleList<M extends Module = Module> extends IndexedContainer<M> {
  constructor(modules: Iterable<M> = []) {
    super();
    this.extend(modules);
  }

  /**
   * For subclasses to override.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE
   */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as Module's
  override forward(..._args: any[]): any {
    throw missingForward(this);
  }

  /**
   * Adds a module before that at `index`, from 0 to `length`; those from there on are renamed.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE; RangeError ERR_NNCONV_ARG_VALUE out of range; unlike
   *   Sequential's, and as in PyTorch, a negative index is
   */
  override insert(index: number, module: M): this {
    if (index < 0) throw argValueError(`index ${index} is out of range: it must not be negative`);
    return super.insert(index, module);
  }

  /**
   * A ModuleList of the modules from `start` to before `end`, which are counted anew, as PyTorch's
   * `list[start:end]`. The modules are the same, not copies. It is a plain ModuleList, whatever the
   * subclass.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE
   */
  slice(start?: number, end?: number): ModuleList<M> {
    return new ModuleList(this.entriesBetween(start, end).map(([, module]) => module));
  }

  /** As PyTorch prints it: neighbours that print the same are one entry. */
  override toString(): string {
    const runs: { text: string; first: number; last: number }[] = [];
    for (const [i, module] of [...this].entries()) {
      const text = module.toString();
      const run = runs.at(-1);
      if (run?.text === text) run.last = i;
      else runs.push({ text, first: i, last: i });
    }
    const name = this.constructor.name;
    if (runs.length === 0) return `${name}()`;
    const lines = runs.map(({ text, first, last }) =>
      indent(
        first === last
          ? `(${first}): ${text}`
          : `(${first}-${last}): ${last - first + 1} x ${text}`,
      ),
    );
    return `${name}(\n  ${lines.join('\n  ')}\n)`;
  }
}

/**
 * Modules by name, in the order they were added. (A plain object lists names that are whole numbers
 * first; pairs or a Map keep their order.)
 *
 * It has no `forward`; a subclass may.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.ModuleDict.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE for a bad name
 */
export class ModuleDict<M extends Module = Module> extends Container {
  constructor(modules: Readonly<Record<string, M>> | Iterable<readonly [string, M]> = {}) {
    super();
    for (const [name, module] of pairsOf<M>(modules)) this.add(name, module);
  }

  /**
   * For subclasses to override.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE
   */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as Module's
  override forward(..._args: any[]): any {
    throw missingForward(this);
  }

  /** How many modules there are. */
  get size(): number {
    return [...this.ownModules()].length;
  }

  /**
   * The module under `name`.
   *
   * @throws RangeError ERR_NNCONV_ARG_VALUE where there is none
   */
  get(name: string): M {
    const module = new Map(this.ownModules()).get(name);
    if (module !== undefined) return module as M;
    throw argValueError(`${this.constructor.name} has no module ${show(name)}`);
  }

  /** Whether there is a module under `name`. */
  has(name: string): boolean {
    return new Map(this.ownModules()).has(name);
  }

  /**
   * Adds a module at the end, or takes the place of the one under that name.
   *
   * @throws as {@link addModule} does
   */
  add(name: string, module: M): this {
    this.addModule(name, module);
    return this;
  }

  /** Takes a module away; false where there is none under that name. */
  delete(name: string): boolean {
    return this.removeModule(name);
  }

  /** The names, in order. */
  *keys(): Generator<string> {
    for (const [name] of this.ownModules()) yield name;
  }

  /** The modules, in order. */
  *values(): Generator<M> {
    for (const [, module] of this.ownModules()) yield module as M;
  }

  /** Pairs of name and module, in order. */
  *entries(): Generator<[name: string, module: M]> {
    for (const [name, module] of this.ownModules()) yield [name, module as M];
  }

  /** As {@link entries}. */
  [Symbol.iterator](): Generator<[name: string, module: M]> {
    return this.entries();
  }
}

function isMethodOfModule(name: string): boolean {
  if (name === 'constructor') return false;
  return name === 'forward' || Object.hasOwn(Module.prototype, name);
}

function isPair(value: unknown): value is [name: string, module: unknown] {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === 'string';
}

/** Whether it can be iterated, not whether it has a method for that: a bare prototype has it too. */
function isIterable(value: unknown): value is Iterable<unknown> {
  if (typeof value !== 'object' || value === null) return false;
  try {
    const iterator: unknown = (value as Partial<Iterable<unknown>>)[Symbol.iterator]?.();
    return typeof iterator === 'object' && iterator !== null;
  } catch {
    return false;
  }
}

/** The modules of an iterable, all of them looked at before any is used. */
function listOf<M>(modules: Iterable<M>): M[] {
  if (!isIterable(modules)) {
    throw argTypeError(`modules must be an array or iterable of Modules, got ${show(modules)}`);
  }
  const list = [...modules];
  list.forEach((module, i) => checkModule(`modules[${i}]`, module));
  return list;
}

/** The entries of an object, or of an iterable of pairs. */
function pairsOf<M>(modules: unknown): [name: string, module: M][] {
  const isObject = typeof modules === 'object' && modules !== null;
  if (!isObject || (modules instanceof Module && !(modules instanceof ModuleDict))) {
    throw argTypeError(
      `modules must be an object of Modules by name or a list of pairs, got ${show(modules)}`,
    );
  }
  if (!isIterable(modules)) return Object.entries(modules) as [string, M][];
  return Array.from(modules, (pair, i) => {
    if (isPair(pair)) return pair as [string, M];
    throw argTypeError(`modules[${i}] must be a [name, Module] pair, got ${show(pair)}`);
  });
}

/** An index that may count from the end, between 0 and `largest`. */
function inRange(index: unknown, length: number, largest: number): number {
  const value = integer('index', index);
  const position = value < 0 ? value + length : value;
  if (position >= 0 && position <= largest) return position;
  throw argValueError(`index ${value} is out of range for ${length} modules`);
}

function optionalInteger(name: string, value: unknown): number | undefined {
  return value === undefined ? undefined : integer(name, value);
}
