#!/bin/sh
# Makes what the image holds: image.sh <source> <target>. The Dockerfile runs it, and so does a test where there is no
# Docker. No packages of development, and none of the optional ones: Postgres and Node come from elsewhere.
set -eu

source=$(cd "$1" && pwd)
mkdir -p "$2"
target=$(cd "$2" && pwd)

for part in package.json package-lock.json src gen/ts gen/descriptors.binpb migrations deploy/ready.ts; do
  mkdir -p "$target/$(dirname "$part")"
  cp -R "$source/$part" "$target/$part"
done
cd "$target"
npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund
