/** The steps of a compiled network, sorted into the tree of its modules. */
import { graphOf, nodeOf, type Profile } from '../graph/explain';
import type { Module } from '../nn/module';
import type { GraphNode } from '../nn/trace';
import { kindOf, labelOf, type StepKind } from './operations';

/** What one native step computes. */
export interface Step {
  /** Of the network's values: the inputs come first. */
  readonly value: number;
  readonly kind: StepKind;
  /** The first of the modules that it does the work of, dotted; '' for the model. */
  readonly module: string;
  /** All of them. */
  readonly modules: readonly string[];
  /** What it does: `conv 3×3 + norm + relu`. */
  readonly label: string;
  readonly algorithm: string;
  readonly shape: readonly number[];
  /** 0 where there is nothing to do at run time. */
  readonly seconds: number;
  readonly macs: number;
  /** Values that it reads, past what has no box: views and constants. */
  readonly inputs: readonly number[];
}

/** A module with the steps below it. */
export interface Group {
  readonly path: string;
  readonly className: string;
  readonly children: readonly (Group | Step)[];
}

export interface Network {
  readonly root: Group;
  readonly inputShapes: readonly (readonly number[])[];
  readonly outputs: readonly number[];
  /** Of all steps, changes of layout included. */
  readonly seconds: number;
}

export function isGroup(item: Group | Step): item is Group {
  return 'children' in item;
}

/** The steps of a group and of those below it, in the order of the run. */
export function stepsOf(item: Group | Step): Step[] {
  return isGroup(item) ? item.children.flatMap(stepsOf) : [item];
}

export function secondsOf(item: Group | Step): number {
  return stepsOf(item).reduce((total, { seconds }) => total + seconds, 0);
}

/** Nodes that get no box: what reads them reads their input. */
function isView({ spec }: GraphNode): boolean {
  return spec.op === 'reshape';
}

interface MutableGroup extends Group {
  children: (MutableGroup | Step)[];
}

/** The network of a profile. */
export function networkOf(model: Module, profile: Profile): Network {
  const graph = graphOf(profile);
  const inputs = graph.inputShapes.length;
  const classes = new Map<string, string>();
  const containers = new Set<string>();
  for (const [name, module] of model.namedModules()) {
    classes.set(name, module.constructor.name);
    if (![...module.children()].length) continue;
    containers.add(name);
  }

  const seconds = new Map<GraphNode, number>();
  const algorithms = new Map<GraphNode, string>();
  profile.steps.forEach((step, i) => {
    const node = nodeOf(step);
    seconds.set(node, (seconds.get(node) ?? 0) + profile.seconds[i]);
    if (step.algorithm !== '') algorithms.set(node, step.algorithm);
  });
  const macs = new Map(profile.steps.map((step) => [nodeOf(step), step.macs]));

  /** The values that stand for value `v` in the picture. */
  const behind = (v: number): number[] => {
    if (v < inputs) return [v];
    const node = graph.nodes[v - inputs];
    if (node.spec.op === 'constant') return [];
    return isView(node) ? node.inputs.flatMap(behind) : [v];
  };

  const root: MutableGroup = { path: '', className: classes.get('')!, children: [] };
  const groups = new Map<string, MutableGroup>([['', root]]);
  const groupAt = (path: string): MutableGroup => {
    const known = groups.get(path);
    if (known) return known;
    const parent = groupAt(path.includes('.') ? path.slice(0, path.lastIndexOf('.')) : '');
    const group = { path, className: classes.get(path) ?? '', children: [] };
    parent.children.push(group);
    groups.set(path, group);
    return group;
  };

  graph.nodes.forEach((node, index) => {
    if (node.spec.op === 'constant' || isView(node)) return;
    const [module = ''] = node.modules;
    const path = containers.has(module)
      ? module
      : module.slice(0, Math.max(0, module.lastIndexOf('.')));
    groupAt(path).children.push({
      value: inputs + index,
      kind: kindOf(node.spec),
      module,
      modules: [...new Set(node.modules)],
      label: labelOf(node.spec),
      algorithm: algorithms.get(node) ?? '',
      shape: node.shape,
      seconds: seconds.get(node) ?? 0,
      macs: macs.get(node) ?? 0,
      inputs: [...new Set(node.inputs.flatMap(behind))],
    });
  });
  return {
    root,
    inputShapes: graph.inputShapes,
    outputs: graph.outputs.flatMap(behind),
    seconds: profile.total,
  };
}
