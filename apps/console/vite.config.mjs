// How the console is built: into dist/console, each file beside its compressed copies, which the controller sends as they are.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { defineConfig } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));
const outFolder = join(root, 'dist/console');

/** Nearly as small as the slowest quality, in a tenth of the time. */
const brotliQuality = 9;

function compressFiles() {
  for (const name of readdirSync(outFolder, { recursive: true }).map(String)) {
    if (!/\.(js|css|html|svg)$/.test(name)) continue;
    const file = join(outFolder, name);
    const content = readFileSync(file);
    writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
    writeFileSync(
      `${file}.br`,
      brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: brotliQuality } }),
    );
  }
}

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  resolve: { alias: { '@argosy': join(root, 'libs') } },
  build: {
    outDir: outFolder,
    emptyOutDir: true,
    target: 'es2022',
    // Nothing inline: the pages' content security policy allows fonts and pictures from files alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // "use client" is for frameworks that render on a server; here all is the client.
    rolldownOptions: { onLog: (level, log, say) => log.code === 'MODULE_LEVEL_DIRECTIVE' || say(level, log) },
  },
  plugins: [{ name: 'compressed-copies', closeBundle: compressFiles }],
});
