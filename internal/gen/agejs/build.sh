#!/usr/bin/env bash
# Makes pkg/seal/page/page_gen.js anew: page.js and what it needs of the npm package age-encryption, in one script.
#
#   internal/gen/agejs/build.sh          writes it, and its squeezed form
#   internal/gen/agejs/build.sh --check  says whether it is what this makes
#
# The versions stand in package-lock.json with their digests; the same versions give the same bytes. It needs node, npm and Go.
set -euo pipefail
cd "$(dirname "$0")"
npm ci --ignore-scripts --no-audit --no-fund --silent
out=../../../pkg/seal/page/page_gen.js
new=$(mktemp)
trap 'rm -f "$new"' EXIT
{
  echo "/*! DO NOT EDIT: made by internal/gen/agejs/build.sh of page.js (Chartpost, Apache-2.0) and of these packages from npm:"
  for p in age-encryption @noble/ciphers @noble/hashes @scure/base; do
    node -e 'const p=require(process.argv[1]);console.log(`  ${p.name} ${p.version}, ${p.license}, ${p.repository.url.replace(/^git\+|\.git$/g,"")}`)' "./node_modules/$p/package.json"
    grep -h -m1 '^ *Copyright\|^Copyright\|(c) 20' "node_modules/$p/LICENSE" | sed 's/^ */    /'
  done
  echo
  echo "age-encryption:"
  sed '/^ *Copyright/d' node_modules/age-encryption/LICENSE
  echo
  echo "the others:"
  sed '/(c) 20/d' node_modules/@noble/hashes/LICENSE
  echo "*/"
  node node_modules/esbuild/bin/esbuild page.js --bundle --minify --format=iife --target=es2022 --charset=utf8 --legal-comments=none --log-level=warning \
    --alias:@noble/post-quantum/hybrid.js=./nokeys.js --alias:@noble/curves/nist.js=./nokeys.js --alias:@noble/curves/ed25519.js=./nokeys.js
} > "$new"
if [ "${1:-}" = --check ]; then
  cmp "$new" "$out"
  echo "page_gen.js is what its sources make"
  exit
fi
install -m 644 "$new" "$out"
cd ../../..
"${GO:-go}" run ./internal/gen/squeeze pkg/seal/page/page_gen.js
