/** Module trees of the fixtures: see scripts/fixtures/modules.py. */
import { nn, zeros } from '../../lib';

type Part =
  | ['parameter', name: string, shape: number[] | null]
  | ['buffer', name: string, shape: number[], persistent: boolean]
  | ['child', name: string, tree: Tree]
  | ['shared', name: string, path: string]
  | ['extra', text: string];

export type Tree = [name: string, ...parts: Part[]];

export function build([name, ...parts]: Tree): nn.Module {
  let extra = '';
  const classes = {
    [name]: class extends nn.Module {
      forward() {}
      override extraRepr() {
        return extra;
      }
    },
  };
  const module = new classes[name]();
  const properties = module as unknown as Record<string, unknown>;
  for (const part of parts) {
    switch (part[0]) {
      case 'extra':
        [, extra] = part;
        break;
      case 'child':
        properties[part[1]] = build(part[2]);
        break;
      case 'shared':
        properties[part[1]] = part[2]
          .split('.')
          .reduce((at: unknown, key) => (at as Record<string, unknown>)[key], module);
        break;
      case 'parameter':
        module.registerParameter(part[1], part[2] && zeros(part[2]));
        break;
      case 'buffer':
        module.registerBuffer(part[1], zeros(part[2]), { persistent: part[3] });
        break;
    }
  }
  return module;
}
