import { useSyncExternalStore } from 'react';

const key = 'argosy-theme';
const prefersDark = matchMedia('(prefers-color-scheme: dark)');
const printed = matchMedia('print');
const listeners = new Set<() => void>();

export const isDark = (): boolean => {
  // Paper is white: what is drawn for a dark page cannot be read on it.
  if (printed.matches) return false;
  const chosen = localStorage.getItem(key);
  return chosen === null ? prefersDark.matches : chosen === 'dark';
};

export function applyTheme(): void {
  document.documentElement.classList.toggle('pf-v6-theme-dark', isDark());
  for (const listener of listeners) listener();
}

export function chooseTheme(theme: 'dark' | 'light'): void {
  localStorage.setItem(key, theme);
  applyTheme();
}

prefersDark.addEventListener('change', applyTheme);
printed.addEventListener('change', applyTheme);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useIsDark = (): boolean => useSyncExternalStore(subscribe, isDark);
