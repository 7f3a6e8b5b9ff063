/** The twins of two networks of scripts/fixtures/summary.py. */
import { add, mul, nn, ones, type Tensor } from '../../lib';

export function digits(): nn.Module {
  const layers: nn.Module[] = [];
  let channels = 1;
  for (const out of [16, 32, 64]) {
    const conv = new nn.Conv2d(channels, out, 3, { padding: 1 });
    layers.push(conv, new nn.BatchNorm2d(out), new nn.ReLU(), new nn.MaxPool2d(2));
    channels = out;
  }
  const classifier = [new nn.Flatten(), new nn.Dropout({ p: 0.3 }), new nn.Linear(64 * 3 * 3, 10)];
  return new nn.Sequential(new nn.Sequential(...layers), new nn.Sequential(...classifier));
}

/** Modules that are called twice, lie in a list, hold parameters of their own, or are never called. */
export class Shared extends nn.Module {
  act = new nn.ReLU();
  stem = new nn.Conv2d(3, 4, 3, { padding: 1 });
  twice = new nn.Conv2d(4, 4, 3, { padding: 1 });
  blocks = new nn.ModuleList(
    [0, 1].map(() => new nn.Sequential(new nn.Conv2d(4, 4, 1), new nn.PReLU({ numParameters: 4 }))),
  );
  again = this.blocks.at(0);
  unused = new nn.Conv2d(4, 4, 5);
  scale = new nn.Parameter(ones([1, 4, 1, 1]));
  up = new nn.ConvTranspose2d(4, 2, 2, { stride: 2 });

  forward(x: Tensor): Tensor {
    let y = this.act.forward(this.stem.forward(x));
    y = this.twice.forward(this.act.forward(this.twice.forward(y)));
    for (const block of this.blocks) y = block.forward(y);
    return this.up.forward(mul(this.again.forward(y), this.scale));
  }
}

/** Counts, keeps what it saw, writes to a buffer, and looks at a value where it is told to. */
export class Careless extends nn.Module {
  conv = new nn.Conv2d(1, 2, 3);
  norm = new nn.BatchNorm2d(2);
  calls = 0;
  last: Tensor | undefined;
  frozen: nn.Module = new nn.Dropout();
  declare seen: Tensor;

  constructor(readonly looks: boolean) {
    super();
    this.registerBuffer('seen', ones([1]));
    this.frozen.eval();
  }

  forward(x: Tensor): Tensor {
    this.calls += 1;
    this.last = x;
    this.seen.copy_(add(this.seen, 1));
    if (this.looks && this.norm.forward(this.conv.forward(x)).toArray() === null) return x;
    return this.frozen.forward(this.norm.forward(this.conv.forward(x)));
  }
}
