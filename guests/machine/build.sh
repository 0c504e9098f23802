#!/bin/sh
# Builds machine.elf, or the file named as the first argument. The same compiler always gives the same bytes; toolchain.txt beside
# the checked-in program says which compiler that was.
set -eu
cd "$(dirname "$0")"
out=${1:-machine.elf}
compiler=riscv64-unknown-elf
sources="boot.S kernel.c machine.c ../common/engine.c ../common/commands.c ../common/console.c ../common/disk.c ../common/pattern.c"
if ! command -v $compiler-gcc >/dev/null; then
  echo "build.sh: there is no $compiler-gcc here; install it with: apt-get install gcc-riscv64-unknown-elf" >&2
  exit 2
fi
# The compiler's own library (shifts of 64 bits) is not filed under the instructions for control registers.
library=$($compiler-gcc -march=rv32im -mabi=ilp32 -print-libgcc-file-name)
# shellcheck disable=SC2086
$compiler-gcc -march=rv32im_zicsr -mabi=ilp32 -std=gnu11 -Os -Wall -Wextra -ffreestanding -fno-builtin -fno-pic -fno-stack-protector \
  -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns -msmall-data-limit=0 -mno-relax \
  -nostdlib -static -Wl,--build-id=none,-z,max-page-size=4096,--no-relax,--no-warn-rwx-segments -Wl,-T,link.ld -Wl,-s -o "$out" $sources "$library"
chmod 644 "$out"
if [ "$out" = machine.elf ]; then
  { $compiler-gcc --version | head -1; $compiler-ld --version | head -1; } > toolchain.txt
fi
