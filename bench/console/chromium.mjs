// Debian's Chromium without a screen, with a profile of its own.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { chromiumFlags } from '../../apps/console/chromium-flags.mjs';
import { closeLater } from '../closers.mjs';

/** @returns {Promise<import('playwright-core').BrowserContext>} nothing is cached in it yet */
export async function startChromium() {
  const profile = mkdtempSync(join(tmpdir(), 'argosy-bench-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium',
    viewport: { width: 1440, height: 900 },
    args: chromiumFlags,
  });
  closeLater('Chromium', async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  });
  return context;
}
