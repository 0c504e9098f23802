// Takes the bare kernel out of a bzImage. QEMU starts that by its PVH entry without the kernel first unpacking itself, which under
// emulation saves time, and memory that the guest would never touch again.

const setupHeaderMagic = 'HdrS';
const lz4LegacyMagic = 0x184c2102;
const longestLz4Block = 8 * 1024 * 1024;

/** The kernel's ELF, or undefined when it is compressed by something other than LZ4 (then the bzImage itself must do). */
export function bareKernelOf(bzImage) {
  if (bzImage.toString('latin1', 0x202, 0x206) !== setupHeaderMagic) throw new Error('this is no bzImage: its setup header is missing');
  const setupSectors = bzImage[0x1f1] || 4;
  const start = (setupSectors + 1) * 512 + bzImage.readUInt32LE(0x248);
  const payload = bzImage.subarray(start, start + bzImage.readUInt32LE(0x24c));
  if (payload.readUInt32LE(0) !== lz4LegacyMagic) return undefined;
  return uncompressLz4Legacy(payload);
}

// The kernel's build appends the uncompressed size, which is the first word here that cannot be a block's size.
function uncompressLz4Legacy(payload) {
  const blocks = [];
  let position = 4;
  while (position + 4 < payload.length) {
    const length = payload.readUInt32LE(position);
    if (position + 4 + length > payload.length) break;
    blocks.push(uncompressLz4Block(payload.subarray(position + 4, position + 4 + length)));
    position += 4 + length;
  }
  return Buffer.concat(blocks);
}

// https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md: literals, then a match that may overlap its own output.
function uncompressLz4Block(input) {
  const output = Buffer.allocUnsafe(longestLz4Block);
  let from = 0;
  let to = 0;
  const longer = (nibble) => {
    let length = nibble;
    if (nibble !== 15) return length;
    for (let more = 255; more === 255; length += more) more = input[from++];
    return length;
  };
  while (from < input.length) {
    const token = input[from++];
    const literals = longer(token >> 4);
    input.copy(output, to, from, from + literals);
    from += literals;
    to += literals;
    if (from >= input.length) break;
    const distance = input[from] | (input[from + 1] << 8);
    from += 2;
    const end = to + longer(token & 15) + 4;
    for (; to < end; to++) output[to] = output[to - distance];
  }
  return output.subarray(0, to);
}

/**
 * The parts of the kernel's ELF that are loaded, without section table, symbols and debug data; `e_shoff` is cleared. Halves
 * the file, and with it what QEMU reads at each start.
 */
export function withoutSections(elf) {
  const programHeaders = Number(elf.readBigUInt64LE(0x20));
  const count = elf.readUInt16LE(0x38);
  let end = 0;
  for (let index = 0; index < count; index++) {
    const header = programHeaders + index * elf.readUInt16LE(0x36);
    end = Math.max(end, Number(elf.readBigUInt64LE(header + 8) + elf.readBigUInt64LE(header + 32)));
  }
  const stripped = Buffer.from(elf.subarray(0, end));
  stripped.writeBigUInt64LE(0n, 0x28);
  stripped.fill(0, 0x3a, 0x40);
  return stripped;
}
