#!/usr/bin/env bash
# Schemathesis makes requests of an OpenAPI document, right ones and wrong ones, and sends them to a server of
# clients.json: against the protocol's own document no answer may be a 5xx; against docs/openapi.yaml every answer
# must be as it says.
#
#   pip install -r scripts/serve/schemathesis.requirements.txt
#   scripts/serve/schemathesis.sh [open_inference_rest.yaml [EXAMPLES]]
#
# The protocol's document is specification/protocol/open_inference_rest.yaml of
# https://github.com/kserve/open-inference-protocol, which is cloned where no file is given.
set -euo pipefail
document=$(realpath "${1:-/dev/null}")
examples=${2:-300}
cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$dir"' EXIT

if [ "$document" = /dev/null ]; then
  git clone --quiet --depth 1 https://github.com/kserve/open-inference-protocol "$dir/protocol"
  document=$dir/protocol/specification/protocol/open_inference_rest.yaml
fi
# The document writes the parameters of paths as ${NAME}, which OpenAPI reads as a dollar and {NAME}. Half of the
# requests should reach a model.
sed -e 's/\${\([A-Z_]*\)}/{\1}/g' "$document" >"$dir/any.yaml"
node -e '
  const fs = require("node:fs");
  const { parse, stringify } = require("yaml");
  const document = parse(fs.readFileSync(process.argv[1], "utf8"));
  const known = { MODEL_NAME: ["two"], MODEL_VERSION: ["3"] };
  for (const { parameters = [] } of Object.values(document.paths)) {
    for (const parameter of parameters) parameter.schema.enum = known[parameter.name];
  }
  const input = document.components.schemas.request_input.properties;
  input.name.enum = ["a", "b"];
  input.shape.enum = [[1, 1, 1, 2], [1, 1, 2, 1]];
  input.datatype.enum = ["FP32", "INT8", "FP16"];
  input.data = { type: "array", items: { type: "integer", minimum: -9, maximum: 9 }, minItems: 2, maxItems: 2 };
  Object.assign(document.components.schemas.inference_request.properties.inputs, { minItems: 2, maxItems: 2 });
  fs.writeFileSync(process.argv[2], stringify(document, { aliasDuplicateObjects: false }));
' "$dir/any.yaml" "$dir/known.yaml"

serve() {
  : >"$dir/url"
  node scripts/serve/launch.js scripts/serve/clients.json >"$dir/url" 2>>"$dir/log" &
  server=$!
  until [ -s "$dir/url" ]; do kill -0 "$server" && sleep 0.1; done
  url=$(cat "$dir/url")
}

run() {
  local name=$1
  shift
  echo "== $name"
  # Its own proxy variables and configuration files must not matter.
  if ! (cd "$dir" && python3 -m schemathesis.cli run "$@" --url "$url" --max-examples "$examples" --seed 1 \
    --no-color --continue-on-failure --suppress-health-check all); then
    failed=1
  fi
}

failed=0
serve
run "the protocol's document, any names" any.yaml --checks not_a_server_error
run "the protocol's document, names of a model" known.yaml --checks not_a_server_error
kill "$server" || { echo 'the server is gone'; exit 1; }
# With a token, which what loads and unloads models asks for.
export NNCONV_TOKEN=schemathesis
serve
run 'docs/openapi.yaml' "$PWD/docs/openapi.yaml" --checks all --exclude-checks positive_data_acceptance \
  --header "Authorization: Bearer $NNCONV_TOKEN"
kill -0 "$server" || { echo 'the server is gone'; exit 1; }
if grep -q '"level":50' "$dir/log"; then
  echo 'the server logged errors:'
  grep '"level":50' "$dir/log" | head
  exit 1
fi
exit "$failed"
