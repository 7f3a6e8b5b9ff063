/** The rows of a summary: the calls of a model in the tree of its modules, counted as torchinfo does. */
import { product } from '../../tensor';
import { ConvNd } from '../conv';
import type { Module } from '../module';
import type { Call } from './calls';

/** A module in the tree, at one of its calls. */
export interface SummaryLayer {
  /** Dotted, as `namedModules` has it; '' for the model. Of a shared module the last one. */
  readonly name: string;
  /** The last part of the name; the class of the model. */
  readonly varName: string;
  readonly className: string;
  /** 0 for the model. */
  readonly depth: number;
  /** Number among the layers of this depth, from 1. */
  readonly index: number;
  /** Whether it holds no other modules. */
  readonly leaf: boolean;
  /** Whether it has been met before: then its parameters don't count again. */
  readonly recursive: boolean;
  readonly kernelSize: number | readonly number[] | null;
  /** Of the first tensor that `forward` got, and that it returned; null where it wasn't called. */
  readonly inputShape: readonly number[] | null;
  readonly outputShape: readonly number[] | null;
  /** Elements of all parameters in it, here and below. */
  readonly parameters: number;
  /** Those that no layer below it counts: all of a leaf's. */
  readonly ownParameters: number;
  /**
   * Multiplications and additions of one call, by torchinfo's rule: a convolution's weights and biases
   * times batch and output pixels, another layer's times batch. Of other modules the sum of what is
   * called below.
   */
  readonly multAdds: number;
  /** Bytes of the output. */
  readonly outputBytes: number;
  /** Elements of the input along each spatial dimension that an output element depends on. */
  readonly receptiveField: readonly number[] | null;
  /** Elements of the input between neighbouring output elements. */
  readonly stride: readonly number[] | null;
  /** Of a convolution: which algorithm its `forward` runs. */
  readonly algorithm: string | null;
}

const FLOAT_BYTES = 4;

/** A place in the tree of modules. */
interface Place {
  module: Module;
  name: string;
  varName: string;
  parents: readonly Place[];
}

/** Where each module is; a shared one where it is met last. */
function placesOf(model: Module): Map<Module, Place> {
  const places = new Map<Module, Place>();
  const visit = (place: Place): void => {
    places.set(place.module, place);
    const parents = [...place.parents, place];
    for (const [varName, module] of place.module['ownModules']()) {
      if (parents.some((parent) => parent.module === module)) continue;
      const name = place.name === '' ? varName : `${place.name}.${varName}`;
      visit({ module, name, varName, parents });
    }
  };
  visit({ module: model, name: '', varName: model.constructor.name, parents: [] });
  return places;
}

interface Row {
  place: Place;
  call: Call | undefined;
}

/** The calls, and before each those of its parents that weren't called, such as a ModuleList. */
function rowsOf(model: Module, calls: readonly Call[]): Row[] {
  const places = placesOf(model);
  const rows: Row[] = [];
  let path: Module[] = [];
  for (const call of calls) {
    const place = places.get(call.module);
    if (place === undefined) continue;
    const depth = place.parents.length;
    for (let d = 1; d < depth; d++) {
      if (path[d] === place.parents[d].module) continue;
      path[d] = place.parents[d].module;
      rows.push({ place: place.parents[d], call: undefined });
    }
    path = path.slice(0, depth);
    path[depth] = place.module;
    rows.push({ place, call });
  }
  return rows;
}

function kernelSizeOf(module: Module): SummaryLayer['kernelSize'] {
  const { kernelSize } = module as { kernelSize?: unknown };
  if (typeof kernelSize === 'number') return kernelSize;
  return Array.isArray(kernelSize) ? (kernelSize as number[]) : null;
}

/** torchinfo's rule for a layer without others in it. */
function multAddsOf(module: Module, output: readonly number[]): number {
  let total = 0;
  for (const [name, { numel }] of module.namedParameters()) {
    const [batch, , ...pixels] = output;
    if (name === 'weight' || name === 'bias') {
      total += numel * (batch ?? 1) * (module instanceof ConvNd ? product(pixels) : 1);
    } else if (name.includes('weight') || name.includes('bias')) {
      total += numel * product(output.slice(0, 2));
    }
  }
  return total;
}

function parametersOf(module: Module): number {
  let total = 0;
  for (const { numel } of module.parameters()) total += numel;
  return total;
}

/** The rows of the summary, in the order of the calls. */
export function layersOf(model: Module, calls: readonly Call[]): SummaryLayer[] {
  const seen = new Set<Module>();
  const indices: number[] = [];
  const layers = rowsOf(model, calls).map(({ place, call }): SummaryLayer => {
    const { module, name, varName, parents } = place;
    const depth = parents.length;
    const leaf = [...module.children()].length === 0;
    const { inputShape = null, outputShape = null, field } = call ?? {};
    const recursive = seen.has(module);
    seen.add(module);
    indices[depth] = (indices[depth] ?? 0) + 1;
    const parameters = parametersOf(module);
    const known = inputShape !== null && outputShape !== null;
    return {
      name,
      varName,
      className: module.constructor.name,
      depth,
      index: indices[depth],
      leaf,
      recursive,
      kernelSize: kernelSizeOf(module),
      inputShape,
      outputShape,
      parameters,
      ownParameters: parameters,
      multAdds: leaf && outputShape !== null ? multAddsOf(module, outputShape) : 0,
      outputBytes: outputShape === null ? 0 : FLOAT_BYTES * product(outputShape),
      receptiveField: field?.size ?? null,
      stride: field?.jump ?? null,
      algorithm: known && module instanceof ConvNd ? module.explain(inputShape).algorithm : null,
    };
  });
  return withSums(layers);
}

/** Modules that hold others get what those below them leave, and the sum of what those do. */
function withSums(layers: readonly SummaryLayer[]): SummaryLayer[] {
  const result = [...layers];
  // From the last to the first: those below come behind.
  for (let i = layers.length - 1; i >= 0; i--) {
    const layer = layers[i];
    if (layer.leaf) continue;
    let [below, multAdds] = [0, 0];
    for (let j = i + 1; j < result.length && result[j].depth > layer.depth; j++) {
      const { leaf, recursive, ownParameters } = result[j];
      if (!recursive) below += ownParameters;
      if (leaf) multAdds += result[j].multAdds;
    }
    result[i] = { ...layer, ownParameters: layer.parameters - below, multAdds };
  }
  return result;
}
