#!/bin/sh
# Builds argosy-guest and argosy-http, or the one that the second argument names into the file of the first. The same compiler always gives the same bytes; toolchain.txt
# beside the checked-in program says which compiler that was.
set -eu
cd "$(dirname "$0")"
if [ $# -eq 0 ]; then
  "./$(basename "$0")" argosy-guest argosy-guest
  exec "./$(basename "$0")" argosy-http argosy-http
fi
out=$1
case ${2:-argosy-guest} in
  argosy-guest) sources="argosy-guest.c ../common/engine.c ../common/commands.c ../common/console.c ../common/disk.c ../common/pattern.c" ;;
  argosy-http) sources=argosy-http.c ;;
  *) echo "build-guest.sh: $2 is neither argosy-guest nor argosy-http" >&2; exit 2 ;;
esac
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
