/** The base class of layers and networks. */
import { argTypeError, pyList, shapeError, show, stateDictError } from '../errors';
import { boolean, optionsOf } from '../options';
import { checkFloat32, checkTensor, isTensor, Parameter, type DType, type Tensor } from '../tensor';

/** Tensors by PyTorch's dotted names, such as 'layer1.0.conv1.weight'. */
export type StateDict = Record<string, Tensor<DType>>;

export interface LoadStateDictOptions {
  /** Whether missing and unexpected keys are errors. Default: true. */
  strict?: boolean;
}

export interface LoadStateDictResult {
  /** Keys of the module that the state dict lacks. */
  missingKeys: string[];
  /** Keys of the state dict that the module doesn't have. */
  unexpectedKeys: string[];
}

/** Called after `forward`; a result other than undefined replaces the output. */
export type ForwardHook = (module: Module, args: unknown[], output: unknown) => unknown;

export interface HookHandle {
  /** Takes the hook away; a second call does nothing. */
  remove(): void;
}

interface BufferState {
  tensor: Tensor<DType> | null;
  persistent: boolean;
}

/**
 * A layer, or a network of layers. Parameters, buffers and sub-modules are its own properties, in
 * the order they were assigned: `this.conv = new nn.Conv2d(3, 16, 3)`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html
 */
export abstract class Module {
  /** True while training: layers like dropout and batch norm behave differently. */
  training = true;

  readonly #parameters = new Map<string, Parameter | null>();
  readonly #buffers = new Map<string, BufferState>();
  readonly #hooks = new Set<ForwardHook>();

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- every module takes what it likes
  abstract forward(...args: any[]): any;

  /**
   * Adds a parameter under `name`, or the place of one (null). The property takes any float32 tensor
   * of the same shape from then on.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE; on assignment also RangeError ERR_NNCONV_SHAPE
   */
  registerParameter(name: string, value: Tensor | null): void {
    if (value !== null) checkFloat32(name, value);
    const shape = value?.shape;
    const toParameter = (tensor: Tensor | null): Parameter | null => {
      if (tensor === null) return null;
      checkFloat32(name, tensor);
      if (shape !== undefined && !sameShape(tensor.shape, shape)) {
        throw shapeError(
          `${name} must have shape ${pyList(shape)}, got a tensor of shape ${pyList(tensor.shape)}`,
        );
      }
      return tensor instanceof Parameter ? tensor : new Parameter(tensor);
    };
    this.#parameters.set(name, toParameter(value));
    Object.defineProperty(this, name, {
      get: () => this.#parameters.get(name),
      set: (tensor: Tensor | null) => {
        if (tensor === null && shape !== undefined) {
          throw argTypeError(`${name} must be a Tensor of shape ${pyList(shape)}, got null`);
        }
        this.#parameters.set(name, toParameter(tensor));
      },
      enumerable: true,
      configurable: true,
    });
  }

  /**
   * Adds a tensor that is state but no parameter, such as a running mean.
   *
   * @param options.persistent whether it belongs to the state dict. Default: true
   * @throws TypeError ERR_NNCONV_ARG_TYPE
   */
  registerBuffer(
    name: string,
    value: Tensor<DType> | null,
    options?: { persistent?: boolean },
  ): void {
    const { persistent = true } = optionsOf('registerBuffer', options, ['persistent']);
    const check = (tensor: Tensor<DType> | null): Tensor<DType> | null => {
      if (tensor !== null) checkTensor(name, tensor);
      return tensor;
    };
    const state: BufferState = {
      tensor: check(value),
      persistent: boolean('persistent', persistent),
    };
    this.#buffers.set(name, state);
    Object.defineProperty(this, name, {
      get: () => state.tensor,
      set: (tensor: Tensor<DType> | null) => {
        state.tensor = check(tensor);
      },
      enumerable: true,
      configurable: true,
    });
  }

  /** This module's own parameters with their property names. */
  *#ownParameters(): Generator<[string, Parameter]> {
    for (const [name, value] of Object.entries(this)) {
      if (value instanceof Parameter) yield [name, value];
    }
  }

  *#ownBuffers(): Generator<[string, Tensor<DType>, boolean]> {
    for (const [name, { tensor, persistent }] of this.#buffers) {
      if (tensor !== null) yield [name, tensor, persistent];
    }
  }

  /** The immediate sub-modules with their names. */
  *namedChildren(): Generator<[string, Module]> {
    for (const [name, value] of Object.entries(this)) {
      if (value instanceof Module) yield [name, value];
    }
  }

  /** The immediate sub-modules. */
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

  /** This module and all below it, each once. */
  *modules(): Generator<Module> {
    for (const [, module] of this.namedModules()) yield module;
  }

  /** All parameters with dotted names; one that several modules share comes once. */
  *namedParameters(): Generator<[string, Parameter]> {
    const seen = new Set<Parameter>();
    for (const [prefix, module] of this.namedModules()) {
      for (const [name, parameter] of module.#ownParameters()) {
        if (seen.has(parameter)) continue;
        seen.add(parameter);
        yield [join(prefix, name), parameter];
      }
    }
  }

  *parameters(): Generator<Parameter> {
    for (const [, parameter] of this.namedParameters()) yield parameter;
  }

  /** All buffers with dotted names, those outside the state dict included. */
  *namedBuffers(): Generator<[string, Tensor<DType>]> {
    for (const [prefix, module] of this.namedModules()) {
      for (const [name, buffer] of module.#ownBuffers()) yield [join(prefix, name), buffer];
    }
  }

  *buffers(): Generator<Tensor<DType>> {
    for (const [, buffer] of this.namedBuffers()) yield buffer;
  }

  /** What of this module alone goes into a state dict: parameters, then persistent buffers. */
  *#ownState(): Generator<[string, Tensor<DType>]> {
    yield* this.#ownParameters();
    for (const [name, buffer, persistent] of this.#ownBuffers()) {
      if (persistent) yield [name, buffer];
    }
  }

  /**
   * All parameters and persistent buffers by dotted name, in PyTorch's order. The tensors are the
   * module's own, not copies.
   */
  stateDict(): StateDict {
    const result = Object.create(null) as StateDict;
    const visit = (module: Module, prefix: string): void => {
      for (const [name, tensor] of module.#ownState()) result[join(prefix, name)] = tensor;
      for (const [name, child] of module.namedChildren()) visit(child, join(prefix, name));
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
   * @throws RangeError ERR_NNCONV_STATE_DICT with PyTorch's message; TypeError ERR_NNCONV_ARG_TYPE
   */
  loadStateDict(stateDict: StateDict, options?: LoadStateDictOptions): LoadStateDictResult {
    if (typeof stateDict !== 'object' || stateDict === null || isTensor(stateDict)) {
      throw argTypeError(`stateDict must be an object of tensors by name, got ${show(stateDict)}`);
    }
    const { strict = true } = optionsOf('loadStateDict', options, ['strict']);
    boolean('strict', strict);
    for (const [key, value] of Object.entries(stateDict)) checkTensor(`stateDict['${key}']`, value);
    const own = this.stateDict();
    const missingKeys = Object.keys(own).filter((key) => !Object.hasOwn(stateDict, key));
    const unexpectedKeys = Object.keys(stateDict).filter((key) => !(key in own));
    const problems: string[] = [];
    const quoted = (keys: string[]): string => keys.map((key) => `"${key}"`).join(', ');
    if (strict && missingKeys.length > 0) {
      problems.push(`Missing key(s) in state_dict: ${quoted(missingKeys)}. `);
    }
    if (strict && unexpectedKeys.length > 0) {
      problems.push(`Unexpected key(s) in state_dict: ${quoted(unexpectedKeys)}. `);
    }
    for (const [key, target] of Object.entries(own)) {
      if (!Object.hasOwn(stateDict, key)) continue;
      const source = stateDict[key];
      if (sameShape(source.shape, target.shape)) {
        target.copy_(source);
      } else {
        problems.push(
          `size mismatch for ${key}: copying a param with shape torch.Size(${pyList(source.shape)}) ` +
            `from checkpoint, the shape in current model is torch.Size(${pyList(target.shape)}).`,
        );
      }
    }
    if (problems.length > 0) {
      throw stateDictError(
        `Error(s) in loading state_dict for ${this.constructor.name}:\n\t${problems.join('\n\t')}`,
      );
    }
    return { missingKeys, unexpectedKeys };
  }

  /** Calls `fn` with every module below this one, children first, then with this one. */
  apply(fn: (module: Module) => void): this {
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
   * Calls `hook` after each `forward` of this module.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE
   */
  registerForwardHook(hook: ForwardHook): HookHandle {
    if (typeof hook !== 'function') {
      throw argTypeError(`hook must be a function, got ${show(hook)}`);
    }
    // The same function may be registered twice, each with a handle of its own.
    const entry: ForwardHook = (...args) => hook(...args);
    if (this.#hooks.size === 0) this.#installHooks();
    this.#hooks.add(entry);
    return {
      remove: () => {
        if (this.#hooks.delete(entry) && this.#hooks.size === 0) {
          delete (this as { forward?: unknown }).forward;
        }
      },
    };
  }

  /** Puts a `forward` that calls the hooks before the class's own; modules without hooks pay nothing. */
  #installHooks(): void {
    const forward = this.forward.bind(this) as (...args: unknown[]) => unknown;
    Object.defineProperty(this, 'forward', {
      value: (...args: unknown[]) => {
        let output = forward(...args);
        for (const hook of this.#hooks) {
          const replaced = hook(this, args, output);
          if (replaced !== undefined) output = replaced;
        }
        return output;
      },
      configurable: true,
      writable: true,
    });
  }

  /** What the module's line says between parentheses; '' for nothing. */
  extraRepr(): string {
    return '';
  }

  /** What PyTorch's `print(module)` prints. */
  toString(): string {
    const extra = this.extraRepr();
    const lines = extra === '' ? [] : extra.split('\n');
    const children = [...this.namedChildren()].map(
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

function join(prefix: string, name: string): string {
  return prefix === '' ? name : `${prefix}.${name}`;
}

function indent(text: string): string {
  return text.replaceAll('\n', '\n  ');
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}
