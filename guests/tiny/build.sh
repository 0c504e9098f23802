#!/bin/sh
# Builds tiny.elf, or the file named as the first argument. The same compiler always gives the same bytes; toolchain.txt beside
# the checked-in program says which compiler that was.
set -eu
cd "$(dirname "$0")"
out=${1:-tiny.elf}
sources="boot.S machine.c interrupts.c disk.c ../common/engine.c ../common/commands.c ../common/console.c ../common/disk.c ../common/pattern.c"
if ! echo 'int x;' | gcc -m32 -x c -c -o /dev/null - 2>/dev/null; then
  echo "build.sh: gcc cannot make 32-bit code here; install it with: apt-get install gcc gcc-multilib" >&2
  exit 2
fi
# shellcheck disable=SC2086
gcc -m32 -march=i686 -std=gnu11 -Os -Wall -Wextra -ffreestanding -fno-builtin -fno-pic -no-pie -fno-stack-protector \
  -fno-asynchronous-unwind-tables -fcf-protection=none -fno-tree-loop-distribute-patterns -fno-tree-vectorize -mgeneral-regs-only \
  -nostdlib -static -Wl,--build-id=none,-z,max-page-size=32,-z,noexecstack,--no-warn-rwx-segments -Wl,-T,link.ld -Wl,-s -o "$out" $sources
chmod 644 "$out"
if [ "$out" = tiny.elf ]; then
  { gcc --version | head -1; ld --version | head -1; } > toolchain.txt
fi
