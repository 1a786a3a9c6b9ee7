import { createContext, useContext, useEffect, useMemo, useSyncExternalStore, type ReactNode } from 'react';
import type { QueryClient } from '@tanstack/react-query';
import { base, queries } from './client';

/** What a topic's change makes stale: beginnings of paths, as queries name them. */
const PATHS: Record<string, string[]> = {
  jobs: [
    '/api/v1/jobs',
    '/api/v1/overview',
    '/api/v1/queue',
    '/api/v1/info',
    '/api/v1/cost',
    '/api/v1/nodes',
  ],
  nodes: ['/api/v1/nodes', '/api/v1/overview', '/api/v1/queue', '/api/v1/hosts'],
  prices: ['/api/v1/offers', '/api/v1/gpus', '/api/v1/prices', '/api/v1/overview', '/api/cloud'],
  alerts: ['/api/v1/alerts', '/api/v1/channels', '/api/v1/firings', '/api/v1/overview'],
  budgets: ['/api/v1/budgets', '/api/v1/cost', '/api/v1/overview'],
  connections: ['/api/v1/providers', '/api/v1/connections', '/api/v1/hosts', '/api/v1/overview'],
  settings: ['/api/v1/settings', '/api/v1/overview', '/api/v1/doctor'],
};
const SETTLE_MS = 300;
const POLL_MS = 30_000;
/** How long a tab that nobody sees keeps its stream. A browser gives one server six connections, all tabs together. */
const REST_AFTER_MS = 5_000;
const RETRY_MS = [500, 1_000, 2_000, 5_000, 10_000];

export type LiveState = 'connecting' | 'live' | 'reconnecting';

type Listener = (topic: string) => void;

/** The tab's one stream. Pages say which topics they show; the stream covers all of them. */
export class Live {
  state: LiveState = 'connecting';
  private source: EventSource | null = null;
  private readonly wanted = new Map<string, number>();
  private readonly watchers = new Set<() => void>();
  private readonly listeners = new Map<string, Set<Listener>>();
  private readonly stale = new Set<string>();
  private position: string | null = null;
  private opened = '';
  private startedAt: string | null = null;
  private failures = 0;
  private isResting = false;
  private timers: { settle?: number; retry?: number; poll?: number; open?: number; rest?: number } = {};

  constructor(private readonly client: QueryClient) {
    document.addEventListener('visibilitychange', this.onSight);
    // A tab that was opened behind another one is not told that it is hidden.
    this.onSight();
  }

  want(topics: readonly string[]): () => void {
    for (const topic of topics) this.wanted.set(topic, (this.wanted.get(topic) ?? 0) + 1);
    this.reopenSoon();
    return () => {
      for (const topic of topics) {
        const left = (this.wanted.get(topic) ?? 1) - 1;
        if (left > 0) this.wanted.set(topic, left);
        else this.wanted.delete(topic);
      }
      this.reopenSoon();
    };
  }

  /** Calls back on every change of a topic, for what is fetched piece by piece. */
  listen(topic: string, listener: Listener): () => void {
    const all = this.listeners.get(topic) ?? new Set();
    this.listeners.set(topic, all.add(listener));
    return () => all.delete(listener);
  }

  watch = (callback: () => void): (() => void) => {
    this.watchers.add(callback);
    return () => this.watchers.delete(callback);
  };

  close(): void {
    document.removeEventListener('visibilitychange', this.onSight);
    this.letGo();
  }

  private readonly onSight = (): void => {
    window.clearTimeout(this.timers.rest);
    if (document.hidden) {
      this.timers.rest = window.setTimeout(() => {
        this.isResting = true;
        this.letGo();
      }, REST_AFTER_MS);
    } else if (this.isResting) {
      this.open();
    }
  };

  private letGo(): void {
    this.source?.close();
    this.source = null;
    this.opened = '';
    for (const timer of Object.values(this.timers)) window.clearTimeout(timer);
    window.clearInterval(this.timers.poll);
    this.timers = {};
  }

  private reopenSoon(): void {
    window.clearTimeout(this.timers.open);
    // A page that goes and one that comes change the topics together.
    this.timers.open = window.setTimeout(() => this.open(), 20);
  }

  private open(): void {
    const topics = [...this.wanted.keys()].sort().join(',');
    if (this.isResting && document.hidden) return;
    if (!topics || (topics === this.opened && this.source)) return;
    this.source?.close();
    this.opened = topics;
    const after = this.position === null ? '' : `&after=${this.position}`;
    const source = new EventSource(`${base}/api/v1/stream?topics=${encodeURIComponent(topics)}${after}`);
    this.source = source;
    source.addEventListener('hello', (event) => this.greet(event));
    source.addEventListener('change', (event) => {
      this.position = event.lastEventId || this.position;
      this.note((JSON.parse(event.data as string) as { topic: string }).topic);
    });
    source.onerror = () => {
      // The browser's own attempts give up for good on an answer that is no stream, as from a proxy in between.
      source.close();
      if (this.source === source) this.lose();
    };
  }

  private greet(event: MessageEvent): void {
    const hello = JSON.parse(event.data as string) as { started_at: string };
    this.position = event.lastEventId || this.position;
    const isOther = this.startedAt !== null && this.startedAt !== hello.started_at;
    const wasAway = this.isResting || this.state === 'reconnecting';
    this.isResting = false;
    this.startedAt = hello.started_at;
    this.failures = 0;
    window.clearInterval(this.timers.poll);
    this.timers.poll = undefined;
    this.become('live');
    if (isOther || wasAway) this.refreshAll();
  }

  private lose(): void {
    this.source = null;
    this.opened = '';
    this.become('reconnecting');
    this.timers.poll ??= window.setInterval(() => this.refreshAll(), POLL_MS);
    const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)];
    this.failures += 1;
    window.clearTimeout(this.timers.retry);
    this.timers.retry = window.setTimeout(() => this.open(), wait);
  }

  private refreshAll(): void {
    void this.client.invalidateQueries();
    for (const [topic, all] of this.listeners) for (const listener of all) listener(topic);
  }

  private note(topic: string): void {
    for (const listener of this.listeners.get(topic) ?? []) listener(topic);
    this.stale.add(topic);
    // Many changes within a moment cost one round of questions.
    this.timers.settle ??= window.setTimeout(() => {
      this.timers.settle = undefined;
      const topics = [...this.stale];
      this.stale.clear();
      void this.client.invalidateQueries({ predicate: ({ queryKey }) => isAbout(queryKey, topics) });
    }, SETTLE_MS);
  }

  private become(state: LiveState): void {
    if (state === this.state) return;
    this.state = state;
    for (const watcher of this.watchers) watcher();
  }
}

/** True if a query shows something that one of the topics is about. Keys are [method, path, init]. */
export function isAbout(key: readonly unknown[], topics: readonly string[]): boolean {
  const path = key[1];
  if (typeof path !== 'string') return false;
  return topics.some((topic) =>
    topic.startsWith('job:')
      ? path.startsWith('/api/v1/jobs/')
      : (PATHS[topic] ?? []).some((beginning) => path.startsWith(beginning)),
  );
}

const Stream = createContext<Live | null>(null);

export function StreamProvider({ children }: { children: ReactNode }) {
  const live = useMemo(() => new Live(queries), []);
  useEffect(() => () => live.close(), [live]);
  return <Stream value={live}>{children}</Stream>;
}

function useStream(): Live {
  const live = useContext(Stream);
  if (!live) throw new Error('no stream around this component');
  return live;
}

/** Keeps what is shown of these topics up to date. */
export function useLive(...topics: string[]): void {
  const live = useStream();
  const joined = topics.join(',');
  useEffect(() => live.want(joined.split(',').filter(Boolean)), [live, joined]);
}

/** Calls back whenever a topic has changed; for logs and series, which are fetched piece by piece. */
export function useChanges(topic: string, callback: () => void): void {
  const live = useStream();
  useEffect(() => live.listen(topic, callback), [live, topic, callback]);
}

export function useLiveState(): LiveState {
  const live = useStream();
  return useSyncExternalStore(live.watch, () => live.state);
}
