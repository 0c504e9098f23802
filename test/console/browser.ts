import { readFileSync, rmSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { chromiumFlags } from '../../apps/console/chromium-flags.mjs';

const newPageDeadlineMs = 20_000;

/** A real Chromium with an empty profile of its own; what its pages complain of is kept. */
export class Browser {
  readonly complaints: string[] = [];

  private constructor(
    private readonly profile: string,
    private readonly context: BrowserContext,
  ) {}

  static async start(): Promise<Browser> {
    const profile = mkdtempSync(join(tmpdir(), 'argosy-console-'));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: '/usr/bin/chromium',
      viewport: { width: 1280, height: 900 },
      args: chromiumFlags,
    });
    context.setDefaultTimeout(20_000);
    return new Browser(profile, context);
  }

  async open(url: string): Promise<Page> {
    const page = await this.newPage();
    page.on('pageerror', ({ message }) => this.complaints.push(message));
    page.on('console', (message) => {
      // Chromium says each refused or broken request by itself; the page says those in its own way.
      const isOfNetwork = message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !isOfNetwork) this.complaints.push(message.text());
    });
    await page.goto(url);
    return page;
  }

  /** Chromium has been seen to leave the first asking unanswered for ever, on a machine with too much to do; the next it answered. */
  private async newPage(): Promise<Page> {
    for (const isLast of [false, true]) {
      const waiting = new AbortController();
      const page = this.context.newPage();
      const opened = await Promise.race([
        page,
        sleep(newPageDeadlineMs, null, { signal: waiting.signal }).catch(() => null),
      ]);
      waiting.abort();
      if (opened) return opened;
      if (!isLast) console.warn(`Chromium has opened no page within ${newPageDeadlineMs} ms; it is asked once more`);
      // The one that comes too late is nobody's.
      void page.then((late) => late.close()).catch(() => undefined);
    }
    throw new Error(
      `Chromium has twice opened no page within ${newPageDeadlineMs} ms: it hangs, or the machine has too little time or memory for it`,
    );
  }

  async stop(): Promise<void> {
    await this.context.close();
    rmSync(this.profile, { recursive: true, force: true });
  }
}

const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

interface AxeResults {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[];
}

/** What axe finds against the levels A and AA of WCAG. */
export async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate<AxeResults>(
    `axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })`,
  );
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`);
}
