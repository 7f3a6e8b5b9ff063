/**
 * A network of your own, with residuals, compiled: `npx ts-node examples/residual.ts`.
 *
 * The classes are those of scripts/fixtures/residual.py, line by line. After the same seed both
 * draw the same weights, so the logits are compared with PyTorch's; then `compile` makes one plan of
 * the network, in which batch norms are part of the convolutions, and activations and the residual
 * sums happen as results are stored.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { add, compile, load, manualSeed, nn, randn, save, type Tensor } from '../lib';
import { main } from './main';

class Residual extends nn.Module {
  conv1: nn.Conv2d;
  bn1: nn.BatchNorm2d;
  conv2: nn.Conv2d;
  bn2: nn.BatchNorm2d;
  relu = new nn.ReLU();
  /** What fits the input to the sum; null where it fits as it is. */
  shortcut: nn.Sequential | null;

  constructor(inChannels: number, outChannels: number, stride = 1) {
    super();
    this.conv1 = new nn.Conv2d(inChannels, outChannels, 3, { stride, padding: 1, bias: false });
    this.bn1 = new nn.BatchNorm2d(outChannels);
    this.conv2 = new nn.Conv2d(outChannels, outChannels, 3, { padding: 1, bias: false });
    this.bn2 = new nn.BatchNorm2d(outChannels);
    this.shortcut =
      stride === 1 && inChannels === outChannels
        ? null
        : new nn.Sequential(
            new nn.Conv2d(inChannels, outChannels, 1, { stride, bias: false }),
            new nn.BatchNorm2d(outChannels),
          );
  }

  forward(x: Tensor): Tensor {
    let y = this.relu.forward(this.bn1.forward(this.conv1.forward(x)));
    y = this.bn2.forward(this.conv2.forward(y));
    return this.relu.forward(add(y, this.shortcut ? this.shortcut.forward(x) : x));
  }
}

class Net extends nn.Module {
  stem = new nn.Sequential(
    new nn.Conv2d(3, 16, 3, { padding: 1, bias: false }),
    new nn.BatchNorm2d(16),
    new nn.ReLU(),
  );
  blocks = new nn.Sequential(
    new Residual(16, 16),
    new Residual(16, 32, 2),
    new Residual(32, 64, 2),
  );
  head = new nn.Sequential(new nn.AdaptiveAvgPool2d(1), new nn.Flatten(), new nn.Linear(64, 10));

  forward(x: Tensor): Tensor {
    return this.head.forward(this.blocks.forward(this.stem.forward(x)));
  }
}

/** A network whose batch norms have seen some data, as after a training. */
function prepared(): Net {
  manualSeed(0);
  const net = new Net();
  for (let i = 0; i < 3; ++i) net.forward(randn([8, 3, 32, 32]));
  return net.eval();
}

const difference = (a: Tensor, b: Tensor): number =>
  Math.max(...Array.from(a.data, (value, i) => Math.abs(Number(value) - Number(b.data[i]))));

main('residual', () => {
  const net = prepared();
  console.log(`${String(net)}\n`);
  const x = randn([2, 3, 32, 32]);
  const logits = net.forward(x);
  console.log(`logits: ${JSON.stringify(logits.toArray())}\n`);

  // Through a file, as weights from elsewhere would come.
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nnconv-residual-'));
  const copy = new Net();
  try {
    save(path.join(folder, 'net.safetensors'), net.stateDict());
    copy.loadStateDict(load(path.join(folder, 'net.safetensors')));
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
  const session = compile(copy.eval(), { inputShapes: [x.shape] });
  const compiled = session.run(x);
  console.log(String(session.explain(x.shape)));
  console.log(`\nlayer by layer and compiled differ by at most ${difference(logits, compiled)}`);
});
