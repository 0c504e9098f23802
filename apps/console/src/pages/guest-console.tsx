import '@xterm/xterm/css/xterm.css';
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import { useEffect, useRef, useState } from 'react';
import { call } from '../api/client';
import { ApiError } from '../api/error';
import type { Guest } from '../fleet/rows';
import { appended } from '../fleet/console-text';
import { useRows } from '../fleet/use-fleet';
import { messageOf } from '../ui/toasts';

const pollMs = 300;
const maximumBytes = 32_768;
/** Asking again does not help; a guest that does not run may run again. */
const lasting = new Set(['forbidden', 'unauthenticated', 'unknown-guest']);

/**
 * The guest's serial console. It is the guest's and not a host's: it goes on through a live migration, since what is
 * asked for is always "the end of this guest's console", wherever it is.
 */
export function GuestConsole({ guest }: { readonly guest: Guest }) {
  const frame = useRef<HTMLDivElement>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const hosts = useRows('host');
  const host = guest.hostId === null ? undefined : hosts.get(guest.hostId);
  const { id } = guest;
  useEffect(() => {
    const abort = new AbortController();
    const terminal = new Terminal({
      convertEol: true,
      cursorBlink: true,
      scrollback: 5000,
      fontSize: 14,
      screenReaderMode: true,
    });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    terminal.open(frame.current!);
    fit.fit();
    const observer = new ResizeObserver(() => fit.fit());
    observer.observe(frame.current!);
    const typing = typeInOrder(id, abort.signal, setTrouble);
    const typed = terminal.onData(typing);
    void followConsole(id, abort.signal, { write: (text) => terminal.write(text), trouble: setTrouble });
    terminal.focus();
    return () => {
      abort.abort();
      observer.disconnect();
      typed.dispose();
      terminal.dispose();
    };
  }, [id]);
  return (
    <div className="console">
      <p className="quiet" role="status">
        {host
          ? `Serial console of ${guest.name}, now on ${host.name}.`
          : `${guest.name} is ${guest.state}: nobody hears what is typed.`}{' '}
        {trouble}
      </p>
      <div className="console-frame" ref={frame} />
    </div>
  );
}

interface Output {
  readonly write: (text: string) => void;
  readonly trouble: (text: string | null) => void;
}

async function followConsole(guest: string, signal: AbortSignal, { write, trouble }: Output): Promise<void> {
  let before = '';
  while (!signal.aborted) {
    try {
      const { text } = await call('guest.console', { params: { guest }, query: { maximumBytes } }, { signal });
      write(appended(before, text));
      // An empty answer is a host that has nothing of it yet: what was seen stays seen.
      if (text !== '') before = text;
      trouble(null);
    } catch (error) {
      if (signal.aborted) return;
      trouble(messageOf(error));
      if (error instanceof ApiError && lasting.has(error.code)) return;
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

const retryMs = 200;
const triesForMs = 15_000;

/** What is typed goes out in order, in as few calls as the answers allow; while the guest changes hosts it waits. */
function typeInOrder(
  guest: string,
  signal: AbortSignal,
  trouble: (text: string | null) => void,
): (text: string) => void {
  let waiting = '';
  let isSending = false;
  const send = async () => {
    isSending = true;
    let since = performance.now();
    while (waiting !== '' && !signal.aborted) {
      const text = waiting.slice(0, 4000);
      try {
        await call('guest.console-write', { params: { guest }, body: { text } }, { signal });
        waiting = waiting.slice(text.length);
        since = performance.now();
      } catch (error) {
        if (signal.aborted) break;
        const mayPass = error instanceof ApiError && error.code !== 'forbidden' && error.code !== 'guest-not-running';
        if (!mayPass || performance.now() - since > triesForMs) {
          waiting = '';
          trouble(`Not typed: ${messageOf(error)}`);
          break;
        }
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
    isSending = false;
  };
  return (text) => {
    // A terminal sends a carriage return for Enter; the guest's line discipline wants a new line.
    waiting += text.replaceAll('\r', '\n');
    if (!isSending) void send();
  };
}
