import { useCallback, useEffect, useRef, useState } from 'react';
import { find, type Search, type Wanted } from './rows';

interface Found {
  /** Which of the matches is marked, from 1; 0: none. */
  place: number;
  matched: number;
  text: string;
  line: number | null;
}

const NOTHING: Found = { place: 0, matched: 0, text: '', line: null };
const SETTLE_MS = 250;

/** Walks through the matches of a search, forwards and back, and around at the ends. */
export function useMatches(
  wanted: Wanted,
  search: Search | null,
  current: number | null,
  onFound: (line: number) => void,
) {
  const [found, setFound] = useState<Found>(NOTHING);
  const [error, setError] = useState<unknown>(null);
  const asked = useRef(0);
  const key = JSON.stringify([wanted.jobId, wanted.attempt, wanted.stream, search]);

  const go = useCallback(
    async (where: { after?: number; before?: number }) => {
      if (!search) return;
      asked.current += 1;
      const mine = asked.current;
      try {
        let answer = await find(wanted, search, { ...where, limit: 1 });
        if (answer.matched > 0 && answer.lines.length === 0)
          answer = await find(wanted, search, { start: where.before === undefined ? 0 : -1, limit: 1 });
        if (mine !== asked.current) return;
        const line = answer.lines[0]?.number ?? null;
        setFound({
          place: line === null ? 0 : answer.skipped + 1,
          matched: answer.matched,
          text: answer.text,
          line,
        });
        setError(null);
        if (line !== null) onFound(line);
      } catch (problem) {
        if (mine !== asked.current) return;
        setFound(NOTHING);
        setError(problem);
      }
    },
    // What is wanted and searched for is all in the key.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [key, onFound],
  );

  const start = useRef(current);
  useEffect(() => {
    start.current = current;
  });
  useEffect(() => {
    if (!search) {
      asked.current += 1;
      return undefined;
    }
    const timer = window.setTimeout(() => void go({ after: (start.current ?? 0) - 1 }), SETTLE_MS);
    return () => window.clearTimeout(timer);
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key]);

  return {
    found: search ? found : NOTHING,
    error: search ? error : null,
    next: () => void go({ after: start.current ?? -1 }),
    previous: () => void go({ before: start.current ?? 0 }),
  };
}
