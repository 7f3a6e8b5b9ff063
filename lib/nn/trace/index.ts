/** Recording a model's `forward` as a list of nodes: for `compile` and for summaries. */
export { inEvaluation } from './evaluation';
export {
  type Constant,
  fillTree,
  type Graph,
  type GraphNode,
  isConstant,
  type OutputTree,
} from './graph';
export { constantsOf, graphKey, nativeNode } from './native';
export { Snapshot } from './snapshot';
export { type AroundForward, aroundForwards, type Constants, trace, type Trace } from './trace';
