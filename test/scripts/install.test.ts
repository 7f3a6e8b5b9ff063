import { spawnSync } from 'node:child_process';
import * as path from 'node:path';

const script = path.resolve(__dirname, '../../scripts/install.js');

test('the install script names what is missing and how to get it', () => {
  const { status, stderr } = spawnSync(process.execPath, [script], {
    encoding: 'utf8',
    env: { PATH: '/nonexistent' },
  });
  expect(status).toBe(1);
  expect(stderr).toContain('cmake (3.18 or newer)');
  expect(stderr).toContain('make or ninja');
  expect(stderr).toContain('a C++17 compiler (g++ or clang++)');
  expect(stderr).toMatch(/apt-get install cmake g\+\+ make|brew install cmake/);
});

test('the install script shows what a compiler that can not do it says', () => {
  const { status, stderr } = spawnSync(process.execPath, [script], {
    encoding: 'utf8',
    env: { ...process.env, CXX: 'false' },
  });
  expect(status).toBe(1);
  expect(stderr).toContain('a compiler that knows C++17 (false ');
});
