// Writes an initramfs: a cpio archive in the "newc" format, uncompressed, since unpacking is slow under emulation.

const modes = { folder: 0o040755, program: 0o100755, file: 0o100644 };

/** Entries are { path, kind: 'folder' | 'program' | 'file', content? }; a folder comes before what it holds. */
export function initramfs(entries) {
  const records = entries.map((entry, index) => record(entry, index + 1));
  return Buffer.concat([...records, record({ path: 'TRAILER!!!', kind: 'file' }, 0)]);
}

function record({ path, kind, content = '' }, inode) {
  const data = Buffer.from(content);
  const name = Buffer.from(`${path}\0`);
  const fields = [inode, modes[kind], 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header), name])), padded(data)]);
}

function padded(bytes) {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
