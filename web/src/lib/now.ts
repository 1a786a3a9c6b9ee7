import { useSyncExternalStore } from 'react';

const TICK_MS = 1_000;
const watchers = new Set<() => void>();
let timer: number | undefined;
let now = Date.now();

function watch(callback: () => void): () => void {
  watchers.add(callback);
  timer ??= window.setInterval(() => {
    now = Date.now();
    for (const watcher of watchers) watcher();
  }, TICK_MS);
  return () => {
    watchers.delete(callback);
    if (watchers.size === 0) {
      window.clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The time, in steps of `every` seconds; one timer for all that show it. */
export function useNow(every = 1): Date {
  const step = every * TICK_MS;
  return new Date(useSyncExternalStore(watch, () => Math.floor(now / step) * step));
}
