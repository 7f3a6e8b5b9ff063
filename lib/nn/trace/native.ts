/** From nodes to what the addon takes. */
import type { GraphNodeSpec } from '../../binding';
import type { NodeSpec } from '../../record';
import { type Constant, type Graph, isConstant } from './graph';

/** A node with arrays in place of constants. */
export function nativeNode(
  spec: Readonly<NodeSpec>,
  inputs: readonly number[],
  takesWeight = false,
): GraphNodeSpec {
  return { ...(plain(spec) as object), inputs, takesWeight } as unknown as GraphNodeSpec;
}

/** All constants of a node. */
export function constantsOf(value: unknown): Constant[] {
  if (isConstant(value)) return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(constantsOf);
}

function plain(value: unknown): unknown {
  if (isConstant(value)) return value.elements.array;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

/** Equal for graphs that compute the same from the same constants. */
export function graphKey(graph: Graph): string {
  const nodes = graph.nodes.map(({ spec, inputs }) => [spec, inputs]);
  return JSON.stringify([graph.inputShapes.length, nodes, graph.outputs], (_, value: unknown) => {
    if (isConstant(value)) return value.id;
    // JSON has no infinities, no NaN and no negative zero.
    if (typeof value !== 'number') return value;
    return Object.is(value, -0) ? '-0' : String(value);
  });
}
