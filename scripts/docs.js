'use strict';

/**
 * The API reference, from the docstrings: `npm run docs` writes docs/api/ (a page for each name, not
 * committed) and docs/api.md (one line for each, committed).
 *
 * A name without a docstring, an option without one or a link that leads nowhere is an error.
 * With --check docs/api.md is compared, not written.
 */

const fs = require('node:fs');
const path = require('node:path');

const root = path.resolve(__dirname, '..');
const INDEX = path.join(root, 'docs', 'api.md');
const HEAD = `# API

Every public name, one line each. \`npm run docs\` writes this page, and the full reference (parameters,
shapes, defaults, errors) into docs/api/; an editor shows the same docstrings. What differs from PyTorch is in
[pytorch.md](pytorch.md).`;

/** Entry points of the package; nnconv/nn is the \`nn\` of the first. */
function entryPoints() {
  const { exports } = require('../package.json');
  return Object.entries(exports)
    .filter(([name, target]) => name !== './nn' && target.require)
    .map(([name, target]) => ({
      name: name === '.' ? 'nnconv' : `nnconv/${name.slice(2)}`,
      file: target.require.default.replace(/^\.\/dist\//, 'lib/').replace(/\.js$/, '.ts'),
    }));
}

/** The first sentence of a docstring. */
function firstSentence(comment) {
  const text = comment.summary.map((part) => part.text).join('');
  const [paragraph] = text.split('\n\n');
  const line = paragraph.replace(/\s+/g, ' ').trim();
  return (/^(.*?[.:])(?= [A-Z(]|$)/.exec(line)?.[1] ?? line).replace(/[.:]$/, '');
}

function parameters(signature) {
  const names = (signature.parameters ?? []).map((parameter) => {
    const rest = parameter.flags.isRest ? '...' : '';
    const optional = parameter.flags.isOptional || parameter.defaultValue !== undefined ? '?' : '';
    // A destructured or unused parameter has no name for users.
    return `${rest}${parameter.name.replace(/^_+/, '')}${optional}`;
  });
  return `(${names.join(', ')})`;
}

function docs(TypeDoc, project, modules) {
  const { ReflectionKind } = TypeDoc;
  const lines = [HEAD];
  const problems = [];

  const line = (reflection) => {
    const [signature] = reflection.signatures ?? [];
    let call = signature ? parameters(signature) : '';
    const maker = reflection.children?.find((child) => child.kind === ReflectionKind.Constructor);
    // What nobody can construct has no constructor in the reference.
    if (reflection.kind === ReflectionKind.Class && maker && !reflection.flags.isAbstract) {
      call = parameters(maker.signatures[0]);
    }
    const comment = signature?.comment ?? reflection.comment;
    return `- \`${reflection.name}${call}\`: ${firstSentence(comment)}.`;
  };

  const section = (title, reflection) => {
    const { children = [] } = reflection;
    const of = (...kinds) => children.filter((child) => kinds.includes(child.kind));
    const groups = [
      ['Classes', of(ReflectionKind.Class)],
      ['Functions and values', of(ReflectionKind.Function, ReflectionKind.Variable)],
      ['Types', of(ReflectionKind.Interface, ReflectionKind.TypeAlias)],
    ];
    lines.push(`\n## ${title}\n`);
    if (reflection.comment) lines.push(`${firstSentence(reflection.comment)}.\n`);
    for (const [name, members] of groups.filter(([, members]) => members.length > 0)) {
      lines.push(`**${name}**\n`, ...members.map(line), '');
    }
    lines.pop();
    for (const space of of(ReflectionKind.Namespace)) {
      const parent = title.startsWith('nnconv') ? '' : `${title}.`;
      section(`${parent}${space.name}`, space);
    }
  };

  for (const options of project.getReflectionsByKind(ReflectionKind.Interface)) {
    for (const property of options.children ?? []) {
      if (property.kind !== ReflectionKind.Property || property.hasComment()) continue;
      problems.push(`${property.getFullName()} has no docstring`);
    }
  }
  for (const { name, reflection } of modules) section(name, reflection);
  return { text: `${lines.join('\n')}\n`, problems };
}

async function main() {
  const check = process.argv.includes('--check');
  const TypeDoc = await import('typedoc');
  const entries = entryPoints();
  const app = await TypeDoc.Application.bootstrapWithPlugins(
    { options: path.join(root, 'typedoc.json'), entryPoints: entries.map(({ file }) => file) },
    [new TypeDoc.TypeDocReader(), new TypeDoc.TSConfigReader()],
  );
  const project = await app.convert();
  if (!project) return 1;
  app.validate(project);
  if (app.logger.hasErrors() || app.logger.hasWarnings()) return 1;

  // With one entry point the project itself is its module.
  const modules = entries.map(({ name, file }) => ({
    name,
    reflection:
      entries.length === 1
        ? project
        : project.children.find((module) => file === `lib/${module.name}.ts` || file === `lib/${module.name}/index.ts`), // prettier-ignore
  }));
  const { text, problems } = docs(TypeDoc, project, modules);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) return 1;
  if (check) {
    if (fs.existsSync(INDEX) && fs.readFileSync(INDEX, 'utf8') === text) return 0;
    console.error('docs/api.md is not that of these docstrings: run `npm run docs`');
    return 1;
  }
  fs.writeFileSync(INDEX, text);
  await app.generateOutputs(project);
  return app.logger.hasErrors() || app.logger.hasWarnings() ? 1 : 0;
}

main().then((status) => (process.exitCode = status));
