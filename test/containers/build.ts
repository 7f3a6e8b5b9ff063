/** Containers of the fixtures: see scripts/fixtures/containers.py. */
import { nn } from '../../lib';

type Pair = [name: string, tree: Tree];

export type Tree =
  | ['layer', name: 'Conv2d', args: number[], options: object]
  | ['net', name: string, properties: Pair[]]
  | ['shared', index: number]
  | ['Sequential' | 'ModuleList' | 'ModuleDict', Tree[] | Pair[]];

export type Step = [path: string, method: string, ...args: unknown[]];

export function build(tree: Tree, made: nn.Module[] = []): nn.Module {
  switch (tree[0]) {
    case 'shared':
      return made[tree[1]];
    case 'layer': {
      made.push(Reflect.construct(nn[tree[1]], [...tree[2], tree[3]]) as nn.Module);
      return made.at(-1)!;
    }
    case 'net': {
      const classes = {
        [tree[1]]: class extends nn.Module {
          forward() {}
        },
      };
      const module = new classes[tree[1]]();
      const children = tree[2].map(([name, child]) => [name, build(child, made)] as const);
      return Object.assign(module, Object.fromEntries(children));
    }
    case 'Sequential': {
      const children = (tree[1] as unknown[]).map((child) =>
        isPair(child) ? ([child[0], build(child[1], made)] as const) : build(child as Tree, made),
      );
      return new nn.Sequential(...children);
    }
    case 'ModuleList':
      return new nn.ModuleList((tree[1] as Tree[]).map((child) => build(child, made)));
    case 'ModuleDict':
      return new nn.ModuleDict(
        (tree[1] as Pair[]).map(([name, child]) => [name, build(child, made)] as const),
      );
  }
}

const KINDS = ['layer', 'net', 'shared', 'Sequential', 'ModuleList', 'ModuleDict'];

function isPair(value: unknown): value is Pair {
  return Array.isArray(value) && !KINDS.includes(value[0] as string);
}

/** Calls a method of a module in `root`; what is there afterwards is the result of slice, or `root`. */
export function change(root: nn.Module, [path, method, ...args]: Step): nn.Module {
  const module = root.getSubmodule(path) as unknown as Record<
    string,
    (...args: unknown[]) => unknown
  >;
  if (method === 'slice') {
    return module.slice(...args.map((bound) => bound ?? undefined)) as nn.Module;
  }
  const given = args.map((arg) => {
    if (!Array.isArray(arg)) return arg;
    return method === 'extend' ? (arg as Tree[]).map((tree) => build(tree)) : build(arg as Tree);
  });
  module[method](...given);
  return root;
}
