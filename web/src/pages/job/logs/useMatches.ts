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
const MOST_WAITING = 8;

type Way = 'here' | 'next' | 'previous';

/** Steps of one search are taken one after another, each from where the one before it has led to. */
interface Walk {
  last: Promise<void>;
  waiting: number;
}

function newWalk(): Walk {
  return { last: Promise.resolve(), waiting: 0 };
}

/** Walks through the matches of a search, forwards and back, and around at the ends. */
export function useMatches(
  wanted: Wanted,
  search: Search | null,
  current: number | null,
  onFound: (line: number) => void,
) {
  const [found, setFound] = useState<Found>(NOTHING);
  const [error, setError] = useState<unknown>(null);
  const walk = useRef(newWalk());
  const from = useRef(current);
  useEffect(() => {
    from.current = current;
  }, [current]);
  const key = JSON.stringify([wanted.jobId, wanted.attempt, wanted.stream, search]);

  const step = useCallback(
    async (way: Way, mine: Walk) => {
      const at = from.current;
      if (!search || mine !== walk.current) return;
      const where =
        way === 'previous' ? { before: at ?? 0 } : { after: way === 'next' ? (at ?? -1) : (at ?? 0) - 1 };
      try {
        let answer = await find(wanted, search, { ...where, limit: 1 });
        if (answer.matched > 0 && answer.lines.length === 0)
          answer = await find(wanted, search, { start: way === 'previous' ? -1 : 0, limit: 1 });
        if (mine !== walk.current) return;
        const line = answer.lines[0]?.number ?? null;
        setFound({
          place: line === null ? 0 : answer.skipped + 1,
          matched: answer.matched,
          text: answer.text,
          line,
        });
        setError(null);
        if (line !== null) {
          from.current = line;
          onFound(line);
        }
      } catch (problem) {
        if (mine !== walk.current) return;
        setFound(NOTHING);
        setError(problem);
      }
    },
    // What is wanted and searched for is all in the key.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [key, onFound],
  );

  const go = useCallback(
    (way: Way) => {
      const mine = walk.current;
      // A key that is held down asks faster than answers come.
      if (mine.waiting >= MOST_WAITING) return;
      mine.waiting += 1;
      mine.last = mine.last
        .then(() => step(way, mine))
        .finally(() => {
          mine.waiting -= 1;
        });
    },
    [step],
  );

  useEffect(() => {
    walk.current = newWalk();
    if (!search) return undefined;
    const timer = window.setTimeout(() => go('here'), SETTLE_MS);
    return () => window.clearTimeout(timer);
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key]);

  return {
    found: search ? found : NOTHING,
    error: search ? error : null,
    next: () => go('next'),
    previous: () => go('previous'),
  };
}
