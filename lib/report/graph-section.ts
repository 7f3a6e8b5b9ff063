/** The network as diagrams: an overview, and one for each module in it that opens on demand. */
import { escapeHtml } from '../html';
import { type Box, type Cluster, drawDiagram } from './diagram';
import { milliseconds, times } from './format';
import { type Group, isGroup, type Network, secondsOf, type Step, stepsOf } from './network';
import { KIND_NAMES, type StepKind } from './operations';

/** Groups of no more steps are drawn whole. */
const MOST_STEPS = 14;
/** A module with more of the steps than this is no step of an overview. */
const MOST_SHARE = 0.6;

interface Context {
  network: Network;
  /** Every step by its value. */
  steps: ReadonlyMap<number, Step>;
  ids: Map<string, string>;
}

function idOf({ ids }: Context, path: string): string {
  let id = ids.get(path);
  if (id === undefined) ids.set(path, (id = `module-${ids.size}`));
  return id;
}

/** A name as seen from the group: `layer1.0.conv1` is `0.conv1` in `layer1`. */
function relative(path: string, group: Group): string {
  return group.path !== '' && path.startsWith(`${group.path}.`)
    ? path.slice(group.path.length + 1)
    : path;
}

interface View {
  items: { item: Group | Step; cluster?: string }[];
  clusters: (Cluster & { path: string })[];
}

/** What is drawn of a group: all steps where there are few, otherwise its modules. */
function viewOf(group: Group, context: Context): View {
  const view: View = { items: [], clusters: [] };
  const all = stepsOf(group).length;
  const whole = all <= MOST_STEPS;
  const visit = (item: Group | Step, cluster: string | undefined): void => {
    if (!isGroup(item)) {
      view.items.push({ item, cluster });
      return;
    }
    const steps = stepsOf(item);
    if (steps.length === 1) view.items.push({ item: steps[0], cluster });
    else if (whole || steps.length > MOST_SHARE * all) {
      const id = `${idOf(context, group.path)}-in-${idOf(context, item.path)}`;
      view.clusters.push({
        id,
        title: relative(item.path, group),
        within: cluster,
        path: item.path,
      });
      for (const child of item.children) visit(child, id);
    } else view.items.push({ item, cluster });
  };
  for (const child of group.children) visit(child, undefined);
  return view;
}

function boxOf(item: Group | Step, group: Group, context: Context): Omit<Box, 'id'> {
  const seconds = secondsOf(item);
  const share = context.network.seconds > 0 ? seconds / context.network.seconds : 0;
  const steps = stepsOf(item);
  const shape = times(steps.at(-1)!.shape);
  const facts = seconds > 0 ? `${shape} · ${milliseconds(seconds)}` : shape;
  if (isGroup(item)) {
    const lines = [relative(item.path, group), `${item.className} · ${steps.length} steps`, facts];
    return { kind: 'group', lines, share, href: `#${idOf(context, item.path)}` };
  }
  const name = relative(item.module, group);
  const own = name === group.path || name === '' ? item.label.split(' ')[0] : name;
  return { kind: item.kind, lines: [own, item.label, facts], share };
}

interface Drawn {
  html: string;
  /** Those that have a diagram of their own. */
  groups: Group[];
}

function draw(group: Group, context: Context): Drawn {
  const { network } = context;
  const { items, clusters } = viewOf(group, context);
  const diagram = `diagram-${idOf(context, group.path)}`;
  const boxes: Box[] = [];
  const boxOfValue = new Map<number, string>();
  for (const { item, cluster } of items) {
    const id = `${diagram}-${boxes.length}`;
    boxes.push({ id, cluster, ...boxOf(item, group, context) });
    for (const step of stepsOf(item)) boxOfValue.set(step.value, id);
  }

  const ports: Box[] = [];
  const portOf = (value: number): string => {
    const source = context.steps.get(value);
    const title =
      source === undefined
        ? network.inputShapes.length > 1
          ? `input ${value}`
          : 'input'
        : `from ${source.modules.at(-1) || source.label.split(' ')[0]}`;
    const shape = source?.shape ?? network.inputShapes[value];
    const id = `${diagram}-from-${value}`;
    if (!ports.some((port) => port.id === id)) {
      ports.push({ id, kind: 'port', lines: [title, times(shape)], share: 0 });
    }
    return id;
  };
  const edges = new Map<string, [string, string]>();
  for (const { item } of items) {
    for (const step of stepsOf(item)) {
      const to = boxOfValue.get(step.value)!;
      for (const value of step.inputs) {
        const from = boxOfValue.get(value) ?? portOf(value);
        if (from !== to) edges.set(`${from} ${to}`, [from, to]);
      }
    }
  }
  const ends: Box[] = [];
  if (group === network.root) {
    network.outputs.forEach((value, i) => {
      const id = `${diagram}-out-${i}`;
      const title = network.outputs.length > 1 ? `output ${i}` : 'output';
      const shape = context.steps.get(value)?.shape ?? network.inputShapes[value];
      ends.push({ id, kind: 'port', lines: [title, times(shape)], share: 0 });
      edges.set(id, [boxOfValue.get(value) ?? portOf(value), id]);
    });
  }
  const label =
    group === network.root ? 'The network' : `Module ${group.path} (${group.className})`;
  const { svg, hidden } = drawDiagram({
    id: diagram,
    label,
    boxes: [...ports, ...boxes, ...ends],
    edges: [...edges.values()],
    clusters,
  });
  const note =
    hidden > 0
      ? `<p class="note">${hidden} arrows that jump over boxes of a drawn path are left out.</p>`
      : '';
  return {
    html: `<div class="scroll diagram-box" role="region" aria-label="${escapeHtml(`${label}, diagram`)}" tabindex="0">${svg}</div>${note}`,
    groups: items.map(({ item }) => item).filter(isGroup),
  };
}

/** A group that the diagram above shows as one box, and those in it. */
function details(group: Group, context: Context): string {
  const steps = stepsOf(group);
  const { html, groups } = draw(group, context);
  const facts = [group.className, `${steps.length} steps`, milliseconds(secondsOf(group))];
  return (
    `<details class="module"><summary><b>${escapeHtml(group.path)}</b> ` +
    `<span class="muted">${escapeHtml(facts.join(' · '))}</span></summary>` +
    `<div id="${idOf(context, group.path)}">${html}` +
    `${groups.map((inner) => details(inner, context)).join('\n')}</div></details>`
  );
}

function legend(steps: readonly Step[], groups: boolean): string {
  const kinds = [...new Set(steps.map(({ kind }) => kind))];
  const entry = (kind: StepKind | 'group', text: string): string =>
    `<li><span class="swatch ${kind}" aria-hidden="true"></span>${text}</li>`;
  return (
    `<ul class="legend">${kinds.map((kind) => entry(kind, KIND_NAMES[kind])).join('')}` +
    `${groups ? entry('group', 'module; follow it to see inside') : ''}` +
    `<li><span class="swatch time" aria-hidden="true"></span>part of the time</li></ul>`
  );
}

/** The section's HTML. */
export function graphSection(network: Network): string {
  const all = stepsOf(network.root);
  const context: Context = {
    network,
    steps: new Map(all.map((step) => [step.value, step])),
    ids: new Map(),
  };
  const { html, groups } = draw(network.root, context);
  const inside = groups.map((group) => details(group, context)).join('\n');
  return (
    `${legend(all, groups.length > 0)}<div class="graph${groups.length > 0 ? ' split' : ''}">` +
    `<div class="overview">${html}</div>` +
    `${groups.length > 0 ? `<div class="modules"><h3>Inside the modules</h3>${inside}</div>` : ''}</div>`
  );
}
