'use strict';

/** Two inputs, two outputs: what the clients' tests serve beside the digits. */

const { add, nn } = require('../../../dist');

class Two extends nn.Module {
  left = new nn.Conv2d(1, 2, 1, { bias: false });
  right = new nn.Conv2d(1, 2, 1, { bias: false });

  constructor() {
    super();
    nn.init.constant_(this.left.weight, 2);
    nn.init.constant_(this.right.weight, 3);
  }

  /** (N, 1, H, W) twice: 2 a + 3 b, twice, and 2 a, twice. */
  forward(a, b) {
    const left = this.left.forward(a);
    return { sum: add(left, this.right.forward(b)), double: left };
  }
}

module.exports = { createModel: () => new Two() };
