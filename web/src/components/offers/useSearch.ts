import { useCallback, useMemo, useState } from 'react';
import { useUrlState, withChanges } from '@/lib/url';
import { readSearch, searchChanges } from './search';
import type { OfferSearch } from './types';

export interface SearchState {
  /** What the user has set; what is fixed is not in it. */
  own: OfferSearch;
  /** What is asked: the user's filters, and over them what is fixed. */
  search: OfferSearch;
  fixed: OfferSearch;
  change: (changes: OfferSearch) => void;
  /** Puts another search in the place of the whole one, as the query that the server has written. */
  replace: (query: string) => void;
  text: (name: string, fallback: string) => string;
  list: (name: string) => string[];
  setMore: (changes: Record<string, string | string[] | null>) => void;
}

/** The search in the address below a prefix; with null as the prefix it is only in memory. */
export function useSearch(prefix: string | null, fixed: OfferSearch): SearchState {
  const url = useUrlState();
  const [kept, setKept] = useState(() => new URLSearchParams());
  const params = prefix === null ? kept : url.params;
  const before = prefix ?? '';
  const { set } = url;
  const write = useCallback(
    (changes: Record<string, string | string[] | null>) => {
      if (prefix === null) setKept((last) => withChanges(last, changes));
      else set(changes);
    },
    [prefix, set],
  );
  const fixedText = JSON.stringify(fixed);
  return useMemo(() => {
    const held = JSON.parse(fixedText) as OfferSearch;
    const own = readSearch(params, before);
    return {
      own,
      search: { ...own, ...held },
      fixed: held,
      change: (changes) => write(searchChanges({ ...own, ...changes }, before)),
      replace: (query) => {
        const next = readSearch(new URLSearchParams(query));
        for (const name of Object.keys(held)) delete next[name as keyof OfferSearch];
        write(searchChanges(next, before));
      },
      text: (name, fallback) => params.get(before + name) ?? fallback,
      list: (name) => params.getAll(before + name),
      setMore: (changes) =>
        write(Object.fromEntries(Object.entries(changes).map(([name, value]) => [before + name, value]))),
    };
  }, [params, before, fixedText, write]);
}
