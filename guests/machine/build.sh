#!/bin/sh
# Builds machine.elf and paravirtual.elf, or as the file named first the one of them that is named second. The same compiler always gives the same bytes; toolchain.txt beside
# the checked-in program says which compiler that was.
set -eu
cd "$(dirname "$0")"
compiler=riscv64-unknown-elf
sources="boot.S kernel.c machine.c network.c commands.c ../common/engine.c ../common/commands.c ../common/console.c ../common/disk.c ../common/pattern.c"
if ! command -v $compiler-gcc >/dev/null; then
  echo "build.sh: there is no $compiler-gcc here; install it with: apt-get install gcc-riscv64-unknown-elf" >&2
  exit 2
fi
# The compiler's own library (shifts of 64 bits) is not filed under the instructions for control registers.
library=$($compiler-gcc -march=rv32im -mabi=ilp32 -print-libgcc-file-name)
build() { # output, the kernel's other half
  # shellcheck disable=SC2086
  $compiler-gcc -march=rv32im_zicsr -mabi=ilp32 -std=gnu11 -Os -Wall -Wextra -ffreestanding -fno-builtin -fno-pic -fno-stack-protector \
    -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns -msmall-data-limit=0 -mno-relax \
    -nostdlib -static -Wl,--build-id=none,-z,max-page-size=4096,--no-relax,--no-warn-rwx-segments -Wl,-T,link.ld -Wl,--wrap=command_run -Wl,-s -o "$1" $sources "$2" "$library"
  chmod 644 "$1"
}
case "${2:-}" in
  machine.elf) build "$1" registers.c ;;
  paravirtual.elf) build "$1" hypercall.c ;;
  *)
    build machine.elf registers.c
    build paravirtual.elf hypercall.c
    { $compiler-gcc --version | head -1; $compiler-ld --version | head -1; } > toolchain.txt
    ;;
esac
