import { api, type Schemas } from '@/api/client';

export type Line = Schemas['LogLine'];
export type Lines = Schemas['LogLines'];

/** What is shown: an attempt's stream, or those of its lines that match. */
export interface Wanted {
  jobId: string;
  attempt: number;
  stream: Lines['stream'];
  /** Only lines that match; null: all of them. */
  filter: Search | null;
}

export interface Search {
  q: string;
  regex: boolean;
  isCaseSensitive: boolean;
  errorsOnly: boolean;
}

const BLOCK = 500;
/** So many blocks stay; those that were not looked at for longest go. */
const KEPT = 60;
/** So many are asked for at once: what is scrolled past before it was asked for is not asked for. */
const MOST_LOADING = 3;

/** Rows of a log by their place, fetched in blocks as they come into sight. */
export class Rows {
  total = 0;
  about: Lines | null = null;
  error: unknown = null;
  version = 0;
  private readonly blocks = new Map<number, Line[]>();
  private readonly loading = new Set<number>();
  private readonly watchers = new Set<() => void>();
  private sight: [number, number] = [0, -1];
  private isClosed = false;

  constructor(readonly wanted: Wanted) {}

  watch = (callback: () => void): (() => void) => {
    this.watchers.add(callback);
    return () => this.watchers.delete(callback);
  };

  row(place: number): Line | undefined {
    return this.blocks.get(Math.floor(place / BLOCK))?.[place % BLOCK];
  }

  /** These rows are in sight. */
  want(first: number, last: number): void {
    this.sight = [first, last];
    for (const block of this.blocksInSight()) {
      const known = this.blocks.get(block);
      if (!known) continue;
      // What was looked at last is the last to go.
      this.blocks.delete(block);
      this.blocks.set(block, known);
    }
    // After a failure the next look at the end tells when to go on.
    if (!this.error) this.loadSight();
  }

  private *blocksInSight(): Generator<number> {
    const [first, last] = this.sight;
    for (let block = Math.floor(first / BLOCK); block <= Math.floor(last / BLOCK); block += 1) yield block;
  }

  private loadSight(): void {
    for (const block of this.blocksInSight()) {
      if (this.loading.size >= MOST_LOADING) return;
      const expected = Math.min(BLOCK, this.total - block * BLOCK);
      if ((this.blocks.get(block)?.length ?? -1) < expected) void this.load(block);
    }
  }

  /** Looks whether there is more. */
  refresh = (): void => {
    void this.load(Math.floor(Math.max(this.total - 1, 0) / BLOCK));
  };

  close(): void {
    this.isClosed = true;
    this.watchers.clear();
  }

  private async load(block: number): Promise<void> {
    if (this.loading.has(block) || this.isClosed) return;
    this.loading.add(block);
    try {
      const { total, lines } = await this.fetch(block * BLOCK);
      this.total = Math.max(total, this.total);
      this.blocks.delete(block);
      this.blocks.set(block, lines);
      for (const old of this.blocks.keys()) {
        if (this.blocks.size <= KEPT) break;
        this.blocks.delete(old);
      }
      this.error = null;
    } catch (error) {
      this.error = error;
    } finally {
      this.loading.delete(block);
      this.version += 1;
      for (const watcher of this.watchers) watcher();
      if (!this.error && !this.isClosed) this.loadSight();
    }
  }

  private async fetch(start: number): Promise<{ total: number; lines: Line[] }> {
    const { jobId, attempt, stream, filter } = this.wanted;
    const path = { reference: jobId };
    const { data } = await api.GET('/api/v1/jobs/{reference}/logs/lines', {
      params: {
        path,
        query: { attempt, stream, start: filter ? 0 : start, limit: filter ? 1 : BLOCK },
      },
    });
    if (!data) throw new Error('no answer');
    this.about = data;
    if (!filter) return data;
    const found = await find(this.wanted, filter, { start, limit: BLOCK });
    return { total: found.matched, lines: found.lines };
  }
}

/** Lines that match. */
export async function find(
  wanted: Wanted,
  { q, regex, isCaseSensitive, errorsOnly }: Search,
  where: { start?: number; after?: number; before?: number; limit: number },
): Promise<Schemas['LogMatches']> {
  const { data } = await api.GET('/api/v1/jobs/{reference}/logs/search', {
    params: {
      path: { reference: wanted.jobId },
      query: {
        attempt: wanted.attempt,
        stream: wanted.stream,
        q,
        regex,
        case: isCaseSensitive,
        errors_only: errorsOnly,
        ...where,
      },
    },
  });
  if (!data) throw new Error('no answer');
  return data;
}
