import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

const { checkNative, checkLib } = require('../../scripts/check-layers.js') as {
  checkNative: (root: string) => string[];
  checkLib: (root: string) => string[];
};

describe('check-layers', () => {
  let root: string;
  const write = (file: string, text: string) => {
    fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    fs.writeFileSync(path.join(root, file), text);
  };
  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'nnconv-layers-'));
  });
  afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

  test('the repository keeps its own rules', () => {
    const repo = path.resolve(__dirname, '../..');
    expect([...checkNative(repo), ...checkLib(repo)]).toEqual([]);
  });

  test('native layers may only look down', () => {
    write('native/kernel/table.h', '#include <vector>\n');
    write('native/problem/conv_problem.h', '\n#include "kernel/table.h"\n');
    write('native/algorithm/direct.cc', '#include "../kernel/table.h"\n');
    expect(checkNative(root)).toEqual([
      'native/problem/conv_problem.h:2: problem/ may not include kernel/ (kernel/table.h)',
    ]);
  });

  test.each([
    ['native/algorithm/a.cc', '#include <immintrin.h>', 'intrinsics'],
    ['native/runtime/cpu.cc', '#include <arm_neon.h>', 'intrinsics'],
    ['native/problem/p.cc', '#include <napi.h>', 'N-API'],
    ['native/algorithm/b.cc', '#include <thread>', 'a thread'],
    ['native/kernel/k.cc', '#pragma omp parallel for', 'a thread'],
  ])('%s may not say %s', (file, text, name) => {
    write(file, `${text}\n`);
    expect(checkNative(root)).toHaveLength(1);
    expect(checkNative(root)[0]).toContain(`${name} has no place here`);
  });

  test('each of those has its one place, and comments do not count', () => {
    write('native/kernel/avx.cc', '#include <immintrin.h>\n');
    write('native/binding/addon.cc', '#include <napi.h>\n');
    write('native/runtime/team.cc', '#include <thread>\n');
    write('native/problem/p.cc', '// #include <napi.h>\n/*\n#include <omp.h>\n*/\n');
    expect(checkNative(root)).toEqual([]);
  });

  test('an unknown folder is named', () => {
    write('native/misc/x.cc', '\n');
    write('lib/misc/x.ts', '\n');
    expect(checkNative(root)[0]).toContain('misc/ is no layer');
    expect(checkLib(root)[0]).toContain('misc/ is no layer');
  });

  test('lib layers may only look down', () => {
    write('lib/options.ts', "import { show } from './errors';\n");
    write('lib/index.ts', "export * as nn from './nn';\nexport * from './tensor';\n");
    write('lib/tensor.ts', "import { conv } from './nn/conv';\n");
    write('lib/nn/conv.ts', "import { Tensor } from '../tensor';\nimport x from '../cli/main';\n");
    expect(checkLib(root)).toEqual([
      'lib/nn/conv.ts:2: nn may not import cli (../cli/main)',
      'lib/tensor.ts:1: core may not import nn (./nn/conv)',
    ]);
  });

  test('lib imports no packages, and only binding.ts loads the addon', () => {
    write('lib/binding.ts', "const b = require('../build/Release/nnconv.node');\n");
    write('lib/tensor.ts', "import fs from 'node:fs';\nimport x from 'lodash';\n");
    write('lib/random.ts', "const file = 'nnconv.node';\n");
    expect(checkLib(root)).toEqual([
      'lib/random.ts:1: names a .node file: only binding.ts loads the addon',
      'lib/tensor.ts:2: lodash: core may not import this package',
    ]);
  });
});
