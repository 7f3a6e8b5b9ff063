'use strict';

/**
 * Checks that each layer sees only the layers below it: the #include lines of native/ and the
 * imports of lib/, against the two tables below.
 */

const fs = require('node:fs');
const path = require('node:path');

/** Folder of native/ -> the folders it may include besides itself; `*` is all of them. */
const NATIVE = {
  problem: [],
  runtime: [],
  kernel: [],
  algorithm: ['problem', 'kernel', 'runtime'],
  op: ['problem', 'kernel', 'runtime'],
  graph: ['problem', 'algorithm', 'kernel', 'op', 'runtime'],
  binding: '*',
  selftest: '*',
};

/** System headers that only some places may include. */
const NATIVE_HEADERS = [
  { header: /^(napi|node_api|js_native_api)\.h$/, allowed: /^binding\//, name: 'N-API' },
  {
    header: /^([a-z]*mmintrin|x86intrin|immintrin|arm_neon|arm_sve)\.h$/,
    allowed: /^kernel\//,
    name: 'intrinsics',
  },
  { header: /^omp\.h$/, allowed: /^runtime\/team\.(h|cc)$/, name: 'OpenMP' },
];

/**
 * Folder of lib/ -> the folders it may import besides itself. The files at the top of lib/ are the
 * `core`, save for index.ts, which only collects.
 */
const LIB = {
  core: [],
  nn: ['core'],
  checkpoint: ['core', 'nn'],
  graph: ['core', 'nn'],
  models: ['core', 'nn'],
  image: ['core', 'nn'],
  viz: ['core', 'nn', 'image'],
  report: ['core', 'nn', 'graph', 'image', 'viz'],
  hub: ['core', 'nn', 'checkpoint', 'graph', 'models', 'image'],
  serve: ['core', 'nn', 'checkpoint', 'graph', 'models', 'image', 'hub'],
  cli: '*',
  index: '*',
};

/** Packages that a folder of lib/ may import; the others import none. */
const LIB_PACKAGES = {
  checkpoint: ['yauzl'],
  cli: ['cli-progress', 'cli-table3', 'commander', 'picocolors'],
  image: ['pngjs', 'jpeg-js'],
  report: ['@dagrejs/dagre'],
  serve: ['fastify', 'fastify-plugin', 'prom-client'],
};

function libLayer(file) {
  if (file === '.' || /^index(\.ts)?$/.test(file)) return 'index';
  const [folder, ...rest] = file.split('/');
  return rest.length > 0 || folder in LIB ? folder : 'core';
}

function files(dir, pattern) {
  if (!fs.existsSync(dir)) return [];
  return fs
    .readdirSync(dir, { recursive: true })
    .map((file) => file.split(path.sep).join('/'))
    .filter((file) => pattern.test(file))
    .sort();
}

function withoutComments(text) {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/(^|[^:'"])\/\/.*$/gm, '$1');
}

function* matches(text, pattern) {
  for (const match of text.matchAll(pattern)) {
    yield { line: text.slice(0, match.index).split('\n').length, target: match[1] };
  }
}

/** Complaints about native/ under `root`. */
function checkNative(root) {
  const base = path.join(root, 'native');
  const problems = [];
  // Files only: <algorithm> is not the folder of that name.
  const all = new Set(files(base, /\.\w+$/));
  for (const file of files(base, /\.(h|inl|cc)$/)) {
    const [layer] = file.split('/');
    const allowed = NATIVE[layer];
    const text = withoutComments(fs.readFileSync(path.join(base, file), 'utf8'));
    const complain = (line, message) => problems.push(`native/${file}:${line}: ${message}`);
    if (!allowed)
      complain(1, `${layer}/ is no layer of native/; name it in scripts/check-layers.js`);

    for (const { line, target } of matches(text, /^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]/gm)) {
      for (const rule of NATIVE_HEADERS) {
        if (rule.header.test(target) && !rule.allowed.test(file)) {
          complain(line, `<${target}>: ${rule.name} has no place here`);
        }
      }
      const beside = path.posix.normalize(path.posix.join(path.posix.dirname(file), target));
      const resolved = all.has(beside) ? beside : all.has(target) ? target : undefined;
      const other = resolved?.split('/')[0];
      if (other && other !== layer && allowed && allowed !== '*' && !allowed.includes(other)) {
        complain(line, `${layer}/ may not include ${other}/ (${target})`);
      }
    }
    if (!/^runtime\/team\./.test(file)) {
      for (const { line } of matches(text, /^[ \t]*(#[ \t]*pragma[ \t]+omp)\b/gm)) {
        complain(line, '#pragma omp: OpenMP has no place here');
      }
    }
  }
  return problems;
}

/** Complaints about lib/ under `root`. */
function checkLib(root) {
  const base = path.join(root, 'lib');
  const problems = [];
  for (const file of files(base, /\.ts$/)) {
    const layer = libLayer(file);
    const allowed = LIB[layer];
    const text = withoutComments(fs.readFileSync(path.join(base, file), 'utf8'));
    const complain = (line, message) => problems.push(`lib/${file}:${line}: ${message}`);
    if (!allowed) complain(1, `${layer}/ is no layer of lib/; name it in scripts/check-layers.js`);

    const imports = /(?:\bfrom|\bimport|\brequire\(|\bimport\()\s*['"]([^'"]+)['"]/g;
    for (const { line, target } of matches(text, imports)) {
      if (target.endsWith('.node')) continue; // below
      if (!target.startsWith('.')) {
        const known = target.startsWith('node:') || LIB_PACKAGES[layer]?.includes(target);
        if (!known) complain(line, `${target}: ${layer} may not import this package`);
        continue;
      }
      const resolved = path.posix.normalize(path.posix.join(path.posix.dirname(file), target));
      if (resolved === '../binding') continue; // the types of the addon
      const other = libLayer(resolved);
      if (other !== layer && allowed && allowed !== '*' && !allowed.includes(other)) {
        complain(line, `${layer} may not import ${other} (${target})`);
      }
    }
    if (file !== 'binding.ts' && /['"`][^'"`\n]*\.node['"`]/.test(text)) {
      complain(1, 'names a .node file: only binding.ts loads the addon');
    }
  }
  return problems;
}

module.exports = { checkNative, checkLib };

if (require.main === module) {
  const root = path.resolve(__dirname, '..');
  const problems = [...checkNative(root), ...checkLib(root)];
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
