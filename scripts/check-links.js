'use strict';

/**
 * Checks the relative links of the project's Markdown: the file exists, and so does the heading that
 * a link names after #.
 */

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

/** The name that GitHub gives a heading in links. */
function anchor(heading) {
  return heading
    .replace(/`/g, '')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
}

const withoutCode = (text) => text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');

function anchorsOf(text) {
  const found = new Set();
  for (const [, heading] of text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.+)$/gm)) {
    const name = anchor(heading);
    let unique = name;
    for (let i = 1; found.has(unique); ++i) unique = `${name}-${i}`;
    found.add(unique);
  }
  return found;
}

/** Complaints about the links of `files`, paths under `root`. */
function checkLinks(root, files) {
  const problems = [];
  for (const file of files) {
    const text = withoutCode(fs.readFileSync(path.join(root, file), 'utf8'));
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target);
    for (const target of targets.filter((name) => !/^[a-z]+:/.test(name))) {
      const [name, fragment] = decodeURI(target).split('#');
      const linked = name === '' ? file : path.join(path.dirname(file), name);
      const where = path.join(root, linked);
      if (!fs.existsSync(where)) {
        problems.push(`${file}: there is no ${linked}`);
      } else if (fragment && linked.endsWith('.md')) {
        const known = anchorsOf(fs.readFileSync(where, 'utf8'));
        if (!known.has(fragment)) problems.push(`${file}: ${linked} has no heading #${fragment}`);
      }
    }
  }
  return problems;
}

/** Markdown that is or would be committed. */
function markdown(root) {
  const listed = execFileSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'],
    { cwd: root, encoding: 'utf8' },
  );
  return listed.split('\n').filter((file) => file !== '' && fs.existsSync(path.join(root, file)));
}

module.exports = { checkLinks, markdown };

if (require.main === module) {
  const root = path.resolve(__dirname, '..');
  const problems = checkLinks(root, markdown(root));
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
