import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { useChanges, useLive } from '@/api/stream';
import { Rows, type Wanted } from './rows';

/** How often a log that still grows is looked at: its growth alone is no event. */
const LOOK_MS = 2_000;

/** Rows of a log, kept up to date while it grows. */
export function useLog(wanted: Wanted): { rows: Rows; version: number } {
  const key = JSON.stringify(wanted);
  const rows = useMemo(() => new Rows(JSON.parse(key) as Wanted), [key]);
  const version = useSyncExternalStore(rows.watch, () => rows.version);
  const topic = `job:${wanted.jobId}`;
  useLive(topic);
  useChanges(topic, rows.refresh);
  useEffect(() => {
    rows.refresh();
    const timer = window.setInterval(() => {
      if ((!rows.about?.is_complete || rows.error) && document.visibilityState === 'visible') rows.refresh();
    }, LOOK_MS);
    return () => window.clearInterval(timer);
  }, [rows]);
  return { rows, version };
}
