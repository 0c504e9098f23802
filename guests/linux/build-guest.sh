#!/bin/sh
# Builds argosy-guest, or the file named as the first argument. The same compiler always gives the same bytes; toolchain.txt
# beside the checked-in program says which compiler that was.
set -eu
cd "$(dirname "$0")"
out=${1:-argosy-guest}
sources="argosy-guest.c ../common/engine.c ../common/commands.c ../common/console.c ../common/disk.c ../common/pattern.c"
if [ "$(gcc -dumpmachine 2>/dev/null)" != x86_64-linux-gnu ]; then
  echo "build-guest.sh: needs gcc for x86-64; install it with: apt-get install gcc" >&2
  exit 2
fi
# shellcheck disable=SC2086
gcc -std=gnu11 -O2 -Wall -Wextra -ffreestanding -fno-builtin -fno-pic -no-pie -fno-stack-protector -fno-asynchronous-unwind-tables \
  -fcf-protection=none -fno-tree-loop-distribute-patterns -fno-tree-vectorize -nostdlib -static \
  -Wl,--build-id=none,-z,noexecstack,-z,norelro,-z,noseparate-code,-s -o "$out" $sources
chmod 755 "$out"
if [ "$out" = argosy-guest ]; then
  { gcc --version | head -1; ld --version | head -1; } > toolchain.txt
fi
