/** Dropout and the first weights of dense layers, to the last bit what PyTorch draws. */
import type { nn } from '../../lib';
import { manualSeed, rand } from '../../lib';
import { type OpCall, opInputs, opLayer, opTitle } from '../support/ops';
import { Store, type Stored } from '../support/stored';

interface Drawn extends OpCall {
  seed: number;
  results: Stored[];
}

const store = new Store('ops');
const EXACT = { rtol: 0, atol: 0 };

test.each(store.read<Drawn>('drawn.json').map((c) => [opTitle(c), c] as const))(
  '%s',
  (title, c) => {
    const draws = c.inputs.length > 0;
    manualSeed(c.seed);
    const layer = opLayer(c);
    const [x] = opInputs(c);
    const results = draws
      ? [layer.forward(x), layer.forward(x)]
      : (layer as nn.Linear).parameters();
    // What is drawn next shows that as much was drawn.
    [...results, rand([1])].forEach((result, i) =>
      store.expectResult(result, c.results[i], c.seed, `${title}, result ${i}`, EXACT),
    );
  },
);
