#!/bin/sh
# Makes the resource files of the tests with Qt's resource compiler. Needs rcc 5.15 (Debian: qtbase5-dev-tools).
# usage: make.sh [RCC]
set -eu
cd "$(dirname "$0")"
rcc=${1:-rcc}
dir=$(mktemp -d)
mkdir -p "$dir/photos/été"
printf 'stored as it is' >"$dir/readme"
yes 'compressible ' | head -c 5000 >"$dir/photos/long.txt"
: >"$dir/photos/empty"
printf 'accents' >"$dir/photos/été/ж.txt"
cat >"$dir/r.qrc" <<'QRC'
<RCC><qresource prefix="/ditas">
<file>readme</file><file>photos/long.txt</file><file>photos/empty</file><file>photos/été/ж.txt</file>
</qresource></RCC>
QRC
for version in 1 2 3; do
	QT_HASH_SEED=0 QT_RCC_SOURCE_DATE_OVERRIDE=1 "$rcc" --binary --format-version $version --compress-algo zlib -o "v$version.rcc" "$dir/r.qrc"
done
QT_HASH_SEED=0 QT_RCC_SOURCE_DATE_OVERRIDE=1 "$rcc" --binary --format-version 3 --compress-algo zstd -o zstd.rcc "$dir/r.qrc"
rm -r "$dir"
