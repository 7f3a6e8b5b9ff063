'use strict';

/**
 * Lays out JSON schemas as kubeconform looks for them: what check-manifests.sh does with what it fetched.
 *
 *   node manifest-schemas.js OUT KUBERNETES-JSON-SCHEMA KSERVE-CRDS VERSION...
 */

const fs = require('node:fs');
const path = require('node:path');
const { parse } = require('yaml');

/** Kinds of Kubernetes' own that deploy/ has. */
const KINDS = [
  'configmap-v1',
  'deployment-apps-v1',
  'horizontalpodautoscaler-autoscaling-v2',
  'poddisruptionbudget-policy-v1',
  'service-v1',
];

const [out, kubernetes, kserve, ...versions] = process.argv.slice(2);

function write(file, text) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
}

/** A schema refers to the file of all definitions by an absolute path; here it brings those that it needs. */
function kubernetesSchemas(version) {
  const from = path.join(kubernetes, `v${version}-local-strict`);
  const read = (name) => JSON.parse(fs.readFileSync(path.join(from, name), 'utf8'));
  const { $defs } = read('_definitions.json');
  const definitions = JSON.parse(JSON.stringify($defs).replaceAll('"#/$defs/', '"#/definitions/'));
  for (const name of KINDS.map((kind) => `${kind}.json`)) {
    const text = JSON.stringify(read(name)).replaceAll(
      '/api/_definitions.json#/$defs/',
      '#/definitions/',
    );
    const needed = {};
    const add = (part) => {
      for (const [, key] of part.matchAll(/"#\/definitions\/([^"]+)"/g)) {
        if (key in needed) continue;
        needed[key] = definitions[key];
        add(JSON.stringify(definitions[key]));
      }
    };
    add(text);
    write(
      path.join(out, `v${version}`, name),
      JSON.stringify({ ...JSON.parse(text), definitions: needed }),
    );
  }
}

/**
 * A custom resource definition says by itself what is not in JSON Schema: objects are closed unless they ask for
 * unknown fields, and an int-or-string is either.
 */
function closed(schema) {
  if (Array.isArray(schema)) return schema.map(closed);
  if (schema === null || typeof schema !== 'object') return schema;
  const result = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, closed(value)]),
  );
  const open = 'additionalProperties' in schema || schema['x-kubernetes-preserve-unknown-fields'];
  // `properties` may itself be the name of a property; then it is no list of them.
  if (schema.type === 'object' && isObject(schema.properties) && !open)
    result.additionalProperties = false;
  return result;
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

function kserveSchemas() {
  for (const name of fs.readdirSync(kserve).filter((file) => /^serving\..*\.yaml$/.test(file))) {
    const { spec } = parse(fs.readFileSync(path.join(kserve, name), 'utf8'));
    for (const version of spec.versions) {
      const schema = closed(version.schema.openAPIV3Schema);
      // That of the object itself, which the API server checks as it does anywhere.
      schema.properties.metadata = { type: 'object' };
      const group = spec.group.split('.')[0];
      const file = `${spec.names.kind}-${group}-${version.name}.json`.toLowerCase();
      write(path.join(out, 'kserve', file), JSON.stringify(schema));
    }
  }
}

versions.forEach(kubernetesSchemas);
kserveSchemas();
