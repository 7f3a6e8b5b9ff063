/** The base class of layers and networks. */
import { argTypeError, argValueError, pyList, quote, show, stateDictError } from '../errors';
import { boolean, optionsOf } from '../options';
import {
  checkFloat32,
  checkTensor,
  type DType,
  isTensor,
  Parameter,
  storageOf,
  Tensor,
} from '../tensor';
import { indent } from './repr';

/** Tensors by PyTorch's dotted names, such as 'layer1.0.conv1.weight'. */
export type StateDict = Record<string, Tensor<DType>>;

/** Options of `loadStateDict`. */
export interface LoadStateDictOptions {
  /** Whether missing and unexpected keys are errors. Default: true. */
  strict?: boolean;
}

/** What `loadStateDict` found not to match; both empty when it was strict. */
export interface LoadStateDictResult {
  /** Keys of the module that the state dict lacks. */
  missingKeys: string[];
  /** Keys of the state dict that the module doesn't have. */
  unexpectedKeys: string[];
}

/** Called after `forward`; a result other than undefined replaces the output. */
export type ForwardHook = (module: Module, args: unknown[], output: unknown) => unknown;

/** A hook in place; returned by `registerForwardHook`. */
export interface HookHandle {
  /** Takes the hook away; a second call does nothing. */
  remove(): void;
}

/** What stands behind the property of a module that is a parameter or a buffer. */
class Slot {
  tensor: Tensor<DType> | null;
  readonly get = (): Tensor<DType> | null => this.tensor;
  readonly set = (value: unknown): void => {
    this.tensor = this.accept(value);
  };

  constructor(
    readonly kind: 'parameter' | 'buffer',
    /** Whether it belongs to the state dict. */
    readonly persistent: boolean,
    /** Checks what is assigned to the property, and returns what it holds then. */
    readonly accept: (value: unknown) => Tensor<DType> | null,
    value: unknown,
  ) {
    this.tensor = accept(value);
  }
}

/**
 * A layer, or a network of layers. Parameters, buffers and sub-modules are its own properties, in
 * the order they were assigned: `this.conv = new nn.Conv2d(3, 16, 3)`. As in PyTorch, those in a
 * plain array or object are not found (that is what nn.ModuleList and nn.ModuleDict are for), nor are
 * those in a private field (`this.#conv`).
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html
 */
export abstract class Module {
  /** True while training: layers like dropout and batch norm behave differently. */
  training = true;

  readonly #slots = new Map<string, Slot>();
  #hooks: ForwardHooks | undefined;

  /** What the module computes; call it directly: `net.forward(x)`. Forward hooks run after it. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- every module takes what it likes
  abstract forward(...args: any[]): any;

  /**
   * Adds a parameter under `name`, or the place of one (null). A float32 tensor assigned to the
   * property later becomes the parameter, without a copy.
   *
   * A property that a {@link Parameter} is merely assigned to is a parameter too.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE, on assignment too; RangeError ERR_NNCONV_ARG_VALUE for a
   *   name that is empty, taken or has a dot in it
   */
  registerParameter(name: string, value: Tensor | null): void {
    this.#checkName('parameter', name);
    this.#defineParameter(name, value);
  }

  /**
   * Adds a tensor that is state but no parameter, such as a running mean.
   *
   * @param options.persistent whether it belongs to the state dict. Default: true
   * @throws as {@link registerParameter} does; TypeError ERR_NNCONV_UNKNOWN_OPTION
   */
  registerBuffer(
    name: string,
    value: Tensor<DType> | null,
    options?: { persistent?: boolean },
  ): void {
    const { persistent = true } = optionsOf('registerBuffer', options, ['persistent']);
    boolean('persistent', persistent);
    this.#checkName('buffer', name);
    const accept = (buffer: unknown): Tensor<DType> | null => {
      if (buffer !== null) checkTensor(name, buffer);
      return buffer;
    };
    this.#define(name, new Slot('buffer', persistent, accept, value));
  }

  /**
   * Adds a sub-module under `name`, as assigning it to the property does, or takes the place of the
   * one under that name: for names that are made while the program runs.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE; RangeError ERR_NNCONV_ARG_VALUE for a name that is empty,
   *   taken or has a dot in it
   */
  addModule(name: string, module: Module): void {
    checkName('module', name);
    checkModule('module', module);
    if (name in this && !new Map(this.ownModules()).has(name)) throw nameTaken(this, name);
    const property = { value: module, enumerable: true, configurable: true, writable: true };
    Object.defineProperty(this, name, property);
  }

  /** Throws if the parameter `name` can't be `value`; a layer whose shapes are fixed overrides it. */
  protected checkParameter(_name: string, _value: Tensor | null): void {}

  /** Whether a state dict may lack `name`; a layer that old checkpoints lack it of overrides it. */
  protected mayLack(_name: string): boolean {
    return false;
  }

  #checkName(kind: Slot['kind'], name: unknown): void {
    checkName(kind, name);
    if (name in this && this.#slots.get(name)?.kind !== kind) throw nameTaken(this, name);
  }

  #defineParameter(name: string, parameter: Tensor | null): void {
    const accept = (value: unknown): Parameter | null => {
      if (value !== null) checkFloat32(name, value);
      this.checkParameter(name, value);
      return value === null || value instanceof Parameter ? value : new Parameter(value);
    };
    this.#define(name, new Slot('parameter', true, accept, parameter));
  }

  #define(name: string, slot: Slot): void {
    this.#slots.set(name, slot);
    const { get, set } = slot;
    Object.defineProperty(this, name, { get, set, enumerable: true, configurable: true });
  }

  /** This module's own parameters or buffers that aren't null, in the order of its properties. */
  *#own(kind: Slot['kind']): Generator<[name: string, tensor: Tensor<DType>, persistent: boolean]> {
    for (const name of Object.keys(this)) {
      let property = Object.getOwnPropertyDescriptor(this, name)!;
      if (property.value instanceof Parameter) {
        this.#defineParameter(name, property.value);
        property = Object.getOwnPropertyDescriptor(this, name)!;
      }
      const slot = this.#slots.get(name);
      // A property that was deleted and made anew is no longer the slot's.
      if (slot?.kind !== kind || slot.get !== property.get || slot.tensor === null) continue;
      yield [name, slot.tensor, slot.persistent];
    }
  }

  /**
   * The immediate sub-modules, under each of their names; a container that keeps some elsewhere than
   * in its properties overrides it.
   */
  protected *ownModules(): Generator<[name: string, module: Module]> {
    for (const name of Object.keys(this)) {
      const value: unknown = Object.getOwnPropertyDescriptor(this, name)!.value;
      if (value instanceof Module) yield [name, value];
    }
  }

  /** The immediate sub-modules with their names, each once. */
  *namedChildren(): Generator<[string, Module]> {
    const seen = new Set<Module>();
    for (const [name, module] of this.ownModules()) {
      if (seen.has(module)) continue;
      seen.add(module);
      yield [name, module];
    }
  }

  /** The immediate sub-modules, each once. */
  *children(): Generator<Module> {
    for (const [, module] of this.namedChildren()) yield module;
  }

  /** This module (named '') and all below it, each once, with dotted names. */
  *namedModules(prefix = '', seen = new Set<Module>()): Generator<[string, Module]> {
    if (seen.has(this)) return;
    seen.add(this);
    yield [prefix, this];
    for (const [name, child] of this.namedChildren()) {
      yield* child.namedModules(join(prefix, name), seen);
    }
  }

  /**
   * The module below this one that {@link namedModules} would name so: 'layer1.0.conv1'; '' is this
   * one.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE; RangeError ERR_NNCONV_ARG_VALUE where there is none
   */
  getSubmodule(target: string): Module {
    if (typeof target !== 'string') {
      throw argTypeError(`target must be a string, got ${show(target)}`);
    }
    const path = target === '' ? [] : target.split('.');
    return path.reduce<Module>((module, name) => {
      const child = new Map(module.ownModules()).get(name);
      if (child !== undefined) return child;
      throw argValueError(
        `target must name a module: ${module.constructor.name} has none named ${quote(name)}`,
      );
    }, this);
  }

  /** This module and all below it, each once. */
  *modules(): Generator<Module> {
    for (const [, module] of this.namedModules()) yield module;
  }

  /** Parameters or buffers here and below with dotted names; one that is shared comes once. */
  *#named(kind: Slot['kind']): Generator<[string, Tensor<DType>]> {
    const seen = new Set<Tensor<DType>>();
    for (const [prefix, module] of this.namedModules()) {
      for (const [name, tensor] of module.#own(kind)) {
        if (seen.has(tensor)) continue;
        seen.add(tensor);
        yield [join(prefix, name), tensor];
      }
    }
  }

  /** All parameters with dotted names; one that several modules share comes once. */
  namedParameters(): Generator<[string, Parameter]> {
    return this.#named('parameter') as Generator<[string, Parameter]>;
  }

  /** All parameters, as {@link namedParameters} has them. */
  *parameters(): Generator<Parameter> {
    for (const [, parameter] of this.namedParameters()) yield parameter;
  }

  /** All buffers with dotted names, those outside the state dict included; shared ones once. */
  namedBuffers(): Generator<[string, Tensor<DType>]> {
    return this.#named('buffer');
  }

  /** All buffers, as {@link namedBuffers} has them. */
  *buffers(): Generator<Tensor<DType>> {
    for (const [, buffer] of this.namedBuffers()) yield buffer;
  }

  /** What of this module alone goes into a state dict: parameters, then persistent buffers. */
  *#ownState(): Generator<[string, Tensor<DType>]> {
    for (const kind of ['parameter', 'buffer'] as const) {
      for (const [name, tensor, persistent] of this.#own(kind)) {
        if (persistent) yield [name, tensor];
      }
    }
  }

  /**
   * All parameters and persistent buffers by dotted name, in PyTorch's order; one that is shared
   * under each of its names. The tensors have their elements in common with the module's: clone
   * what is to be kept.
   */
  stateDict(): StateDict {
    const result = Object.create(null) as StateDict;
    const visit = (module: Module, prefix: string): void => {
      for (const [name, tensor] of module.#ownState()) {
        result[join(prefix, name)] = new Tensor(storageOf(tensor), tensor.shape);
      }
      for (const [name, child] of module.ownModules()) visit(child, join(prefix, name));
    };
    visit(this, '');
    return result;
  }

  /**
   * Copies the tensors of `stateDict` into the module's, converted to their dtypes.
   *
   * As in PyTorch, what fits has been copied even where an error is thrown, and a size mismatch is an
   * error with `strict: false` too.
   *
   * @throws RangeError ERR_NNCONV_STATE_DICT with PyTorch's message; TypeError ERR_NNCONV_ARG_TYPE,
   *   ERR_NNCONV_UNKNOWN_OPTION
   */
  loadStateDict(
    stateDict: Readonly<StateDict>,
    options?: LoadStateDictOptions,
  ): LoadStateDictResult {
    checkStateDict(stateDict);
    const { strict = true } = optionsOf('loadStateDict', options, ['strict']);
    boolean('strict', strict);
    const missingKeys: string[] = [];
    const unexpectedKeys: string[] = [];
    const problems: string[] = [];

    const load = (module: Module, prefix: string, keys: readonly string[]): void => {
      const state = new Map(module.#ownState());
      const modules = new Map(module.ownModules());
      for (const [name, target] of state) {
        const key = prefix + name;
        if (Object.hasOwn(stateDict, key)) problems.push(...copyInto(target, key, stateDict[key]));
        else if (!module.mayLack(name)) missingKeys.push(key);
      }
      for (const key of keys) {
        const [name, ...below] = key.slice(prefix.length).split('.');
        if (!(below.length > 0 ? modules : state).has(name)) unexpectedKeys.push(key);
      }
      for (const [name, child] of modules) {
        const start = `${prefix}${name}.`;
        const below = keys.filter((key) => key.startsWith(start));
        load(child, start, below);
      }
    };
    load(this, '', Object.keys(stateDict));

    if (strict) {
      if (unexpectedKeys.length > 0) problems.unshift(keyProblem('Unexpected', unexpectedKeys));
      if (missingKeys.length > 0) problems.unshift(keyProblem('Missing', missingKeys));
    }
    if (problems.length > 0) {
      throw stateDictError(
        `Error(s) in loading state_dict for ${this.constructor.name}:\n\t${problems.join('\n\t')}`,
      );
    }
    return { missingKeys, unexpectedKeys };
  }

  /**
   * Calls `fn` with every module below this one, children first, then with this one.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE
   */
  apply(fn: (module: Module) => void): this {
    checkFunction('fn', fn);
    for (const child of this.children()) child.apply(fn);
    fn(this);
    return this;
  }

  /**
   * Sets training mode here and below.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE
   */
  train(mode = true): this {
    this.training = boolean('mode', mode);
    for (const child of this.children()) child.train(mode);
    return this;
  }

  /** Sets evaluation mode here and below. */
  eval(): this {
    return this.train(false);
  }

  /**
   * Calls `hook` after each `forward` of this module, whoever calls it: the user, a container or the
   * `forward` of another module. A `super.forward(...)` in between counts as part of that call.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE
   */
  registerForwardHook(hook: ForwardHook): HookHandle {
    checkFunction('hook', hook);
    this.#hooks ??= new ForwardHooks(this);
    return this.#hooks.add(hook);
  }

  /**
   * Remembers what of the module isn't in its properties; the result puts it back.
   *
   * @internal
   */
  remember(): () => void {
    return () => undefined;
  }

  /** What the module's line says between parentheses; '' for nothing. */
  extraRepr(): string {
    return '';
  }

  /** What PyTorch's `print(module)` prints. */
  toString(): string {
    const extra = this.extraRepr();
    const lines = extra === '' ? [] : extra.split('\n');
    const children = [...this.ownModules()].map(
      ([name, child]) => `(${name}): ${indent(child.toString())}`,
    );
    const name = this.constructor.name;
    if (children.length === 0 && lines.length <= 1) return `${name}(${extra})`;
    return `${name}(\n  ${[...lines, ...children].join('\n  ')}\n)`;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

type Forward = (...args: unknown[]) => unknown;

/** Puts what `make` makes of a module's `forward` in its place, as an own property; returns what undoes it. */
export function standInForForward(module: Module, make: (forward: Forward) => Forward): () => void {
  // A `forward` that is an arrow function is an own property itself.
  const own = Object.getOwnPropertyDescriptor(module, 'forward');
  const value = make(module.forward.bind(module) as Forward);
  Object.defineProperty(module, 'forward', { value, configurable: true, writable: true });
  return () => {
    // Whoever replaced it since keeps their own.
    if (Object.getOwnPropertyDescriptor(module, 'forward')?.value !== value) return;
    if (own === undefined) Reflect.deleteProperty(module, 'forward');
    else Object.defineProperty(module, 'forward', own);
  };
}

// Abstract for the compiler, which JavaScript's users don't have.
Object.defineProperty(Module.prototype, 'forward', {
  value(this: Module): never {
    throw missingForward(this);
  },
  configurable: true,
  writable: true,
});

/** The error of a module that is called, but only holds others. */
export function missingForward(module: Module): Error {
  return argTypeError(
    `${module.constructor.name} has no forward: call its modules, or override it in a subclass`,
  );
}

/** The hooks of a module. While there are any, an own property stands in for its `forward`. */
class ForwardHooks {
  readonly #module: Module;
  readonly #hooks = new Map<symbol, ForwardHook>();
  #unwrap: (() => void) | undefined;

  constructor(module: Module) {
    this.#module = module;
  }

  add(hook: ForwardHook): HookHandle {
    const key = Symbol();
    this.#hooks.set(key, hook);
    this.#unwrap ??= this.#wrap();
    return {
      remove: () => {
        this.#hooks.delete(key);
        if (this.#hooks.size > 0) return;
        this.#unwrap?.();
        this.#unwrap = undefined;
      },
    };
  }

  #wrap(): () => void {
    const module = this.#module;
    return standInForForward(module, (forward) => (...args) => {
      let output = forward(...args);
      for (const hook of [...this.#hooks.values()]) {
        const replaced = hook(module, args, output);
        if (replaced !== undefined) output = replaced;
      }
      return output;
    });
  }
}

/** Checks the name of a parameter, buffer or module. */
export function checkName(kind: string, name: unknown): asserts name is string {
  if (typeof name !== 'string') {
    throw argTypeError(`the name of a ${kind} must be a string, got ${show(name)}`);
  }
  if (name === '' || name.includes('.')) {
    throw argValueError(`the name of a ${kind} must not be empty or have a dot in it: '${name}'`);
  }
}

export function checkModule(argument: string, value: unknown): asserts value is Module {
  if (!(value instanceof Module)) {
    throw argTypeError(`${argument} must be a Module, got ${show(value)}`);
  }
}

export function nameTaken(module: Module, name: string): Error {
  return argValueError(`${module.constructor.name} has a property '${name}' already`);
}

function checkFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') {
    throw argTypeError(`${name} must be a function, got ${show(value)}`);
  }
}

function checkStateDict(value: unknown): void {
  const isRecord =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Map) &&
    !isTensor(value);
  if (!isRecord) {
    throw argTypeError(`stateDict must be an object of tensors by name, got ${show(value)}`);
  }
}

function keyProblem(kind: 'Missing' | 'Unexpected', keys: readonly string[]): string {
  return `${kind} key(s) in state_dict: ${keys.map((key) => `"${key}"`).join(', ')}. `;
}

/** Copies one tensor of a state dict; returns PyTorch's words where that can't be done. */
function copyInto(target: Tensor<DType>, key: string, source: unknown): string[] {
  if (!isTensor(source)) {
    return [
      `While copying the parameter named "${key}", expected torch.Tensor or Tensor-like object ` +
        `from checkpoint but received ${show(source)}`,
    ];
  }
  // Old checkpoints have scalars as tensors of one element.
  const scalar = target.ndim === 0 && source.ndim === 1 && source.numel === 1;
  if (!scalar && pyList(source.shape) !== pyList(target.shape)) {
    return [
      `size mismatch for ${key}: copying a param with shape torch.Size(${pyList(source.shape)}) ` +
        `from checkpoint, the shape in current model is torch.Size(${pyList(target.shape)}).`,
    ];
  }
  target.copy_(scalar ? source.reshape([]) : source);
  return [];
}

function join(prefix: string, name: string): string {
  return prefix === '' ? name : `${prefix}.${name}`;
}
