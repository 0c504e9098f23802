import { useSyncExternalStore } from 'react';
import type { RouteName, RouteResponse } from '@argosy/contracts/routes';
import { mayCall, routes } from '@argosy/contracts/routes';
import type { ApiError } from './error';

/** The token lives as long as the tab does; other tabs of the same console are asked for it. */
const tokenKey = 'argosy-token';
type Who = RouteResponse<'whoami'>;

export interface Session {
  readonly token: string | null;
  /** null: not known yet. */
  readonly who: Who | null;
  /** Why the one before has ended, unless somebody has ended it. */
  readonly refusal: ApiError | null;
}

let session: Session = { token: sessionStorage.getItem(tokenKey), who: null, refusal: null };
const listeners = new Set<() => void>();

function change(next: Session): void {
  session = next;
  for (const listener of listeners) listener();
}

export const readSession = (): Session => session;

export function onSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useSession = (): Session => useSyncExternalStore(onSession, readSession);

export function signIn(token: string, who: Who): void {
  sessionStorage.setItem(tokenKey, token);
  change({ token, who, refusal: null });
}

export function signOut(refusal: ApiError | null = null): void {
  sessionStorage.removeItem(tokenKey);
  change({ token: null, who: null, refusal });
}

/** Whether this user's role allows it: what would be refused is not offered. */
export function useMay(): (route: RouteName) => boolean {
  const { who } = useSession();
  return (route) => who !== null && mayCall(who.role, routes[route].access);
}

/** `#token=…`, as the lab prints it, is taken once and vanishes from the address and from the history. */
export function takeTokenFromAddress(): void {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token === null) return;
  history.replaceState(history.state, '', location.pathname + location.search);
  sessionStorage.setItem(tokenKey, token);
  change({ token, who: null, refusal: null });
}

addEventListener('hashchange', takeTokenFromAddress);

const tabs = new BroadcastChannel('argosy-session');
const answerWaitMs = 150;

tabs.addEventListener('message', ({ data }: MessageEvent<{ ask?: true; token?: string }>) => {
  if (data.ask && session.token !== null) tabs.postMessage({ token: session.token });
});

/** A new tab is signed in as the others are. */
export async function askOtherTabs(): Promise<void> {
  if (session.token !== null) return;
  const token = await new Promise<string | null>((resolve) => {
    tabs.addEventListener('message', ({ data }: MessageEvent<{ token?: string }>) => {
      if (data.token !== undefined) resolve(data.token);
    });
    tabs.postMessage({ ask: true });
    setTimeout(() => resolve(null), answerWaitMs);
  });
  if (token === null || session.token !== null) return;
  sessionStorage.setItem(tokenKey, token);
  change({ token, who: null, refusal: null });
}
